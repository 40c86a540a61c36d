"""Which recorded attempts count, and their values by contender and prompt."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from apehost_core.compare.comparison import Setup, Vote
from apehost_core.compare.measures import ANSWERED, FAILED, Columns
from apehost_core.compare.plan import CellKind, Plan

Places = NDArray[np.intp]
Numbers = NDArray[np.float64]

NONE, BROKEN, OTHER, COLD, USED = range(5)
"""What the attempts of a cell came to, worst first: nothing yet; failed; another model answered; the model was loaded
for it; it counts."""
_KINDS: dict[CellKind, int] = {"warm_up": 0, "timed": 1, "cached": 2, "judge": 3}


@dataclass(frozen=True, slots=True)
class Grid:
    """Attempts by contender and prompt.

    Attributes:
        rows: Places in the columns, contenders x prompts x runs; -1 fills up.
    """

    rows: NDArray[np.int32]

    def values(self, column: Numbers) -> Numbers:
        """Return a column's values in the grid's shape; NaN where there is none."""
        return np.append(column, np.nan)[self.rows]


@dataclass(frozen=True, slots=True)
class Sample:
    """A comparison's plan and what was recorded of it, as arrays.

    Attributes:
        setup: What is compared.
        columns: All attempts.
        kind: Of each cell of the plan.
        contender: Of each cell; -1 for the judge's.
        prompt: Of each cell.
        row: The attempt of each cell that counts, as its place in the columns; -1 where there is none. An answer beats
            a failure, of answers one by the model that was asked, of these one with a warm model, else the last.
        came_to: What this attempt is, one of the numbers above.
    """

    setup: Setup
    columns: Columns
    kind: Places
    contender: Places
    prompt: Places
    row: Places
    came_to: Places

    @classmethod
    def of(cls, columns: Columns, plan: Plan, setup: Setup) -> "Sample":
        """Return the sample of a comparison; attempts at cells that the plan does not have are left out."""
        cells = plan.cells
        kind = np.array([_KINDS[cell.kind] for cell in cells], dtype=np.intp)
        places = np.array(list(map(attrgetter("contender", "prompt"), cells)), dtype=np.intp).reshape(-1, 2)
        row, came_to = _counting(columns, len(cells))
        return cls(setup, columns, kind, places[:, 0], places[:, 1], row, came_to)

    def without_verdict(self, plan: Plan, votes: Sequence[Vote]) -> int:
        """Return of how many pairs what the judge wrote could not be read as a verdict; `votes` may be anybody's."""
        answered = self.came_to >= COLD
        pairs = zip(plan.judging[::2], plan.judging[1::2], strict=True)
        asked = sum(bool(answered[one] and answered[other]) for one, other in pairs)
        return asked - sum(vote.voter == "judge" for vote in votes)

    def cells(self, kind: CellKind) -> NDArray[np.bool_]:
        """Return which cells are of a kind."""
        return self.kind == _KINDS[kind]

    def grid(self, kind: CellKind) -> Grid:
        """Return the attempts that count: warm answers by the model that was asked."""
        cells = np.flatnonzero(self.cells(kind) & (self.came_to == USED))
        return self._grid(self.row[cells], self.contender[cells], self.prompt[cells])

    def cold_calls(self) -> Grid:
        """Return all answers, warm-ups too, for which the model that was asked was loaded."""
        columns = self.columns
        ended = (columns.ending == ANSWERED) & columns.as_asked & (columns.cold == 1)
        rows = np.flatnonzero(ended & (columns.cell >= 0) & (columns.cell < len(self.kind)))
        rows = rows[self.contender[columns.cell[rows]] >= 0]
        cells = columns.cell[rows]
        return self._grid(rows, self.contender[cells], self.prompt[cells])

    def _grid(self, rows: Places, contender: Places, prompt: Places) -> Grid:
        contenders, prompts = len(self.setup.contenders), len(self.setup.prompts)
        group = contender * prompts + prompt
        order = np.argsort(group, kind="stable")
        rows, group = rows[order], group[order]
        sizes = np.bincount(group, minlength=contenders * prompts)
        place = np.arange(len(rows)) - (np.cumsum(sizes) - sizes)[group]
        filled = np.full((contenders * prompts, max(1, int(sizes.max(initial=0)))), -1, dtype=np.int32)
        filled[group, place] = rows
        return Grid(filled.reshape(contenders, prompts, -1))


def prompt_medians(runs: Numbers) -> Numbers:
    """Return the medians over the last axis, NaN left out; NaN where nothing is left."""
    count = np.count_nonzero(~np.isnan(runs), axis=-1)[..., None]
    ordered = np.sort(runs, axis=-1)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, runs.shape[-1] - 1), axis=-1)
    return ((low + high) / 2)[..., 0]


def _counting(columns: Columns, cells: int) -> tuple[Places, Places]:
    """Return for each cell which attempt counts (-1: none), and what it came to."""
    answered = columns.ending == ANSWERED
    worth = np.zeros(len(columns.cell), dtype=np.intp)
    worth[columns.ending == FAILED] = BROKEN
    worth[answered] = OTHER
    worth[answered & columns.as_asked] = USED
    worth[answered & columns.as_asked & (columns.cold == 1)] = COLD
    rows = np.flatnonzero((worth > NONE) & (columns.cell >= 0) & (columns.cell < cells))
    best = np.full(cells, -1, dtype=np.intp)
    np.maximum.at(best, columns.cell[rows], worth[rows] * len(worth) + rows)
    row = np.where(best < 0, -1, best % max(1, len(worth)))
    return row, np.where(row < 0, NONE, best // max(1, len(worth)))
