"""The DuckDB file: opened once, written by one thread, read with a cursor for every call.

While it is open the file is never touched by path: closing any other handle on it would drop DuckDB's lock. No
extension is ever loaded or downloaded. DuckDB itself reaches no files but the database's own and those of one folder
(`Database.outbox`), and no setting can be changed any more, so that a statement that slips past every check still
reads nothing else. A cursor may limit its own memory, nothing more.
"""

import shutil
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb

from apehost_core.errors import Fault, StoreError
from apehost_core.events import LoggedEvent
from apehost_core.store.event_rows import Entry
from apehost_core.store.faults import open_error, reading
from apehost_core.store.kept import Kept
from apehost_core.store.schema import check, migrate
from apehost_core.store.sql_text import literal
from apehost_core.store.transaction import Transaction
from apehost_core.store.writer import Write, Writer

_T = TypeVar("_T")
Config = dict[str, str | bool | int | float | list[str]]

_OUTBOX = "outbox"
_MOST_SPILLED = "4GB"


class Database:
    """An open database. Made by `Database.open`; safe to use from any thread.

    Attributes:
        path: The DuckDB file.
        kept: Answers that pages ask for again and again.
    """

    def __init__(self, path: Path, root: duckdb.DuckDBPyConnection, config: Config) -> None:
        self.path = path
        self._config = config
        self._lock = threading.Lock()
        self._root: duckdb.DuckDBPyConnection | None = root
        self._writing: duckdb.DuckDBPyConnection | None = root.cursor()
        self._closed = False
        self._writer = Writer(self)
        self.kept = Kept(lambda: self.commits)

    @classmethod
    def open(cls, path: Path, *, memory_limit: str = "1GB", threads: int = 2) -> "Database":
        """Open the file, or make it, and bring its tables up to date.

        Args:
            path: The DuckDB file; its folder exists.
            memory_limit: For queries and caches, as DuckDB writes it: "1GB".
            threads: For queries.

        Raises:
            StoreLocked: Another process holds it; the fault names the process.
            StoreTooNew: A newer program made it; nothing was changed.
            StoreDamaged: File or write-ahead log do not check out; nothing was changed.
            StoreError: It cannot be opened for another reason.
        """
        config: Config = {
            "memory_limit": memory_limit,
            "threads": threads,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "max_temp_directory_size": _MOST_SPILLED,
        }
        try:
            if path.exists():
                with duckdb.connect(path, read_only=True) as looking:
                    check(looking, path)
            root = _connect(path, config)
        except duckdb.Error as error:
            raise open_error(error, path) from error
        try:
            migrate(root)
        except duckdb.Error as error:
            root.close()
            raise open_error(error, path) from error
        shutil.rmtree(path.parent / _OUTBOX, ignore_errors=True)
        return cls(path, root, config)

    @property
    def outbox(self) -> Path:
        """The only folder into which DuckDB can write: exports and copies on their way. Emptied at every start."""
        folder = self.path.parent / _OUTBOX
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    @property
    def healthy(self) -> bool:
        """Whether the last write succeeded."""
        return self._writer.fault is None

    @property
    def last_fault(self) -> Fault | None:
        """Why the last write failed; None when it succeeded."""
        return self._writer.fault

    @property
    def commits(self) -> int:
        """How many commits there were since it was opened; for watching, from memory."""
        return self._writer.commits

    def submit(self, work: Callable[[Transaction], _T]) -> Future[_T]:
        """Have the writer do something inside a transaction; the result comes after the commit.

        The future raises StoreError when nothing was written. Work may run twice (a batch that failed is tried
        piece by piece), so it does nothing but add to its transaction.
        """
        done: Future[_T] = Future()
        if self._closed:
            done.set_exception(StoreError(Fault(kind="store", title="The database is closed")))
        else:
            self._writer.put(Write(work, done))
        return done

    def write(self, work: Callable[[Transaction], _T]) -> _T:
        """Do something inside a transaction and return its result after the commit; blocks.

        Raises:
            StoreError: Nothing was written.
        """
        return self.submit(work).result()

    def append(self, run_id: str, logged: LoggedEvent) -> None:
        """Take one event of a run; committed with its neighbours within 250 ms. Never blocks.

        Raises:
            StoreError: The last write failed; nothing is taken until one succeeds.
        """
        fault = self._writer.fault
        if fault is not None:
            raise StoreError(fault)
        self._writer.put(Entry(run_id, logged))

    def probe(self) -> None:
        """Write nothing but a commit's worth, to learn whether writing works again; blocks.

        Raises:
            StoreError: It does not.
        """
        self.write(_touch)

    @contextmanager
    def read(self) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """Return a cursor that sees all commits so far; for one call, on the calling thread.

        Raises:
            StoreError: The database cannot be read.
        """
        with self._lock:
            if self._root is None:
                raise StoreError(self.last_fault or Fault(kind="store", title="The database is closed"))
            cursor = self._root.cursor()
        with cursor, reading():
            yield cursor

    def close(self) -> None:
        """Write what is queued, fold the write-ahead log into the file and let go of it."""
        self._closed = True
        self._writer.close()
        with self._lock:
            self._drop()

    def writing(self) -> duckdb.DuckDBPyConnection:
        """Return the one connection that writes; for the writer only.

        Raises:
            StoreError: It was lost and could not be made again.
        """
        if self._writing is None:
            self.reopen()
        if self._writing is None:
            raise StoreError(self.last_fault or Fault(kind="store", title="The database is closed"))
        return self._writing

    def reopen(self) -> None:
        """Make new connections after a fatal error of the old ones; for the writer only."""
        with self._lock:
            self._drop()
            self._root = _connect(self.path, self._config)
            self._writing = self._root.cursor()

    def _drop(self) -> None:
        for connection in (self._writing, self._root):
            if connection is not None:
                connection.close()
        self._writing = self._root = None


def _connect(path: Path, config: Config) -> duckdb.DuckDBPyConnection:
    root = duckdb.connect(path, config=config)
    for setting in (
        "TimeZone = 'UTC'",
        f"allowed_directories = [{literal(f'{(path.parent / _OUTBOX).absolute()}/')}]",
        "enable_external_access = false",
        "allowed_configs = ['operator_memory_limit']",
        "lock_configuration = true",
    ):
        root.execute(f"SET {setting}")
    return root


def _touch(transaction: Transaction) -> None:
    transaction.execute("UPDATE schema_migrations SET name = name WHERE version = ?", [1])
