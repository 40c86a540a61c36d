"""Chatbot UI's export: one object with the `history` of all chats and the folders that they lie in.

Source: no published format; Chatbot UI's own reader and writer of it (version 4, and the older arrays of chats).
"""

from collections.abc import Iterator, Mapping

from apehost_core.formats.chat_messages import ROLES, read_messages
from apehost_core.formats.lenient import identifier, long_identifier, mapping, mappings, text
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import Head
from apehost_core.formats.tree import Draft

NAME = "chatbotui"
LABEL = "Chatbot UI"


def recognises(head: Head) -> bool:
    """Whether a file begins as Chatbot UI's do."""
    found = mapping(head.items[0])
    chats = _chats(found)
    return bool(chats) and any(text(raw.get("role")) in ROLES for raw in mappings(chats[0].get("messages")))


def drafts(value: Mapping[str, object], document: Document) -> Iterator[Draft]:
    """Yield each chat."""
    del document
    folders = {identifier(folder.get("id")): text(folder.get("name")) for folder in mappings(value.get("folders"))}
    for chat in _chats(value):
        model = mapping(chat.get("model"))
        reading = read_messages(mappings(chat.get("messages")), text(model.get("name")) or text(model.get("id")))
        folder = folders.get(identifier(chat.get("folderId")), "")
        yield Draft(
            format=NAME,
            source_id=long_identifier(chat.get("id")),
            title=text(chat.get("name")),
            messages=reading.messages,
            positional=True,
            selected=reading.messages[-1].source_id if reading.messages else None,
            tags=[folder] if folder else [],
            settings={"system_prompt": text(chat.get("prompt")) or None, "temperature": chat.get("temperature")},
            notes=reading.notes(),
        )


def _chats(value: Mapping[str, object]) -> list[dict[str, object]]:
    """Return the chats of the whole export, or the one chat that an element of an old export is."""
    history = mappings(value.get("history"))
    if history:
        return history
    return [dict(value)] if "prompt" in value and "folderId" in value else []
