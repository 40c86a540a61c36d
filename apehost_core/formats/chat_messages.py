"""Messages as OpenAI's chat completions have them, which many programs keep as they are.

Source: OpenAI's reference of chat completions; `reasoning_content` and `reasoning` as local servers add them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from apehost_core.formats.conversation import ImportedMessage, ImportedToolCall
from apehost_core.formats.images import image_of
from apehost_core.formats.lenient import identifier, json_text, left_out, mapping, mappings, moment, text
from apehost_core.formats.rounds import unused
from apehost_core.formats.usage import measured
from apehost_core.messages import Message, Part, ReasoningPart, Role, TextPart, ToolCallPart, ToolResultPart

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
}

_FARTHEST = 1_000
"""Messages between a call and its result."""


@dataclass(slots=True)
class Reading:
    """Messages that follow each other, and what was left out of them.

    Attributes:
        messages: With their places as ids, each under the one before.
        files: Images by address, audio and files.
        unmatched: Results of no call.
        unknown: Messages of no role that is known.
    """

    messages: list[ImportedMessage] = field(default_factory=list[ImportedMessage])
    files: int = 0
    unmatched: int = 0
    unknown: int = 0

    def notes(self) -> list[str]:
        """Return what was left out, for people."""
        return [
            *left_out(self.files, "file or image was", "files and images were"),
            *left_out(self.unmatched, "tool result that belongs to no call was", "tool results of no call were"),
            *left_out(self.unknown, "message of an unknown role was", "messages of unknown roles were"),
        ]


def read_messages(raw: Sequence[dict[str, object]], model: str = "") -> Reading:
    """Return a chat's messages in their order.

    Args:
        raw: As in a request.
        model: That answered, where a message does not say.
    """
    reading = Reading()
    for message in raw:
        add_message(reading, message, model)
    return reading


def add_message(reading: Reading, raw: dict[str, object], model: str = "") -> None:
    """Add one message under the last one."""
    role = ROLES.get(text(raw.get("role")))
    if role is None:
        reading.unknown += 1
        return
    parts = _parts(reading, raw) if role != "tool" else _result(reading, raw)
    calls = _calls(raw) if role == "assistant" else []
    at = moment(raw.get("created_at")) or moment(raw.get("timestamp"))
    reading.messages.append(
        ImportedMessage(
            source_id=str(len(reading.messages)),
            parent_source_id=reading.messages[-1].source_id if reading.messages else None,
            message=Message(role, (*parts, *(ToolCallPart(call.call_id, call.tool, call.arguments) for call in calls))),
            created_at=at,
            time_source="unknown" if at is None else "stated",
            generations=measured(mapping(raw.get("usage")), text(raw.get("model")) or model)
            if role == "assistant"
            else (),
            tool_calls=tuple(calls),
        )
    )


def content_parts(content: object) -> tuple[list[Part], int]:
    """Return the parts of a message's content, and how many of its files and images could not be kept."""
    if isinstance(content, str):
        return ([TextPart(content)] if content else []), 0
    parts: list[Part] = []
    lost = 0
    for piece in mappings(content):
        words = text(piece.get("text")) or text(piece.get("refusal"))
        if words:
            parts.append(TextPart(words))
            continue
        uri = text(mapping(piece.get("image_url")).get("url")) or text(piece.get("image_url"))
        image = image_of(uri)
        if image is not None:
            parts.append(image)
        elif text(piece.get("type")) not in ("text", "refusal", ""):
            lost += 1
    return parts, lost


def _parts(reading: Reading, raw: dict[str, object]) -> list[Part]:
    thought = text(raw.get("reasoning_content")) or text(raw.get("reasoning"))
    parts, lost = content_parts(raw.get("content"))
    reading.files += lost
    return [ReasoningPart(thought), *parts] if thought and text(raw.get("role")) != "user" else parts


def _calls(raw: dict[str, object]) -> list[ImportedToolCall]:
    """Return the calls of an answer, also in the old form of one."""
    found: dict[str, ImportedToolCall] = {}
    single = mapping(raw.get("function_call"))
    listed = [*mappings(raw.get("tool_calls")), *([{"function": single}] if single else [])]
    for place, call in enumerate(listed):
        function = mapping(call.get("function")) or call
        call_id = unused(identifier(call.get("id")) or f"call_{place + 1}", found)
        arguments = json_text(function.get("arguments") or "{}")
        found[call_id] = ImportedToolCall(call_id, text(function.get("name")), arguments)
    return list(found.values())


def _result(reading: Reading, raw: dict[str, object]) -> list[Part]:
    """Return a result, and keep it at its call: the one of its id, or the latest where it has none."""
    call_id = identifier(raw.get("tool_call_id"))
    parts, lost = content_parts(raw.get("content"))
    reading.files += lost
    words = (
        Message("tool", tuple(parts)).text if not isinstance(raw.get("content"), dict) else json_text(raw["content"])
    )
    for place in range(len(reading.messages) - 1, max(-1, len(reading.messages) - _FARTHEST), -1):
        asked = reading.messages[place]
        for number, call in enumerate(asked.tool_calls):
            if call.result is None and call_id in (call.call_id, ""):
                calls = (*asked.tool_calls[:number], replace(call, result=words), *asked.tool_calls[number + 1 :])
                reading.messages[place] = replace(asked, tool_calls=calls)
                return [ToolResultPart(call.call_id, words)]
    reading.unmatched += 1
    return []
