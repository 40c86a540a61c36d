"""Takes a run's events in: joins what belongs together, stamps, records, and adds to the log, in this order.

A fast server sends many deltas in one network read. Those of one kind that come within one turn of the event loop
are one event; they are handed on before the loop waits for anything, so joining delays nothing.
"""

import asyncio
import time

from apehost_core.errors import ApeHostError
from apehost_core.events import LoggedEvent, ReasoningDelta, RunEvent, TextDelta
from apehost_core.runs.live_run import LiveRun
from apehost_core.runs.recorder import Recorder


class Emitter:
    """The way into one run's log.

    Attributes:
        refusal: Why the recorder does not take events any more; None while it does.
    """

    def __init__(self, run: LiveRun, recorder: Recorder) -> None:
        self.refusal: ApeHostError | None = None
        self._run = run
        self._recorder = recorder
        self._loop = asyncio.get_running_loop()
        self._kind: type[TextDelta | ReasoningDelta] = TextDelta
        self._texts: list[str] = []
        self._count = 0
        self._at_ns = 0

    def emit(self, event: RunEvent) -> None:
        """Take the next event.

        Raises:
            StoreError: The recorder refused this one or one before it; nothing more is shown than can be kept.
        """
        if self.refusal is not None:
            raise self.refusal
        if isinstance(event, TextDelta | ReasoningDelta):
            self._join(event)
        else:
            self.flush()
            self._log(event, time.perf_counter_ns())

    def _join(self, delta: TextDelta | ReasoningDelta) -> None:
        if self._texts and type(delta) is not self._kind:
            self.flush()
        if not self._texts:
            self._kind, self._at_ns = type(delta), time.perf_counter_ns()
            self._loop.call_soon(self._at_turn)
        self._texts.append(delta.text)
        self._count += delta.count

    def flush(self) -> None:
        """Log the deltas that wait for company.

        Raises:
            StoreError: The recorder refused them.
        """
        if self._texts:
            event = self._kind("".join(self._texts), self._count)
            self._texts, self._count = [], 0
            self._log(event, self._at_ns)

    def _at_turn(self) -> None:
        try:
            self.flush()
        except ApeHostError:
            return  # kept in `refusal`, for the next event or the end

    def _log(self, event: RunEvent, at_ns: int) -> None:
        logged = LoggedEvent(len(self._run.log) + 1, at_ns, event)
        try:
            self._recorder.append(self._run.spec.run_id, logged)
        except ApeHostError as error:
            self.refusal = error
            raise
        self._run.add(logged)
