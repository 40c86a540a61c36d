"""ShareGPT's form of chats, as data sets use it, in JSON or JSONL: `conversations` of `from` and `value`.

Source: no specification; the variants that public trainers read.
"""

from collections.abc import Iterator, Mapping

import orjson

from apehost_core.formats.chat_messages import Reading, read_messages
from apehost_core.formats.conversation import ImportedMessage
from apehost_core.formats.lenient import json_text, left_out, long_identifier, mapping, mappings, text
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import Head
from apehost_core.formats.tree import Draft
from apehost_core.messages import assistant_message

NAME = "sharegpt"
LABEL = "ShareGPT"
_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "system": "system",
    "function_call": "call",
    "tool_call": "call",
    "observation": "tool",
    "function_response": "tool",
    "tool_response": "tool",
    "tool": "tool",
}
_LISTS = ("conversations", "conversation")
_TEXTS = ("value", "content", "text")
_PAIR = ("human", "assistant")


def recognises(head: Head) -> bool:
    """Whether a file begins with a chat in this form."""
    turns = _turns(mapping(head.items[0]))
    return bool(turns) and (text(turns[0].get("from")) in _ROLES or any(side in turns[0] for side in _PAIR))


def drafts(value: Mapping[str, object], document: Document) -> Iterator[Draft]:
    """Yield the one chat."""
    del document
    given: list[dict[str, object]] = []
    if text(value.get("system")):
        given.append({"role": "system", "content": text(value.get("system"))})
    unknown = 0
    for turn in _turns(value):
        found = _messages(turn)
        unknown += not found
        given += found
    reading = read_messages(given)
    selected = _add_preference(reading, value)
    yield Draft(
        format=NAME,
        source_id=long_identifier(value.get("id")),
        title=text(value.get("title")),
        messages=reading.messages,
        positional=True,
        selected=selected,
        notes=[*reading.notes(), *left_out(unknown, "turn of nobody known was", "turns of nobody known were")],
    )


def _turns(value: Mapping[str, object]) -> list[dict[str, object]]:
    return mappings(value.get(_LISTS[0])) or mappings(value.get(_LISTS[1]))


def _words(turn: Mapping[str, object]) -> str:
    return next((words for name in _TEXTS if (words := text(turn.get(name)))), "")


def _messages(turn: Mapping[str, object]) -> list[dict[str, object]]:
    """Return a turn as messages of OpenAI's form; none when it is not known whose it is."""
    role = _ROLES.get(text(turn.get("from")) or text(turn.get("role")))
    if role is None:
        sides = [("user", text(turn.get(_PAIR[0]))), ("assistant", text(turn.get(_PAIR[1])))]
        return [{"role": side, "content": words} for side, words in sides if words]
    if role == "call":
        return [{"role": "assistant", "content": "", "tool_calls": _calls(_words(turn))}]
    return [{"role": role, "content": _words(turn)}]


def _calls(words: str) -> list[dict[str, object]]:
    """Return the calls of a turn: JSON of one, or of several in an array; what is no JSON is one call's arguments."""
    try:
        parsed: object = orjson.loads(words)
    except orjson.JSONDecodeError:
        parsed = {"name": "", "arguments": words}
    calls = mappings(parsed) or [mapping(parsed)]
    return [
        {"function": {"name": text(call.get("name")), "arguments": json_text(call.get("arguments") or {})}}
        for call in calls
    ]


def _add_preference(reading: Reading, value: Mapping[str, object]) -> str | None:
    """Add the chosen and the rejected answer of a preference set as siblings; return the id of what is selected."""
    last = reading.messages[-1].source_id if reading.messages else None
    selected = last
    for name, rating in (("chosen", 1), ("rejected", -1)):
        words = text(value.get(name)) or _words(mapping(value.get(name)))
        if words:
            reading.messages.append(ImportedMessage(name, last, assistant_message(words), rating=rating))
            selected = "chosen" if name == "chosen" else selected
    return selected
