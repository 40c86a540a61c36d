"""The writer thread: takes writes and events from a queue and commits what came together in one transaction.

A write is acknowledged after its commit. Events wait 25 ms for company, without waking the thread one by one. A write
that somebody waits for is committed at once, but in a burst no sooner than 5 ms after the last commit, with what came
meanwhile. What a full disk refuses is kept and written before anything else.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb

from apehost_core.errors import ApeHostError, Fault, StoreError
from apehost_core.store.event_rows import Entry, insert_events
from apehost_core.store.faults import is_disk_trouble, write_fault
from apehost_core.store.transaction import Appenders, Transaction

_log = logging.getLogger(__name__)

_WINDOW_S = 0.025
_REST_S = 0.005
_MOST_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class Write:
    """Something to do in a transaction, and who waits for its commit."""

    work: Callable[[Transaction], Any]
    done: Future[Any]


class Connections(Protocol):
    """Where the writer gets its connection."""

    def writing(self) -> duckdb.DuckDBPyConnection:
        """Return the one connection that writes.

        Raises:
            StoreError: There is none now.
        """
        ...

    def reopen(self) -> None:
        """Make new connections after a fatal error."""
        ...


Item = Write | Entry


class Writer:
    """The only thread that writes.

    Attributes:
        fault: Why the last commit failed; None when it succeeded.
        commits: How many there were; for watching, from memory.
    """

    def __init__(self, connections: Connections) -> None:
        self.fault: Fault | None = None
        self.commits = 0
        self._connections = connections
        self._queue: deque[Item] = deque()
        self._something = threading.Event()
        self._awaited = threading.Event()
        self._ending = False
        self._kept: list[Entry] = []
        self._appenders: Appenders | None = None
        self._thread = threading.Thread(target=self._run, name="apehost-writer", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Queue an item; never blocks."""
        self._queue.append(item)
        if isinstance(item, Write):
            self._awaited.set()
        if not self._something.is_set():
            self._something.set()

    def close(self) -> None:
        """Write what is queued and end the thread."""
        self._ending = True
        self._awaited.set()
        self._something.set()
        self._thread.join()

    def _run(self) -> None:
        while not (self._ending and not self._queue):
            self._something.wait()
            self._awaited.wait(_WINDOW_S)
            self._awaited.clear()
            self._something.clear()
            self._commit([self._queue.popleft() for _ in range(len(self._queue))])
            time.sleep(_REST_S)

    def _commit(self, batch: Sequence[Item]) -> None:
        """Commit the batch as one; where that fails, piece by piece, so that no write pays for another's."""
        kept, self._kept = self._kept, []
        pieces = _pieces([*kept, *batch])
        if not pieces or (len(pieces) > 1 and self._try(pieces) is None):
            return
        for piece in pieces:
            error = self._try([piece])
            if error is not None:
                self._fail(piece, error)

    def _try(self, pieces: Sequence["Piece"]) -> Exception | None:
        """Write pieces in one transaction and acknowledge them; returns what prevented it."""
        results: list[tuple[Future[Any], Any]] = []
        try:
            connection = self._connections.writing()
            connection.begin()
            if self._appenders is None or self._appenders.connection is not connection:
                self._appenders = Appenders(connection)
            transaction = Transaction(self._appenders)
            for piece in pieces:
                if isinstance(piece, Write):
                    results.append((piece.done, piece.work(transaction)))
                else:
                    insert_events(transaction, piece)
            transaction.flush()
            connection.commit()
            self.commits += 1
        except Exception as error:  # noqa: BLE001 -- the thread's boundary: every failure is recorded or handed on
            self._after_failure(error)
            return error
        self.fault = None
        for done, result in results:
            done.set_result(result)
        return None

    def _after_failure(self, error: Exception) -> None:
        if is_disk_trouble(error):
            self.fault = write_fault(error)
        try:
            if self._appenders is not None:
                self._appenders.drop()
            if isinstance(error, duckdb.FatalException):
                self._connections.reopen()
            else:
                self._connections.writing().rollback()
        except (duckdb.Error, ApeHostError) as second:
            _log.debug("after a failed write: %s", second)

    def _fail(self, piece: "Piece", error: Exception) -> None:
        if isinstance(piece, Write):
            handed = error if isinstance(error, ApeHostError) else StoreError(write_fault(error))
            handed.__cause__ = error
            piece.done.set_exception(handed)
        elif is_disk_trouble(error) and len(self._kept) + len(piece) <= _MOST_KEPT:
            self._kept.extend(piece)
        else:
            _log.error("%d events could not be written: %s", len(piece), error)


Piece = Write | list[Entry]


def _pieces(items: Sequence[Item]) -> list[Piece]:
    """Return the items with neighbouring events joined, without the writes that nobody wants any more."""
    pieces: list[Piece] = []
    for item in items:
        if isinstance(item, Write):
            if item.done.set_running_or_notify_cancel():
                pieces.append(item)
        elif pieces and isinstance(pieces[-1], list):
            pieces[-1].append(item)
        else:
            pieces.append([item])
    return pieces
