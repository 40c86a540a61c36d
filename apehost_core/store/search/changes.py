"""What the search index has to take in, noted in the transaction that changes it: an index can lag, never miss.

Whoever writes messages, or a conversation's title, tags, archive or trash, calls one of these with his transaction.
It costs one row through an appender. The feeder and the memory of hits read the rows in the order of the commits; the
feeder removes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import duckdb

from apehost_core.store.transaction import Transaction

Kind = Literal["message", "conversation", "gone"]


@dataclass(frozen=True, slots=True)
class Change:
    """A row of `search_changes`.

    Attributes:
        seq: Its number.
        kind: What changed: a message, a conversation with whatever is in it, or one that is gone.
        id: Of that.
    """

    seq: int
    kind: Kind
    id: UUID


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


def conversations_gone(transaction: Transaction, conversation_ids: Sequence[str]) -> None:
    """Note conversations that are deleted for good."""
    _note(transaction, "gone", conversation_ids)


def last_change(cursor: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the last change; 0 where there was none."""
    return int(cursor.execute("SELECT coalesce(max(seq), 0) FROM search_changes").fetchall()[0][0])


def changes_after(cursor: duckdb.DuckDBPyConnection, seq: int, most: int | None = None) -> tuple[list[Change], int]:
    """Return the next changes, so many at most, and how many there are in all."""
    found = cursor.execute(
        "SELECT seq, kind, id, count(*) OVER () FROM search_changes WHERE seq > ? ORDER BY seq LIMIT ?", [seq, most]
    ).fetchall()
    return [Change(*row[:3]) for row in found], int(found[0][3]) if found else 0


def _note(transaction: Transaction, kind: Kind, ids: Sequence[str]) -> None:
    transaction.insert_many("search_changes", ("kind", "id"), [(kind, each) for each in ids])
