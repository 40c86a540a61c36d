"""Which requests a comparison makes, and in which order."""

from dataclasses import dataclass
from typing import Literal

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
