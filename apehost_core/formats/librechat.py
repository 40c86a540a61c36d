"""LibreChat's export of one conversation, its messages in a list or as a tree of children.

Source: no published format; LibreChat's own reader and writer of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from apehost_core.formats.conversation import ImportedMessage, ImportedToolCall
from apehost_core.formats.lenient import (
    flag,
    identifier,
    json_text,
    left_out,
    mapping,
    mappings,
    moment,
    sequence,
    text,
)
from apehost_core.formats.rounds import Rounds
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import Head
from apehost_core.formats.tree import Draft
from apehost_core.formats.usage import measured
from apehost_core.messages import Message, ReasoningPart, TextPart

NAME = "librechat"
LABEL = "LibreChat"
_LISTS = ("messages", "messagesTree")
_SETTINGS = {
    "promptPrefix": "system_prompt",
    "system": "system_prompt",
    "temperature": "temperature",
    "top_p": "top_p",
    "topP": "top_p",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "max_tokens": "max_tokens",
    "maxOutputTokens": "max_tokens",
    "reasoning_effort": "reasoning_effort",
}
_RATINGS = {"thumbsUp": 1, "thumbsDown": -1}


@dataclass(slots=True)
class _Counts:
    """What is left out of one conversation."""

    files: int = 0
    blocks: int = 0


def recognises(head: Head) -> bool:
    """Whether a file begins as LibreChat's do."""
    found = mapping(head.items[0])
    return "conversationId" in found and any(isinstance(found.get(name), list) for name in _LISTS)


def drafts(value: Mapping[str, object], document: Document) -> Iterator[Draft]:
    """Yield the one conversation."""
    del document
    counts = _Counts()
    options = mapping(value.get("options"))
    messages: list[ImportedMessage] = []
    last: str | None = None
    for key, parent, raw in _flat(value):
        messages += _messages(key, parent, raw, text(options.get("model")), counts)
        last = key
    yield Draft(
        format=NAME,
        source_id=text(value.get("conversationId")),
        title=text(value.get("title")),
        messages=messages,
        selected=last if not flag(value.get("branches")) and not flag(value.get("recursive")) else None,
        created_at=moment(value.get("createdAt")),
        updated_at=moment(value.get("updatedAt")) or moment(value.get("exportAt")),
        tags=[text(tag) for tag in sequence(value.get("tags"))],
        archived=flag(value.get("isArchived")) or False,
        settings={ours: options[name] for name, ours in _SETTINGS.items() if options.get(name) not in (None, "")},
        notes=[
            *left_out(counts.files, "attached file was", "attached files were"),
            *left_out(counts.blocks, "block of an unknown kind was", "blocks of unknown kinds were"),
        ],
    )


def _flat(value: Mapping[str, object]) -> Iterator[tuple[str, str | None, dict[str, object]]]:
    """Yield id, parent and message, parents before children; a list without any parent is a line."""
    listed = mappings(value.get(_LISTS[0])) or mappings(value.get(_LISTS[1]))
    linked = any("parentMessageId" in raw or mappings(raw.get("children")) for raw in listed)
    above: str | None = None
    waiting: list[tuple[dict[str, object], str | None]] = [(raw, None) for raw in reversed(listed)]
    place = 0
    while waiting:
        raw, around = waiting.pop()
        place += 1
        key = text(raw.get("messageId")) or str(place)
        parent = around or text(raw.get("parentMessageId")) or None
        yield key, parent if linked else above, raw
        above = key
        waiting += [(child, key) for child in reversed(mappings(raw.get("children")))]


def _messages(
    key: str, parent: str | None, raw: Mapping[str, object], model: str, counts: _Counts
) -> list[ImportedMessage]:
    at = moment(raw.get("createdAt"))
    counts.files += len(mappings(raw.get("files")))
    asked = flag(raw.get("isCreatedByUser"))
    if asked or (asked is None and text(raw.get("sender")).casefold() == "user"):
        words = text(raw.get("text")) or "\n\n".join(filter(None, map(_words, mappings(raw.get("content")))))
        parts = (TextPart(words),) if words else ()
        return [ImportedMessage(key, parent, Message("user", parts), at, "unknown" if at is None else "stated")]
    rounds = Rounds()
    for block in mappings(raw.get("content")):
        _read_block(block, rounds, counts)
    if not rounds.messages(key, parent):
        rounds.write(TextPart(text(raw.get("text"))))
    if not rounds.messages(key, parent):
        return [ImportedMessage(key, parent, Message("assistant", ()))]
    rounds.measure(*measured({}, text(raw.get("model")) or model, text(raw.get("finish_reason"))))
    chain = rounds.messages(key, parent, at)
    rating = _RATINGS.get(text(mapping(raw.get("feedback")).get("rating")))
    return [*chain[:-1], replace(chain[-1], rating=rating)]


def _words(block: Mapping[str, object]) -> str:
    """Return a block's text: a text, or an object that has it as `value`."""
    return text(block.get("text")) or text(mapping(block.get("text")).get("value"))


def _read_block(block: Mapping[str, object], rounds: Rounds, counts: _Counts) -> None:
    kind = text(block.get("type"))
    if kind in ("text", "error"):
        rounds.write(TextPart(_words(block) or text(block.get("error"))))
    elif kind == "think":
        rounds.write(ReasoningPart(text(block.get("think"))))
    elif kind == "tool_call":
        call = mapping(block.get("tool_call"))
        call = mapping(call.get("function")) | call
        arguments = json_text(call.get("args") or call.get("arguments") or "{}")
        asked = rounds.ask(ImportedToolCall(identifier(call.get("id")) or "call", text(call.get("name")), arguments))
        output = call.get("output")
        if output is not None:
            rounds.settle(asked, result=json_text(output))
    elif kind:
        counts.blocks += 1
