"""Claude's export: an array of conversations with `chat_messages`, whose content is blocks.

Source: no published format; public readers of it. Newer exports name each message's parent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apehost_core.formats.conversation import ImportedMessage, ImportedToolCall
from apehost_core.formats.lenient import flag, identifier, json_text, left_out, mapping, mappings, moment, text
from apehost_core.formats.rounds import Rounds, unmatched_note
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import Head
from apehost_core.formats.tree import Draft
from apehost_core.formats.usage import measured
from apehost_core.messages import Message, Part, ReasoningPart, TextPart

NAME = "claude"
LABEL = "Claude"
_SILENT = ("token_budget", "flag")


@dataclass(slots=True)
class _Counts:
    """What is left out of one conversation."""

    files: int = 0
    blocks: int = 0
    unmatched: int = 0


def recognises(head: Head) -> bool:
    """Whether a file begins as Claude's do."""
    return isinstance(mapping(head.items[0]).get("chat_messages"), list)


def drafts(value: Mapping[str, object], document: Document) -> Iterator[Draft]:
    """Yield the one conversation."""
    del document
    counts = _Counts()
    raw = mappings(value.get("chat_messages"))
    linked = any(text(message.get("parent_message_uuid")) for message in raw)
    messages: list[ImportedMessage] = []
    above: str | None = None
    for place, message in enumerate(raw):
        key = text(message.get("uuid")) or str(place)
        parent = text(message.get("parent_message_uuid")) or None if linked else above
        messages += _messages(key, parent, message, text(value.get("model")), counts)
        above = key
    yield Draft(
        format=NAME,
        source_id=text(value.get("uuid")),
        title=text(value.get("name")),
        messages=messages,
        selected=text(value.get("current_leaf_message_uuid")) or (above if not linked else None),
        created_at=moment(value.get("created_at")),
        updated_at=moment(value.get("updated_at")),
        tags=["starred"] if flag(value.get("is_starred")) else [],
        notes=[
            *left_out(counts.files, "attached file was", "attached files were"),
            *left_out(counts.blocks, "block of an unknown kind was", "blocks of unknown kinds were"),
            *unmatched_note(counts.unmatched),
        ],
    )


def _messages(
    key: str, parent: str | None, raw: Mapping[str, object], model: str, counts: _Counts
) -> list[ImportedMessage]:
    at = moment(raw.get("created_at"))
    blocks = mappings(raw.get("content"))
    if text(raw.get("sender")) != "assistant":
        words = [words for block in blocks if (words := text(block.get("text")))] or [text(raw.get("text"))]
        parts: list[Part] = [TextPart(each) for each in words if each]
        parts += _attachments(raw, counts)
        return [ImportedMessage(key, parent, Message("user", tuple(parts)), at, "unknown" if at is None else "stated")]
    rounds = Rounds()
    for block in blocks:
        _read_block(block, rounds, counts)
    counts.unmatched += rounds.unmatched
    if not rounds.messages(key, parent):
        rounds.write(TextPart(text(raw.get("text"))))
    if rounds.messages(key, parent):
        rounds.measure(*measured({}, text(raw.get("model")) or model, text(raw.get("stop_reason"))))
    return rounds.messages(key, parent, at) or [ImportedMessage(key, parent, Message("assistant", ()))]


def _attachments(raw: Mapping[str, object], counts: _Counts) -> list[Part]:
    """Return the texts of attached files; those without a text are counted."""
    found: list[Part] = []
    for attached in mappings(raw.get("attachments")):
        words = text(attached.get("extracted_content"))
        if words:
            found.append(TextPart(f"\n\n[{text(attached.get('file_name')) or 'attachment'}]\n\n{words}"))
        else:
            counts.files += 1
    counts.files += len(mappings(raw.get("files")))
    return found


def _read_block(block: Mapping[str, object], rounds: Rounds, counts: _Counts) -> None:
    kind = text(block.get("type"))
    if kind == "text":
        rounds.write(TextPart(text(block.get("text"))))
    elif kind == "thinking":
        start, stop = moment(block.get("start_timestamp")), moment(block.get("stop_timestamp"))
        seconds = (stop - start).total_seconds() if start and stop and stop >= start else None
        rounds.write(ReasoningPart(text(block.get("thinking")), seconds))
    elif kind == "tool_use":
        call_id = identifier(block.get("id")) or "call"
        rounds.ask(ImportedToolCall(call_id, text(block.get("name")), json_text(block.get("input") or {})))
    elif kind == "tool_result":
        failed = flag(block.get("is_error"))
        rounds.settle(
            identifier(block.get("tool_use_id")) or rounds.open_call(),
            result=_result(block.get("content")),
            succeeded=None if failed is None else not failed,
        )
    elif kind not in _SILENT:
        counts.blocks += 1


def _result(content: object) -> str:
    if isinstance(content, str):
        return content
    words = [text(piece.get("text")) for piece in mappings(content)]
    return "\n\n".join(filter(None, words)) or (json_text(content) if content else "")
