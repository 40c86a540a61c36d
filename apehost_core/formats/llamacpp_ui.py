"""Chats of llama.cpp's own web page: `conv` and `messages` in one object, several such, or a line for each message.

Source: no published format; the web page's own export. In lines, a header comes first and its messages follow.
"""

from collections.abc import Iterator, Mapping, Sequence

import orjson

from apehost_core.formats.chat_messages import ROLES
from apehost_core.formats.conversation import ImportedConversation, ImportedMessage, ImportedToolCall, Unreadable
from apehost_core.formats.images import image_of
from apehost_core.formats.items import Item, finished
from apehost_core.formats.lenient import identifier, json_text, left_out, mapping, mappings, moment, text
from apehost_core.formats.results import with_results
from apehost_core.formats.rounds import unmatched_note
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import Damaged, Head
from apehost_core.formats.tree import Draft
from apehost_core.formats.usage import measured
from apehost_core.messages import Message, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart

NAME = "llamacpp"
LABEL = "llama.cpp web page"
_HEADER = ("currNode", "lastModified")


def recognises(head: Head) -> bool:
    """Whether a file begins with a chat of the web page."""
    found = mapping(head.items[0])
    return bool(_header(found)) and (head.shape == "lines" or isinstance(found.get("messages"), list))


def conversations(items: Iterator[Item], document: Document) -> Iterator[ImportedConversation | Unreadable]:
    """Yield each chat."""
    header: dict[str, object] = {}
    lines: list[dict[str, object]] = []
    where = document.name
    for item in items:
        place = f"{document.name}, {item.where}" if item.where else document.name
        found = mapping(item.value)
        if isinstance(item.value, Damaged):
            yield Unreadable(place, str(item.value))
        elif header and "role" in found:
            lines.append(found)
        elif _header(found):
            yield from _finished(header, lines, where)
            header, lines, where = _header(found), mappings(found.get("messages")), place
        else:
            yield Unreadable(place, "There is no chat in it.")
    yield from _finished(header, lines, where)


def _header(value: Mapping[str, object]) -> dict[str, object]:
    """Return what describes a chat as a whole; empty when it is none."""
    inner = mapping(value.get("conv")) or mapping(value.get("conversation"))
    if inner:
        return inner
    return dict(value) if "role" not in value and any(name in value for name in _HEADER) else {}


def _finished(
    header: dict[str, object], lines: list[dict[str, object]], where: str
) -> Iterator[ImportedConversation | Unreadable]:
    if header:
        yield from finished(_drafts(header, lines), where)


def _drafts(header: dict[str, object], lines: list[dict[str, object]]) -> Iterator[Draft]:
    linked = any(identifier(raw.get("parent")) for raw in lines)
    messages: list[ImportedMessage] = []
    files = 0
    above: str | None = None
    for place, raw in enumerate(lines):
        key = identifier(raw.get("id")) or str(place)
        parent = identifier(raw.get("parent")) or None if linked else above
        message, lost = _message(key, parent, raw)
        messages.append(message)
        files += lost
        above = key
    messages, dropped = with_results(messages)
    yield Draft(
        format=NAME,
        source_id=identifier(header.get("id")),
        title=text(header.get("name")),
        messages=messages,
        selected=identifier(header.get("currNode")) or None,
        created_at=min((found.created_at for found in messages if found.created_at), default=None),
        updated_at=moment(header.get("lastModified")),
        notes=[*left_out(files, "attached file was", "attached files were"), *unmatched_note(dropped)],
    )


def _message(key: str, parent: str | None, raw: Mapping[str, object]) -> tuple[ImportedMessage, int]:
    """Return a message, and how many of its attached files could not be kept."""
    role = ROLES.get(text(raw.get("role")), "user")
    at = moment(raw.get("timestamp"))
    parts: list[Part] = []
    calls = _calls(raw.get("toolCalls") or raw.get("tool_calls")) if role == "assistant" else []
    lost = 0
    if text(raw.get("type")) != "root":
        thought = text(raw.get("reasoningContent")) or text(raw.get("reasoning_content")) or text(raw.get("thinking"))
        parts += [ReasoningPart(thought)] if thought and role == "assistant" else []
        content = text(raw.get("content"))
        if role == "tool":
            parts.append(
                ToolResultPart(identifier(raw.get("toolCallId")) or identifier(raw.get("tool_call_id")), content)
            )
        elif content:
            parts.append(TextPart(content))
        attached, lost = _attached(mappings(raw.get("extra")))
        parts += attached
        parts += [ToolCallPart(call.call_id, call.tool, call.arguments) for call in calls]
    message = ImportedMessage(
        source_id=key,
        parent_source_id=parent,
        message=Message(role, tuple(parts)),
        created_at=at,
        time_source="unknown" if at is None else "stated",
        generations=measured(mapping(raw.get("timings")), text(raw.get("model"))) if role == "assistant" else (),
        tool_calls=tuple(calls),
    )
    return message, lost


def _attached(extra: Sequence[Mapping[str, object]]) -> tuple[list[Part], int]:
    parts: list[Part] = []
    for found in extra:
        image = image_of(text(found.get("base64Url")))
        words = text(found.get("content"))
        if image is not None:
            parts.append(image)
        elif words:
            parts.append(TextPart(f"\n\n[{text(found.get('name')) or 'attachment'}]\n\n{words}"))
    return parts, len(extra) - len(parts)


def _calls(given: object) -> list[ImportedToolCall]:
    """Return the calls of an answer, which stand in a text as JSON, or as they are."""
    if isinstance(given, str):
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            return []
    found: dict[str, ImportedToolCall] = {}
    for place, call in enumerate(mappings(given)):
        function = mapping(call.get("function")) or call
        call_id = identifier(call.get("id")) or f"call_{place + 1}"
        arguments = json_text(function.get("arguments") or "{}")
        found.setdefault(call_id, ImportedToolCall(call_id, text(function.get("name")), arguments))
    return list(found.values())
