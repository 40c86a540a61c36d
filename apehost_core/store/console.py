"""The SQL console: one SELECT over the documented views, on a connection of its own, within limits.

What is run has passed the guard (`console_guard`), DuckDB reaches no files but its own (`database`), and a watch ends
what takes too long or too much (`console_watch`). All methods block.
"""

import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import repeat

import duckdb

from apehost_core.errors import Fault, InputRefused
from apehost_core.history.console import Limits, Result, ResultColumn, TableFormat, ViewColumn, ViewInfo
from apehost_core.store.console_guard import Guard, Statement
from apehost_core.store.console_rows import Rows, column_of, shorter
from apehost_core.store.console_watch import Bounds, Watch, watched
from apehost_core.store.database import Database
from apehost_core.store.outgoing import outgoing, write_table

_LONGEST_MESSAGE = 400
_BATCH = 100
_VIEWS = """
SELECT v.view_name, v.comment, c.column_name, c.data_type, c.comment
FROM duckdb_views() v
JOIN duckdb_columns() c ON c.table_oid = v.view_oid AND c.database_oid = v.database_oid
WHERE NOT v.internal AND v.view_name LIKE 'v\\_%' ESCAPE '\\' AND v.comment IS NOT NULL
ORDER BY v.view_name, c.column_index"""


class Console:
    """Runs statements over one database.

    Attributes:
        limits: How far a statement may go.
    """

    def __init__(self, database: Database, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._database = database
        self._lock = threading.Lock()
        self._guard: Guard | None = None

    @cached_property
    def schema(self) -> tuple[ViewInfo, ...]:
        """The views that may be read, by name.

        Raises:
            StoreError: The database cannot be read.
        """
        with self._database.read() as cursor:
            rows = cursor.execute(_VIEWS).fetchall()
        views: dict[tuple[str, str], list[ViewColumn]] = {}
        for view, comment, *column in rows:
            name, data_type, described = column
            views.setdefault((view, comment), []).append(ViewColumn(name, data_type, described or ""))
        return tuple(ViewInfo(*view, tuple(columns)) for view, columns in views.items())

    def check(self, sql: str) -> Statement:
        """Return a statement with the names of its parameters.

        Raises:
            InputRefused: It may not be run; the fault says what and where.
        """
        with self._lock:
            if self._guard is None:
                self._guard = Guard([view.name for view in self.schema])
        return self._guard.check(sql)

    def run(
        self,
        sql: str,
        parameters: Mapping[str, object],
        *,
        rows: int | None = None,
        seconds: float | None = None,
        cancelled: threading.Event | None = None,
    ) -> Result:
        """Return the first rows of a statement.

        Args:
            sql: One SELECT.
            parameters: Values by name; what the statement does not name is left out.
            rows: How many at most; None for the usual limit.
            seconds: How long at most; None for the usual limit.
            cancelled: Set from another thread, it ends the statement.

        Raises:
            InputRefused: It may not be run, cannot be run, or was ended; the fault says why and where.
            StoreError: The database cannot be read.
        """
        statement = self.check(sql)
        bounds = Bounds(seconds or self.limits.seconds, cancelled)
        with watched(self._database, bounds) as (cursor, watch), _explained(watch):
            return self._rows(cursor, statement, parameters, rows or self.limits.rows)

    def export(
        self,
        sql: str,
        parameters: Mapping[str, object],
        table_format: TableFormat,
        *,
        cancelled: threading.Event | None = None,
    ) -> bytes:
        """Return all rows of a statement as a file.

        Args:
            sql: One SELECT.
            parameters: Values by name.
            table_format: CSV is UTF-8 with a header line; a text that a spreadsheet would run gets an apostrophe.
            cancelled: Set from another thread, it ends the statement.

        Raises:
            InputRefused: As for `run`, or the file would be too big.
            StoreError: The database cannot be read, or the file not be written.
        """
        statement = self.check(sql)
        with outgoing(self._database.outbox, table_format) as path:
            bounds = Bounds(self.limits.export_seconds, cancelled, path, self.limits.export_bytes)
            with watched(self._database, bounds) as (cursor, watch):
                with _explained(watch):
                    values = _given(statement, parameters)
                    texts = [column.name for column in _columns(cursor, statement, values) if column.type == "VARCHAR"]
                    write_table(cursor, f"({statement.sql}\n)", path, texts=texts, values=values)
                if path.stat().st_size > bounds.file_bytes:
                    raise watch.refusal("size")
            return path.read_bytes()

    def close(self) -> None:
        """Let go of the parser."""
        with self._lock:
            if self._guard is not None:
                self._guard.close()

    def _rows(
        self, cursor: duckdb.DuckDBPyConnection, statement: Statement, parameters: Mapping[str, object], most: int
    ) -> Result:
        started = time.monotonic()
        values = _given(statement, parameters)
        columns = _columns(cursor, statement, values)
        cursor.execute(_cut(statement, columns, self.limits.text_characters + 1), values)
        rows = Rows(columns, self.limits)
        while rows.count <= most and not rows.full:
            batch = cursor.fetchmany(min(_BATCH, most + 1 - rows.count))
            if not batch:
                break
            rows.take(batch)
        took_ms = (time.monotonic() - started) * 1000
        return Result(columns, rows.frame(most), rows.count > most or rows.full, rows.cut, took_ms)


@contextmanager
def _explained(watch: Watch) -> Generator[None, None, None]:
    """Say what DuckDB raises about a statement in words for who typed it."""
    try:
        yield
    except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
        raise watch.refusal(watch.reason or "memory") from error
    except (duckdb.FatalException, duckdb.IOException, duckdb.InternalException):
        raise
    except duckdb.Error as error:
        message, _, place = str(error).partition("\n\nLINE ")
        line = f"Line {place.partition(':')[0]}." if place else ""
        title = f"DuckDB cannot run the statement: {' '.join(message.split())[:_LONGEST_MESSAGE]}"
        raise InputRefused(Fault(kind="bad_request", title=title, cause=line)) from error


def _given(statement: Statement, parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the values of the parameters that a statement names."""
    missing = [name for name in statement.parameters if name not in parameters]
    if missing:
        raise InputRefused(Fault(kind="bad_request", title=f"The parameter ${missing[0]} has no value"))
    return {name: parameters[name] for name in statement.parameters}


def _columns(
    cursor: duckdb.DuckDBPyConnection, statement: Statement, values: Mapping[str, object]
) -> tuple[ResultColumn, ...]:
    """Return the columns that a statement gives, without running it; each has a name of its own."""
    described = cursor.execute(f"SELECT * FROM ({statement.sql}\n) LIMIT 0", values).description or []
    return tuple(column_of(str(name), str(data_type)) for name, data_type, *_ in described)


def _cut(statement: Statement, columns: Sequence[ResultColumn], characters: int) -> str:
    """Return a statement with its texts cut, and as text what is of no simple kind: nothing huge leaves DuckDB."""
    names = [f"c{number}" for number in range(len(columns))]
    shown = ", ".join(map(shorter, names, columns, repeat(characters)))
    return f"SELECT {shown} FROM ({statement.sql}\n) AS given({', '.join(names)})"
