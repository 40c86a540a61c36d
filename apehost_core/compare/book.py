"""What became of every cell of a plan, while a comparison runs and afterwards.

Lives on the event loop; counts may be read from any thread. A cell is answered when an attempt came to its end; one
that came out cold is to be asked once more. Attempts that failed because the server was away do not count: they say
nothing about the cell.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from apehost_core.compare.measures import ANSWERED, FAILED, Columns
from apehost_core.compare.plan import Cell, Plan, cached_after
from apehost_core.compare.progress import Done
from apehost_core.errors import Fault, FaultKind
from apehost_core.events import Outcome

AWAY: frozenset[FaultKind] = frozenset(
    ("refused", "dns", "connect_timeout", "no_server", "unauthorized", "forbidden", "rate_limited")
)
"""Faults that say that a server cannot be asked at all."""
MOST_MISSES = 2
_ASKED = ("timed", "cached")


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended.

    Attributes:
        outcome: Of its run.
        fault: What went wrong; None when nothing did.
        cold: The model was loaded for it; None when unknown.
        as_asked: The model that was asked answered.
        seconds: From its start to its end.
    """

    outcome: Outcome
    fault: Fault | None = None
    cold: bool | None = None
    as_asked: bool = True
    seconds: float = 0.0

    @property
    def answered(self) -> bool:
        """Whether there is an answer that counts."""
        return self.outcome in ("completed", "length")

    @property
    def away(self) -> bool:
        """Whether it failed because the server cannot be asked at all."""
        return self.fault is not None and self.fault.kind in AWAY


@dataclass(slots=True)
class _Page:
    """What is known of one cell."""

    attempts: int = 0
    answers: int = 0
    others: int = 0
    colds: int = 0
    misses: int = 0
    skipped: bool = False
    away: Fault | None = None


class Book:
    """What became of the cells.

    Attributes:
        plan: Which cells there are.
        answered: How many answers there were, of whatever kind.
        recolds: Whether a cold answer is to be asked once more.
    """

    def __init__(self, plan: Plan, *, recolds: bool = True) -> None:
        self.plan = plan
        self.answered = 0
        self.recolds = recolds
        self._pages = [_Page() for _ in plan.cells]
        self._tracks = {
            number: place
            for place, track in enumerate(plan.tracks)
            for stretch in track
            for number in (*stretch.warm_ups, *stretch.cells)
        }
        self._planned = Counter(cell.contender for cell in plan.cells if cell.kind in _ASKED)
        self._done: Counter[int] = Counter()
        self._failed: Counter[int] = Counter()
        self._left = Counter((self._tracks[c.number], c.contender) for c in plan.cells if c.kind in _ASKED)
        self._seconds: defaultdict[int, float] = defaultdict(float)
        self._timed: Counter[int] = Counter()

    @classmethod
    def of(
        cls, plan: Plan, columns: Columns, misses: Mapping[int, int] | None = None, *, recolds: bool = True
    ) -> "Book":
        """Return the book of what is recorded.

        Args:
            plan: Which cells there are.
            columns: All attempts that have ended.
            misses: How many failed attempts at a cell count, where they were looked at; others count all.
            recolds: As the attribute.
        """
        book = cls(plan, recolds=recolds)
        outcomes: dict[int, Outcome] = {ANSWERED: "completed", FAILED: "failed"}
        totals: list[float] = columns.values["total_ms"].tolist()
        rows = zip(
            columns.cell.tolist(), columns.ending.tolist(), columns.cold.tolist(), columns.as_asked.tolist(), totals,
            strict=True,
        )  # fmt: skip
        for number, ending, cold, as_asked, total_ms in rows:
            if 0 <= number < len(plan.cells):
                outcome: Outcome = outcomes.get(ending, "interrupted")
                seconds = 0.0 if math.isnan(total_ms) else total_ms / 1000
                book.begin(number)
                book.note(number, Ended(outcome, None, {1: True, 0: False}.get(cold), as_asked, seconds))
        for number, counted in (misses or {}).items():
            book._change(number, misses=counted)
        return book

    def begin(self, number: int) -> int:
        """Take note that a cell is asked; returns how often it was before."""
        page = self._pages[number]
        page.attempts += 1
        return page.attempts - 1

    def note(self, number: int, ended: Ended) -> None:
        """Take note of how an attempt ended."""
        page, cell = self._pages[number], self.plan.cells[number]
        if ended.answered:
            self.answered += 1
            cold = ended.cold is True and ended.as_asked
            if ended.seconds and not (cold and cell.kind == "timed"):
                self._seconds[cell.contender] += ended.seconds
                self._timed[cell.contender] += 1
            self._change(
                number,
                answers=page.answers + 1,
                others=page.others + (not ended.as_asked),
                colds=page.colds + cold,
            )
        elif ended.away:
            page.away = ended.fault
        elif ended.outcome == "failed":
            self._change(number, misses=page.misses + 1)

    @property
    def away(self) -> Fault | None:
        """Why a cell is still open that was asked while its server was away; None where there is none."""
        open_ = (page.away for page in self._pages if not page.answers and page.misses < MOST_MISSES)
        return next((fault for fault in open_ if fault is not None), None)

    def skip(self, number: int) -> None:
        """Take note that a cell of the judge cannot be asked: there is no answer to judge."""
        self._pages[number].skipped = True

    def is_answered(self, number: int) -> bool:
        """Whether a cell has an answer, be it a cold one."""
        return self._pages[number].answers > 0

    def is_answered_as_asked(self, number: int) -> bool:
        """Whether a cell has an answer of the model that was asked."""
        page = self._pages[number]
        return page.answers > page.others

    def wants_warm(self, number: int) -> bool:
        """Whether a cell was answered cold, once, and is to be asked once more."""
        page, cell = self._pages[number], self.plan.cells[number]
        once_cold = page.answers == page.colds == 1 and page.misses < MOST_MISSES
        return once_cold and self.recolds and cell.kind == "timed"

    def is_new(self, number: int) -> bool:
        """Whether a cell is to be asked in the first round: nothing became of it yet."""
        page = self._pages[number]
        return self.wants_warm(number) or (not page.answers and not page.misses)

    def is_left(self, number: int) -> bool:
        """Whether a cell is to be asked in the last round, or ever again: it may have failed once."""
        page = self._pages[number]
        return self.wants_warm(number) or (not page.answers and page.misses < MOST_MISSES)

    def is_lost(self, number: int) -> bool:
        """Whether a cell failed as often as it is asked."""
        return _standing(self._pages[number]) == "lost"

    def has_been_cold(self, contender: int) -> bool:
        """Whether a contender's model was loaded for this comparison."""
        return any(
            page.colds for page, cell in zip(self._pages, self.plan.cells, strict=True) if cell.contender == contender
        )

    def failed(self) -> list[int]:
        """Return the cells that failed at their last attempt."""
        return [number for number, page in enumerate(self._pages) if page.misses and not page.answers]

    @property
    def contenders(self) -> tuple[Done, ...]:
        """How far the contenders are, in their order."""
        last = max(self._planned, default=-1)
        return tuple(Done(self._done[one], self._failed[one], self._planned[one]) for one in range(last + 1))

    @property
    def judged(self) -> tuple[int, int]:
        """How many cells of the judge are done, and how many there are to do."""
        judging = self.plan.judging
        return sum(map(self.is_answered, judging)), sum(not self._pages[number].skipped for number in judging)

    def remaining_s(self) -> float | None:
        """Return the seconds that are left, from what was measured so far; None while nothing was."""
        timed = {contender: count for contender, count in tuple(self._timed.items()) if contender >= 0}
        if not timed:
            return None
        usual = sum(self._seconds[contender] for contender in timed) / sum(timed.values())
        per_track: defaultdict[int, float] = defaultdict(float)
        for (track, contender), left in tuple(self._left.items()):
            mean = self._seconds[contender] / timed[contender] if contender in timed else usual
            per_track[track] += left * mean
        judged, to_judge = self.judged
        of_judge = self._seconds[-1] / self._timed[-1] if self._timed[-1] else usual
        return max(per_track.values(), default=0.0) + (to_judge - judged) * of_judge

    def _change(self, number: int, **counts: int) -> None:
        """Set counts of a cell, and what follows from them."""
        page, cell = self._pages[number], self.plan.cells[number]
        before = _standing(page)
        for name, count in counts.items():
            setattr(page, name, count)
        after = _standing(page)
        if cell.kind not in _ASKED or before == after:
            return
        self._count(cell, before, -1)
        self._count(cell, after, 1)

    def _count(self, cell: Cell, standing: str, by: int) -> None:
        if standing == "answered":
            self._done[cell.contender] += by
            self._left[self._tracks[cell.number], cell.contender] -= by
        elif standing in ("failed", "lost"):
            self._failed[cell.contender] += by
        if standing == "lost":  # neither it nor the one that would repeat its request is asked any more
            cached = cell.kind == "timed" and cached_after(self.plan.cells, cell.number) is not None
            self._left[self._tracks[cell.number], cell.contender] -= by * (1 + cached)


def _standing(page: _Page) -> str:
    if page.answers:
        return "answered"
    if page.misses:
        return "lost" if page.misses >= MOST_MISSES else "failed"
    return "open"
