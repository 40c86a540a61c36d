"""What a hit says of its conversation, in memory: title, tags, archive, trash.

Fifty hits are of nearly as many conversations, and reading those took as long as all the rest of a search. They are
read once, 0.1 KB each, and again when they change.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

import duckdb

from apehost_core.store.search.changes import Change
from apehost_core.store.search.schema import key_in, key_sql

_COLUMNS: Final = """
WITH named AS (SELECT conversation_id, list_sort(list_distinct(list(tag))) AS tags FROM tags GROUP BY conversation_id)
SELECT id::VARCHAR, title, epoch_us(updated_at), archived_at IS NOT NULL, trashed_at IS NOT NULL, tags
FROM conversations LEFT JOIN named ON conversation_id = id"""
_GIVEN: Final = f"{_COLUMNS} WHERE id IN (SELECT unnest(?::UUID[]))"
_KEYED: Final = f"{_COLUMNS} WHERE {key_sql('id')} IN (SELECT unnest(?::UBIGINT[]))"
_CHANGED: Final = f"{_COLUMNS} WHERE updated_at >= make_timestamptz(?)"
_AT_ONCE: Final = 2_000


class Chat(NamedTuple):
    """A conversation, as hits show it.

    Attributes:
        id: UUID.
        title: As it is now.
        at_us: When it was last written in, in microseconds since 1970.
        archived: Whether it is in the archive.
        trashed: Whether it is in the trash.
        tags: Sorted.
    """

    id: str
    title: str
    at_us: int
    archived: bool
    trashed: bool
    tags: tuple[str, ...]


class Chats:
    """All conversations of one database; kept up to date by `Memory`."""

    def __init__(self) -> None:
        self._chats: dict[int, Chat] = {}
        self._newest_us = 0

    def of(self, cursor: duckdb.DuckDBPyConnection, keys: Collection[int]) -> dict[int, Chat]:
        """Return those of the conversations that are there.

        Args:
            cursor: Reads those that are not known.
            keys: See `schema.key_of`.
        """
        found = {key: chat for key in keys if (chat := self._chats.get(key)) is not None}
        if len(found) < len(keys):
            found |= {
                key_in(chat.id): chat for chat in _read(cursor, _KEYED, [key for key in keys if key not in found])
            }
        return found

    def read_all(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read them all."""
        self._keep(_read(cursor, f"{_COLUMNS} WHERE ?", True))

    def read_changed(self, cursor: duckdb.DuckDBPyConnection, changes: Sequence[Change]) -> None:
        """Read those that changed."""
        named = {str(change.id) for change in changes if change.kind != "message"}
        read = list(_read(cursor, _GIVEN, list(named))) if named else []
        for gone in named - {chat.id for chat in read}:
            self._chats.pop(key_in(gone), None)
        if any(change.kind == "message" for change in changes):  # it moves the time of its conversation
            read += _read(cursor, _CHANGED, self._newest_us)
        self._keep(read)

    def _keep(self, chats: Iterable[Chat]) -> None:
        for chat in chats:
            self._chats[key_in(chat.id)] = chat
            self._newest_us = max(self._newest_us, chat.at_us)


def _read(cursor: duckdb.DuckDBPyConnection, query: str, parameter: object) -> Iterable[Chat]:
    """Yield conversations, a few thousand at a time, so that other threads get their turn."""
    cursor.execute(query, [parameter])
    while rows := cursor.fetchmany(_AT_ONCE):
        yield from (Chat(*row[:-1], tags=tuple(row[-1] or ())) for row in rows)
