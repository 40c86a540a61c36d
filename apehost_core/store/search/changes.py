"""What the search index has to take in, noted in the transaction that changes it: an index can lag, never miss.

Whoever writes messages, or a conversation's title, tags, archive or trash, calls one of these with his transaction.
It costs one row through an appender. The feeder reads the rows in the order of the commits and removes them.
"""

from collections.abc import Sequence
from typing import Literal

from apehost_core.store.transaction import Transaction

Kind = Literal["message", "conversation", "gone"]


def message_added(transaction: Transaction, message_id: str) -> None:
    """Note a message that is new, or of which something came to be known later: a fault, a tool's result."""
    messages_added(transaction, [message_id])


def messages_added(transaction: Transaction, message_ids: Sequence[str]) -> None:
    """Note several new messages."""
    _note(transaction, "message", message_ids)


def conversation_changed(transaction: Transaction, conversation_id: str) -> None:
    """Note a conversation whose title, tags, archive or trash changed; its messages are taken in again."""
    conversations_changed(transaction, [conversation_id])


def conversations_changed(transaction: Transaction, conversation_ids: Sequence[str]) -> None:
    """Note several changed conversations. For imports: this covers new messages of theirs too."""
    _note(transaction, "conversation", conversation_ids)


def conversation_gone(transaction: Transaction, conversation_id: str) -> None:
    """Note a conversation that is deleted for good."""
    conversations_gone(transaction, [conversation_id])


def conversations_gone(transaction: Transaction, conversation_ids: Sequence[str]) -> None:
    """Note several conversations that are deleted for good."""
    _note(transaction, "gone", conversation_ids)


def _note(transaction: Transaction, kind: Kind, ids: Sequence[str]) -> None:
    transaction.insert_many("search_changes", ("kind", "id"), [(kind, each) for each in ids])
