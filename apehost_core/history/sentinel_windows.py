"""From the calls of a series to its windows: whole days of calls under one runtime, each as one number.

Calls of one day resemble each other (the machine is warm, or busy with something else), so a day is never divided
between two windows: it is one witness, however often it is asked. Days begin at midnight UTC.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from apehost_core.history.sentinel import RULES, Numbers, Rules, Series, Window

DAY_S = 86_400
_STEEPEST = 1.5
_FEWEST_FOR_SLOPE = 30
Rows = NDArray[np.int64]


def windows_of(series: Series, rules: Rules = RULES) -> tuple[list[Window], Numbers]:
    """Return the windows in the order of their first calls, and the values of all calls.

    Calls that do not fill a window yet are in none. Values are logarithms, at the series' typical prompt length.
    """
    days = (series.at // DAY_S).astype(np.int64)
    pieces = [
        (runtime, rows)
        for runtime in range(len(series.runtimes))
        for rows in _filled(np.flatnonzero(series.runtime == runtime), days, rules)
    ]
    pieces.sort(key=lambda piece: int(piece[1][0]))
    values = _at_typical_length(series, [rows for _, rows in pieces])
    return [Window(runtime, rows, values[rows], middle(values[rows])) for runtime, rows in pieces], values


def middle(values: Numbers) -> float:
    """Return the mean of the middle half: a quarter of wild values on either side do not move it far."""
    cut = len(values) // 4
    return float(np.mean(np.sort(values)[cut : len(values) - cut]))


def median(values: Numbers) -> float:
    """Return the median; much faster than NumPy's for few values."""
    ordered = np.sort(values)
    return float(ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2


def _filled(rows: Rows, days: Rows, rules: Rules) -> Iterator[Rows]:
    """Divide the calls of one runtime at midnights, each piece as short as it may be."""
    if len(rows) == 0:
        return
    ends = [*np.flatnonzero(np.diff(days[rows])) + 1, len(rows)]
    begin, held = 0, 0
    for end in ends:
        held += 1
        if end - begin >= rules.window_calls and held >= rules.window_days:
            yield rows[begin:end]
            begin, held = int(end), 0


def _at_typical_length(series: Series, windows: list[Rows]) -> Numbers:
    """Return the logarithms of all values, as they would be at the series' typical prompt length."""
    value, tokens = np.log(series.value), np.log(series.prompt_tokens)
    if not windows:
        return value
    slope = _slope([value[rows] for rows in windows], [tokens[rows] for rows in windows])
    return value - slope * (tokens - float(np.median(tokens)))


def _slope(values: list[Numbers], tokens: list[Numbers]) -> float:
    """Return how the values go with prompt length within windows (on logarithms), so that no change mixes in.

    Source: Tukey, Exploratory data analysis, 1977: the resistant line, through the medians of the outer thirds.
    """
    x = np.concatenate([piece - median(piece) for piece in tokens])
    y = np.concatenate([piece - median(piece) for piece in values])
    if len(x) < _FEWEST_FOR_SLOPE:
        return 0.0
    low, high = np.quantile(x, [1 / 3, 2 / 3])
    left, right = x <= low, x >= high
    across = float(np.median(x[right]) - np.median(x[left]))
    if across <= 0:
        return 0.0
    return float(np.clip((np.median(y[right]) - np.median(y[left])) / across, -_STEEPEST, _STEEPEST))
