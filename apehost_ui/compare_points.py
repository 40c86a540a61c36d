"""What charts draw of recorded attempts, few enough for a browser. Pure functions over a sample."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apehost_core.compare.measures import Measure
from apehost_core.compare.sample import USED, Sample
from apehost_core.compare.statistics import ecdf

MOST_POINTS = 5000
_MOST_STEPS = 250
_BINS = 24
_FEWEST_IN_BIN = 3

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]


def steps(sample: Sample, measure: Measure) -> dict[int, tuple[Numbers, Numbers]]:
    """Return by contender the share of its runs (0-1) that took so long or less: (values, shares), both rising.

    Above some hundred runs only quantiles of them are kept; contenders without any are left out.
    """
    cells = _used(sample)
    values, contender = sample.columns.values[measure][sample.row[cells]], sample.contender[cells]
    shares: dict[int, tuple[Numbers, Numbers]] = {}
    for who in np.unique(contender):
        runs = values[(contender == who) & ~np.isnan(values)]
        if len(runs):
            x, y = ecdf(runs)
            keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_STEPS)).astype(np.intp))
            shares[int(who)] = x[keep], y[keep]
    return shares


@dataclass(frozen=True, slots=True)
class Cloud:
    """Points of a scatter chart.

    Attributes:
        contender: Place in the setup.
        x: Prompt tokens.
        y: Decode speed, tokens a second.
        binned: They are medians of runs with prompts of about the same length, since there were too many to draw.
    """

    contender: Places
    x: Numbers
    y: Numbers
    binned: bool


def by_prompt_length(sample: Sample) -> Cloud:
    """Return decode speed against prompt length: every run up to 5,000, medians over lengths beyond."""
    cells = _used(sample)
    rows, contender = sample.row[cells], sample.contender[cells]
    x, y = sample.columns.noted["prompt_tokens"][rows], sample.columns.values["decode_tok_s"][rows]
    known = ~np.isnan(x) & ~np.isnan(y) & (x > 0)
    contender, x, y = contender[known], x[known], y[known]
    if len(x) <= MOST_POINTS:
        return Cloud(contender, x, y, binned=False)
    shares = np.log(x / x.min()) / np.log((x.max() + 1) / x.min())
    group = contender * _BINS + (shares * _BINS).astype(np.intp)
    order = np.argsort(group, kind="stable")
    groups, begins, sizes = np.unique(group[order], return_index=True, return_counts=True)
    kept = [place for place in range(len(groups)) if sizes[place] >= _FEWEST_IN_BIN]
    members = [order[begins[place] : begins[place] + sizes[place]] for place in kept]
    medians = [(float(np.median(x[one])), float(np.median(y[one]))) for one in members]
    lengths, speeds = np.array(medians, dtype=np.float64).reshape(-1, 2).T
    return Cloud((groups[kept] // _BINS).astype(np.intp), lengths, speeds, binned=True)


def _used(sample: Sample) -> Places:
    """Return the timed cells whose attempt the statistics rest on."""
    return np.flatnonzero(sample.cells("timed") & (sample.came_to == USED))
