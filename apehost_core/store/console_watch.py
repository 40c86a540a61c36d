"""Ends a statement of the console that takes too long or too much memory, so that the app beside it is unharmed.

DuckDB's own limit of memory is the whole app's: a statement that used it up would leave nothing to the writer. And
texts in the making are not counted by it. So a thread looks at both every few milliseconds, and interrupts.
"""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from apehost_core.errors import Fault, InputRefused, StoreError
from apehost_core.store.database import Database

Reason = Literal["cancelled", "time", "memory", "size"]

_TICK_S = 0.02
_SHARE = 0.75
"""Of the memory limit: what sorts, joins and groups of all statements may hold before one of the console ends."""
_OPERATOR_SHARE = 0.2
"""Of the memory limit: where sorts, joins and groups of a statement begin to use the disk."""
_UNCOUNTED = 400_000_000
"""Bytes by which the process may grow, beyond what DuckDB counts, while a statement runs."""
_STATM = Path("/proc/self/statm")
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a statement ends.

    Attributes:
        seconds: So long it may take.
        cancelled: Set by whoever does not want it any more; None when nobody can.
        file: What it writes; None when it writes nothing.
        file_bytes: How big that may become.
    """

    seconds: float
    cancelled: threading.Event | None = None
    file: Path | None = None
    file_bytes: int = 0


class Watch:
    """The watch over one statement.

    Attributes:
        reason: Why it was ended; None when it was not.
    """

    def __init__(self, database: Database, cursor: duckdb.DuckDBPyConnection, bounds: Bounds) -> None:
        self.reason: Reason | None = None
        self._database = database
        self._cursor = cursor
        self._bounds = bounds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="apehost-console-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer; afterwards nothing is interrupted any more."""
        self._over.set()
        self._thread.join()

    def refusal(self, reason: Reason) -> InputRefused:
        """Return what to say about a statement that was ended for this reason."""
        seconds, megabytes = self._bounds.seconds, self._bounds.file_bytes // 1_000_000
        title, advice = {
            "cancelled": ("The statement was cancelled", ""),
            "time": (f"The statement took longer than {seconds:.0f} s and was stopped", _LESS),
            "memory": ("The statement needed too much memory and was stopped", _LESS),
            "size": (f"The file would be bigger than {megabytes:,} MB, so it was not written", _LESS),
        }[reason]
        return InputRefused(Fault(kind="bad_request", title=title, advice=advice))

    def _run(self) -> None:
        started = time.monotonic()
        try:
            with self._database.read() as gauge:
                limit = _memory_limit(gauge)
                _, before = _held(gauge)
                while not self._over.wait(_TICK_S):
                    self.reason = self.reason or self._judge(gauge, time.monotonic() - started, limit * _SHARE, before)
                    if self.reason is not None:
                        self._cursor.interrupt()
        except StoreError:  # not even this could be asked: the statement has taken all memory
            self.reason = self.reason or "memory"
            while not self._over.wait(_TICK_S):
                self._cursor.interrupt()

    def _judge(self, gauge: duckdb.DuckDBPyConnection, took_s: float, most_held: float, before: float) -> Reason | None:
        if self._bounds.cancelled is not None and self._bounds.cancelled.is_set():
            return "cancelled"
        if took_s > self._bounds.seconds:
            return "time"
        held, uncounted = _held(gauge)
        if held > most_held or uncounted - before > _UNCOUNTED:
            return "memory"
        file = self._bounds.file
        if file is not None and file.exists() and file.stat().st_size > self._bounds.file_bytes:
            return "size"
        return None


_LESS = "Ask for less: a shorter time, fewer columns, a WHERE, a LIMIT, or no join of everything with everything."


@contextmanager
def watched(database: Database, bounds: Bounds) -> Generator[tuple[duckdb.DuckDBPyConnection, Watch], None, None]:
    """Return a cursor for one statement, and the watch over it.

    Raises:
        StoreError: The database cannot be read.
    """
    with database.read() as cursor:
        cursor.execute(f"SET operator_memory_limit = '{int(_memory_limit(cursor) * _OPERATOR_SHARE)}B'")
        watch = Watch(database, cursor, bounds)
        watch.start()
        try:
            yield cursor, watch
        finally:
            watch.stop()


def _memory_limit(cursor: duckdb.DuckDBPyConnection) -> int:
    return int(cursor.execute("SELECT parse_formatted_bytes(current_setting('memory_limit'))").fetchall()[0][0])


def _held(cursor: duckdb.DuckDBPyConnection) -> tuple[float, float]:
    """Return the bytes that statements hold now, and those of the process that DuckDB does not count.

    What is kept of the file can be dropped at any time and does not count as held.
    """
    held, counted = cursor.execute(
        "SELECT coalesce(sum(memory_usage_bytes) FILTER (tag <> 'BASE_TABLE'), 0), coalesce(sum(memory_usage_bytes), 0)"
        " FROM duckdb_memory()"
    ).fetchall()[0]
    resident = int(_STATM.read_text("ascii").split()[1]) * _PAGE if _STATM.exists() else 0
    return float(held), resident - float(counted) if resident else 0.0
