"""The hub: owns every live run, keeps its log, records it, and lets anybody watch from any point of it.

Runs belong to no page and no request. The hub lives on one event loop; `log` and `Transcript` may be read
from any thread. What a subscriber sees has been handed to the recorder before.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from apehost_core.errors import ApeHostError, Fault
from apehost_core.events import LoggedEvent, Outcome, RunEvent, RunFinished, RunStarted
from apehost_core.runs.recorder import Recorder
from apehost_core.runs.run import RunEnding, RunSpec
from apehost_core.runs.transcript import Transcript, ending_of

_log = logging.getLogger(__name__)

Emit = Callable[[RunEvent], None]
Work = Callable[[Emit], Awaitable[Outcome]]


@dataclass(slots=True)
class LiveRun:
    """A run while it lives: its log, the fold of the log, and who waits for more.

    Attributes:
        spec: What was recorded before the first event.
        log: All events so far, append-only, sequence numbers from 1 without gaps.
        transcript: The fold of the log.
        finished: Set once the ending is durable (or could not be made so).
        unsaved: The ending that the store refused; None while all is well.
    """

    spec: RunSpec
    log: list[LoggedEvent] = field(default_factory=list[LoggedEvent])
    transcript: Transcript = field(default_factory=Transcript)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    unsaved: RunEnding | None = None
    started_ns: int = field(default_factory=time.perf_counter_ns)
    _waiters: set[asyncio.Event] = field(default_factory=set[asyncio.Event], repr=False)

    def add(self, logged: LoggedEvent) -> None:
        """Append one event and wake whoever waits."""
        self.log.append(logged)
        self.transcript.add(logged)
        for waiter in self._waiters:
            waiter.set()

    async def events(self, after: int = 0) -> AsyncIterator[LoggedEvent]:
        """Yield the events with a sequence number above `after`, then live ones, up to the last."""
        more = asyncio.Event()
        self._waiters.add(more)
        try:
            while True:
                more.clear()
                while after < len(self.log):
                    logged = self.log[after]
                    after += 1
                    yield logged
                    if isinstance(logged.event, RunFinished):
                        return
                await more.wait()
        finally:
            self._waiters.discard(more)


class Hub:
    """Starts, watches and cancels runs."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._live: dict[str, LiveRun] = {}
        self._tasks: dict[str, asyncio.Task[Outcome]] = {}
        self._keepers: set[asyncio.Task[None]] = set()

    @property
    def active(self) -> int:
        """How many runs are live."""
        return len(self._live)

    def live(self, run_id: str) -> LiveRun | None:
        """Return a live run; None when it ended or never was. Safe from any thread."""
        return self._live.get(run_id)

    def live_in(self, conversation_id: str) -> tuple[LiveRun, ...]:
        """Return the live runs of a conversation, oldest first. Safe from any thread."""
        return tuple(run for run in tuple(self._live.values()) if run.spec.conversation_id == conversation_id)

    async def start(self, spec: RunSpec, work: Work) -> LiveRun:
        """Record a run and start its work; returns once the run is durable.

        Raises:
            StoreError: The run could not be recorded; it was not started.
        """
        await self._recorder.open_run(spec)
        run = LiveRun(spec)
        self._live[spec.run_id] = run
        task = asyncio.create_task(self._work(run, work), name=f"work of run {spec.run_id}")
        self._tasks[spec.run_id] = task
        keeper = asyncio.create_task(self._see_to_the_end(run, task), name=f"run {spec.run_id}")
        self._keepers.add(keeper)
        keeper.add_done_callback(self._keepers.discard)
        return run

    def cancel(self, run_id: str) -> bool:
        """Stop a run; its upstream connection closes at once. False when it is not live."""
        task = self._tasks.get(run_id)
        return task.cancel() if task else False

    async def wait(self, run_id: str) -> None:
        """Return once the run's ending is durable (or known not to be); at once when it is not live."""
        run = self._live.get(run_id)
        if run:
            await run.finished.wait()

    async def record_unsaved(self) -> int:
        """Try again to record the endings that a failing store refused; returns how many are left."""
        left = 0
        for run in tuple(self._live.values()):
            if run.unsaved is None:
                continue
            try:
                await self._recorder.close_run(run.unsaved)
                self._live.pop(run.spec.run_id, None)
            except ApeHostError:
                left += 1
        return left

    async def close(self) -> None:
        """Stop every live run and wait until the endings are durable."""
        for run_id in tuple(self._tasks):
            self.cancel(run_id)
        if self._keepers:
            await asyncio.wait(tuple(self._keepers))

    def _emit(self, run: LiveRun, event: RunEvent) -> None:
        logged = LoggedEvent(len(run.log) + 1, time.perf_counter_ns(), event)
        self._recorder.append(run.spec.run_id, logged)
        run.add(logged)

    async def _work(self, run: LiveRun, work: Work) -> Outcome:
        emit = partial(self._emit, run)
        emit(RunStarted(run.spec.kind))
        return await work(emit)

    async def _see_to_the_end(self, run: LiveRun, task: asyncio.Task[Outcome]) -> None:
        await asyncio.wait((task,))
        del self._tasks[run.spec.run_id]
        outcome, fault = _result(task)
        ending = ending_of(
            run.spec,
            run.transcript,
            outcome=outcome,
            fault=fault,
            end_ns=time.perf_counter_ns(),
            finished_at=datetime.now(UTC),
        )
        try:
            await self._recorder.close_run(ending)
        except ApeHostError as error:
            _log.error("the ending of run %s was not recorded: %s", run.spec.run_id, error)
            run.unsaved = ending
            outcome, fault = "failed", fault or error.fault
        last = LoggedEvent(len(run.log) + 1, time.perf_counter_ns(), RunFinished(outcome, fault))
        run.add(last)
        if run.unsaved is None:
            del self._live[run.spec.run_id]
        run.finished.set()


def _result(task: asyncio.Task[Outcome]) -> tuple[Outcome, Fault | None]:
    """Return how the work ended. The run boundary: whatever it raised becomes the run's fault."""
    if task.cancelled():
        return "cancelled", None
    error = task.exception()
    if error is None:
        return task.result(), None
    if isinstance(error, ApeHostError):
        return "failed", error.fault
    _log.error("a run failed by a defect of ours", exc_info=_without_values(error))
    return "failed", _internal_fault(error)


def _internal_fault(error: BaseException) -> Fault:
    return Fault(
        kind="internal",
        title="ApeHost made a mistake",
        cause=f"{type(error).__name__} in {_innermost(error)}",
        advice="What was shown is kept. Please report it with the log of this moment.",
        retryable=True,
    )


def _innermost(error: BaseException) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_qualname if trace else "an unknown place"


def _without_values(error: BaseException) -> Exception:
    """Return the error with its trace but without its message, which may quote a URL or a token."""
    bare = RuntimeError(type(error).__name__)
    bare.__traceback__ = error.__traceback__
    return bare
