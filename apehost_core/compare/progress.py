"""How far a comparison is, and what one would take: values that pages draw."""

from dataclasses import dataclass

from apehost_core.compare.comparison import State
from apehost_core.compare.plan import Plan
from apehost_core.errors import Fault


@dataclass(frozen=True, slots=True)
class Working:
    """A request that is being made.

    Attributes:
        server: Name of the server.
        cell: Number of the cell.
        run_id: Its run, to be watched in the hub.
    """

    server: str
    cell: int
    run_id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A server that is waited for, since it is away.

    Attributes:
        server: Its name.
        fault: What it did last.
    """

    server: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Done:
    """How far one contender is, in timed and cached cells.

    Attributes:
        answered: Done.
        failed: Failed at the last attempt; tried once more at the end.
        planned: All.
    """

    answered: int
    failed: int
    planned: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a comparison is.

    Attributes:
        state: As of the comparison.
        contenders: In the order of the setup.
        judged: Cells of the judge that are done.
        to_judge: All of them.
        working: What is being asked now, one for each machine at most unless all is asked together.
        remaining_s: Seconds until the end, as far as is known; None when nothing is.
        fault: Why it stands still; None when it does not, or was told to.
        waiting: Who is waited for before anything more is asked of them.
    """

    state: State
    contenders: tuple[Done, ...]
    judged: int
    to_judge: int
    working: tuple[Working, ...]
    remaining_s: float | None
    fault: Fault | None = None
    waiting: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a comparison would take.

    Attributes:
        plan: Its requests.
        loads: How many models will be loaded.
        low_s: Seconds it takes, if all goes as fast as it ever went.
        high_s: If it goes as slowly.
        guessed: What the time rests on beside records, in words: "no answer of Gemma on PC is on record: 20 tok/s".
        warnings: What makes the numbers less sure, in words: "Qwen is loaded on PC and not compared: it takes memory".
    """

    plan: Plan
    loads: int
    low_s: float
    high_s: float
    guessed: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def requests(self) -> int:
        """How many requests it makes."""
        return len(self.plan.cells)
