"""Makes the requests of one comparison, each as a run of the hub, and knows which are being made."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

from apehost_core.chat.exchange import Choice
from apehost_core.compare.book import Book, Ended
from apehost_core.compare.comparison import Comparison
from apehost_core.compare.ports import ServersPort
from apehost_core.compare.progress import Waiting, Working
from apehost_core.errors import Fault
from apehost_core.ids import new_id
from apehost_core.model import ModelRequest
from apehost_core.runs.hub import Hub
from apehost_core.runs.live_run import LiveRun
from apehost_core.runs.run import RunSpec

PATIENCE_S: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 60.0, 60.0)
"""Pauses between looks at a server that is away, before the comparison is paused."""


class Asking:
    """Makes requests until it is told to halt. Lives on the event loop.

    `working` and `waiting` may be read from any thread.

    Attributes:
        comparison: What is compared.
        book: What became of its cells.
        servers: Who is asked.
        patience_s: See `PATIENCE_S`.
        last_fault: What went wrong last; None when nothing did.
    """

    def __init__(
        self,
        comparison: Comparison,
        book: Book,
        hub: Hub,
        servers: ServersPort,
        patience_s: tuple[float, ...] = PATIENCE_S,
    ) -> None:
        self.comparison = comparison
        self.book = book
        self.servers = servers
        self.patience_s = patience_s
        self.last_fault: Fault | None = None
        self._hub = hub
        self._halted = asyncio.Event()
        self._working: dict[int, Working] = {}
        self._waiting: dict[str, Fault] = {}

    @property
    def halting(self) -> bool:
        """Whether it was told to halt."""
        return self._halted.is_set()

    @property
    def working(self) -> tuple[Working, ...]:
        """What is being asked now."""
        return tuple(self._working.values())

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """Who is waited for."""
        return tuple(Waiting(server, fault) for server, fault in tuple(self._waiting.items()))

    @contextmanager
    def waiting_for(self, server: str, fault: Fault) -> Generator[None, None, None]:
        """Say that a server is waited for while the context lasts."""
        self._waiting[server] = fault
        try:
            yield
        finally:
            del self._waiting[server]

    def halt(self) -> None:
        """Ask nothing more; what is being written goes to its end."""
        self._halted.set()

    def stop(self) -> None:
        """Ask nothing more, and end what is being written."""
        self.halt()
        for work in self.working:
            self._hub.cancel(work.run_id)

    async def settled(self) -> None:
        """Return once nothing is being written any more."""
        for work in self.working:
            await self._hub.wait(work.run_id)

    async def rest(self, seconds: float) -> None:
        """Wait; not any longer than until it is told to halt."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._halted.wait()

    async def ask(self, number: int, server: str, request: ModelRequest, *, alone: bool) -> Ended:
        """Ask a cell, and return how that ended, once it is durable.

        Args:
            number: Of the cell.
            server: Who is asked.
            request: What is sent.
            alone: Nothing else is asked of the server meanwhile.
        """
        spec = RunSpec(
            run_id=new_id(),
            kind="compare",
            started_at=datetime.now(UTC),
            server=server,
            model=request.model,
            comparison_id=self.comparison.id,
            cell=number,
        )
        choice = Choice(server, request.model, request.sampling, alone=alone)

        run = self._hub.start(spec, partial(self.servers.call, request, choice))
        self._working[number] = Working(server, number, spec.run_id)
        await run.finished.wait()
        del self._working[number]
        ended = _ended(run)
        self.last_fault = ended.fault or self.last_fault
        self.book.note(number, ended)
        return ended


def _ended(run: LiveRun) -> Ended:
    finished, turn = run.transcript.finished, run.transcript.turn
    outcome, fault = (finished.outcome, finished.fault) if finished else ("failed", None)
    lived_s = (run.transcript.last_ns - run.started_ns) / 1e9
    if turn is None:
        return Ended(outcome, fault, seconds=lived_s)
    generation = turn.generation(
        run_id=run.spec.run_id,
        started_at=run.spec.started_at,
        end_ns=run.transcript.last_ns,
        outcome=outcome,
        fault=fault,
    )
    return Ended(outcome, fault, generation.cold, generation.as_asked, lived_s)
