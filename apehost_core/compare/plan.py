"""Which requests a comparison makes, and in which order. Pure: the same setup, facts and seed give the same plan.

Each machine has a track of its own. On it every server's models that are loaded already take turns, in blocks of one
prompt each whose order is drawn, every second block in reverse; then those that must be loaded come one after the
other, each loaded once.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

from apehost_core.compare.comparison import Contender, Setup
from apehost_core.compare.facts import Facts

CellKind = Literal["warm_up", "timed", "cached", "judge"]
"""warm_up: to have the model loaded and awake; shown, never counted. cached: the request of the timed cell before it
once more. judge: which of two answers is better."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One request of the plan.

    Attributes:
        number: Its place in the plan, from 0; what recorded runs name.
        kind: What it is for.
        contender: Who is asked; for the judge -1.
        prompt: What is asked, or what the judged answers are about.
        repeat: From 0.
        left: The judge reads this cell's answer first; None for other kinds.
        right: And this one second.
    """

    number: int
    kind: CellKind
    contender: int
    prompt: int
    repeat: int = 0
    left: int | None = None
    right: int | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Requests to one server during which its models stay loaded.

    Attributes:
        server: Name of the server.
        warm_ups: Cells that are asked on entering it, also when it is entered again; those of models with nothing
            left to ask are left out then.
        cells: Timed and cached cells, in the order in which they are asked, one at a time.
        loads: Keys of the models that were not loaded when the plan was made.
        interleaved: Its models (or settings) take turns, so that a machine that slows down slows all of them down.
    """

    server: str
    warm_ups: tuple[int, ...]
    cells: tuple[int, ...]
    loads: tuple[str, ...] = ()
    interleaved: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All requests, and their order.

    Attributes:
        cells: By number.
        tracks: One a machine: its stretches, one after the other. Machines work at the same time.
        judging: Cells of the judge, asked one at a time when everything else is done.
        together: Everything is asked at once, see Setup.
    """

    cells: tuple[Cell, ...]
    tracks: tuple[tuple[Stretch, ...], ...]
    judging: tuple[int, ...] = ()
    together: bool = False


class Load(NamedTuple):
    """What is loaded for a contender: a model with another context is another load.

    Attributes:
        server: Name of the server.
        model: Its key there, in lower case.
        context: Tokens it is loaded with; None leaves them to the server.
    """

    server: str
    model: str
    context: int | None


def load_of(contender: Contender) -> Load:
    """Return what is loaded for a contender."""
    return Load(contender.server, contender.model.casefold(), contender.preferences.context_length)


def plan_of(setup: Setup, facts: Facts) -> Plan:
    """Return the plan of a comparison.

    Args:
        setup: What is compared.
        facts: The servers now: what is loaded, and which of them share a machine.
    """
    planner = _Planner(setup, facts)
    tracks = tuple(tuple(planner.stretches(servers)) for servers in _machines(setup, facts))
    judging = tuple(planner.judging()) if setup.judge else ()
    return Plan(tuple(planner.cells), tracks, judging, setup.together)


def cached_after(cells: Sequence[Cell], number: int) -> int | None:
    """Return the cell that repeats a timed cell's request; None when there is none."""
    after = number + 1
    return after if after < len(cells) and cells[after].kind == "cached" else None


def _machines(setup: Setup, facts: Facts) -> list[list[str]]:
    """Return the names of the servers that are asked, machine by machine."""
    machines: dict[object, list[str]] = {}
    for name in dict.fromkeys(contender.server for contender in setup.contenders):
        server = facts.server(name)
        machine = server.machine if server is not None and setup.same_machine else name
        machines.setdefault(machine, []).append(name)
    return list(machines.values())


class _Planner:
    """Numbers the cells as they are planned."""

    def __init__(self, setup: Setup, facts: Facts) -> None:
        self.cells: list[Cell] = []
        self._setup = setup
        self._facts = facts
        self._random = random.Random(setup.seed)
        self._timed: dict[tuple[int, int], int] = {}

    def stretches(self, servers: Sequence[str]) -> list[Stretch]:
        """Return the stretches of one machine, in order."""
        planned: list[Stretch] = []
        for server in servers:
            groups: dict[Load, list[int]] = {}
            for number, contender in enumerate(self._setup.contenders):
                if contender.server == server:
                    groups.setdefault(load_of(contender), []).append(number)
            there = [load for load in groups if self._setup.together or self._facts.ready(*load)]
            if there:
                planned.append(self._stretch(server, {load: groups[load] for load in there}))
            planned += [self._stretch(server, {load: groups[load]}) for load in groups if load not in there]
        return planned

    def judging(self) -> list[int]:
        """Return the judge's cells: every pair of first answers to a prompt, in both orders."""
        numbers: list[int] = []
        for prompt in range(len(self._setup.prompts)):
            for one, other in combinations(range(len(self._setup.contenders)), 2):
                a, b = self._timed[one, prompt], self._timed[other, prompt]
                numbers += [self._cell("judge", -1, prompt, left=left, right=right) for left, right in ((a, b), (b, a))]
        return numbers

    def _stretch(self, server: str, groups: dict[Load, list[int]]) -> Stretch:
        """Return the requests to contenders whose models are loaded at the same time."""
        members = [number for group in groups.values() for number in group]
        shortest = min(range(len(self._setup.prompts)), key=lambda number: len(self._setup.prompts[number].text))
        rounds = 0 if self._setup.together else self._setup.warm_ups
        warm_ups = [
            self._cell("warm_up", group[0], shortest, turn) for group in groups.values() for turn in range(rounds)
        ]
        cells: list[int] = []
        order: list[int] = []
        for turn, (repeat, prompt) in enumerate(self._blocks()):
            order = order[::-1] if turn % 2 else self._random.sample(members, len(members))
            for contender in order:
                cells += self._asked(contender, prompt, repeat)
        missing = [group[0] for load, group in groups.items() if not self._facts.ready(*load)]
        loads = tuple(self._setup.contenders[number].model for number in missing)
        return Stretch(server, tuple(warm_ups), tuple(cells), loads, interleaved=len(members) > 1)

    def _blocks(self) -> list[tuple[int, int]]:
        """Return (repeat, prompt) of every block: all prompts in an order that is drawn, then all once more."""
        prompts = range(len(self._setup.prompts))
        return [
            (repeat, prompt)
            for repeat in range(self._setup.repeats)
            for prompt in self._random.sample(prompts, len(prompts))
        ]

    def _asked(self, contender: int, prompt: int, repeat: int) -> list[int]:
        timed = self._cell("timed", contender, prompt, repeat)
        self._timed.setdefault((contender, prompt), timed)
        if self._setup.cache != "measure":
            return [timed]
        return [timed, self._cell("cached", contender, prompt, repeat)]

    def _cell(
        self,
        kind: CellKind,
        contender: int,
        prompt: int,
        repeat: int = 0,
        *,
        left: int | None = None,
        right: int | None = None,
    ) -> int:
        number = len(self.cells)
        self.cells.append(Cell(number, kind, contender, prompt, repeat, left, right))
        return number
