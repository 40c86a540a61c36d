"""Takes an import out again, as if it had never been; what a person has written since stays, with all it stands on.

What later imports added to the same conversations goes with it, for it stands on what is taken out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import orjson

from apehost_core.store.request_rows import UNUSED_MESSAGES
from apehost_core.store.search.changes import conversations_changed, conversations_gone
from apehost_core.store.transaction import Transaction

_THESE = "(SELECT unnest(?::UUID[]))"
_LATER = "(SELECT id FROM imports WHERE id >= ?::UUID)"
_CHANGED = {"title": "VARCHAR", "updated_at": "TIMESTAMPTZ", "leaf_id": "UUID", "origin_hash": "VARCHAR"}
_REMEMBER = "INSERT INTO import_gone SELECT origin, origin_id, now() FROM conversations"
_GOES = f"import_id IN {_LATER}"
# Of conversations in which a person has selected a message that is gone now.
_NEWEST_LEAF = f"""
UPDATE conversations c
SET leaf_id = (SELECT max(id::VARCHAR)::UUID FROM messages WHERE conversation_id = c.id)
WHERE c.id IN {_THESE} AND c.leaf_id NOT IN (SELECT id FROM messages WHERE conversation_id = c.id)"""
# What stays but stands on what goes; in a conversation that the import made, whatever is not from imports.
_STAYING = f"""
SELECT DISTINCT m.conversation_id::VARCHAR
FROM messages m
JOIN conversations c ON c.id = m.conversation_id
LEFT JOIN messages above ON above.id = m.parent_id AND above.conversation_id = m.conversation_id
WHERE m.conversation_id IN {_THESE} AND (m.import_id IS NULL OR m.import_id NOT IN {_LATER})
    AND (c.import_id = ?::UUID OR above.import_id IN {_LATER})"""


@dataclass(frozen=True, slots=True)
class TakenOut:
    """What became of some conversations.

    Attributes:
        removed: Ids of those that are gone.
        restored: Ids of those that are as they were before.
        kept: Titles of those that stay as they are.
    """

    removed: tuple[str, ...]
    restored: tuple[str, ...]
    kept: tuple[str, ...]


def touched(cursor: duckdb.DuckDBPyConnection, import_id: str) -> list[str]:
    """Return the ids of the conversations that an import made or changed, and that are here."""
    rows = cursor.execute(
        "SELECT id::VARCHAR FROM conversations WHERE import_id = $1 "
        "OR id IN (SELECT conversation_id FROM import_changes WHERE import_id = $1) ORDER BY id",
        [import_id],
    ).fetchall()
    return [row[0] for row in rows]


def forget_imported(transaction: Transaction, conversation_ids: Sequence[str]) -> None:
    """Delete what an import brought beside the messages of conversations that go for good, and remember that it did.

    Does nothing for conversations that began here.
    """
    for statement in (
        f"{_REMEMBER} WHERE origin_id IS NOT NULL AND id IN {_THESE}",
        "DELETE FROM tool_calls WHERE import_id IS NOT NULL "
        f"AND message_id IN (SELECT id FROM messages WHERE conversation_id IN {_THESE})",
        f"DELETE FROM generations WHERE import_id IS NOT NULL AND conversation_id IN {_THESE}",
        f"DELETE FROM import_changes WHERE conversation_id IN {_THESE}",
    ):
        transaction.execute(statement, [list(conversation_ids)])


def take_out(transaction: Transaction, import_id: str, conversation_ids: Sequence[str]) -> TakenOut:
    """Take an import out of some conversations; the folder that is watched does not bring them again by itself."""
    connection = transaction.connection
    staying = {
        row[0] for row in connection.execute(_STAYING, [conversation_ids, import_id, import_id, import_id]).fetchall()
    }
    going = [one for one in conversation_ids if one not in staying]
    made = {
        row[0]
        for row in connection.execute(
            f"SELECT id::VARCHAR FROM conversations WHERE import_id = ? AND id IN {_THESE}", [import_id, going]
        ).fetchall()
    }
    kept = connection.execute(f"SELECT title FROM conversations WHERE id IN {_THESE} ORDER BY id", [sorted(staying)])
    titles = tuple(row[0] for row in kept.fetchall())
    removed = [one for one in going if one in made]
    restored = [one for one in going if one not in made]
    for conversation_id in restored:
        _restore(transaction, import_id, conversation_id)
    _delete_rows(transaction, import_id, going)
    transaction.execute(_NEWEST_LEAF, [restored])
    transaction.execute(
        f"{_REMEMBER} WHERE id IN {_THESE} AND (SELECT watched FROM imports WHERE id = ?)", [removed, import_id]
    )
    delete_conversations(transaction, removed)
    conversations_gone(transaction, removed)
    conversations_changed(transaction, restored)
    return TakenOut(tuple(removed), tuple(restored), titles)


def _restore(transaction: Transaction, import_id: str, conversation_id: str) -> None:
    """Give a conversation back what it was, but for what a person has set since."""
    rows = transaction.connection.execute(
        f"SELECT before FROM import_changes WHERE conversation_id = ? AND {_GOES} ORDER BY import_id DESC, rowid DESC",
        [conversation_id, import_id],
    ).fetchall()
    for (changed,) in rows:
        values: dict[str, list[object]] = orjson.loads(changed)
        for name, kind in _CHANGED.items():
            if name in values:
                before, after = values[name]
                transaction.execute(
                    f"UPDATE conversations SET {name} = ?::{kind} "
                    f"WHERE id = ? AND {name} IS NOT DISTINCT FROM ?::{kind}",
                    [before, conversation_id, after],
                )


def _delete_rows(transaction: Transaction, import_id: str, conversation_ids: Sequence[str]) -> None:
    """Delete what this import and later ones added to conversations."""
    in_these = f"conversation_id IN {_THESE} AND {_GOES}"
    values = [conversation_ids, import_id]
    transaction.execute(
        f"DELETE FROM tool_calls WHERE {_GOES} AND message_id IN (SELECT id FROM messages WHERE {in_these})",
        [import_id, *values],
    )
    for table in ("generations", "messages", "import_changes"):
        transaction.execute(f"DELETE FROM {table} WHERE {in_these}", values)


def delete_conversations(transaction: Transaction, conversation_ids: Sequence[str]) -> None:
    """Delete conversations of which nothing is left, with the logs of attempts that left no message in them."""
    runs = f"run_id IN (SELECT id FROM runs WHERE conversation_id IN {_THESE})"
    asked = transaction.connection.execute(
        f"SELECT count(*) FROM requests WHERE {runs}", [conversation_ids]
    ).fetchall()[0][0]
    for table, condition in (
        ("run_events", runs),
        ("requests", runs),
        ("tags", f"conversation_id IN {_THESE}"),
        ("conversations", f"id IN {_THESE}"),
    ):
        transaction.execute(f"DELETE FROM {table} WHERE {condition}", [conversation_ids])
    if asked:
        transaction.execute(UNUSED_MESSAGES, [])
