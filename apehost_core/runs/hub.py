"""The hub: owns every live run, keeps its log, records it, and lets anybody watch from any point of it.

Runs belong to no page and no request. The hub lives on one event loop; `log` and `Transcript` may be read
from any thread. What a subscriber sees has been handed to the recorder before.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from apehost_core.errors import ApeHostError, Fault
from apehost_core.events import LoggedEvent, Outcome, RunEvent, RunFinished, RunKind, RunStarted
from apehost_core.runs.emitter import Emitter
from apehost_core.runs.live_run import LiveRun
from apehost_core.runs.recorder import Recorder
from apehost_core.runs.run import RunSpec
from apehost_core.runs.transcript import ending_of

_log = logging.getLogger(__name__)

Emit = Callable[[RunEvent], None]
Work = Callable[[Emit], Awaitable[Outcome]]


class Hub:
    """Starts, watches and cancels runs."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._live: dict[str, LiveRun] = {}
        self._tasks: dict[str, asyncio.Task[Outcome]] = {}
        self._keepers: set[asyncio.Task[None]] = set()
        self._closing = False

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

    def start(self, spec: RunSpec, work: Work) -> LiveRun:
        """Start a run; it can be watched at once, and is durable when `recorded` of the live run is done.

        The work begins while the record is being committed: what it emits is written after it, in the same queue.
        A run that cannot be recorded is stopped and ends as failed.
        """
        run = LiveRun(spec, asyncio.ensure_future(self._recorder.open_run(spec)))
        emitter = Emitter(run, self._recorder)
        task = asyncio.create_task(self._work(emitter.emit, spec.kind, work), name=f"work of run {spec.run_id}")
        self._live[spec.run_id] = run
        self._tasks[spec.run_id] = task
        keeper = asyncio.create_task(self._see_to_the_end(run, emitter, task), name=f"run {spec.run_id}")
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
        """End every live run as interrupted and wait until the endings are durable."""
        self._closing = True
        for run_id in tuple(self._tasks):
            self.cancel(run_id)
        if self._keepers:
            await asyncio.wait(tuple(self._keepers))

    async def _work(self, emit: Emit, kind: RunKind, work: Work) -> Outcome:
        emit(RunStarted(kind))
        return await work(emit)

    async def _see_to_the_end(self, run: LiveRun, emitter: Emitter, task: asyncio.Task[Outcome]) -> None:
        try:
            await run.recorded
        except ApeHostError as error:
            emitter.refusal = error
            task.cancel()
        await asyncio.wait((task,))
        del self._tasks[run.spec.run_id]
        outcome, fault = _result(task, emitter)
        if self._closing and outcome == "cancelled":
            outcome = "interrupted"
        if run.recorded.exception() is None:
            fault = await self._record_ending(run, outcome, fault)
        if run.unsaved is not None:
            outcome = "failed"
        run.add(LoggedEvent(len(run.log) + 1, time.perf_counter_ns(), RunFinished(outcome, fault)))
        if run.unsaved is None:
            del self._live[run.spec.run_id]
        run.finished.set()

    async def _record_ending(self, run: LiveRun, outcome: Outcome, fault: Fault | None) -> Fault | None:
        """Record how a run ended; returns its fault, which is the store's when that refuses."""
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
            return fault or error.fault
        return fault


def _result(task: asyncio.Task[Outcome], emitter: Emitter) -> tuple[Outcome, Fault | None]:
    """Return how the work ended. The run boundary: whatever it raised becomes the run's fault."""
    with contextlib.suppress(ApeHostError):
        emitter.flush()
    error = None if task.cancelled() else task.exception()
    if emitter.refusal is not None:
        return "failed", emitter.refusal.fault
    if task.cancelled():
        return "cancelled", None
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
