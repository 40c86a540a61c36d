"""Conversations to search in, written at once, and a search over them."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apehost_core.history.found import Found, Snippet
from apehost_core.ids import new_id
from apehost_core.messages import Message, user_message
from apehost_core.store.database import Database
from apehost_core.store.message_rows import StoredMessage
from apehost_core.store.search import Search
from apehost_core.store.search.changes import conversations_changed
from apehost_core.store.transaction import Transaction

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    """A conversation to be: its title and messages, a day after the one before."""

    title: str
    messages: Sequence[Message]
    at: datetime = START
    id: str = field(default_factory=new_id)


@contextmanager
def searching(database: Database, folder: Path) -> Generator[Search, None, None]:
    """A search that is closed at the end."""
    search = Search(database, folder)
    try:
        yield search
    finally:
        search.close()


def keep(database: Database, said: Sequence[Said], *, noted: bool = True) -> list[list[str]]:
    """Write conversations in one transaction and return the ids of their messages.

    `noted` says whether the search index is told.
    """
    stored = [_messages(each) for each in said]

    def work(transaction: Transaction) -> None:
        columns = ("id", "title", "title_source", "created_at", "updated_at", "leaf_id")
        transaction.insert_many(
            "conversations",
            columns,
            [
                (each.id, each.title, "person", each.at, each.at, rows[-1].id)
                for each, rows in zip(said, stored, strict=True)
            ],
        )
        for rows in stored:
            for row in rows:
                transaction.insert("messages", row.row())
        if noted:
            conversations_changed(transaction, [each.id for each in said])

    database.write(work)
    return [[row.id for row in rows] for rows in stored]


def keep_texts(database: Database, *texts: str) -> list[str]:
    """Write conversations of one message each and return the ids of the messages."""
    return [
        ids[0]
        for ids in keep(database, [Said(f"About {number}", [user_message(text)]) for number, text in enumerate(texts)])
    ]


def _messages(said: Said) -> list[StoredMessage]:
    rows: list[StoredMessage] = []
    for number, message in enumerate(said.messages):
        parent = rows[-1].id if rows else None
        rows.append(StoredMessage(new_id(), said.id, parent, message, said.at + timedelta(minutes=number), None))
    return rows


def ids(found: Found) -> list[str]:
    """The messages that were found, in order."""
    return [hit.message_id for hit in found.hits]


def plain(snippet: Snippet) -> str:
    """A snippet with its marked words in brackets."""
    return "".join(f"[{text}]" if marked else text for text, marked in snippet)


def find(search: Search, text: str) -> list[str]:
    """Find all there is now and return the ids."""
    assert search.settle(30)
    return ids(search.find(text))
