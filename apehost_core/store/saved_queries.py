"""Statements of the SQL console that were kept, with what was typed for their parameters and how they are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from apehost_core.errors import Fault, InputRefused
from apehost_core.history.console import ChartChoice, SavedQuery
from apehost_core.ids import new_id
from apehost_core.store.console import Console
from apehost_core.store.database import Database

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
            name: What it is called.
            sql: The statement.
            parameters: What was typed for its parameters, by name.
            chart: How it is drawn; None for a table.
            query_id: The one that it replaces; None keeps it as a new one, also where there is none of that id.

        Raises:
            InputRefused: It has no name, or the statement may not be run.
        """
        name = name.strip()
        if not name or len(name) > LONGEST_NAME:
            title = f"A saved query needs a name of at most {LONGEST_NAME} characters"
            raise InputRefused(Fault(kind="bad_request", title=title))
        named = self._console.check(sql).parameters
        kept = {key: value for key, value in parameters.items() if key in named}
        before = self.get(query_id) if query_id else None
        now = datetime.now(UTC)
        new = SavedQuery(new_id(), name, sql, kept, chart, None, now, now)
        if before is None:
            self._database.write(lambda transaction: transaction.insert("saved_queries", _row(new)))
            return new
        made = replace(new, id=before.id, pinned_at=before.pinned_at, created_at=before.created_at)
        self._database.write(lambda transaction: transaction.update("saved_queries", _row(made), key="id"))
        return made

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
