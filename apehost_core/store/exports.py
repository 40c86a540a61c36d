"""Conversations out of the database in the formats of `formats`, and all documented views as Parquet. Methods block.

Nothing of servers' addresses is in the database, and so in no file.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import duckdb
import orjson

from apehost_core.formats import export_html, export_markdown, export_training
from apehost_core.formats.export import Exported, written_time
from apehost_core.formats.export_apehost import lines
from apehost_core.formats.export_openwebui import chat
from apehost_core.formats.tree import parents_first
from apehost_core.store.database import Database
from apehost_core.store.outgoing import outgoing, write_table

ExportFormat = Literal["apehost", "markdown", "html", "openai", "openai_all", "sharegpt", "openwebui", "parquet"]
_SUFFIXES: dict[ExportFormat, str] = {
    "apehost": ".jsonl",
    "markdown": ".md",
    "html": ".html",
    "openai": ".jsonl",
    "openai_all": ".jsonl",
    "sharegpt": ".json",
    "openwebui": ".json",
    "parquet": ".zip",
}
_PORTION = 500
_JSON = frozenset(("settings", "parts", "sampling", "prompt_parts", "warnings", "fault"))
_OWNED = (
    "SELECT conversation_id AS owner, * FROM {table} WHERE conversation_id IN (SELECT unnest(?::UUID[])) ORDER BY id"
)
_TOOL_CALLS = """
SELECT coalesce(m.conversation_id, r.conversation_id) AS owner, t.*
FROM tool_calls t
LEFT JOIN messages m ON m.id = t.message_id
LEFT JOIN runs r ON r.id = t.run_id
WHERE coalesce(m.conversation_id, r.conversation_id) IN (SELECT unnest(?::UUID[]))
ORDER BY t.id"""
_CONVERSATIONS = "SELECT id AS owner, * FROM conversations WHERE id IN (SELECT unnest(?::UUID[]))"
_TAGS = (
    "SELECT conversation_id, tag FROM tags WHERE conversation_id IN (SELECT unnest(?::UUID[])) ORDER BY created_at, tag"
)
_Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class File:
    """A file to hand out.

    Attributes:
        suffix: With the dot: ".jsonl".
        content: Its bytes.
    """

    suffix: str
    content: bytes


def suffix_of(export_format: ExportFormat, count: int) -> str:
    """Return how the name of a file with so many conversations ends."""
    return ".zip" if export_format == "markdown" and count > 1 else _SUFFIXES[export_format]


class Exports:
    """Writes conversations of one database; every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def conversations(self, ids: Sequence[str]) -> Iterator[Exported]:
        """Yield conversations in the order given; those that are not there are left out."""
        for first in range(0, len(ids), _PORTION):
            portion = ids[first : first + _PORTION]
            with self._database.read() as cursor:
                cursor.begin()  # one state of the database for all that belongs to a conversation
                found = _read(cursor, portion)
                cursor.rollback()
            yield from (found[each] for each in portion if each in found)

    def file(self, ids: Sequence[str], export_format: ExportFormat) -> File:
        """Return conversations as one file.

        Args:
            ids: Of the conversations; Parquet has all of the record whatever they are.
            export_format: What is written.
        """
        return File(suffix_of(export_format, len(ids)), self._content(ids, export_format))

    def _content(self, ids: Sequence[str], export_format: ExportFormat) -> bytes:
        chats = self.conversations(ids)
        match export_format:
            case "apehost":
                return b"".join(lines(chats))
            case "markdown":
                return _markdown(chats, packed=len(ids) > 1)
            case "html":
                return b"".join(export_html.page(chats, "ApeHost"))
            case "openai" | "openai_all":
                every = export_format == "openai_all"
                return b"".join(
                    line for each in chats for line in export_training.openai_lines(each, all_branches=every)
                )
            case "sharegpt":
                entries = [entry for each in chats if (entry := export_training.sharegpt_entry(each)) is not None]
                return orjson.dumps(entries, option=orjson.OPT_INDENT_2)
            case "openwebui":
                return orjson.dumps([chat(each) for each in chats])
            case "parquet":
                return self._parquet()

    def _parquet(self) -> bytes:
        """Return a zip of the documented views, a Parquet file each."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive, self._database.read() as cursor:
            views = cursor.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").fetchall()
            cursor.begin()  # one state of the database in all files
            for (view,) in views:
                with outgoing(self._database.outbox, "parquet") as path:
                    write_table(cursor, view, path)
                    archive.write(path, f"{view}.parquet")
            cursor.rollback()
        return packed.getvalue()


def _markdown(chats: Iterable[Exported], *, packed: bool) -> bytes:
    """Return a zip of documents, or the only one."""
    documents = [(each.title, export_markdown.document(each).encode()) for each in chats]
    if not packed:
        return b"".join(document for _, document in documents)
    archive_bytes = io.BytesIO()
    with zipfile.ZipFile(archive_bytes, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (title, document) in enumerate(documents, start=1):
            archive.writestr(f"{number:04d} {file_name(title)}.md", document)
    return archive_bytes.getvalue()


def file_name(title: str) -> str:
    """Return a title as the name of a file on any system; "chat" where nothing of it is left."""
    kept = "".join(letter if letter.isalnum() or letter in " -_" else " " for letter in title)
    return " ".join(kept.split())[:60].strip() or "chat"


def _read(cursor: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> dict[str, Exported]:
    """Return the conversations of one portion by their ids."""
    wanted = list(ids)
    tags: dict[str, list[str]] = {}
    for conversation_id, tag in cursor.execute(_TAGS, [wanted]).fetchall():
        tags.setdefault(str(conversation_id), []).append(tag)
    messages = _owned(cursor, _OWNED.format(table="messages"), wanted, without=("text",))
    generations = _owned(cursor, _OWNED.format(table="generations"), wanted)
    calls = _owned(cursor, _TOOL_CALLS, wanted)
    return {
        owner: Exported(
            {**rows[0], "tags": tags.get(owner, [])},
            _parents_first(messages.get(owner, [])),
            generations.get(owner, []),
            calls.get(owner, []),
        )
        for owner, rows in _owned(cursor, _CONVERSATIONS, wanted).items()
    }


def _owned(
    cursor: duckdb.DuckDBPyConnection, sql: str, ids: list[str], *, without: Sequence[str] = ()
) -> dict[str, list[_Row]]:
    """Return rows by the conversation that they belong to."""
    rows = cursor.execute(sql, [ids])
    names = [column[0] for column in rows.description or ()]
    found: dict[str, list[_Row]] = {}
    for owner, *values in rows.fetchall():
        row = {name: _written(name, value) for name, value in zip(names[1:], values, strict=True)}
        found.setdefault(str(owner), []).append({name: value for name, value in row.items() if name not in without})
    return found


def _written(name: str, value: Any) -> object:
    """Return a value of a column as `docs/formats.md` says that it is written."""
    if name in _JSON and isinstance(value, str):
        return orjson.loads(value)
    if isinstance(value, datetime):
        return written_time(value)
    return str(value) if isinstance(value, UUID) else value


def _parents_first(rows: Sequence[_Row]) -> list[_Row]:
    """Return messages so that each comes after the one before it; else in their order."""
    known = {str(row["id"]): row for row in rows}
    above = {key: str(row["parent_id"]) for key, row in known.items()}
    return [known[key] for key in parents_first({key: up if up in known else None for key, up in above.items()})]
