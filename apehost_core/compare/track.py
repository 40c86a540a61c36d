"""What is asked on one machine, one request at a time: stretch after stretch, and what failed once more at the end."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apehost_core.compare.asking import Asking
from apehost_core.compare.book import Ended
from apehost_core.compare.plan import Load, Stretch, cached_after, load_of
from apehost_core.compare.requests import nonce, request_of
from apehost_core.errors import Fault, FaultKind

_MOST_AWAY = 3
MOST_HOPELESS = 2
HOPELESS: frozenset[FaultKind] = frozenset(("load_failed", "model_not_found"))
"""Faults of a model that is not there: what else would be asked of it fails in the same way."""


class Caller:
    """Asks one cell after the other, and notices when there is no use in going on.

    Attributes:
        fault: Why nothing more is to be asked here; None while all is well.
    """

    def __init__(self, asking: Asking) -> None:
        self.fault: Fault | None = None
        self._asking = asking
        self._away = 0

    @property
    def halted(self) -> bool:
        """Whether nothing more is to be asked here."""
        return self._asking.halting or self.fault is not None

    async def heed(self, server: str, ended: Ended) -> None:
        """Take note of how an attempt ended; waits for a server that is away, and gives up when it stays away."""
        fault = ended.fault
        if fault is not None and fault.kind == "store":
            self.fault = fault
        if fault is None or not ended.away:
            self._away = 0
            return
        self._away += 1
        if self._away >= _MOST_AWAY:
            with self._asking.waiting_for(server, fault):
                await self._wait_for(server, fault)

    async def _wait_for(self, server: str, fault: Fault) -> None:
        for pause_s in self._asking.patience_s:
            await self._asking.rest(pause_s)
            if self.halted:
                return
            await self._asking.servers.look(server)
            known = self._asking.servers.facts().server(server)
            if known is not None and known.answers:
                self._away = 0
                return
        self.fault = fault


@dataclass(slots=True)
class _Group:
    """Cells of a stretch that are asked while the same models stay loaded.

    Attributes:
        cells: Timed cells, in order.
        loads: What they need.
        warm_ups: Cells that are asked before them.
    """

    cells: list[int]
    loads: tuple[Load, ...]
    warm_ups: list[int]


class Track:
    """The work on one machine.

    Attributes:
        caller: Knows why it has given up, if it has.
        missing: Why models could not be asked, by load.
        ours: What was loaded for this comparison, and not let go again.
    """

    def __init__(self, asking: Asking, stretches: Sequence[Stretch]) -> None:
        self.caller = Caller(asking)
        self.missing: dict[Load, Fault] = {}
        self._asking = asking
        self._book = asking.book
        self._cells = asking.book.plan.cells
        self._stretches = stretches
        self._hopeless: Counter[Load] = Counter()
        contenders = enumerate(asking.comparison.setup.contenders)
        self.ours = {load_of(one) for number, one in contenders if asking.book.has_been_cold(number)}

    async def run(self) -> None:
        """Ask what is left, until all is asked, it is told to halt, or there is no use in going on."""
        await self._round(self._book.is_new)
        self._hopeless.clear()
        await self._round(self._book.is_left)

    async def _round(self, wanted: Callable[[int], bool]) -> None:
        for stretch in self._stretches:
            left = [number for number in stretch.cells if self._is_wanted(number, wanted)]
            while left and not self.caller.halted:
                group = await self._next(stretch, left)
                await self._enter(stretch.server, group)
                await self._ask_group(stretch.server, group, left)

    def _is_wanted(self, number: int, wanted: Callable[[int], bool]) -> bool:
        """Whether a timed cell is to be asked: for itself, or for the cached one after it."""
        if self._cells[number].kind != "timed":
            return False
        cached = cached_after(self._cells, number)
        return wanted(number) or (cached is not None and wanted(cached) and not self._book.is_lost(number))

    async def _next(self, stretch: Stretch, left: Sequence[int]) -> _Group:
        """Return what is asked next: all models in turn if they are there; else those that are, or one alone."""
        await self._asking.servers.look(stretch.server)
        facts = self._asking.servers.facts()
        loads = tuple(dict.fromkeys(self._load(number) for number in left))
        chosen = tuple(load for load in loads if facts.ready(*load)) or loads[:1]
        cells = [number for number in left if self._load(number) in chosen]
        return _Group(cells, chosen, [number for number in stretch.warm_ups if self._load(number) in chosen])

    async def _enter(self, server: str, group: _Group) -> None:
        """Make room, and have the models loaded and awake."""
        servers = self._asking.servers
        for load in tuple(self.ours - set(group.loads)):
            if load.server in {stretch.server for stretch in self._stretches}:
                self.ours.discard(load)
                await servers.release(load.server, load.model)
        for load in group.loads:
            if not servers.facts().ready(*load) and not await self._make_room(load):
                self.caller.fault = _in_use(load)
                return
        for number in group.warm_ups:
            if self.caller.halted:
                return
            if not self._is_hopeless(number):
                await self._ask(server, number)

    async def _make_room(self, load: Load) -> bool:
        """Let a model go that may be there with another context; waits while it answers somebody."""
        for pause_s in (0.0, *self._asking.patience_s):
            await self._asking.rest(pause_s)
            if self.caller.halted or await self._asking.servers.release(load.server, load.model):
                return True
        return False

    async def _ask_group(self, server: str, group: _Group, left: list[int]) -> None:
        """Ask the cells of a group, and take them out of what is left; ends early where models throw each other out."""
        for number in group.cells:
            if self.caller.halted:
                return
            left.remove(number)
            if self._is_hopeless(number):
                continue
            came_cold = await self._ask_pair(server, number)
            if came_cold and len(group.loads) > 1:
                return

    async def _ask_pair(self, server: str, number: int) -> bool:
        """Ask a timed cell, once more if it was cold, then its request again if that is planned.

        Returns:
            Whether a model was loaded for it.
        """
        line, ended = await self._ask(server, number)
        came_cold = ended.cold is True
        if self._book.wants_warm(number) and not self.caller.halted:
            line, ended = await self._ask(server, number)
        cached = cached_after(self._cells, number)
        if cached is not None and ended.answered and not self.caller.halted:
            await self._ask(server, cached, line)
        return came_cold

    async def _ask(self, server: str, number: int, line: str | None = None) -> tuple[str | None, Ended]:
        """Ask a cell; returns its first line and how it ended.

        Args:
            server: Who is asked.
            number: The cell.
            line: Its first line, where it must be that of another one.
        """
        asking, load = self._asking, self._load(number)
        attempt = self._book.begin(number)
        warms_up = self._cells[number].kind == "warm_up"  # else the prompt that it asks would be cached, and no other
        if line is None and (warms_up or asking.comparison.setup.cache != "leave"):
            line = nonce(asking.comparison.id, number, attempt)
        request = request_of(asking.comparison, self._cells[number], line)
        ended = await asking.ask(number, server, request, alone=True)
        if ended.cold:
            self.ours.add(load)
        if ended.fault is not None and ended.fault.kind in HOPELESS:
            self._hopeless[load] += 1
            self.missing[load] = ended.fault
        elif ended.answered:
            self._hopeless[load] = 0
            self.missing.pop(load, None)
        await self.caller.heed(server, ended)
        return line, ended

    def _load(self, number: int) -> Load:
        return load_of(self._asking.comparison.setup.contenders[self._cells[number].contender])

    def _is_hopeless(self, number: int) -> bool:
        return self._hopeless[self._load(number)] >= MOST_HOPELESS


def _in_use(load: Load) -> Fault:
    """Return why nothing is timed: it would be timed with the wrong context."""
    return Fault(
        kind="busy",
        title=f"{load.model} is loaded on {load.server} with another context length, and could not be unloaded",
        advice="Stop what it answers, or unload it on the Servers page; then resume.",
        server=load.server,
    )
