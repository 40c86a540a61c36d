"""Open WebUI's own database, `webui.db`: its chats as they stand in its export, one after the other.

The tables are made by a program, but the file may be made by anybody: nothing but plain columns of plain tables is
read, functions that its schema might call are off, and no value is larger than a conversation may be.

Source: Open WebUI's models of the tables `chat` and `chat_message` and its own reader of them. Since 2026 messages
stand in `chat_message`, under ids with the chat's id before them; before that, and beside that for a while, all of
them stood in the JSON of the chat.
"""

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import orjson

from apehost_core.formats.items import Item
from apehost_core.formats.lenient import mapping, text
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import LARGEST_ITEM, Damaged, Progress

_MAGIC: Final = b"SQLite format 3\0"
_VERSIONS: Final = slice(18, 20)  # of the file format, for writing and reading: 2 where there is a write-ahead log
_ROLLBACK: Final = b"\1\1"
_CHAT: Final = (
    "id", "title", "chat", "meta", "pinned", "archived", "folder_id", "current_message_id", "created_at", "updated_at"
)  # fmt: skip
_MESSAGE: Final = {
    "id": "id",
    "role": "role",
    "parent_id": "parentId",
    "content": "content",
    "output": "output",
    "model_id": "model",
    "files": "files",
    "sources": "sources",
    "usage": "usage",
    "error": "error",
    "created_at": "timestamp",
}
"""What a column of `chat_message` is called in the export."""
_FLAGS: Final = frozenset({"pinned", "archived"})
_IN_JSON: Final = frozenset({"chat", "meta", "content", "output", "files", "sources", "usage", "error"})


class NotOpenWebUi(Damaged):
    """It is a database of something else."""


def holds_database(document: Document) -> bool:
    """Whether a file begins as SQLite's do.

    Raises:
        Damaged: It cannot be opened.
        OSError: It cannot be read.
    """
    with document.opening() as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def chats(document: Document, progress: Progress | None) -> Iterator[Item]:
    """Yield the chats. Damage in one costs that one; damage in the file ends it, as the last item.

    Copies that were made to be shared are passed over: the chat itself is there too.

    Args:
        document: A database.
        progress: Told the bytes of each chat.

    Raises:
        NotOpenWebUi: It has no chats.
        Damaged: It cannot be opened.
        OSError: It cannot be read.
    """
    number = 0
    with _opened(document) as database:
        columns = _columns_of_chats(database)
        if not columns:
            raise NotOpenWebUi("It is a database, but not one of Open WebUI: it has no table of chats.")
        of_messages = _columns(database, "chat_message", _MESSAGE) if _has_messages(database) else []
        try:
            for row in database.execute(_select(database, columns)):
                number += 1
                if progress:
                    progress(sum(len(value) for value in row if isinstance(value, str)))
                yield Item(f"number {number:,}", _chat(database, dict(zip(columns, row, strict=True)), of_messages))
        except sqlite3.Error as error:
            yield Item(f"after number {number:,}" if number else "", Damaged(f"The database is damaged: {error}."))


def has_chats(document: Document) -> bool:
    """Whether a database is one of Open WebUI.

    Raises:
        Damaged: It cannot be opened.
        OSError: It cannot be read.
    """
    with _opened(document) as database:
        return bool(_columns_of_chats(database))


def _columns_of_chats(database: sqlite3.Connection) -> list[str]:
    columns = _columns(database, "chat", _CHAT)
    return columns if {"id", "chat"} <= set(columns) else []


def _has_messages(database: sqlite3.Connection) -> bool:
    return len(_columns(database, "chat_message", ("id", "chat_id", "created_at"))) == 3


def _select(database: sqlite3.Connection, columns: Sequence[str]) -> str:
    owned = "WHERE user_id NOT LIKE 'shared-%'" if _columns(database, "chat", ("user_id",)) else ""
    return f"SELECT {', '.join(columns)} FROM chat {owned} ORDER BY rowid"


def _columns(database: sqlite3.Connection, table: str, wanted: Iterable[str]) -> list[str]:
    """Return those of the wanted columns that a table has; none where it is no table."""
    try:
        kinds = database.execute("SELECT type FROM sqlite_schema WHERE name = ?", [table]).fetchall()
        if kinds != [("table",)]:
            return []
        # The last number tells columns that hold something from those that are worked out when they are read.
        plain = [row[1] for row in database.execute(f"PRAGMA table_xinfo({table})") if row[6] == 0]
    except sqlite3.Error as error:
        raise Damaged(f"The database cannot be read: {error}.") from error
    return [name for name in wanted if name in plain]


def _chat(database: sqlite3.Connection, row: dict[str, Any], of_messages: Sequence[str]) -> object:
    """Return a chat as it stands in the export, or why it cannot be read."""
    try:
        found = {name: bool(value) if name in _FLAGS else value for name, value in _from_json(row).items()}
        if of_messages:
            _add_messages(database, found, of_messages)
    except ValueError as error:
        return Damaged(f"What is stored of it is damaged: {error}.")
    return found


def _add_messages(database: sqlite3.Connection, chat: dict[str, Any], columns: Sequence[str]) -> None:
    """Add the messages that stand in a table of their own to those that the chat has."""
    before = f"{chat['id']}-"
    selected = f"SELECT {', '.join(columns)} FROM chat_message WHERE chat_id = ? ORDER BY created_at, rowid"
    inside = mapping(chat.get("chat"))
    history = mapping(inside.get("history"))
    messages = mapping(history.get("messages"))
    for row in database.execute(selected, [chat["id"]]):
        found = _from_json(dict(zip(columns, row, strict=True)))
        key = text(found["id"]).removeprefix(before)
        named = {_MESSAGE[name]: value for name, value in found.items() if value is not None}
        messages.setdefault(key, {**named, "id": key})
    if messages:
        chat["chat"] = {**inside, "history": {**history, "messages": messages}}


def _from_json(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the values of those columns that are written in JSON.

    Raises:
        ValueError: One of them is not.
    """
    return {
        name: orjson.loads(value) if name in _IN_JSON and isinstance(value, str) and value else value
        for name, value in row.items()
    }


@contextmanager
def _opened(document: Document) -> Generator[sqlite3.Connection]:
    """Open a database for reading, where it lies or in memory.

    Raises:
        Damaged: It cannot be opened.
        OSError: It cannot be read.
    """
    try:
        with closing(_connected(document)) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_ITEM)
            database.text_factory = partial(str, encoding="utf-8", errors="replace")
            for pragma in ("query_only = on", "trusted_schema = off", "cell_size_check = on", "mmap_size = 0"):
                database.execute(f"PRAGMA {pragma}")
            yield database
    except sqlite3.Error as error:
        raise Damaged(f"The database cannot be opened: {error}.") from error


def _connected(document: Document) -> sqlite3.Connection:
    if document.path is None:
        return _in_memory(document)
    address = f"file:{quote(str(document.path.absolute()))}?mode=ro"
    database = sqlite3.connect(address, uri=True)
    try:
        database.execute("SELECT count(*) FROM sqlite_schema")
    except sqlite3.OperationalError:  # its log cannot be opened where nothing may be written beside it
        database.close()
        return sqlite3.connect(f"{address}&immutable=1", uri=True)
    return database


def _in_memory(document: Document) -> sqlite3.Connection:
    with document.opening() as stream:
        content = bytearray(stream.read(LARGEST_ITEM + 1))
    if len(content) > LARGEST_ITEM:
        raise Damaged(f"It is larger than {LARGEST_ITEM // 1024**2:,} MB: name it by its path, unpacked.")
    content[_VERSIONS] = _ROLLBACK  # a database in memory has no log
    database = sqlite3.connect(":memory:")
    database.deserialize(bytes(content))
    return database
