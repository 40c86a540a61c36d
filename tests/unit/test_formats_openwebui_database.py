"""Open WebUI's own database gives the chats that its export would."""

import io
import shutil
import sqlite3
import zipfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from apehost_core.formats import ImportedConversation, Unreadable, detect, read, size_of
from tests.format_samples import FORMATS_FOLDER, conversations, from_bytes, one, outline, unreadable

EXPORT = FORMATS_FOLDER / "openwebui" / "chats.json"
CHAT_TABLE = """CREATE TABLE chat (
    id VARCHAR(255) NOT NULL PRIMARY KEY, user_id VARCHAR(255) NOT NULL, title TEXT NOT NULL, share_id VARCHAR(255),
    archived INTEGER NOT NULL, created_at DATETIME, updated_at DATETIME, chat JSON, pinned BOOLEAN,
    meta JSON DEFAULT '{}' NOT NULL, folder_id TEXT
)"""
MESSAGE_TABLE = """CREATE TABLE chat_message (
    id TEXT NOT NULL PRIMARY KEY, chat_id TEXT NOT NULL, user_id TEXT, role TEXT, parent_id TEXT, content JSON,
    output JSON, model_id TEXT, files JSON, sources JSON, embeds JSON, meta JSON, done BOOLEAN, status_history JSON,
    error JSON, usage JSON, context_summary TEXT, created_at BIGINT, updated_at BIGINT
)"""
COLUMNS = {"parentId": "parent_id", "model": "model_id", "timestamp": "created_at"}
KEPT = ("role", "parentId", "content", "output", "model", "files", "sources", "usage", "error", "timestamp")
JSON = ("content", "output", "files", "sources", "usage", "error")


def exported() -> list[dict[str, Any]]:
    """The chats of an export that its database could have."""
    chats = orjson.loads(EXPORT.read_bytes())
    return [chat for chat in chats if isinstance(chat.get("chat"), dict) and "title" in chat]


def insert(database: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    """Write a row."""
    database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", [*row.values()])


def add_chat(database: sqlite3.Connection, chat: dict[str, Any], *, user_id: str = "u") -> None:
    """Write a chat as Open WebUI does."""
    row = {**chat, "user_id": user_id, "archived": chat.get("archived", False)}
    row |= {"chat": orjson.dumps(chat["chat"]).decode(), "meta": orjson.dumps(chat.get("meta", {})).decode()}
    insert(database, "chat", row)


def add_messages(database: sqlite3.Connection, chat: dict[str, Any]) -> None:
    """Move the messages of a chat into a table of their own, as Open WebUI does now."""
    messages = chat["chat"]["history"].pop("messages")
    for key, message in messages.items():
        for child in message.get("childrenIds", ()):
            messages[child].setdefault("parentId", key)
        message.setdefault("usage", message.get("info"))
    for key, message in messages.items():
        values = {name: message[name] for name in KEPT if name in message}
        row = {COLUMNS.get(name, name): value for name, value in values.items()}
        row |= {name: orjson.dumps(row[name]).decode() for name in JSON if name in row}
        insert(database, "chat_message", {"id": f"{chat['id']}-{key}", "chat_id": chat["id"], "done": True, **row})


def made(path: Path, chats: Sequence[dict[str, Any]], *, apart: bool = False) -> Path:
    """A database of chats; `apart` says whether their messages stand in a table of their own."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(CHAT_TABLE)
        database.execute(MESSAGE_TABLE)
        for chat in chats:
            if apart:
                add_messages(database, chat)
            add_chat(database, chat)
    return path


def told(chat: ImportedConversation) -> dict[str, tuple[object, ...]]:
    """What its messages say, and where they stand, by their ids."""
    return {each.source_id: (each.parent_source_id, each.message, each.generations) for each in chat.messages}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database."""
    return made(tmp_path / "webui.db", exported())


def test_the_same_chats_as_in_the_export(path: Path) -> None:
    """Branches, votes, tools, timings and settings are those of the export, under the same ids."""
    assert "openwebui" == detect(path)
    wanted = [chat.source_id for chat in conversations(path)]
    assert len(wanted) >= 1
    assert conversations(path) == [chat for chat in conversations(EXPORT) if chat.source_id in wanted]


def test_messages_in_a_table_of_their_own(tmp_path: Path) -> None:
    """They make the same tree; only votes stand nowhere in that table."""
    (found,) = conversations(made(tmp_path / "webui.db", exported(), apart=True))
    expected = next(chat for chat in conversations(EXPORT) if chat.source_id == found.source_id)
    assert told(expected) == told(found)
    assert outline(expected) == outline(found)


def test_what_stands_in_both_places_is_taken_from_the_chat(path: Path) -> None:
    """Messages that only the table has are added."""
    chat = exported()[0]
    row = {"chat_id": chat["id"], "role": "user", "created_at": 1746000900}
    with closing(sqlite3.connect(path)) as database, database:
        insert(database, "chat_message", {**row, "id": f"{chat['id']}-u1", "content": '"Something else"'})
        insert(database, "chat_message", {**row, "id": f"{chat['id']}-u9", "parent_id": "a3", "content": '"More?"'})
    texts = {each.source_id: each.message.text for each in conversations(path)[0].messages}
    assert ("What wind?", "More?") == (texts["u1"], texts["u9"])


def test_uploaded_or_packed(path: Path) -> None:
    """A database need not lie on this machine, whatever its kind of log."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = wal")
    expected = conversations(path)
    assert expected == from_bytes(path.read_bytes(), "webui.db")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, "data/webui.db")
    assert expected == list(read(("backup.zip", packed)))


def test_what_is_only_in_its_log_is_read(path: Path, tmp_path: Path) -> None:
    """Of a program that runs the newest chats stand beside the file."""
    late = exported()[0] | {"id": "late", "title": "Late"}
    copied = tmp_path / "copied"
    copied.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = wal")
        with database:
            add_chat(database, late)
        assert "Late" in {chat.title for chat in conversations(path)}
        for name in ("webui.db", "webui.db-wal"):
            shutil.copy(path.with_name(name), copied / name)
    assert "Late" in {chat.title for chat in conversations(copied / "webui.db")}


def test_shared_copies_are_passed_over(path: Path) -> None:
    """A chat that was shared is there once."""
    with closing(sqlite3.connect(path)) as database, database:
        add_chat(database, exported()[0] | {"id": "copy"}, user_id="shared-1")
    assert "copy" not in {chat.source_id for chat in conversations(path)}


def test_a_damaged_chat_costs_itself_alone(path: Path) -> None:
    """What is no JSON, or no text, is said with its place."""
    with closing(sqlite3.connect(path)) as database, database:
        for number, chat in enumerate(("{", b"\xff", "[" * 5_000)):
            insert(database, "chat", {"id": f"bad {number}", "user_id": "u", "title": "t", "archived": 0, "chat": chat})
    assert len(exported()) == len(conversations(path))
    why = unreadable(path)
    assert 3 == len(why)
    assert all(place.startswith("webui.db, number ") for place in why)


def test_another_database(tmp_path: Path) -> None:
    """A database of something else is refused where it was named and passed over in a folder."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as database, database:
        database.execute("CREATE VIEW chat AS SELECT 1 AS id, '{}' AS chat")
    assert detect(other) is None
    assert "no table of chats" in unreadable(other)["other.db"]
    made(tmp_path / "webui.db", exported())
    assert ["webui.db"] == [each.name for each in tmp_path.iterdir() if detect(each)]
    assert not [each for each in read(tmp_path) if isinstance(each, Unreadable)]
    found = list(read(tmp_path / "webui.db", "claude"))
    assert [("webui.db", "It is a database, not a file of Claude.")] == [
        (each.where, each.why) for each in found if isinstance(each, Unreadable)
    ]


def test_columns_that_are_worked_out_are_not_read(path: Path) -> None:
    """Reading such a column would run what a stranger has written."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("ALTER TABLE chat ADD COLUMN current_message_id TEXT AS (abs(-9223372036854775808)) VIRTUAL")
    assert len(exported()) == len(conversations(path))


@pytest.mark.parametrize("length", [16, 100, 4_096, 9_000])
def test_a_cut_database_is_said_to_be_damaged(path: Path, length: int) -> None:
    """Wherever it ends, and the file is left as it was."""
    content = path.read_bytes()[:length]
    for found in (from_bytes(content, "webui.db"), list(read(_written(path, content)))):
        assert any(isinstance(each, Unreadable) for each in found)
    assert content == path.read_bytes()


def test_nothing_is_written(path: Path) -> None:
    """The file and its folder stay as they are; its size says how much there is to read."""
    before = path.read_bytes()
    assert isinstance(one(list(read(path))), ImportedConversation)
    assert before == path.read_bytes()
    assert [path] == list(path.parent.iterdir())
    assert len(before) == size_of(path)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
