"""All conversations of a database as a list, and what is done to many of them at once. All methods block."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from apehost_core.errors import Fault, InputRefused
from apehost_core.history.listing import Choices, Listed, ListFilter, as_tag
from apehost_core.store.database import Database
from apehost_core.store.message_rows import MESSAGE_QUERY, StoredMessage, message_of
from apehost_core.store.search.changes import conversations_changed
from apehost_core.store.transaction import Transaction

LONGEST_TAG = 60
_PLACES = {
    "kept": "c.trashed_at IS NULL AND c.archived_at IS NULL",
    "archive": "c.trashed_at IS NULL AND c.archived_at IS NOT NULL",
    "trash": "c.trashed_at IS NOT NULL",
    None: "c.trashed_at IS NULL",
}
_ASKED = "c.id IN (SELECT conversation_id FROM generations WHERE {condition})"
_ROWS = """
WITH page AS (SELECT unnest(?::UUID[]) AS id, unnest(range(?)) AS place),
said AS (
    SELECT conversation_id AS id, count(*) AS messages
    FROM messages WHERE conversation_id IN (SELECT id FROM page) GROUP BY ALL
),
called AS (
    SELECT conversation_id AS id, sum(completion_tokens) AS tokens,
        list_sort(list_distinct(list(coalesce(model_answered, model_asked)))) AS models
    FROM generations WHERE conversation_id IN (SELECT id FROM page) GROUP BY ALL
),
tagged AS (
    SELECT conversation_id AS id, list_sort(list_distinct(list(tag))) AS tags
    FROM tags WHERE conversation_id IN (SELECT id FROM page) GROUP BY ALL
)
SELECT c.id::VARCHAR, c.title, c.created_at, c.updated_at, coalesce(messages, 0), coalesce(tokens, 0)::BIGINT,
    coalesce(models, []), coalesce(tags, []), c.archived_at IS NOT NULL, c.trashed_at, c.origin
FROM page
JOIN conversations c USING (id)
LEFT JOIN said USING (id)
LEFT JOIN called USING (id)
LEFT JOIN tagged USING (id)
ORDER BY place"""


class Library:
    """Lists conversations and changes many at once, each change in one transaction; methods may raise StoreError.

    Args:
        database: Where they are.
        changed: Called after every change.
    """

    def __init__(self, database: Database, changed: Callable[[], None]) -> None:
        self._database = database
        self._changed = changed

    def find(self, wanted: ListFilter, *, limit: int, offset: int = 0) -> tuple[list[Listed], int]:
        """Return a page of the conversations that a filter lets through, last used first, and how many there are."""
        listed, total = self._database.kept.get(
            ("listed", wanted, limit, offset), lambda: self._find(wanted, limit, offset)
        )
        return list(listed), total

    def _find(self, wanted: ListFilter, limit: int, offset: int) -> tuple[tuple[Listed, ...], int]:
        where, values = _where(wanted)
        with self._database.read() as cursor:
            found = cursor.execute(
                f"SELECT c.id::VARCHAR, count(*) OVER () FROM conversations c WHERE {where} "
                "ORDER BY c.updated_at DESC, c.id DESC LIMIT ? OFFSET ?",
                [*values, limit, offset],
            ).fetchall()
            if not found:
                return (), self._count(wanted) if offset else 0
            ids = [conversation_id for conversation_id, _ in found]
            rows = cursor.execute(_ROWS, [ids, len(ids)]).fetchall()
        return tuple(map(_listed, rows)), found[0][1]

    def choices(self) -> Choices:
        """Return what there is to narrow the list to."""
        return self._database.kept.get("choices", self._choices)

    def _choices(self) -> Choices:
        with self._database.read() as cursor:
            tags, models, servers = (
                tuple(row[0] for row in cursor.execute(sql).fetchall())
                for sql in (
                    "SELECT DISTINCT tag FROM tags JOIN conversations c ON c.id = conversation_id "
                    "WHERE c.trashed_at IS NULL ORDER BY lower(tag)",
                    "SELECT DISTINCT coalesce(model_answered, model_asked) AS model FROM generations ORDER BY model",
                    "SELECT DISTINCT server FROM generations ORDER BY server",
                )
            )
        return Choices(tags, models, servers)

    def ids(self, wanted: ListFilter) -> tuple[str, ...]:
        """Return all conversations that a filter lets through."""
        where, values = _where(wanted)
        with self._database.read() as cursor:
            rows = cursor.execute(f"SELECT c.id::VARCHAR FROM conversations c WHERE {where}", values).fetchall()
        return tuple(row[0] for row in rows)

    def around(self, message_id: str) -> tuple[StoredMessage, ...]:
        """Return a message with the one before it and the newest after it; empty when there is none of that id."""
        with self._database.read() as cursor:  # an id is found in a glance, a parent only within a conversation
            home = cursor.execute(
                "SELECT conversation_id, id, parent_id FROM messages WHERE id = TRY_CAST(? AS UUID)", [message_id]
            ).fetchone()
            if home is None:
                return ()
            rows = cursor.execute(
                f"{MESSAGE_QUERY} WHERE conversation_id = $1 AND ($2 IN (id, parent_id) OR id = $3)", home
            ).fetchall()
        found = {stored.id: stored for stored in map(message_of, rows)}
        message = found.get(str(home[1]))
        if message is None:
            return ()
        after = [stored for stored in found.values() if stored.parent_id == message.id]
        before = found.get(message.parent_id) if message.parent_id else None
        newest = max(after, key=lambda stored: stored.id, default=None)
        return tuple(stored for stored in (before, message, newest) if stored is not None)

    def tag(self, ids: Sequence[str], tag: str) -> tuple[str, ...]:
        """Give conversations a tag; returns those that did not have it.

        Raises:
            InputRefused: The tag is empty or longer than 60 characters.
        """
        wanted, now = checked_tag(tag), datetime.now(UTC)

        def work(transaction: Transaction) -> tuple[str, ...]:
            has = _tagged(transaction, wanted)
            lacking = tuple(conversation_id for conversation_id in ids if conversation_id not in has)
            rows = [(conversation_id, wanted, now) for conversation_id in lacking]
            transaction.insert_many("tags", ("conversation_id", "tag", "created_at"), rows)
            return lacking

        return self._write(work)

    def untag(self, ids: Sequence[str], tag: str) -> tuple[str, ...]:
        """Take a tag from conversations; returns those that had it."""
        wanted = as_tag(tag)

        def work(transaction: Transaction) -> tuple[str, ...]:
            has = _tagged(transaction, wanted)
            having = tuple(conversation_id for conversation_id in ids if conversation_id in has)
            transaction.execute(
                "DELETE FROM tags WHERE tag = ? AND conversation_id IN (SELECT unnest(?::UUID[]))", [wanted, having]
            )
            return having

        return self._write(work)

    def archive(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Put conversations in the archive: out of the sidebar, still found. Returns those that were not in it."""
        return self._stamp("archived_at", ids, datetime.now(UTC))

    def unarchive(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Take conversations out of the archive; returns those that were in it."""
        return self._stamp("archived_at", ids, None)

    def trash(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Put conversations in the trash, which has its own time; returns those that were not in it."""
        return self._stamp("trashed_at", ids, datetime.now(UTC))

    def restore(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Take conversations out of the trash; returns those that were in it."""
        return self._stamp("trashed_at", ids, None)

    def _count(self, wanted: ListFilter) -> int:
        where, values = _where(wanted)
        with self._database.read() as cursor:
            return cursor.execute(f"SELECT count(*) FROM conversations c WHERE {where}", values).fetchall()[0][0]

    def _stamp(self, column: str, ids: Sequence[str], moment: datetime | None) -> tuple[str, ...]:
        def work(transaction: Transaction) -> tuple[str, ...]:
            before = "IS NULL" if moment else "IS NOT NULL"
            rows = transaction.connection.execute(
                f"SELECT id::VARCHAR FROM conversations WHERE {column} {before} AND id IN (SELECT unnest(?::UUID[]))",
                [ids],
            ).fetchall()
            changed = tuple(row[0] for row in rows)
            transaction.execute(
                f"UPDATE conversations SET {column} = ? WHERE id IN (SELECT unnest(?::UUID[]))", [moment, changed]
            )
            return changed

        return self._write(work)

    def _write(self, work: Callable[[Transaction], tuple[str, ...]]) -> tuple[str, ...]:
        def noted(transaction: Transaction) -> tuple[str, ...]:
            changed = work(transaction)
            conversations_changed(transaction, changed)
            return changed

        changed = self._database.write(noted)
        if changed:
            self._changed()
        return changed


def _tagged(transaction: Transaction, tag: str) -> set[str]:
    """Return the conversations that have a tag."""
    rows = transaction.connection.execute("SELECT conversation_id::VARCHAR FROM tags WHERE tag = ?", [tag]).fetchall()
    return {row[0] for row in rows}


def checked_tag(tag: str) -> str:
    """Return a tag as it is kept: without blanks around it and in it.

    Raises:
        InputRefused: It is empty or longer than 60 characters.
    """
    wanted = as_tag(tag)
    if not wanted or len(wanted) > LONGEST_TAG:
        raise InputRefused(
            Fault(kind="bad_request", title=f"A tag has 1 to {LONGEST_TAG} characters", advice="Choose another one.")
        )
    return wanted


def _listed(row: tuple[Any, ...]) -> Listed:
    conversation_id, title, created_at, updated_at, messages, tokens, models, tags, archived, trashed_at, origin = row
    return Listed(
        conversation_id,
        title,
        created_at,
        updated_at,
        messages,
        tokens,
        tuple(models),
        tuple(tags),
        archived,
        trashed_at,
        origin,
    )


def _where(wanted: ListFilter) -> tuple[str, list[object]]:
    """Return the condition and its values."""
    conditions, values = [_PLACES[wanted.place], "c.leaf_id IS NOT NULL"], list[object]()
    for condition, value in (
        ("contains(lower(c.title), lower(?))", wanted.contains or None),
        ("c.id IN (SELECT conversation_id FROM tags WHERE lower(tag) = lower(?))", wanted.tag),
        (_ASKED.format(condition="lower(coalesce(model_answered, model_asked)) = lower(?)"), wanted.model),
        (_ASKED.format(condition="server = ?"), wanted.server),
        ("c.updated_at >= ?", wanted.after),
        ("c.updated_at < ?", wanted.before),
        ("(c.origin IS NOT NULL) = ?", wanted.imported),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    return " AND ".join(conditions), values
