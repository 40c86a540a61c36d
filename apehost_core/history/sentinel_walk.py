"""Goes through the windows of one series in the order of time and finds where its speed changed, if it is so still.

Every two windows in a row are compared with the baseline before them. Where both differ from it in the same direction,
by the floor and more, and clearly, the baseline stands still and everything since is held against it, until two
windows in a row are as before. All on logarithms, so that differences are shares.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
import scipy

from apehost_core.history.sentinel import RULES, Numbers, Rules
from apehost_core.history.sentinel_windows import median

_ALIKE = 0.4
"""How alike two windows in a row are taken to be (correlation) where nothing is known; counts as so many windows."""
_ALIKE_WEIGHT = 10
_MOST_ALIKE = 0.8
_WILD = 3.0
_MAD_TO_SD = 1.4826
MOST_SINCE = 10
"""How fast a series is now, is told by its latest windows since the change, at most so many."""
_LEAST_NOISE = 0.005


@dataclass(frozen=True, slots=True)
class Noise:
    """How windows of a baseline differ from each other.

    Attributes:
        centre: Their middle.
        spread: Standard deviation of one window.
        alike: Correlation of a window with the next one (0-1).
        windows: How many it was found from.
    """

    centre: float
    spread: float
    alike: float
    windows: int

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the spread: fewer where windows are alike."""
        return max(1.0, (self.windows - 1) * (1 - self.alike**2) / (1 + self.alike**2))

    def error(self, windows: int) -> float:
        """Return the standard error of the difference between the baseline and so many later windows."""
        return self.spread * sqrt(mean_variance(windows, self.alike) + mean_variance(self.windows, self.alike))

    def p(self, levels: Numbers) -> float:
        """Return how often windows without a change would differ at least so much (two-sided)."""
        t = abs(float(levels.sum()) / len(levels) - self.centre) / self.error(len(levels))
        return 2 * float(scipy.special.stdtr(self.freedom, -t))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a series stands at its latest window.

    Attributes:
        before: Places of the baseline's windows.
        noise: Of the baseline.
        since: Place of the first window of the change; None where there is none.
        p: Of the windows since, or of the latest two, against the baseline.
    """

    before: tuple[int, ...]
    noise: Noise
    since: int | None
    p: float


@lru_cache(maxsize=4096)
def mean_variance(count: int, alike: float) -> float:
    """Return the variance of a mean of so many values of variance 1, each correlated so much with the next one."""
    return (1 + 2 * sum((1 - lag / count) * alike**lag for lag in range(1, count))) / count


def noise_of(levels: Numbers) -> Noise:
    """Return the noise of a baseline; at least three windows. Wild ones count only as far as usual ones reach."""
    count = len(levels)
    middle = median(levels)
    reach = _WILD * _MAD_TO_SD * median(np.abs(levels - middle))
    tame = np.minimum(np.maximum(levels, middle - reach), middle + reach) if reach > 0 else levels
    centre = float(tame.sum()) / count
    off = tame - centre
    squares = float(off @ off)
    seen = float(off[1:] @ off[:-1]) / squares if squares > 0 else 0.0
    seen += (1 + 3 * seen) / count  # a short series looks less alike than it is (Kendall, 1954)
    alike = (count * max(0.0, seen) + _ALIKE_WEIGHT * _ALIKE) / (count + _ALIKE_WEIGHT)
    alike = round(min(_MOST_ALIKE, alike), 2)
    missed = 1 - mean_variance(count, alike)  # what the mean takes of the variance by following the values
    return Noise(centre, max(_LEAST_NOISE, sqrt(squares / count / missed)), alike, count)


def walk(levels: Numbers, runtimes: Sequence[int], rules: Rules = RULES) -> Standing | None:
    """Return how a series stands; None while there are too few windows.

    Args:
        levels: Of the windows, in the order of time; higher is slower.
        runtimes: Of the windows.
        rules: How to judge.
    """
    found = list(standings(levels, runtimes, rules))
    return found[-1] if found else None


def standings(levels: Numbers, runtimes: Sequence[int], rules: Rules = RULES) -> Iterator[Standing | None]:
    """Yield how a series stood at each window but the first; see `walk`."""
    walking = _Walk(levels, runtimes, rules)
    for place in range(1, len(levels)):
        walking.step(place)
        yield walking.standing


class _Walk:
    """A walk through the windows; `standing` is how it stands at the last step."""

    def __init__(self, levels: Numbers, runtimes: Sequence[int], rules: Rules) -> None:
        self.standing: Standing | None = None
        self._levels = levels
        self._runtimes = runtimes
        self._rules = rules
        self._usual: list[int] = []

    def step(self, place: int) -> None:
        """Look at a window and the one before it."""
        standing = self.standing
        if standing is None or standing.since is None:
            if place >= 2:
                self._usual.append(place - 2)
            self._compare(place)
        elif self._is_back(standing, place):
            self._compare(place)
        elif self._is_better_for_good(standing, standing.since, place):
            self._usual = list(range(standing.since, place - 1))
            self._compare(place)
        else:
            since = self._levels[standing.since : place + 1][-MOST_SINCE:]
            self.standing = Standing(standing.before, standing.noise, standing.since, standing.noise.p(since))

    def _compare(self, place: int) -> None:
        baseline = self._baseline(self._runtimes[place])
        if len(baseline) < self._rules.baseline_windows:
            self.standing = None
            return
        noise = noise_of(self._levels[baseline])
        latest = self._levels[place - 1 : place + 1]
        p = noise.p(latest)
        opened = place - 1 if self._differ(latest - noise.centre) and p <= self._rules.opens_at else None
        self.standing = Standing(tuple(baseline), noise, opened, p)

    def _differ(self, off: Numbers) -> bool:
        floor = self._rules.log_floor
        return min(off) >= floor or max(off) <= -floor

    def _baseline(self, runtime: int) -> list[int]:
        """Return the latest windows of this runtime where there are enough, else of those before it too."""
        own = [place for place in self._usual if self._runtimes[place] == runtime]
        chosen = own if len(own) >= self._rules.baseline_windows else self._usual
        return chosen[-self._rules.longest_baseline :]

    def _is_back(self, standing: Standing, place: int) -> bool:
        latest = (self._levels[place - 1 : place + 1] - standing.noise.centre) * self._sign(standing)
        return bool(np.all(latest < self._rules.log_floor))

    def _is_better_for_good(self, standing: Standing, since: int, place: int) -> bool:
        return self._sign(standing) < 0 and place - since > self._rules.baseline_windows

    def _sign(self, standing: Standing) -> int:
        assert standing.since is not None
        return 1 if self._levels[standing.since] > standing.noise.centre else -1
