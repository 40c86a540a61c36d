"""Records that are cared for: opened as at a start, filled, harmed and looked into."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from apehost_core.history.care import Backup, CareJob, SwapOrder
from apehost_core.ids import new_id
from apehost_core.messages import Message, TextPart
from apehost_core.store.care import Care
from apehost_core.store.care_order import Standing, write_order
from apehost_core.store.care_swap import settle_swap
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.search import Search


def one_chat(database: Database) -> str:
    """Make a chat of a question and an answer, with the run and the call that made it; return its id."""
    conversations = Conversations(database)
    chat_id = conversations.create("Great apes")
    question = conversations.add_message(chat_id, None, Message("user", (TextPart("Which?"),)))
    answer = conversations.add_message(chat_id, question.id, Message("assistant", (TextPart("Gorillas."),)))
    run, call = new_id(), new_id()
    change(
        database,
        "INSERT INTO runs (id, kind, conversation_id, message_id, server, model, started_at, finished_at, outcome) "
        f"VALUES ('{run}', 'chat', '{chat_id}', '{answer.id}', 'pc', 'm', now(), now(), 'completed')",
        "INSERT INTO generations (id, run_id, message_id, conversation_id, started_at, server, model_asked, sampling, "
        "prompt_parts, prompt_hash, prompt_tokens_estimated, completion_tokens_estimated, outcome, warnings) VALUES "
        f"('{call}', '{run}', '{answer.id}', '{chat_id}', now(), 'pc', 'm', '{{}}', '[]', '', false, false, "
        "'completed', '[]')",
        "INSERT INTO run_events VALUES "
        f"('{run}', 1, 1, 0, 0, 'text', 'Gorillas.', 2, NULL), ('{run}', 2, 2, 0, 0, 'milestone', NULL, NULL, '{{}}')",
        f"INSERT INTO requests VALUES ('{run}', 1, '/v1', '{{}}', 'x')",
        "INSERT INTO tool_calls (id, run_id, generation_id, message_id, call_id, tool, source, arguments) "
        f"VALUES ('{new_id()}', '{run}', '{call}', '{answer.id}', 'a', 'now', 'test', '{{}}')",
    )
    return chat_id


def change(database: Database, *statements: str) -> None:
    """Do something to the record that the app would not."""
    for statement in statements:
        database.write(lambda transaction, sql=statement: transaction.execute(sql, []))


def count(database: Database, table: str) -> int:
    """How many rows a table has."""
    with database.read() as cursor:
        return cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]


@dataclass(frozen=True)
class Opened:
    """A database with what cares for it."""

    database: Database
    conversations: Conversations
    search: Search
    care: Care

    def chat(self, title: str) -> str:
        """Begin a chat with one message."""
        chat = self.conversations.create(title)
        self.conversations.add_message(chat, None, Message("user", (TextPart(f"about {title}"),)))
        return chat

    def done(self) -> CareJob:
        """Wait for the end of what goes on."""
        self.care.settle()
        assert self.care.job is not None
        return self.care.job

    def backed_up(self) -> Backup:
        """Make a backup."""
        self.care.back_up()
        result = self.done().result
        assert isinstance(result, Backup)
        return result


@contextmanager
def opened(folder: Path) -> Generator[Opened, None, None]:
    """Start on a folder as the app does, and end well."""
    settle_swap(folder / "apehost.duckdb")
    database = Database.open(folder / "apehost.duckdb")
    search = Search(database, folder / "search")
    care = Care(database, folder, search)
    try:
        yield Opened(database, Conversations(database), search, care)
    finally:
        care.close()
        search.close()
        database.close()


def titles(path: Path) -> list[str]:
    """The titles in a database that nobody has open."""
    with duckdb.connect(path, read_only=True) as connection:
        return [row[0] for row in connection.execute("SELECT title FROM conversations ORDER BY title").fetchall()]


def listed(app: Opened) -> list[str]:
    """The titles of the chats that are listed."""
    return sorted(chat.title for chat in app.conversations.recent(100))


def restored_from(folder: Path, name: str) -> None:
    """Order a restore without looking at the backup."""
    write_order(folder, Standing(SwapOrder("restore", name, datetime.now(UTC))))


def two_states(folder: Path) -> Backup:
    """Leave a folder with a backup of one chat, and a database of two."""
    with opened(folder) as app:
        app.chat("old")
        backup = app.backed_up()
        app.chat("new")
    return backup
