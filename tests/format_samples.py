"""Ways to read what stands in tests/formats, and to make files that do not."""

import io
from pathlib import Path

import orjson

from apehost_core.formats import ImportedConversation, ImportedMessage, Unreadable, read

FORMATS_FOLDER = Path(__file__).parent / "formats"


def conversations(path: Path) -> list[ImportedConversation]:
    """The conversations of a file or folder, what is unreadable left out."""
    return [found for found in read(path) if isinstance(found, ImportedConversation)]


def unreadable(path: Path) -> dict[str, str]:
    """Why, by place, for what is unreadable."""
    return {found.where: found.why for found in read(path) if isinstance(found, Unreadable)}


def from_bytes(content: bytes, name: str = "file.json") -> list[ImportedConversation | Unreadable]:
    """Whatever is read of a file of this content."""
    return list(read((name, io.BytesIO(content))))


def from_value(value: object) -> list[ImportedConversation | Unreadable]:
    """Whatever is read of a file that holds this value as JSON."""
    return from_bytes(orjson.dumps(value))


def one(found: list[ImportedConversation | Unreadable]) -> ImportedConversation:
    """The only thing that was read, which must be a conversation."""
    (conversation,) = found
    assert isinstance(conversation, ImportedConversation)
    return conversation


def selected_path(conversation: ImportedConversation) -> list[ImportedMessage]:
    """The messages of the branch that was shown, first to last."""
    by_id = {message.source_id: message for message in conversation.messages}
    path: list[ImportedMessage] = []
    key = conversation.selected
    while key is not None:
        path.append(by_id[key])
        key = by_id[key].parent_source_id
    return path[::-1]


def outline(conversation: ImportedConversation) -> list[tuple[str, str]]:
    """Role and visible text of each message of the branch that was shown."""
    return [(found.message.role, found.message.text) for found in selected_path(conversation)]
