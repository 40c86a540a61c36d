"""Messages as rows of `messages`, and back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apehost_core.messages import Message, parts_from_json, parts_to_json

MESSAGE_QUERY = (
    "SELECT id::VARCHAR, conversation_id::VARCHAR, parent_id::VARCHAR, role, parts, created_at, run_id::VARCHAR, "
    "coalesce(hidden, false), rating FROM messages"
)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message with its place in the tree.

    Attributes:
        id: UUIDv7.
        conversation_id: Where it belongs.
        parent_id: The message before it; None for a first one.
        message: What it says.
        created_at: UTC.
        run_id: The run that wrote it; None for what people wrote.
        hidden: The program that it was imported from did not show it.
        rating: 1 or -1 as the person voted there; None where he did not.
    """

    id: str
    conversation_id: str
    parent_id: str | None
    message: Message
    created_at: datetime
    run_id: str | None
    hidden: bool = False
    rating: int | None = None

    def row(self) -> dict[str, object]:
        """Return the columns of what is said here; nobody hides that, or votes on it."""
        return {
            "id": self.id,
            "conversation_id": self.conversation_id,
            "parent_id": self.parent_id,
            "role": self.message.role,
            "parts": parts_to_json(self.message.parts),
            "text": self.message.text,
            "created_at": self.created_at,
            "run_id": self.run_id,
        }


def message_of(row: tuple[Any, ...]) -> StoredMessage:
    """Return the message of a row of `MESSAGE_QUERY`."""
    message_id, conversation_id, parent_id, role, parts, created_at, run_id, hidden, rating = row
    message = Message(role, parts_from_json(parts))
    return StoredMessage(message_id, conversation_id, parent_id, message, created_at, run_id, hidden, rating)
