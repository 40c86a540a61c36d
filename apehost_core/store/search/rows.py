"""Messages and titles read from the database as entries for the index."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import duckdb

from apehost_core.messages import (
    ImagePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    parts_from_json,
)
from apehost_core.store.search.schema import ARCHIVE, IMPORTED, MESSAGE, NOBODY, TITLE, TRASH, Author, Entry

PARTS = """CASE WHEN regexp_matches(m.parts, '"(reasoning|image|tool_call|tool_result)"') THEN m.parts END"""
"""The parts of a message in SQL; NULL where they are but its text, so that they need not be parsed."""

_MESSAGES = f"""
SELECT m.id, m.rowid, m.conversation_id, epoch_ms(m.created_at) // 1000, m.role, m.text, {PARTS},
    c.trashed_at IS NOT NULL, c.archived_at IS NOT NULL, m.import_id IS NOT NULL
FROM messages m JOIN conversations c ON c.id = m.conversation_id
WHERE m.id IN (SELECT unnest(?::UUID[]))
ORDER BY m.conversation_id, m.id"""

_TITLES = """
SELECT id, epoch_ms(updated_at) // 1000, title, trashed_at IS NOT NULL, archived_at IS NOT NULL,
    import_id IS NOT NULL
FROM conversations
WHERE id IN (SELECT unnest(?::UUID[])) AND id IN (SELECT conversation_id FROM messages)"""

_CALLS = """
SELECT message_id, arg_max(coalesce(model_answered, model_asked), id), arg_max(server, id),
    bool_or(fault IS NOT NULL OR outcome = 'failed')
FROM generations WHERE message_id IN (SELECT unnest(?::UUID[])) GROUP BY message_id"""

_TOOLS = """
SELECT message_id, call_id, tool, arguments, result, error_kind IS NOT NULL
FROM tool_calls WHERE message_id IN (SELECT unnest(?::UUID[])) ORDER BY id"""

_UNANSWERED = """
SELECT DISTINCT parent_message_id FROM runs
WHERE parent_message_id IN (SELECT unnest(?::UUID[])) AND fault IS NOT NULL AND message_id IS NULL"""

_TAGS = (
    "SELECT DISTINCT conversation_id::VARCHAR, tag FROM tags WHERE conversation_id IN (SELECT unnest(?::UUID[])) "
    "ORDER BY tag"
)


class _ToolCall(NamedTuple):
    """What the record has of a tool's call, beside what the message says."""

    call_id: str
    tool: str
    arguments: str
    result: str | None
    failed: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of messages and conversations beside their rows, by their ids."""

    authors: dict[UUID, Author]
    failed: set[UUID]
    tools: dict[UUID, list[_ToolCall]]
    tags: dict[str, list[str]]


def messages(cursor: duckdb.DuckDBPyConnection, ids: Sequence[UUID]) -> list[Entry]:
    """Return those of the messages that are there, those of a conversation together."""
    rows = cursor.execute(_MESSAGES, [list(ids)]).fetchall()
    known = _known(cursor, [row[0] for row in rows], {row[2] for row in rows})
    return [_message(row, known) for row in rows]


def titles(cursor: duckdb.DuckDBPyConnection, conversation_ids: Sequence[UUID]) -> list[Entry]:
    """Return the titles of those conversations that have messages."""
    rows = cursor.execute(_TITLES, [list(conversation_ids)]).fetchall()
    tags = tags_of(cursor, conversation_ids)
    return [_title(row, tags.get(str(row[0]), [])) for row in rows]


def tags_of(cursor: duckdb.DuckDBPyConnection, conversation_ids: Collection[UUID | str]) -> dict[str, list[str]]:
    """Return the tags of conversations, sorted."""
    tags: dict[str, list[str]] = {}
    for conversation_id, tag in cursor.execute(_TAGS, [list(conversation_ids)]).fetchall():
        tags.setdefault(conversation_id, []).append(tag)
    return tags


def message_ids(cursor: duckdb.DuckDBPyConnection, conversation_ids: Sequence[UUID]) -> list[UUID]:
    """Return the messages of conversations, those of a conversation together."""
    rows = cursor.execute(
        "SELECT id FROM messages WHERE conversation_id IN (SELECT unnest(?::UUID[])) ORDER BY conversation_id, id",
        [list(conversation_ids)],
    )
    return [row[0] for row in rows.fetchall()]


def said(parts: Sequence[Part]) -> dict[str, str]:
    """Return the texts of a message by the part of it that they are: text, reasoning, tool."""
    texts: dict[str, list[str]] = {"text": [], "reasoning": [], "tool": []}
    for part in parts:
        match part:
            case TextPart():
                texts["text"].append(part.text)
            case ReasoningPart():
                texts["reasoning"].append(part.text)
            case ToolCallPart():
                texts["tool"].append(f"{part.name} {part.arguments}")
            case ToolResultPart():
                texts["tool"].append(part.content)
            case ImagePart():
                pass
    return {
        "text": "".join(texts["text"]),
        "reasoning": "\n".join(texts["reasoning"]),
        "tool": "\n".join(texts["tool"]),
    }


def _known(cursor: duckdb.DuckDBPyConnection, ids: Sequence[UUID], conversation_ids: Collection[UUID]) -> _Known:
    """Return what is known beside the rows."""
    calls = cursor.execute(_CALLS, [ids]).fetchall()
    failed = {row[0] for row in calls if row[3]}
    failed.update(row[0] for row in cursor.execute(_UNANSWERED, [ids]).fetchall())
    tools: dict[UUID, list[_ToolCall]] = {}
    for message_id, *call in cursor.execute(_TOOLS, [ids]).fetchall():
        tools.setdefault(message_id, []).append(_ToolCall(*call))
    failed.update(message_id for message_id, used in tools.items() if any(call.failed for call in used))
    authors = {row[0]: Author(row[1], row[2]) for row in calls}
    return _Known(authors, failed, tools, tags_of(cursor, conversation_ids))


def _message(row: tuple[Any, ...], known: _Known) -> Entry:
    """Return the entry of a row of `_MESSAGES`."""
    message_id, rowid, conversation_id, at_s, role, text, json, *places = row
    parts = parts_from_json(json) if json is not None else ()
    texts = said(parts)
    calls = known.tools.get(message_id, [])
    author = known.authors.get(message_id, NOBODY)
    tools = {part.name for part in parts if isinstance(part, ToolCallPart)} | {call.tool for call in calls}
    tool_text = [texts["tool"], *_unsaid(calls, parts)]
    has = {
        "error": message_id in known.failed,
        "reasoning": texts["reasoning"],
        "tool": tools or any(tool_text),
        "code": "```" in text,
        "image": any(isinstance(part, ImagePart) for part in parts),
        "link": "http://" in text or "https://" in text,
    }
    names = {
        "role": [role],
        "server": [author.server],
        "model": [author.model],
        "tool": sorted(tools),
        "tag": known.tags.get(str(conversation_id), []),
    }
    named = [f"{name}:{value}" for name, values in names.items() for value in values if value]
    found = [f"has:{name}" for name, holds in has.items() if holds]
    return Entry(
        id=message_id,
        conversation_id=conversation_id,
        row=rowid,
        at_s=at_s,
        texts=[each for each in (text, texts["reasoning"], *tool_text) if each],
        marks=[MESSAGE, *named, *found, *_places(*places)],
        author=author,
    )


def _unsaid(calls: Sequence[_ToolCall], parts: Sequence[Part]) -> list[str]:
    """Return what the record of the calls has and the message does not say."""
    called = {part.call_id for part in parts if isinstance(part, ToolCallPart)}
    answered = {part.call_id for part in parts if isinstance(part, ToolResultPart)}
    texts: list[str] = []
    for call in calls:
        if call.call_id not in called:
            texts.append(f"{call.tool} {call.arguments}")
        if call.call_id not in answered and call.result:
            texts.append(call.result)
    return texts


def _title(row: tuple[Any, ...], tags: Sequence[str]) -> Entry:
    """Return the entry of a row of `_TITLES`."""
    conversation_id, at_s, title, *places = row
    marks = [TITLE, *(f"tag:{tag}" for tag in tags), *_places(*places)]
    return Entry(conversation_id, conversation_id, 0, at_s, [title], marks)


def _places(trashed: bool, archived: bool, imported: bool) -> list[str]:
    return [name for name, holds in ((TRASH, trashed), (ARCHIVE, archived), (IMPORTED, imported)) if holds]
