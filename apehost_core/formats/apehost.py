"""ApeHost's own lossless export, `apehost.jsonl`: a header, then a conversation a line (`docs/formats.md`)."""

from collections.abc import Iterator, Mapping

import orjson
from pydantic import ValidationError

from apehost_core.formats.conversation import (
    ImportedConversation,
    ImportedGeneration,
    ImportedMessage,
    ImportedToolCall,
    TimeSource,
    Unreadable,
)
from apehost_core.formats.items import Item, finished
from apehost_core.formats.lenient import NoConversation, flag, mapping, mappings, moment, number, sequence, text, whole
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import Damaged, Head
from apehost_core.formats.tree import Draft
from apehost_core.messages import Message, Role, parts_from_json

NAME = "apehost"
LABEL = "ApeHost"
VERSION = 1
"""Of the export that is written, and the newest that is read."""
OTHER_GENERATIONS, OTHER_TOOL_CALLS = "other_generations", "other_tool_calls"
"""Among a conversation's columns: rows that belong to none of its messages."""
_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_Rows = dict[str, list[dict[str, object]]]
_TIME_SOURCES: dict[str, TimeSource] = {"stated": "stated", "interpolated": "interpolated", "unknown": "unknown"}


def recognises(head: Head) -> bool:
    """Whether a file begins with the export's header."""
    return mapping(head.items[0]).get("format") == NAME


def conversations(items: Iterator[Item], document: Document) -> Iterator[ImportedConversation | Unreadable]:
    """Yield each conversation; a header of a newer version ends it."""
    for item in items:
        where = f"{document.name}, {item.where}" if item.where else document.name
        found = mapping(item.value)
        if isinstance(item.value, Damaged):
            yield Unreadable(where, str(item.value))
        elif found.get("format") == NAME:
            if (whole(found.get("version")) or 0) > VERSION:
                yield Unreadable(where, "It was written by a newer ApeHost; update ApeHost to read it.")
                return
        elif found:
            yield from finished(_drafts(found), where)
        else:
            yield Unreadable(where, "There is no conversation in it.")


def _drafts(value: Mapping[str, object]) -> Iterator[Draft]:
    row = mapping(value.get("conversation"))
    if not text(row.get("id")):
        raise NoConversation("It has no conversation with an id.")
    generations = _by_message(value.get("generations"))
    calls = _by_message(value.get("tool_calls"))
    messages = [_message(raw, generations, calls) for raw in mappings(value.get("messages"))]
    yield Draft(
        format=NAME,
        source_id=text(row.get("id")),
        title=text(row.get("title")),
        messages=messages,
        exact=True,
        selected=text(row.get("leaf_id")) or None,
        created_at=moment(row.get("created_at")),
        updated_at=moment(row.get("updated_at")),
        tags=[text(tag) for tag in sequence(row.get("tags"))],
        archived=row.get("archived_at") is not None,
        settings=mapping(row.get("settings")),
        columns={
            **row,
            OTHER_GENERATIONS: [row for rows in generations.values() for row in rows],
            OTHER_TOOL_CALLS: [row for rows in calls.values() for row in rows],
        },
    )


def _by_message(rows: object) -> _Rows:
    """Return rows by the message that they belong to, in their order."""
    found: _Rows = {}
    for row in mappings(rows):
        found.setdefault(text(row.get("message_id")), []).append(row)
    return found


def _message(raw: dict[str, object], generations: _Rows, calls: _Rows) -> ImportedMessage:
    """Return a message with the rows that belong to it, which are taken away from the others."""
    key = text(raw.get("id"))
    role = _ROLES.get(text(raw.get("role")))
    try:
        parts = parts_from_json(orjson.dumps(raw.get("parts")).decode())
    except (ValidationError, TypeError) as error:
        raise NoConversation("A message in it has parts of an unknown kind.") from error
    if role is None or not key:
        raise NoConversation("A message in it has no id, or a role that is not known.")
    return ImportedMessage(
        source_id=key,
        parent_source_id=text(raw.get("parent_id")) or None,
        message=Message(role, parts),
        created_at=moment(raw.get("created_at")),
        time_source=_TIME_SOURCES.get(text(raw.get("time_source")), "stated"),
        hidden=flag(raw.get("hidden")) or False,
        generations=tuple(_generation(row) for row in generations.pop(key, [])),
        tool_calls=tuple(_tool_call(row) for row in calls.pop(key, [])),
        rating=_rating(raw.get("rating")),
        columns=raw,
    )


def _rating(value: object) -> int | None:
    if value == -1:
        return -1
    return 1 if value == 1 and value is not True else None


def _generation(row: dict[str, object]) -> ImportedGeneration:
    """Return a model call in the words of all formats; its columns keep what they have no word for."""
    firsts = [
        found for name in ("first_reasoning_ms", "first_visible_ms") if (found := number(row.get(name))) is not None
    ]
    first, last = min(firsts, default=None), number(row.get("last_token_ms"))
    tokens = whole(row.get("completion_tokens"))
    measured = None
    if first is not None and last is not None and last - first >= 1.0 and tokens and tokens > 1:
        measured = (tokens - 1) * 1e3 / (last - first)
    return ImportedGeneration(
        model=text(row.get("model_answered")) or text(row.get("model_asked")) or None,
        server=text(row.get("server")) or None,
        quantisation=text(row.get("quantisation")) or None,
        runtime=text(row.get("runtime")) or None,
        prompt_tokens=whole(row.get("prompt_tokens")),
        completion_tokens=tokens,
        ttft_ms=first if first is not None else number(row.get("server_ttft_ms")),
        total_ms=number(row.get("total_ms")),
        decode_tok_s=measured if measured is not None else number(row.get("server_decode_tok_s")),
        finish_reason=text(row.get("finish_reason")) or None,
        reasoning_tokens=whole(row.get("reasoning_tokens")),
        columns=row,
    )


def _tool_call(row: dict[str, object]) -> ImportedToolCall:
    result = row.get("result")
    return ImportedToolCall(
        call_id=text(row.get("call_id")),
        tool=text(row.get("tool")),
        arguments=text(row.get("arguments")),
        result=result if isinstance(result, str) else None,
        succeeded=row.get("error_kind") is None if isinstance(result, str) or row.get("error_kind") else None,
        duration_ms=number(row.get("duration_ms")),
        approval=text(row.get("approval")) or None,
        columns=row,
    )
