"""The lab: makes comparisons, starts, pauses and stops them, and says how far they are.

What is inherited from `Reading` blocks, and so do `preview`, `progress` and `list`. What changes a comparison is a
coroutine of the loop. A comparison is worked on by one task, which ends by keeping how the work ended.
"""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import cast

from apehost_core.chat.titles import title_from_prompt
from apehost_core.compare.asking import PATIENCE_S, Asking
from apehost_core.compare.book import AWAY, Book
from apehost_core.compare.comparison import Comparison, Listed, Setup, State, Verdict, Vote
from apehost_core.compare.estimate import preview
from apehost_core.compare.fan_out import End, carry_out
from apehost_core.compare.plan import Plan, plan_of
from apehost_core.compare.ports import ServersPort, StorePort
from apehost_core.compare.progress import Preview, Progress
from apehost_core.compare.reading import Reading
from apehost_core.compare.setup import checked
from apehost_core.errors import ApeHostError, Fault, InputRefused
from apehost_core.ids import new_id
from apehost_core.runs.hub import Hub

_log = logging.getLogger(__name__)

LONGEST_TITLE = 200
_STILL = 8


@dataclass(slots=True)
class _Live:
    """A comparison that is being worked on.

    Attributes:
        asking: Makes its requests.
        machines: Which it uses; servers by name, too.
        state: How far it is.
        task: The work; None until it begins.
        keeping: Held while its state is kept, so that the last one stands.
    """

    asking: Asking
    machines: frozenset[object]
    state: State = "running"
    task: asyncio.Task[None] | None = None
    keeping: asyncio.Lock = field(default_factory=asyncio.Lock)


class Lab(Reading):
    """All comparisons. Coroutines run on the event loop; other methods block and may raise StoreError.

    Args:
        store: Where they are kept.
        servers: Who is asked.
        hub: Runs the requests.

    Attributes:
        patience_s: See `PATIENCE_S`; counts for what is started from now on.
    """

    def __init__(self, store: StorePort, servers: ServersPort, hub: Hub) -> None:
        super().__init__(store)
        self._servers = servers
        self._hub = hub
        self.patience_s: tuple[float, ...] = PATIENCE_S
        self._live: dict[str, _Live] = {}
        self._starting = asyncio.Lock()
        self._voting = asyncio.Lock()
        self._still = lru_cache(_STILL)(self._progress_kept)

    def preview(self, setup: Setup) -> Preview:
        """Return what a comparison would ask, in which order, and about how long it takes.

        Raises:
            InputRefused: It cannot be asked; the fault says what to change.
        """
        facts = self._servers.facts()
        return preview(setup, plan_of(checked(setup), facts), facts, self._store.usual)

    def progress(self, comparison_id: str) -> Progress:
        """Return how far a comparison is: from memory while it is worked on, else from what is kept.

        Raises:
            InputRefused: There is no such comparison.
        """
        live = self._live.get(comparison_id)
        if live is not None:
            return _progress(live.asking.book, live.state, live.asking)
        return self._still(comparison_id, self._store.changes)

    async def create(self, setup: Setup, title: str = "") -> Comparison:
        """Keep a comparison, without starting it.

        Args:
            setup: What is compared.
            title: What it is called; empty takes the first prompt's first words.

        Raises:
            InputRefused: It cannot be asked; the fault says what to change.
            StoreError: It could not be kept.
        """
        return await self._create(setup, _title(title) or title_from_prompt(setup_text(setup)), None)

    async def rerun(self, comparison_id: str) -> Comparison:
        """Keep a comparison that asks once more what another one asked, planned anew, without starting it.

        Raises:
            InputRefused: There is no such comparison, or it cannot be asked any more.
            StoreError: It could not be kept.
        """
        old = await asyncio.to_thread(self._known, comparison_id)
        return await self._create(old.setup, old.title, comparison_id)

    async def start(self, comparison_id: str) -> None:
        """Have what is left of a comparison asked; returns when that has begun. Also goes on after a pause.

        Raises:
            InputRefused: There is no such comparison, or another one uses one of its machines.
            StoreError: What was asked before could not be read.
        """
        await self._halted(comparison_id)
        async with self._starting:
            if comparison_id in self._live:
                return
            comparison = await asyncio.to_thread(self._known, comparison_id)
            plan = await asyncio.to_thread(self.plan, comparison_id)
            machines = self._machines(comparison)
            self._refuse_shared(machines)
            book = await asyncio.to_thread(self._book, comparison, plan)
            await asyncio.to_thread(self._store.set_state, comparison_id, "running")
            asking = Asking(comparison, book, self._hub, self._servers, self.patience_s)
            live = self._live[comparison_id] = _Live(asking, machines)
            live.task = asyncio.create_task(self._work(live), name=f"comparison {comparison_id}")

    async def pause(self, comparison_id: str) -> None:
        """Ask nothing more; what is being written goes to its end. Nothing when it is not worked on."""
        live = self._live.get(comparison_id)
        if live is not None:
            live.asking.halt()
            await self._keep(live, End("pausing"))

    async def stop(self, comparison_id: str) -> None:
        """End what is being written, and ask nothing more; returns when that is so. It can be started again."""
        async with self._starting:
            await self._stop(comparison_id)

    async def rename(self, comparison_id: str, title: str) -> None:
        """Give a comparison another title.

        Raises:
            InputRefused: The title is empty.
            StoreError: It could not be kept.
        """
        if not _title(title):
            raise InputRefused(Fault(kind="bad_request", title="The title is empty", advice="Write a few words."))
        await asyncio.to_thread(self._store.rename, comparison_id, _title(title))

    async def delete(self, comparison_id: str) -> None:
        """Stop a comparison and put it into the trash. Raises StoreError."""
        async with self._starting:
            await self._stop(comparison_id)
            await asyncio.to_thread(self._store.delete, comparison_id)

    async def restore(self, comparison_id: str) -> None:
        """Take a comparison out of the trash. Raises StoreError."""
        await asyncio.to_thread(self._store.restore, comparison_id)

    async def vote(self, comparison_id: str, left: int, right: int, verdict: Verdict, *, blind: bool) -> Vote:
        """Keep what a person thinks of two answers to one prompt.

        Args:
            comparison_id: Where they stand.
            left: Cell of the one that was shown on the left.
            right: Cell of the other one.
            verdict: Which is better.
            blind: Names were hidden. A vote on a pair that was voted on before, which told the names, is kept as one
                that was not blind.

        Raises:
            InputRefused: They are not two models' answers to one prompt, or were voted on already.
            StoreError: The vote could not be kept.
        """
        comparison = await asyncio.to_thread(self._known, comparison_id)
        plan = await asyncio.to_thread(self.plan, comparison_id)
        cells = [plan.cells[number] for number in (left, right) if 0 <= number < len(plan.cells)]
        fits = len(cells) == 2 and cells[0].prompt == cells[1].prompt and cells[0].contender != cells[1].contender
        if not fits or any(cell.kind != "timed" for cell in cells):
            raise InputRefused(Fault(kind="bad_request", title="These are not two models' answers to one prompt"))
        if len(await asyncio.to_thread(self._store.answers, comparison_id, [left, right])) < 2:
            raise InputRefused(Fault(kind="bad_request", title="One of these has no answer yet"))
        async with self._voting:
            return await self._vote(comparison, plan, (left, right), verdict, blind=blind)

    async def _vote(
        self, comparison: Comparison, plan: Plan, sides: tuple[int, int], verdict: Verdict, *, blind: bool
    ) -> Vote:
        """Keep a vote on two cells that have answers, unless there is one."""
        pair, cells = frozenset(sides), [plan.cells[side] for side in sides]
        given = await asyncio.to_thread(self._store.votes, comparison.id)
        if any(vote.voter == "person" and frozenset((vote.left, vote.right)) == pair for vote in given):
            raise InputRefused(
                Fault(
                    kind="bad_request",
                    title="These two answers were voted on already",
                    advice="Perhaps in another tab. Only the first vote counts.",
                )
            )
        named = await asyncio.to_thread(self._store.named_pairs, comparison.id)
        contenders = comparison.setup.contenders
        vote = Vote(
            id=new_id(),
            comparison_id=comparison.id,
            left=sides[0],
            right=sides[1],
            verdict=verdict,
            blind=blind and pair not in named,
            voter="person",
            judge=None,
            topic=comparison.setup.prompts[cells[0].prompt].topic,
            left_identity=contenders[cells[0].contender].identity,
            right_identity=contenders[cells[1].contender].identity,
            created_at=datetime.now(UTC),
        )
        await asyncio.to_thread(self._store.add_vote, vote)
        return vote

    async def take_back(self, vote_id: str) -> None:
        """Take a vote back. Raises StoreError."""
        await asyncio.to_thread(self._store.remove_vote, vote_id)

    async def close(self) -> None:
        """Leave all work where it is: what is being written is the hub's to end; the next start says paused."""
        tasks = [live.task for live in self._live.values() if live.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _stop(self, comparison_id: str) -> None:
        live = self._live.get(comparison_id)
        if live is not None:
            live.asking.stop()
            await self._halted(comparison_id)

    async def _create(self, setup: Setup, title: str, rerun_of: str | None) -> Comparison:
        plan = await asyncio.to_thread(plan_of, checked(setup), self._servers.facts())
        return await asyncio.to_thread(self._store.create, title, setup, plan, rerun_of)

    def _book(self, comparison: Comparison, plan: Plan) -> Book:
        """Return what became of the cells so far; blocks."""
        recolds = comparison.setup.mode == "benchmark"
        columns = self._store.columns(comparison.id)
        book = Book.of(plan, columns, recolds=recolds)
        failed = book.failed()
        if not failed:
            return book
        attempts = self._store.attempts(comparison.id, failed)
        counting = Counter(
            one.cell
            for one in attempts
            if one.outcome == "failed" and not (one.fault is not None and one.fault.kind in AWAY)
        )
        return Book.of(plan, columns, {number: counting[number] for number in failed}, recolds=recolds)

    def _progress_kept(self, comparison_id: str, _changes: int) -> Progress:
        """Return how far a comparison is that nobody works on; blocks. The same until something changes."""
        comparison = self._known(comparison_id)
        recolds = comparison.setup.mode == "benchmark"
        book = Book.of(self.plan(comparison_id), self.columns(comparison_id), recolds=recolds)
        halted = comparison.state in ("running", "pausing")  # its end could not be kept
        return replace(_progress(book, "paused" if halted else comparison.state, None), fault=comparison.fault)

    def _machines(self, comparison: Comparison) -> frozenset[object]:
        facts = self._servers.facts()
        judge = comparison.setup.judge
        names = {one.server for one in comparison.setup.contenders} | ({judge.server} if judge else set[str]())
        if not comparison.setup.same_machine:
            return frozenset(names)
        known = [facts.server(name) for name in names]
        return frozenset(names | {server.machine for server in known if server is not None})

    def _refuse_shared(self, machines: frozenset[object]) -> None:
        for other in self._live.values():
            if other.machines & machines:
                title = f"{other.asking.comparison.title!r} is running on the same machine"
                advice = "Pause it or wait for its end: two at once would slow each other down."
                raise InputRefused(Fault(kind="busy", title=title, advice=advice))

    async def _work(self, live: _Live) -> None:
        """Work on a comparison, whatever happens: a defect ends it as failed, and says so."""
        comparison_id = live.asking.comparison.id
        try:
            end = await carry_out(live.asking, self._store)
        except Exception as error:  # noqa: BLE001 -- the boundary of a task; what it raised becomes the fault
            end = _failed(error)
        try:
            await self._keep(live, end)
        finally:
            self._live.pop(comparison_id, None)

    async def _keep(self, live: _Live, end: End) -> None:
        """Keep how far a comparison is, unless its work has ended meanwhile."""
        comparison_id = live.asking.comparison.id
        async with live.keeping:
            if self._live.get(comparison_id) is not live or live.state not in ("running", "pausing"):
                return
            live.state = end.state
            try:
                await asyncio.to_thread(self._store.set_state, comparison_id, end.state, end.fault)
            except ApeHostError as error:
                _log.error("the state of comparison %s was not kept: %s", comparison_id, error)

    async def _halted(self, comparison_id: str) -> None:
        """Return once a comparison that is halting has come to its end; at once when it is not."""
        live = self._live.get(comparison_id)
        if live is not None and live.task is not None and live.asking.halting:
            await asyncio.wait((live.task,))

    def list(self, limit: int = 50, *, trashed: bool = False) -> list[Listed]:
        """Return the latest comparisons, newest first: those in the trash, or all others."""
        return self._store.list(limit, trashed=trashed)


def setup_text(setup: Setup) -> str:
    """Return what a comparison without a title is named after."""
    return setup.prompts[0].text if setup.prompts else ""


def _title(given: str) -> str:
    return " ".join(given.split())[:LONGEST_TITLE].strip()


def _progress(book: Book, state: State, asking: Asking | None) -> Progress:
    judged, to_judge = book.judged
    return Progress(
        state=state,
        contenders=book.contenders,
        judged=judged,
        to_judge=to_judge,
        working=asking.working if asking else (),
        remaining_s=book.remaining_s(),
        waiting=asking.waiting if asking else (),
    )


def _failed(error: Exception) -> End:
    """Return the end of a comparison whose work raised; errors of a task group are looked into."""
    inner = error
    while isinstance(inner, ExceptionGroup):
        inner = cast("ExceptionGroup[Exception]", inner).exceptions[0]
    if isinstance(inner, ApeHostError):
        return End("paused", inner.fault)
    _log.error("a comparison ended by a defect: %s", type(inner).__name__)
    title, advice = "ApeHost made a mistake", "What was answered is kept. Please report it with the log of this moment."
    return End("failed", Fault(kind="internal", title=title, cause=type(inner).__name__, advice=advice, retryable=True))
