"""Statements of the SQL console that were kept, with what was typed for their parameters and how they are drawn.

No two are given one name. Where a file has two of one name from before that was so, each can be opened and changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

import duckdb
import orjson

from apehost_core.errors import Fault, InputRefused
from apehost_core.history.console import ChartChoice, SavedQuery
from apehost_core.ids import new_id
from apehost_core.store.console import Console
from apehost_core.store.database import Database
from apehost_core.store.transaction import Transaction

LONGEST_NAME = 120
MOST_PINNED = 12
_COLUMNS = "id::VARCHAR, name, sql, parameters, chart, pinned_at, created_at, updated_at"


class SavedQueries:
    """Reads and writes the saved queries of one database. Every method blocks and may raise StoreError."""

    def __init__(self, database: Database, console: Console) -> None:
        self._database = database
        self._console = console

    def save(
        self,
        name: str,
        sql: str,
        parameters: Mapping[str, str],
        chart: ChartChoice | None = None,
        *,
        query_id: str | None = None,
    ) -> SavedQuery:
        """Keep a query and return it.

        Args:
            name: What it is called; no other one may be called so, however it is capitalised.
            sql: The statement.
            parameters: What was typed for its parameters, by name.
            chart: How it is drawn; None for a table.
            query_id: The one that it replaces; None keeps it as a new one, also where there is none of that id.

        Raises:
            InputRefused: It has no name, another one has it, or the statement may not be run.
        """
        name = name.strip()
        if not name or len(name) > LONGEST_NAME:
            title = f"A saved query needs a name of at most {LONGEST_NAME} characters"
            raise InputRefused(Fault(kind="bad_request", title=title))
        named = self._console.check(sql).parameters
        kept = {key: value for key, value in parameters.items() if key in named}
        now = datetime.now(UTC)
        new = SavedQuery(new_id(), name, sql, kept, chart, None, now, now)
        return self._database.write(partial(_put, new=new, query_id=query_id))

    def named(self, name: str) -> SavedQuery | None:
        """Return the query that has a name, however it is capitalised; None where none has it."""
        return _named(self.list(), name)

    def free_name(self, name: str) -> str:
        """Return the name with the lowest number behind it that makes it one that no query has: "Calls (2)"."""
        known, base = self.list(), name.strip()
        endings = (f" ({number})" for number in count(2))
        names = (base[: LONGEST_NAME - len(ending)].rstrip() + ending for ending in endings)
        return next(free for free in names if _named(known, free) is None)

    def get(self, query_id: str) -> SavedQuery | None:
        """Return a saved query; None when there is none of that id."""
        found = self._where("id = TRY_CAST(? AS UUID)", [query_id])
        return found[0] if found else None

    def list(self) -> Sequence[SavedQuery]:
        """Return all saved queries, by name."""
        return self._where("true ORDER BY lower(name), id", [])

    def pinned(self) -> Sequence[SavedQuery]:
        """Return those that stand above the charts, in the order in which they were pinned."""
        return self._where("pinned_at IS NOT NULL ORDER BY pinned_at, id", [])

    def pin(self, query_id: str) -> None:
        """Have a query stand above the charts.

        Raises:
            InputRefused: There are as many as there is room for.
        """
        if len(self.pinned()) >= MOST_PINNED:
            title = f"{MOST_PINNED} queries are pinned, and there is room for no more"
            raise InputRefused(Fault(kind="bad_request", title=title, advice="Unpin one first."))
        self._set_pinned(query_id, datetime.now(UTC))

    def unpin(self, query_id: str) -> None:
        """Have a query no longer stand above the charts."""
        self._set_pinned(query_id, None)

    def delete(self, query_id: str) -> None:
        """Forget a saved query."""
        self._database.write(
            lambda transaction: transaction.execute(
                "DELETE FROM saved_queries WHERE id = TRY_CAST(? AS UUID)", [query_id]
            )
        )

    def _set_pinned(self, query_id: str, at: datetime | None) -> None:
        self._database.write(
            lambda transaction: transaction.execute(
                "UPDATE saved_queries SET pinned_at = ? WHERE id = TRY_CAST(? AS UUID)", [at, query_id]
            )
        )

    def _where(self, condition: str, values: Sequence[object]) -> "list[SavedQuery]":
        with self._database.read() as cursor:
            return _read(cursor, condition, values)


def _put(transaction: Transaction, *, new: SavedQuery, query_id: str | None) -> SavedQuery:
    """Write a query, in place of the one of that id where there is one.

    Raises:
        InputRefused: Another one has its name. Two that have had one name for long may keep it.
    """
    known = _read(transaction.connection, "true", [])
    before = next((query for query in known if query.id == query_id), None)
    renamed = before is None or before.name.casefold() != new.name.casefold()
    if renamed and _named(known, new.name) is not None:
        title = f"There is already a saved query named {new.name!r}"
        raise InputRefused(Fault(kind="bad_request", title=title, advice="Give this one another name."))
    if before is None:
        transaction.insert("saved_queries", _row(new))
        return new
    made = replace(new, id=before.id, pinned_at=before.pinned_at, created_at=before.created_at)
    transaction.update("saved_queries", _row(made), key="id")
    return made


def _named(queries: Sequence[SavedQuery], name: str) -> SavedQuery | None:
    wanted = name.strip().casefold()
    return next((query for query in queries if query.name.casefold() == wanted), None)


def _read(cursor: duckdb.DuckDBPyConnection, condition: str, values: Sequence[object]) -> list[SavedQuery]:
    rows = cursor.execute(f"SELECT {_COLUMNS} FROM saved_queries WHERE {condition}", values).fetchall()
    return [_query(row) for row in rows]


def _row(query: SavedQuery) -> dict[str, object]:
    return {
        "id": query.id,
        "name": query.name,
        "sql": query.sql,
        "parameters": orjson.dumps(query.parameters).decode(),
        "chart": None if query.chart is None else orjson.dumps(asdict(query.chart)).decode(),
        "pinned_at": query.pinned_at,
        "created_at": query.created_at,
        "updated_at": query.updated_at,
    }


def _query(row: tuple[Any, ...]) -> SavedQuery:
    query_id, name, sql, parameters, chart, *times = row
    drawn = None if chart is None else ChartChoice(**orjson.loads(chart))
    return SavedQuery(query_id, name, sql, orjson.loads(parameters), drawn, *times)
