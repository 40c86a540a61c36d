"""Messages found again by where they stood: the quickest way to fifty of a million rows, without an index in the file.

DuckDB numbers the rows of a table. Deleting compacts a table, which moves rows, so a number is a hint: the row there
must be the one that is meant. Where it is not, all numbers are looked up anew and kept until they fail in turn.
"""

import threading
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from apehost_core.store.search.schema import key_in, key_sql

_NUMBERS: Final = f"SELECT {key_sql('id')} AS key, rowid AS row FROM messages ORDER BY key"


class Place(NamedTuple):
    """Where a row stood.

    Attributes:
        key: Of its id; see `schema.key_of`.
        row: Its number.
    """

    key: int
    row: int


class Places:
    """Reads rows of messages; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._rows: NDArray[np.int64] = np.empty(0, np.int64)

    def read(
        self, cursor: duckdb.DuckDBPyConnection, query: str, wanted: Sequence[Place]
    ) -> dict[int, tuple[Any, ...]]:
        """Return those rows that are there, without their numbers, by their keys.

        Args:
            cursor: Reads them.
            query: Returns the row's number, its id as text and what else is wanted, for a list of numbers.
            wanted: Where they stood.
        """
        found = _at(cursor, query, {place.key: place.row for place in wanted})
        missing = [place.key for place in wanted if place.key not in found]
        if missing and len(self._keys):
            found |= _at(cursor, query, self._known(missing))
            missing = [key for key in self._known(missing) if key not in found]
        elif not missing:
            return found
        if missing:
            self._look_up(cursor)
            found |= _at(cursor, query, self._known(missing))
        return found

    def _known(self, keys: Sequence[int]) -> dict[int, int]:
        """Return the numbers of rows as they were when they were last looked up."""
        with self._lock:
            known, rows = self._keys, self._rows
        places = np.searchsorted(known, np.array(keys, np.uint64))
        return {
            key: int(rows[place])
            for key, place in zip(keys, places.tolist(), strict=True)
            if place < len(known) and int(known[place]) == key
        }

    def _look_up(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Look up where all rows stand now; 0.2 s for a million."""
        columns = cursor.execute(_NUMBERS).fetchnumpy()
        with self._lock:
            self._keys, self._rows = np.asarray(columns["key"], np.uint64), np.asarray(columns["row"], np.int64)


def _at(cursor: duckdb.DuckDBPyConnection, query: str, rows: dict[int, int]) -> dict[int, tuple[Any, ...]]:
    """Return the rows that stand where they are thought to stand."""
    if not rows:
        return {}
    found: dict[int, tuple[Any, ...]] = {}
    for row in cursor.execute(query, [list(rows.values())]).fetchall():
        key = key_in(row[1])
        if rows.get(key) == row[0]:
            found[key] = row[1:]
    return found
