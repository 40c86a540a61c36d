"""Statements that run behind a page, so that it can be refreshed, left, or ask for their end meanwhile."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from apehost_core.errors import ApeHostError, Fault, InputRefused
from apehost_core.history.console import StatementRun
from apehost_core.ids import new_id
from apehost_core.store.console import Console

_log = logging.getLogger(__name__)

_AT_ONCE = 2
_KEPT = 24


class _Run:
    """A run with what is needed to end it."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.cancelled = threading.Event()
        self.ended = threading.Event()
        self.seen = StatementRun(new_id(), "waiting", 0.0)

    def look(self) -> StatementRun:
        """Return how far it is now."""
        seen = self.seen
        return seen if seen.ended else replace(seen, seconds=time.monotonic() - self.started)

    def move(self, **changed: object) -> None:
        """Say how far it is."""
        self.seen = replace(self.seen, seconds=time.monotonic() - self.started, **changed)
        if self.seen.ended:
            self.ended.set()


class Runs:
    """The last statements that were asked for; two are at work at a time. From any thread."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._workers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="apehost-console")
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, _Run] = OrderedDict()

    def start(self, sql: str, parameters: Mapping[str, object]) -> str:
        """Have a statement run and return the run's id; of those that have ended, the oldest are forgotten.

        Raises:
            InputRefused: It may not be run, or too many wait already; the fault says what and where.
        """
        self._console.check(sql)
        run = _Run()
        with self._lock:
            if sum(not old.seen.ended for old in self._runs.values()) >= _KEPT:
                title = f"{_KEPT} statements run or wait already"
                raise InputRefused(Fault(kind="busy", title=title, advice="Wait for their end, or cancel one."))
            ended = [run_id for run_id, old in self._runs.items() if old.seen.ended]
            for run_id in ended[: max(0, len(self._runs) - _KEPT + 1)]:
                del self._runs[run_id]
            self._runs[run.seen.id] = run
        self._workers.submit(self._work, run, sql, dict(parameters))
        return run.seen.id

    def look(self, run_id: str) -> StatementRun | None:
        """Return how far a run is; None when it is not known any more."""
        with self._lock:
            run = self._runs.get(run_id)
        return run.look() if run else None

    def wait(self, run_id: str, seconds: float) -> StatementRun | None:
        """Return how far a run is as soon as it has ended, or after so many seconds; None when it is not known."""
        with self._lock:
            run = self._runs.get(run_id)
        if run is None:
            return None
        run.ended.wait(seconds)
        return run.look()

    def cancel(self, run_id: str) -> None:
        """Have a run ended; nothing happens when it has."""
        with self._lock:
            run = self._runs.get(run_id)
        if run is not None:
            run.cancelled.set()

    def close(self) -> None:
        """End all runs and wait for them."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.cancelled.set()
        self._workers.shutdown(cancel_futures=True)

    def _work(self, run: _Run, sql: str, parameters: Mapping[str, object]) -> None:
        if run.cancelled.is_set():
            run.move(state="cancelled")
            return
        run.move(state="running")
        try:
            result = self._console.run(sql, parameters, cancelled=run.cancelled)
        except ApeHostError as error:
            run.move(state="cancelled" if run.cancelled.is_set() else "failed", fault=error.fault)
        except Exception as error:  # noqa: BLE001 -- the thread's boundary: whoever waits for the run has to hear of it
            _log.error("a statement of the console ended with a defect: %s", type(error).__name__)
            run.move(state="failed", fault=Fault(kind="internal", title="The statement could not be run"))
        else:
            run.move(state="done", result=result)
