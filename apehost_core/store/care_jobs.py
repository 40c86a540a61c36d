"""The care's work in the background: one thing at a time, in a thread of its own, seen by every page."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from apehost_core.errors import ApeHostError, Fault, InputRefused
from apehost_core.history.care import CareJob, Result, Tell, Work

_log = logging.getLogger(__name__)

_ENDING_S = 30


class CareJobs:
    """Runs the work; safe to use from any thread.

    Attributes:
        revision: Grows with the beginning and the end of everything; from memory.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._job: CareJob | None = None
        self._growing: tuple[Path, int] | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def job(self) -> CareJob | None:
        """What goes on, or went on last; None when there is nothing to say of it."""
        with self._lock:
            job, growing = self._job, self._growing
        if job is None or not job.running or growing is None:
            return job
        return replace(job, fraction=_grown(*growing))

    def begin(self, work: Work, done: Callable[[Tell], Result], name: str = "") -> None:
        """Have something done.

        Args:
            work: What it is.
            done: Does it, and may raise any ApeHostError.
            name: Of the backup.

        Raises:
            InputRefused: Something else goes on.
        """
        with self._lock:
            if self._closed or (self._job is not None and self._job.running):
                title = "Something else is being done to the record"
                raise InputRefused(Fault(kind="bad_request", title=title, advice="Wait for its end."))
            self._job, self._growing = CareJob(work, name), None
            self.revision += 1
            self._thread = threading.Thread(target=self._run, args=(done,), name="apehost-care", daemon=True)
            self._thread.start()

    def forget(self) -> None:
        """Put away what an ended job says."""
        with self._lock:
            if self._job is not None and not self._job.running:
                self._job = None
                self.revision += 1

    def growing(self, path: Path, size: int) -> None:
        """Have the progress be read from a file that grows to about so many bytes."""
        with self._lock:
            self._growing = path, size

    def settle(self, timeout_s: float = 60.0) -> None:
        """Wait until nothing goes on."""
        until = time.monotonic() + timeout_s
        while (thread := self._thread) is not None and thread.is_alive() and time.monotonic() < until:
            thread.join(max(0.0, until - time.monotonic()))

    def close(self) -> None:
        """Begin nothing new; what goes on ends first, within half a minute."""
        with self._lock:
            self._closed = True
        self.settle(_ENDING_S)

    def _run(self, done: Callable[[Tell], Result]) -> None:
        result, fault = None, None
        try:
            result = done(self._tell)
        except ApeHostError as error:
            fault = error.fault
        except Exception:  # noqa: BLE001 -- the thread's boundary: logged, and told to the page
            _log.exception("the care of the record failed")
            fault = Fault("internal", "This could not be done", advice="The log says more.")
        with self._lock:
            assert self._job is not None
            self._job = replace(self._job, running=False, result=result, fault=fault, fraction=None, step="")
            self._growing = None
            self.revision += 1

    def _tell(self, fraction: float | None, step: str) -> None:
        with self._lock:
            assert self._job is not None
            self._job = replace(self._job, fraction=fraction, step=step)


def _grown(path: Path, size: int) -> float | None:
    """Return how far a file is that grows to about so many bytes; None while it is not there."""
    try:
        return min(0.99, path.stat().st_size / size) if size else None
    except OSError:
        return None
