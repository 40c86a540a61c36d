"""Files of OpenAI messages: one chat a line, an array of chats, or a log with one message a line.

Source: OpenAI's guide to fine-tuning (one object with `messages` a line).
"""

from collections.abc import Iterator, Mapping

from apehost_core.formats.chat_messages import ROLES, Reading, add_message, read_messages
from apehost_core.formats.conversation import ImportedConversation, Unreadable
from apehost_core.formats.items import Item, finished
from apehost_core.formats.lenient import NoConversation, long_identifier, mapping, mappings, moment, text
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import Damaged, Head
from apehost_core.formats.tree import Draft

NAME = "openai"
LABEL = "OpenAI messages (JSONL)"


def recognises(head: Head) -> bool:
    """Whether a file begins with a chat of messages that have roles, or with such a message."""
    found = mapping(head.items[0])
    listed = mappings(found.get("messages"))
    if listed:
        return text(listed[0].get("role")) in ROLES
    return text(found.get("role")) in ROLES and ("content" in found or "tool_calls" in found)


def conversations(items: Iterator[Item], document: Document) -> Iterator[ImportedConversation | Unreadable]:
    """Yield each chat; single messages are one chat together."""
    log = Reading()
    for item in items:
        where = f"{document.name}, {item.where}" if item.where else document.name
        found = mapping(item.value)
        if isinstance(item.value, Damaged):
            yield Unreadable(where, str(item.value))
        elif isinstance(found.get("messages"), list):
            yield from finished(_drafts(found), where)
        elif text(found.get("role")) in ROLES:
            yield from _logged(log, found, where)
        else:
            yield Unreadable(where, "There is no chat of messages in it.")
    if log.messages:
        draft = Draft(
            NAME, "", "", log.messages, positional=True, selected=log.messages[-1].source_id, notes=log.notes()
        )
        yield from finished([draft], document.name)


def _logged(log: Reading, found: dict[str, object], where: str) -> Iterator[Unreadable]:
    """Add a single message to the log; yield why it is none."""
    try:
        add_message(log, found)
    except NoConversation as reason:
        yield Unreadable(where, str(reason))


def _drafts(value: Mapping[str, object]) -> Iterator[Draft]:
    metadata = mapping(value.get("metadata"))
    reading = read_messages(mappings(value.get("messages")), text(value.get("model")))
    yield Draft(
        format=NAME,
        source_id=long_identifier(value.get("id")) or long_identifier(metadata.get("conversation_id")),
        title=text(value.get("title")) or text(metadata.get("title")),
        messages=reading.messages,
        positional=True,
        selected=reading.messages[-1].source_id if reading.messages else None,
        created_at=moment(value.get("created_at")) or moment(value.get("created")),
        notes=reading.notes(),
    )
