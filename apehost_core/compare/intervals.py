"""Intervals at 95 % for medians and shares, bounds for single runs, and the curve of a distribution. Pure functions.

A median's interval comes from the order statistics of the prompts, interpolated between two of them. Resampling the
prompts would pick among the same numbers, but in steps: with 8 prompts its percentile interval holds the true median
in 87 to 92 % of cases, where this one holds it in 94 to 96 %, whatever the distribution.

Source: Hettmansperger and Sheather, Confidence intervals based on interpolated order statistics, 1986.
"""

from functools import cache
from math import ceil, floor, sqrt

import numpy as np
import scipy
from numpy.typing import NDArray

from apehost_core.compare.summary import Bound, Interval

Numbers = NDArray[np.float64]

LEVEL = 0.95
FEWEST_PROMPTS = 6
"""With fewer, not even the lowest and the highest number hold the median between them in 95 % of cases."""
FEWEST_RUNS = 59
"""The fewest independent runs whose highest one lies above 95 % of all runs in 95 % of cases: 0.95^59 < 0.05."""
_TAIL = 0.05


def ecdf(values: Numbers) -> tuple[Numbers, Numbers]:
    """Return the sorted values and the share (0-1) of values up to each; NaN are left out."""
    x = np.sort(values[~np.isnan(values)])
    return x, np.arange(1, len(x) + 1) / max(1, len(x))


def wilson(k: float, n: int) -> Interval:
    """Return the interval (0-1) of a share of which k in n were seen; all of it for n = 0."""
    if n <= 0:
        return Interval(0.0, 1.0)
    z2 = float(scipy.special.ndtri(0.5 + LEVEL / 2)) ** 2
    middle = (k + z2 / 2) / (n + z2)
    half = sqrt(z2 * (k * (n - k) / n + z2 / 4)) / (n + z2)
    return Interval(0.0 if k == 0 else max(0.0, middle - half), 1.0 if k == n else min(1.0, middle + half))


def median_interval(values: Numbers) -> Interval | None:
    """Return the interval of the median of independent values (of prompts, not of runs); None under 6 values."""
    n = len(values)
    if n < FEWEST_PROMPTS:
        return None
    k, share = _order(n)
    x = np.sort(values)
    low = (1 - share) * x[k - 1] + share * x[k]
    high = (1 - share) * x[n - k] + share * x[n - k - 1]
    return Interval(float(low), float(high))


@cache
def _order(n: int) -> tuple[int, float]:
    """Return which value, from 1, is the last one out at the low end, and how far to go on to the next (0-1)."""
    numbers = np.arange(1, n // 2 + 1)
    covered = 1 - 2 * np.asarray(scipy.special.bdtr(numbers - 1, n, 0.5))
    k = int(np.count_nonzero(covered >= LEVEL))
    outer, inner = float(covered[k - 1]), float(covered[k]) if k < len(covered) else 0.0
    step = (outer - LEVEL) / (outer - inner)
    return k, (n - k) * step / (k + (n - 2 * k) * step)


def bound(values: Numbers, prompts: NDArray[np.intp], *, upper: bool) -> Bound:
    """Return what 95 % of all runs stay under (or, if not upper, over), with 95 % confidence.

    Runs of one prompt resemble each other, so that they tell less than as many of different prompts: they count for
    as many independent ones as the correlation within prompts leaves, and `needed` grows with it.

    Args:
        values: Of single runs, without NaN.
        prompts: To which prompt each belongs.
        upper: Whether high values are the bad ones.
    """
    runs = len(values)
    repeated = _repetition(values, prompts)
    independent = floor(runs / repeated + 1e-9)
    needed = ceil(FEWEST_RUNS * repeated - 1e-9)
    if independent < FEWEST_RUNS:
        return Bound(None, runs, max(needed, runs + 1))
    outside = np.asarray(scipy.special.bdtr(np.arange(independent // 10 + 1), independent, _TAIL))
    rank = int(np.count_nonzero(outside <= 1 - LEVEL))
    place = max(1, floor(rank * (runs + 1) / (independent + 1)))
    ordered = np.sort(values)
    return Bound(float(ordered[-place] if upper else ordered[place - 1]), runs, needed)


def _repetition(values: Numbers, prompts: NDArray[np.intp]) -> float:
    """Return how many runs tell as much as one of another prompt would: 1 where runs of a prompt are not alike.

    This is the design effect by the correlation within prompts (one-way analysis of variance) of the logarithms. It
    is on the safe side, since high runs flock less than runs in general.
    """
    _, prompt, sizes = np.unique(prompts, return_inverse=True, return_counts=True)
    runs, groups = len(values), len(sizes)
    if groups < 2 or runs == groups:
        return 1.0
    logs = np.log(np.maximum(values, np.finfo(float).tiny))
    means = np.bincount(prompt, logs) / sizes
    between = float(np.sum(sizes * (means - logs.mean()) ** 2)) / (groups - 1)
    within = float(np.sum((logs - means[prompt]) ** 2)) / (runs - groups)
    typical = (runs - float(np.sum(sizes**2)) / runs) / (groups - 1)
    spread = between + (typical - 1) * within
    if spread <= 0:
        return 1.0
    alike = min(1.0, max(0.0, (between - within) / spread))
    return 1 + (float(np.sum(sizes**2)) / runs - 1) * alike
