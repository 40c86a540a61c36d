"""The trees of messages: those that bite their tail, and another message to select where the selected one is gone."""

import duckdb

from apehost_core.store.database import Database
from apehost_core.store.search.changes import conversations_changed
from apehost_core.store.transaction import Transaction

_LOST = """
SELECT c.id::VARCHAR, max(m.id)::VARCHAR FROM conversations c JOIN messages m ON m.conversation_id = c.id
WHERE NOT EXISTS (SELECT 1 FROM messages l WHERE l.id = c.leaf_id AND l.conversation_id = c.id)
GROUP BY c.id"""


def circles(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the titles of chats in which messages answer each other in a circle.

    Ids grow with time, so that an answer's is above its question's. A circle has an edge that goes the other way; only
    chats with such an edge are walked through.
    """
    rows = cursor.execute(
        "SELECT c.title, m.conversation_id, m.id, m.parent_id FROM messages m "
        "JOIN conversations c ON c.id = m.conversation_id WHERE m.parent_id IS NOT NULL AND m.conversation_id IN "
        "(SELECT conversation_id FROM messages WHERE parent_id >= id)"
    ).fetchall()
    parents: dict[object, dict[object, object]] = {}
    titles: dict[object, str] = {}
    for title, conversation_id, message_id, parent_id in rows:
        titles[conversation_id] = title
        parents.setdefault(conversation_id, {})[message_id] = parent_id
    return sorted(titles[each] for each, edges in parents.items() if _has_circle(edges))


def select_newest(database: Database) -> int:
    """Select the newest message of each chat whose selected one does not exist; returns in how many chats.

    Raises:
        StoreError: Nothing was changed.
    """

    def work(transaction: Transaction) -> int:
        found = transaction.connection.execute(_LOST).fetchall()
        for conversation_id, message_id in found:
            transaction.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", [message_id, conversation_id])
        conversations_changed(transaction, [row[0] for row in found])
        return len(found)

    return database.write(work)


def _has_circle(parents: dict[object, object]) -> bool:
    sound: set[object] = set()
    for message in parents:
        path: set[object] = set()
        at: object = message
        while at in parents and at not in sound:
            if at in path:
                return True
            path.add(at)
            at = parents[at]
        sound |= path
    return False
