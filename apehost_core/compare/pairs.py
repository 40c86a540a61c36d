"""Which of two contenders is better, by their ratio over the prompts that both answered.

A prompt's ratio is that of its two medians over repeats; the pair's is the geometric mean over prompts, with Student's
interval of the logarithms. A winner must stand up to everything that was looked at: p counts once for each measure
(Bonferroni; several of them say nearly the same, so this is on the safe side), and Holm's method is applied over the
pairs. So equal models are called different, in whatever measure, in less than 5 % of comparisons.
"""

from dataclasses import dataclass
from itertools import combinations
from math import ceil, exp, log, sqrt
from typing import Literal, get_args

import numpy as np
import scipy
from numpy.typing import NDArray

from apehost_core.compare.intervals import FEWEST_PROMPTS, LEVEL
from apehost_core.compare.measures import BETTER, Measure
from apehost_core.compare.sample import prompt_medians
from apehost_core.compare.summary import Estimate, Interval, Pair

Numbers = NDArray[np.float64]

SMALLEST = log(1.01)
"""A difference under 1 % is not called: clocks and the order of requests make as much."""
MOST_PROMPTS = 10_000
_ERROR = 1 - LEVEL
_POWER = 0.8
_OTHERS = len(get_args(Measure)) - len(BETTER)


@dataclass(frozen=True, slots=True)
class _Contrast:
    """A pair in one measure: logarithms of the ratio by prompt.

    Attributes:
        prompts: How many.
        runs: Of both.
        mean: Over prompts.
        deviation: Between prompts; NaN for one prompt.
        p: For this measure and pair alone; None where there are too few prompts.
    """

    a: int
    b: int
    prompts: int
    runs: int
    mean: float
    deviation: float
    p: float | None


def compared(values: dict[Measure, Numbers], *, callable_: bool) -> tuple[Pair, ...]:
    """Return every pair in every measure in which a prompt was answered by both.

    Args:
        values: Of single runs by measure, contenders x prompts x runs; NaN where unknown.
        callable_: Whether winners may be called at all.
    """
    logs: dict[Measure, Numbers] = {measure: _logs(runs) for measure, runs in values.items()}
    medians: dict[Measure, Numbers] = {measure: prompt_medians(runs) for measure, runs in logs.items()}
    counts: dict[Measure, NDArray[np.intp]] = {
        measure: np.count_nonzero(~np.isnan(runs), axis=-1) for measure, runs in logs.items()
    }
    contenders = len(next(iter(medians.values()))) if medians else 0
    found: dict[Measure, list[_Contrast]] = {measure: [] for measure in medians}
    for a, b in combinations(range(contenders), 2):
        differences: dict[Measure, Numbers] = {measure: of[a] - of[b] for measure, of in medians.items()}
        for measure, of in differences.items():
            both = ~np.isnan(of)
            if both.any():
                runs = int(counts[measure][[a, b]][:, both].sum())
                found[measure].append(_contrast((a, b), of[both], runs))
    return tuple(
        pair for measure, contrasts in found.items() for pair in _judged(measure, contrasts, callable_=callable_)
    )


def _logs(runs: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(runs > 0, np.log(runs), np.nan)


def _contrast(pair: tuple[int, int], differences: Numbers, runs: int) -> _Contrast:
    prompts = len(differences)
    mean = float(differences.mean())
    deviation = float(differences.std(ddof=1)) if prompts > 1 else float("nan")
    p = None
    if prompts >= FEWEST_PROMPTS:
        p = _p(mean, deviation, prompts)
    return _Contrast(*pair, prompts, runs, mean, deviation, p)


def _p(mean: float, deviation: float, prompts: int) -> float:
    """Return how likely a mean as far from 0 is, where the true one is 0."""
    if abs(mean) < 1e-9:
        return 1.0
    if deviation < 1e-12:
        return 0.0
    return float(2 * scipy.special.stdtr(prompts - 1, -abs(mean) / deviation * sqrt(prompts)))


def _judged(measure: Measure, contrasts: list[_Contrast], *, callable_: bool) -> list[Pair]:
    """Return the pairs of one measure, corrected for each other."""
    tests = len(BETTER) if measure in BETTER else _OTHERS
    corrected = holm([None if one.p is None else min(1.0, one.p * tests) for one in contrasts])
    undecided = sum(p is None or p >= _ERROR for p in corrected)
    pairs: list[Pair] = []
    for one, p in zip(contrasts, corrected, strict=True):
        apart = p is not None and p < _ERROR and abs(one.mean) >= SMALLEST
        pairs.append(
            Pair(
                measure,
                one.a,
                one.b,
                Estimate(exp(one.mean), _interval(one), one.runs, one.prompts),
                p,
                _better(measure, one.mean) if apart and callable_ else None,
                None if apart else _more_prompts(one, tests * max(1, undecided)),
            )
        )
    return pairs


def holm(values: list[float | None]) -> list[float | None]:
    """Return p-values corrected for their number by Holm's method; those that are None are none."""
    order = sorted((p, place) for place, p in enumerate(values) if p is not None)
    corrected: list[float | None] = [None] * len(values)
    highest = 0.0
    for done, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - done)))
        corrected[place] = highest
    return corrected


def _interval(one: _Contrast) -> Interval | None:
    if one.prompts < FEWEST_PROMPTS:
        return None
    half = float(scipy.special.stdtrit(one.prompts - 1, 1 - _ERROR / 2)) * one.deviation / sqrt(one.prompts)
    return Interval(exp(one.mean - half), exp(one.mean + half))


def _better(measure: Measure, mean: float) -> Literal["a", "b"] | None:
    if measure not in BETTER:
        return None
    return "a" if (mean < 0) == (BETTER[measure] == "lower") else "b"


def _more_prompts(one: _Contrast, tests: int) -> int | None:
    """Return how many more prompts tell such a difference in 80 % of cases, where p counts for so many tests."""
    if one.prompts < 2 or abs(one.mean) < SMALLEST:
        return None
    sure = float(scipy.special.ndtri(1 - _ERROR / 2 / tests))
    needed = ((sure + float(scipy.special.ndtri(_POWER))) * one.deviation / abs(one.mean)) ** 2 + sure**2 / 2
    more = max(ceil(needed), FEWEST_PROMPTS) - one.prompts
    return max(1, more) if more <= MOST_PROMPTS else None
