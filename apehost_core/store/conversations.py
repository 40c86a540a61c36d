"""Conversations and their message trees: writes through the writer, reads with a cursor a call. All methods block."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

import duckdb

from apehost_core.errors import Fault
from apehost_core.events import Outcome
from apehost_core.ids import new_id
from apehost_core.messages import Message
from apehost_core.model import Preferences
from apehost_core.runs.run import Generation
from apehost_core.store.database import Database
from apehost_core.store.generation_rows import fault_from_json, generations_by_message
from apehost_core.store.import_undo import delete_conversations, forget_imported
from apehost_core.store.message_rows import MESSAGE_QUERY, StoredMessage, message_of
from apehost_core.store.preference_rows import preferences_column, preferences_in
from apehost_core.store.search.changes import conversation_changed, conversations_gone, message_added
from apehost_core.store.transaction import Transaction

TRASH_KEPT = timedelta(days=30)
_PORTION = 200  # conversations that are deleted in one transaction: each looks through all requests
TitleSource = Literal["prompt", "model", "person"]
_SUMMARY = "SELECT id::VARCHAR, title, created_at, updated_at, leaf_id::VARCHAR FROM conversations"


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A conversation in a list.

    Attributes:
        id: UUIDv7.
        title: Never empty.
        created_at: UTC.
        updated_at: UTC, of the last message.
        leaf_id: Last message of the selected branch; None before the first.
    """

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    leaf_id: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a branch.

    Attributes:
        messages: Oldest first.
        total: How many messages the whole branch has.
        later: How many of them come after these.
    """

    messages: tuple[StoredMessage, ...]
    total: int
    later: int = 0

    @property
    def earlier(self) -> int:
        """How many messages of the branch come before these."""
        return self.total - self.later - len(self.messages)


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as recorded.

    Attributes:
        id: UUIDv7.
        started_at: UTC.
        finished_at: UTC; None while it lives.
        outcome: None while it lives.
        fault: What went wrong; None when nothing did.
    """

    id: str
    started_at: datetime
    finished_at: datetime | None
    outcome: Outcome | None
    fault: Fault | None


class Conversations:
    """Reads and writes conversations of one database; every method may raise StoreError.

    Attributes:
        revision: Grows whenever the list of conversations, a title or a chat's settings change; for watching, from
            memory.
    """

    def __init__(self, database: Database) -> None:
        self.revision = 0
        self._database = database

    def create(self, title: str = "", settings: Preferences | None = None) -> str:
        """Create an empty conversation and return its id.

        Args:
            title: From the prompt; an empty one becomes "New chat".
            settings: What is set for this conversation alone; None is nothing.

        Raises:
            InputRefused: One of the settings is outside its range.
        """
        conversation_id, now = new_id(), datetime.now(UTC)
        self._execute(
            "INSERT INTO conversations (id, title, title_source, created_at, updated_at, settings) "
            "VALUES (?, ?, 'prompt', ?, ?, ?)",
            [conversation_id, title or "New chat", now, now, preferences_column(settings or Preferences())],
        )
        return conversation_id

    def listed_anew(self) -> None:
        """Take note that others changed which conversations there are, or their titles."""
        self.revision += 1

    def settings(self, conversation_id: str) -> Preferences:
        """Return what was set for a conversation alone; nothing for one that does not exist."""
        with self._database.read() as cursor:
            row = cursor.execute(
                "SELECT settings FROM conversations WHERE id = TRY_CAST(? AS UUID)", [conversation_id]
            ).fetchone()
        return preferences_in(row[0] if row else None, of="this conversation")

    def set_settings(self, conversation_id: str, settings: Preferences) -> None:
        """Set what counts for a conversation alone, in place of all that was set before.

        Raises:
            InputRefused: One of the settings is outside its range; nothing was changed.
        """
        column = preferences_column(settings)
        self._execute("UPDATE conversations SET settings = ? WHERE id = ?", [column, conversation_id])
        self.revision += 1

    def add_message(self, conversation_id: str, parent_id: str | None, message: Message) -> StoredMessage:
        """Append a message under its parent and select it."""
        stored = StoredMessage(new_id(), conversation_id, parent_id, message, datetime.now(UTC), None)

        def work(transaction: Transaction) -> None:
            transaction.insert("messages", stored.row())
            message_added(transaction, stored.id)
            transaction.execute(
                "UPDATE conversations SET leaf_id = ?, updated_at = ? WHERE id = ?",
                [stored.id, stored.created_at, conversation_id],
            )

        self._database.write(work)
        if parent_id is None:  # from its first message on a conversation is listed
            self.revision += 1
        return stored

    def select(self, conversation_id: str, message_id: str) -> None:
        """Make a message the selected leaf."""
        self._execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", [message_id, conversation_id])

    def select_through(self, conversation_id: str, message_id: str) -> int | None:
        """Make sure that the selected branch holds a message, and return how many messages from its end it stands.

        A branch that holds it already stays selected; otherwise the newest one that does is. 1 is the last message;
        None where the conversation has no such message.
        """
        with self._database.read() as cursor:
            chain = _chain(cursor, conversation_id)
            if message_id not in chain:
                chain = _newest_through(cursor, conversation_id, message_id)
                if not chain:
                    return None
                self.select(conversation_id, chain[-1])
        return len(chain) - chain.index(message_id)

    def rename(self, conversation_id: str, title: str) -> None:
        """Set a title given by a person; no model replaces it."""
        self._change(
            conversation_id,
            "UPDATE conversations SET title = ?, title_source = 'person' WHERE id = ?",
            [title, conversation_id],
        )

    def improve_title(self, conversation_id: str, title: str) -> None:
        """Set a title made by a model, unless a person has given one, here or in the program it was imported from."""
        self._change(
            conversation_id,
            "UPDATE conversations SET title = ?, title_source = 'model' "
            "WHERE id = ? AND title_source NOT IN ('person', 'import')",
            [title, conversation_id],
        )

    def trash(self, conversation_id: str) -> None:
        """Put a conversation in the trash."""
        trashed = "UPDATE conversations SET trashed_at = ? WHERE id = ?"
        self._change(conversation_id, trashed, [datetime.now(UTC), conversation_id])

    def restore(self, conversation_id: str) -> None:
        """Take a conversation out of the trash."""
        restored = "UPDATE conversations SET trashed_at = NULL WHERE id = ?"
        self._change(conversation_id, restored, [conversation_id])

    def empty_trash(self, kept: timedelta = TRASH_KEPT) -> int:
        """Delete what has been in the trash for that long, with messages and run logs; returns how many.

        The measurements (generations) stay: they hold hashes of what was said, not the words.
        """
        before = datetime.now(UTC) - kept
        with self._database.read() as cursor:
            rows = cursor.execute("SELECT id::VARCHAR FROM conversations WHERE trashed_at < ?", [before]).fetchall()
        ids = [row[0] for row in rows]
        for first in range(0, len(ids), _PORTION):
            self._database.write(partial(_delete, conversation_ids=ids[first : first + _PORTION]))
        return len(ids)

    def get(self, conversation_id: str) -> ConversationSummary | None:
        """Return a conversation; None when there is none of that id or it is in the trash."""
        with self._database.read() as cursor:
            row = cursor.execute(
                f"{_SUMMARY} WHERE id = TRY_CAST(? AS UUID) AND trashed_at IS NULL", [conversation_id]
            ).fetchone()
        return ConversationSummary(*row) if row else None

    def recent(self, limit: int) -> list[ConversationSummary]:
        """Return the conversations last written in, newest first, without archive and trash."""
        return list(self._database.kept.get(("recent", limit), lambda: self._recent(limit)))

    def _recent(self, limit: int) -> tuple[ConversationSummary, ...]:
        with self._database.read() as cursor:
            rows = cursor.execute(
                f"{_SUMMARY} WHERE trashed_at IS NULL AND archived_at IS NULL AND leaf_id IS NOT NULL "
                "ORDER BY updated_at DESC LIMIT ?",
                [limit],
            ).fetchall()
        return tuple(ConversationSummary(*row) for row in rows)

    def branch(self, conversation_id: str) -> tuple[StoredMessage, ...]:
        """Return the selected branch, oldest first; empty when the conversation does not exist."""
        return self.path(conversation_id).messages

    def path(self, conversation_id: str, limit: int | None = None, *, later: int = 0) -> Page:
        """Return the last messages of the selected branch.

        Args:
            conversation_id: Whose branch.
            limit: How many at most; None for all.
            later: How many are left out at the end.
        """
        with self._database.read() as cursor:
            chain = _chain(cursor, conversation_id)
            later = min(later, len(chain))
            wanted = chain[: len(chain) - later]
            wanted = wanted if limit is None else wanted[-limit:]
            if not wanted:
                return Page((), len(chain), later)
            rows = cursor.execute(
                f"{MESSAGE_QUERY} WHERE conversation_id = ? AND id IN (SELECT unnest(?::UUID[]))",
                [conversation_id, wanted],
            ).fetchall()
        by_id = {row[0]: message_of(row) for row in rows}
        return Page(tuple(by_id[message_id] for message_id in wanted), len(chain), later)

    def generations_of(self, message_ids: Sequence[str]) -> dict[str, list[Generation]]:
        """Return the model calls that made each of the messages, oldest first."""
        with self._database.read() as cursor:
            return generations_by_message(cursor, message_ids)

    def last_run(self, parent_message_id: str) -> RunRow | None:
        """Return the latest chat run that was to answer a message; None when there was none."""
        with self._database.read() as cursor:
            row = cursor.execute(
                "SELECT id::VARCHAR, started_at, finished_at, outcome, fault FROM runs "
                "WHERE parent_message_id = ? AND kind = 'chat' ORDER BY id DESC LIMIT 1",
                [parent_message_id],
            ).fetchone()
        return RunRow(row[0], row[1], row[2], row[3], fault_from_json(row[4])) if row else None

    def _change(self, conversation_id: str, sql: str, values: list[object]) -> None:
        """Change what lists and the search show of a conversation."""

        def work(transaction: Transaction) -> None:
            transaction.execute(sql, values)
            conversation_changed(transaction, conversation_id)

        self._database.write(work)
        self.revision += 1

    def _execute(self, sql: str, values: list[object]) -> None:
        self._database.write(lambda transaction: transaction.execute(sql, values))


def _chain(cursor: duckdb.DuckDBPyConnection, conversation_id: str) -> list[str]:
    """Return the ids of the selected branch, oldest first."""
    leaf = cursor.execute("SELECT leaf_id::VARCHAR FROM conversations WHERE id = ?", [conversation_id]).fetchone()
    return _up(_parents(cursor, conversation_id), leaf[0] if leaf else None)


def _newest_through(cursor: duckdb.DuckDBPyConnection, conversation_id: str, message_id: str) -> list[str]:
    """Return the ids of the newest branch that holds a message, oldest first; empty where there is none."""
    parents = _parents(cursor, conversation_id)
    if message_id not in parents:
        return []
    newest_child = {parent: message for message, parent in sorted(parents.items()) if parent is not None}
    leaf = message_id
    while leaf in newest_child:
        leaf = newest_child[leaf]
    return _up(parents, leaf)


def _parents(cursor: duckdb.DuckDBPyConnection, conversation_id: str) -> dict[str, str | None]:
    """Return the parents of a conversation's messages by their ids, in no order."""
    rows = cursor.execute(
        "SELECT id::VARCHAR, parent_id::VARCHAR FROM messages WHERE conversation_id = ?", [conversation_id]
    )
    return dict(rows.fetchall())


def _up(parents: dict[str, str | None], leaf: str | None) -> list[str]:
    chain: list[str] = []
    while leaf is not None and leaf in parents:
        chain.append(leaf)
        leaf = parents[leaf]
    return chain[::-1]


def _delete(transaction: Transaction, conversation_ids: Sequence[str]) -> None:
    given = "conversation_id IN (SELECT unnest(?::UUID[]))"
    forget_imported(transaction, conversation_ids)
    for table, rows in (
        ("tool_calls", f"message_id IN (SELECT id FROM messages WHERE {given})"),
        ("tool_calls", f"run_id IN (SELECT id FROM runs WHERE {given})"),
        ("messages", given),
    ):
        transaction.execute(f"DELETE FROM {table} WHERE {rows}", [list(conversation_ids)])
    delete_conversations(transaction, conversation_ids)
    conversations_gone(transaction, conversation_ids)
