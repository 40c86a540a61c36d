"""The last requests that went to one server: when, what for, how it ended. Never a body, never an address.

Written on the event loop only; read from any thread, because what is read is a tuple that nobody changes.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from apehost_core.errors import ServerError

RequestKind = Literal["chat", "check", "load", "unload", "download", "test"]
STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request.

    Attributes:
        at: When it began, UTC.
        kind: What it was for.
        model: The model or instance concerned; None when none is.
        status: HTTP status of the last answer; None when there was none.
        ms: Until the answer was complete, milliseconds; of a chat: until its stream ended.
        problem: Title of the fault; "stopped" when the caller left early; empty when all went well.
        call_id: Under which the call is recorded elsewhere; None for what is not.
    """

    at: datetime
    kind: RequestKind
    model: str | None
    status: int | None
    ms: float
    problem: str = ""
    call_id: str | None = None


class Entry:
    """A request that is under way.

    Attributes:
        status: To be set once an answer's status is known.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self.problem = STOPPED
        self._begun = time.perf_counter()
        self._ended: float | None = None

    def end(self, problem: str = "") -> None:
        """Note how it ended; what is noted first stands."""
        if self._ended is None:
            self._ended, self.problem = time.perf_counter(), problem

    @property
    def ms(self) -> float:
        """Milliseconds until its end, or until now."""
        return ((self._ended or time.perf_counter()) - self._begun) * 1000


class RequestLog:
    """The last requests, and of checks only those that say something new."""

    def __init__(self, capacity: int = 500) -> None:
        self._capacity = capacity
        self._records: tuple[RequestRecord, ...] = ()
        self._last_checks: dict[str, tuple[int | None, str]] = {}

    @property
    def records(self) -> tuple[RequestRecord, ...]:
        """What was kept, newest first. Safe from any thread."""
        return self._records

    def add(self, record: RequestRecord, *, subject: str = "") -> None:
        """Keep a record; a check only when its status or problem is not that of the last one.

        Args:
            record: What happened.
            subject: Tells checks of different things apart, which may end differently time after time.
        """
        if record.kind == "check":
            found = (record.status, record.problem)
            if self._last_checks.get(subject) == found:
                return
            self._last_checks[subject] = found
        self._records = (record, *self._records[: self._capacity - 1])

    @contextmanager
    def entry(
        self, kind: RequestKind, *, model: str | None = None, call_id: str | None = None, subject: str = ""
    ) -> Generator[Entry, None, None]:
        """Add a record of what happens in the context; a ServerError that leaves it becomes its problem.

        Whoever leaves without `Entry.end` has stopped the request.
        """
        at, entry = datetime.now(UTC), Entry()
        try:
            yield entry
        except ServerError as error:
            entry.status = entry.status or error.fault.status
            entry.end(error.fault.title)
            raise
        finally:
            record = RequestRecord(at, kind, model, entry.status, entry.ms, entry.problem, call_id)
            self.add(record, subject=subject)
