"""A run while it lives. Written on the event loop; script threads may read it at any time."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from apehost_core.events import LoggedEvent, RunFinished
from apehost_core.runs.run import RunEnding, RunSpec
from apehost_core.runs.transcript import Transcript


@dataclass(slots=True)
class LiveRun:
    """A run while it lives: its log, the fold of the log, and who waits for more.

    Attributes:
        spec: What it is.
        recorded: Done once the run is durable; raises StoreError when it cannot be recorded.
        log: All events so far, append-only, sequence numbers from 1 without gaps.
        transcript: The fold of the log.
        finished: Set once the ending is durable (or could not be made so).
        unsaved: The ending that the store refused; None while all is well.
    """

    spec: RunSpec
    recorded: asyncio.Future[None]
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
