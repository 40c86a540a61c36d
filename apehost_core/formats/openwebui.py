"""Open WebUI's exports: an array of chats, each with a tree of messages in `history`, or such a chat alone.

Source: no published format; Open WebUI's own reader and writer of it. The old linear copy of the messages is used
only where there is no tree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from apehost_core.formats.conversation import ImportedMessage, ImportedToolCall
from apehost_core.formats.images import image_of
from apehost_core.formats.inline import write_answer
from apehost_core.formats.lenient import (
    flag,
    identifier,
    json_text,
    left_out,
    mapping,
    mappings,
    moment,
    number,
    sequence,
    text,
)
from apehost_core.formats.rounds import Rounds, unmatched_note
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import Head
from apehost_core.formats.tree import Draft
from apehost_core.formats.usage import measured
from apehost_core.messages import Message, Part, ReasoningPart, TextPart

NAME = "openwebui"
LABEL = "Open WebUI"
_SETTINGS = {
    "system": "system_prompt",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "repeat_penalty": "repeat_penalty",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "seed": "seed",
    "max_tokens": "max_tokens",
    "num_ctx": "context_length",
    "reasoning_effort": "reasoning_effort",
    "stop": "stop",
}


@dataclass(slots=True)
class _Counts:
    """What is left out of one chat."""

    files: int = 0
    sources: int = 0
    failed: int = 0
    unmatched: int = 0


def recognises(head: Head) -> bool:
    """Whether a file begins as Open WebUI's do."""
    found = mapping(head.items[0])
    chat = mapping(found.get("chat")) or found
    history = mapping(chat.get("history"))
    return isinstance(history.get("messages"), dict) or ("chat" in found and isinstance(chat.get("messages"), list))


def drafts(value: Mapping[str, object], document: Document) -> Iterator[Draft]:
    """Yield the one conversation."""
    del document
    chat = mapping(value.get("chat")) or value
    history = mapping(chat.get("history"))
    counts = _Counts()
    found = _linked(history, chat)
    messages: list[ImportedMessage] = []
    for key, (raw, parent) in found.items():
        messages += _messages(key, parent, raw, counts)
    yield Draft(
        format=NAME,
        source_id=text(value.get("id")) or text(chat.get("id")),
        title=text(value.get("title")) or text(chat.get("title")),
        messages=messages,
        selected=text(history.get("currentId")) or text(value.get("current_message_id")) or None,
        created_at=moment(value.get("created_at")) or moment(chat.get("timestamp")),
        updated_at=moment(value.get("updated_at")),
        tags=_tags(value, chat),
        archived=flag(value.get("archived")) or False,
        settings=_settings(mapping(chat.get("params"))),
        notes=[
            *left_out(counts.files, "attached file was", "attached files were"),
            *left_out(counts.sources, "list of web sources was", "lists of web sources were"),
            *left_out(counts.failed, "failed answer without text was", "failed answers without text were"),
            *unmatched_note(counts.unmatched),
        ],
    )


def _linked(
    history: Mapping[str, object], chat: Mapping[str, object]
) -> dict[str, tuple[dict[str, object], str | None]]:
    """Return the messages and their parents by id: as each says, else as the parents' lists of children say."""
    tree = {key: mapping(raw) for key, raw in mapping(history.get("messages")).items()}
    if not tree:
        return _lined_up(chat)
    listed = {
        child: key for key, raw in tree.items() for child in sequence(raw.get("childrenIds")) if isinstance(child, str)
    }
    return {key: (raw, text(raw.get("parentId")) or listed.get(key)) for key, raw in tree.items()}


def _lined_up(chat: Mapping[str, object]) -> dict[str, tuple[dict[str, object], str | None]]:
    """Return the messages of the linear copy, each under the one before."""
    found: dict[str, tuple[dict[str, object], str | None]] = {}
    above: str | None = None
    for place, raw in enumerate(mappings(chat.get("messages"))):
        key = text(raw.get("id")) or str(place)
        found[key] = (raw, above)
        above = key
    return found


def _messages(key: str, parent: str | None, raw: Mapping[str, object], counts: _Counts) -> list[ImportedMessage]:
    at = moment(raw.get("timestamp"))
    role = text(raw.get("role"))
    if role != "assistant":
        known = "system" if role == "system" else "user"
        message = Message(known, tuple(_user_parts(raw, counts)))
        return [ImportedMessage(key, parent, message, at, "unknown" if at is None else "stated")]
    rounds = Rounds()
    output = mappings(raw.get("output"))
    for item in output:
        _read_output(item, rounds, counts)
    if not output:
        write_answer(_words(raw.get("content")), rounds)
    counts.sources += bool(sequence(raw.get("sources")))
    counts.unmatched += rounds.unmatched
    if not rounds.messages(key, parent):
        counts.failed += bool(raw.get("error"))
        return [ImportedMessage(key, parent, Message("assistant", ()))]
    usage = mapping(raw.get("usage")) or mapping(raw.get("info"))
    rounds.measure(*measured(usage, text(raw.get("model")) or text(raw.get("modelName"))))
    chain = rounds.messages(key, parent, at)
    rating = number(mapping(raw.get("annotation")).get("rating"))
    disliked = mapping(raw.get("annotation")).get("rating") == -1
    if rating == 1 or disliked:
        chain[-1] = replace(chain[-1], rating=-1 if disliked else 1)
    return chain


def _user_parts(raw: Mapping[str, object], counts: _Counts) -> list[Part]:
    """Return what a person wrote, with the images that are in the file."""
    parts: list[Part] = []
    words = _words(raw.get("content"))
    if words:
        parts.append(TextPart(words))
    uris = [text(mapping(piece.get("image_url")).get("url")) for piece in mappings(raw.get("content"))]
    for attached in mappings(raw.get("files")):
        uris.append(text(attached.get("url")) or "-")
    for uri in filter(None, uris):
        image = image_of(uri)
        if image is None:
            counts.files += 1
        else:
            parts.append(image)
    return parts


def _words(content: object) -> str:
    """Return the text of a content that is a text, or a list of parts."""
    if isinstance(content, str):
        return content
    return "\n\n".join(filter(None, (text(piece.get("text")) for piece in mappings(content))))


def _read_output(item: Mapping[str, object], rounds: Rounds, counts: _Counts) -> None:
    """Add one item of an answer's output: a message, reasoning, a call, or what a call gave back."""
    kind = text(item.get("type"))
    if kind == "message":
        write_answer(_words(item.get("content")), rounds)
    elif kind == "reasoning":
        words = _words(item.get("content")) or _words(item.get("summary"))
        rounds.write(ReasoningPart(words, number(item.get("duration"))))
    elif kind == "function_call":
        call_id = identifier(item.get("call_id")) or identifier(item.get("id")) or "call"
        arguments = json_text(item.get("arguments") or "{}")
        rounds.ask(ImportedToolCall(call_id, text(item.get("name")), arguments))
    elif kind == "function_call_output":
        given = item.get("output")
        words = given if isinstance(given, str) else _words(given) or json_text(given)
        rounds.settle(identifier(item.get("call_id")), result=words)
    elif kind == "open_webui:code_interpreter":
        code = {"code": text(item.get("code"))}
        asked = rounds.ask(ImportedToolCall(identifier(item.get("id")) or "code", "code_interpreter", json_text(code)))
        rounds.settle(asked, result=json_text(item.get("output")) if item.get("output") else "")
    elif kind:
        counts.files += 1


def _tags(value: Mapping[str, object], chat: Mapping[str, object]) -> list[str]:
    listed = [*sequence(mapping(value.get("meta")).get("tags")), *sequence(chat.get("tags"))]
    tags = [text(tag) or text(mapping(tag).get("name")) for tag in listed]
    return [*tags, "pinned"] if flag(value.get("pinned")) else tags


def _settings(params: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, ours in _SETTINGS.items():
        given = params.get(name)
        if given not in (None, "", []):
            found[ours] = [given] if ours == "stop" and isinstance(given, str) else given
    return found
