"""What a comparison says so far: the one function from recorded attempts to a summary, for live and past ones alike.

The typical number of a contender is the median over prompts of each prompt's median over its repeats, so that a prompt
that was asked more often counts no more than another. Intervals are over prompts: repeats of one prompt do not tell
how others would do, hence there is none for a comparison with one prompt, however often it was asked.
"""

from collections import Counter
from dataclasses import replace
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from apehost_core.compare.intervals import bound, ecdf, median_interval, wilson
from apehost_core.compare.measures import BETTER, Measure, Noted
from apehost_core.compare.pairs import compared
from apehost_core.compare.sample import BROKEN, COLD, NONE, OTHER, USED, Grid, Sample, prompt_medians
from apehost_core.compare.summary import Bound, ContenderSummary, Counts, Estimate, Interval, Summary

__all__ = ["BOUNDED", "WITH_CACHE", "Sample", "ecdf", "summarise", "wilson"]

Numbers = NDArray[np.float64]
Name = TypeVar("Name", Measure, Noted)
Estimates: TypeAlias = dict[Name, list[Estimate | None]]
"""By name, one for each contender; None where nothing is known."""

BOUNDED: tuple[Measure, ...] = ("ttft_ms", "first_visible_ms", "total_ms", "decode_tok_s")
WITH_CACHE: tuple[Measure, ...] = ("ttft_ms", "total_ms")
_MS_AN_HOUR = 3_600_000


def summarise(sample: Sample) -> Summary:
    """Return what the attempts that count say; the same sample always gives the same summary."""
    timed, cached, cold = sample.grid("timed"), sample.grid("cached"), sample.cold_calls()
    measured = sample.columns.values
    values: dict[Measure, Numbers] = {measure: timed.values(column) for measure, column in measured.items()}
    medians: Estimates[Measure] = {measure: _typical(runs) for measure, runs in values.items()}
    with_cache: Estimates[Measure] = {
        one: _typical(cached.values(measured[one])) for one in WITH_CACHE if one in measured
    }
    when_cold: Estimates[Measure] = {measure: _typical(cold.values(column)) for measure, column in measured.items()}
    noted = _noted(sample, timed, cold)
    summaries: list[ContenderSummary] = []
    for number in range(len(sample.setup.contenders)):
        counts = _counts(sample, number)
        summaries.append(
            ContenderSummary(
                number,
                counts,
                _errors(sample, number, counts),
                _of(medians, number),
                {one: _bound(values[one][number], one) for one in BOUNDED if one in values},
                _of(with_cache, number),
                _of(when_cold, number),
                _of(noted, number),
                _energy(sample, number, medians.get("total_ms", [])),
            )
        )
    return Summary(tuple(summaries), compared(values, callable_=not sample.setup.together))


def _typical(runs: Numbers) -> list[Estimate | None]:
    """Return each contender's typical value of contenders x prompts x runs; None where it has no value."""
    known = np.count_nonzero(~np.isnan(runs), axis=(1, 2))
    medians = prompt_medians(runs)
    return [_estimate(row[~np.isnan(row)], int(count)) for row, count in zip(medians, known, strict=True)]


def _estimate(prompts: Numbers, runs: int) -> Estimate | None:
    if len(prompts) == 0:
        return None
    return Estimate(float(np.median(prompts)), median_interval(prompts), runs, len(prompts))


def _of(estimates: Estimates[Name], contender: int) -> dict[Name, Estimate]:
    """Return one contender's estimates, without those that there are not."""
    return {name: found for name, of in estimates.items() if (found := of[contender]) is not None}


def _noted(sample: Sample, timed: Grid, cold: Grid) -> Estimates[Noted]:
    """Return what is shown beside the measures; of load times, each load is counted as a prompt of its own."""
    found: Estimates[Noted] = {}
    for name, column in sample.columns.noted.items():
        if name == "load_ms":
            loads = cold.values(column).reshape(len(sample.setup.contenders), -1, 1)
            found[name] = _typical(loads)
        else:
            found[name] = _typical(timed.values(column))
    return found


def _counts(sample: Sample, contender: int) -> Counts:
    cells = sample.cells("timed") & (sample.contender == contender)
    came_to = np.bincount(sample.came_to[cells], minlength=USED + 1)
    rows = sample.row[cells & (sample.came_to == USED)]
    columns = sample.columns
    finishes = Counter(str(reason) for reason in columns.finish[rows] if reason)
    return Counts(
        planned=int(came_to.sum()),
        used=int(came_to[USED]),
        cold=int(came_to[COLD]),
        other_model=int(came_to[OTHER]),
        failed=int(came_to[BROKEN]),
        open=int(came_to[NONE]),
        unknown_warm=int(np.count_nonzero(columns.cold[rows] == -1)),
        estimated=int(np.count_nonzero(columns.estimated[rows])),
        finishes=tuple(finishes.most_common()),
    )


def _errors(sample: Sample, contender: int, counts: Counts) -> Estimate | None:
    ended = counts.planned - counts.open
    if ended == 0:
        return None
    cells = sample.cells("timed") & (sample.contender == contender) & (sample.came_to != NONE)
    prompts = len(np.unique(sample.prompt[cells]))
    return Estimate(counts.failed / ended, wilson(counts.failed, ended), ended, prompts)


def _bound(runs: Numbers, measure: Measure) -> Bound:
    prompt, place = np.nonzero(~np.isnan(runs))
    return bound(runs[prompt, place], prompt, upper=BETTER[measure] == "lower")


def _energy(sample: Sample, contender: int, totals: list[Estimate | None]) -> Estimate | None:
    """Return the typical watt-hours of an answer: the machine's watts for as long as it takes."""
    server = sample.setup.contenders[contender].server
    watts = next((power.watts for power in sample.setup.power if power.server == server), None)
    total = totals[contender] if totals else None
    if watts is None or total is None:
        return None
    factor = watts / _MS_AN_HOUR
    interval = total.interval and Interval(total.interval.low * factor, total.interval.high * factor)
    return replace(total, value=total.value * factor, interval=interval)
