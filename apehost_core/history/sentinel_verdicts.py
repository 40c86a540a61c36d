"""Judges all series that are watched, together: which are slower or faster than they were, and since when.

The more series are looked at, the more of them look changed by chance. So one is only said to have changed where its
evidence holds beside all others' (Benjamini and Hochberg, Controlling the false discovery rate, 1995).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import exp

import numpy as np
import scipy

from apehost_core.history.sentinel import (
    RULES,
    Baseline,
    Change,
    Day,
    Difference,
    Numbers,
    Property,
    Rules,
    Series,
    SeriesKey,
    State,
    Verdict,
    Window,
)
from apehost_core.history.sentinel_walk import MOST_SINCE, Standing, walk
from apehost_core.history.sentinel_windows import DAY_S, Rows, windows_of

_LENGTHS: tuple[tuple[Property, Callable[[Series], Numbers], float], ...] = (
    ("prompt tokens", lambda series: series.prompt_tokens, 1.25),
    ("answer tokens", lambda series: series.completion_tokens, 1.5),
)
"""Which lengths are told to differ, from which ratio of their medians on."""
_MORE_OFTEN = 0.25
_NOTHING: Mapping[SeriesKey, float] = {}


def judged(
    watched: Sequence[Series], accepted: Mapping[SeriesKey, float] = _NOTHING, rules: Rules = RULES
) -> tuple[Verdict, ...]:
    """Return a verdict for each series that has a call left, in their order.

    Args:
        watched: All series that are looked at; how clear a change must be depends on how many there are.
        accepted: From when on a series' speed is the new normal, seconds since 1970; calls before are left out.
        rules: How to judge.
    """
    kept = [cut for series in watched if (cut := _since(series, accepted.get(series.key))) is not None]
    looks = [_Look(series, rules) for series in kept]
    compared = [look.standing for look in looks if look.standing is not None]
    shares = iter(false_shares(np.array([standing.p for standing in compared])))
    return tuple(look.verdict(1.0 if look.standing is None else float(next(shares))) for look in looks)


def false_shares(p: Numbers) -> Numbers:
    """Return for each p the share of false alarms among those that are at least as clear (Benjamini-Hochberg)."""
    count = len(p)
    order = np.argsort(p)[::-1]
    scaled = p[order] * count / np.arange(count, 0, -1)
    shares = np.empty(count)
    shares[order] = np.minimum(1, np.minimum.accumulate(scaled))
    return shares


def _since(series: Series, begin: float | None) -> Series | None:
    """Return the series from a time on; None where nothing is left."""
    first = 0 if begin is None else int(np.searchsorted(series.at, begin))
    if first == len(series.at):
        return None
    if first == 0:
        return series
    columns = ("at", "value", "prompt_tokens", "completion_tokens", "tools", "runtime")
    return replace(series, **{name: getattr(series, name)[first:] for name in columns})


class _Look:
    """One series, its windows, and how it stands."""

    def __init__(self, series: Series, rules: Rules) -> None:
        self._series = series
        self._rules = rules
        self._worse = 1 if series.key.measure == "ttft_ms" else -1
        windows, self._values = windows_of(series, rules)
        self._windows = _one_runtime_after_others(windows)
        levels = self._worse * np.array([window.level for window in self._windows])
        self.standing: Standing | None = walk(levels, [window.runtime for window in self._windows], rules)

    def verdict(self, share_false: float) -> Verdict:
        """Return what is known, given how clear the change is beside all other series."""
        series, standing = self._series, self.standing
        change = None if standing is None else self._change(standing, share_false)
        latest = self._windows[-1].runtime if self._windows else int(series.runtime[-1])
        return Verdict(
            key=series.key,
            runtime=series.runtimes[latest],
            state=self._state(change),
            windows=len(self._windows),
            needed=self._rules.needed,
            calls=len(series.at),
            last=_time(float(series.at[-1])),
            baseline=None if standing is None else self._baseline(standing),
            change=change,
            days=_days(series, self._values),
        )

    def _state(self, change: Change | None) -> State:
        if self.standing is None:
            return "too few"
        if change is None:
            return "steady"
        return "slower" if (change.ratio > 1) == (self._worse > 0) else "faster"

    def _baseline(self, standing: Standing) -> Baseline:
        series, noise = self._series, standing.noise
        reach = noise.spread * float(scipy.special.stdtrit(noise.freedom, 0.95))
        ends = sorted(self._natural(noise.centre + side * reach) for side in (-1, 1))
        rows = self._rows(standing.before)
        last = self._windows[standing.before[-1]]
        return Baseline(
            value=self._natural(noise.centre),
            low=ends[0],
            high=ends[1],
            since=_time(float(series.at[rows[0]])),
            until=_time(float(series.at[rows[-1]])),
            runtime=series.runtimes[last.runtime],
            windows=len(standing.before),
            calls=len(rows),
        )

    def _change(self, standing: Standing, share_false: float) -> Change | None:
        """Return the change; None where there is none, where it may be chance, or where it is small by now."""
        if standing.since is None or share_false > self._rules.false_share:
            return None
        series, noise = self._series, standing.noise
        since = range(standing.since, len(self._windows))
        levels = np.array([self._windows[place].level for place in since][-MOST_SINCE:])
        off = float(levels.mean()) - self._worse * noise.centre
        if abs(off) < self._rules.log_floor:
            return None
        reach = noise.error(len(levels)) * float(scipy.special.stdtrit(noise.freedom, 0.975))
        rows = self._rows(since)
        begin = self._begin(standing, standing.since, self._worse * float(levels.mean()))
        return Change(
            ratio=exp(off),
            low=exp(off - reach),
            high=exp(off + reach),
            value=float(np.exp(levels.mean())),
            before=_time(float(series.at[max(0, begin - 1)])),
            since=_time(float(series.at[begin])),
            windows=len(since),
            calls=len(rows),
            share_false=share_false,
            differences=self._differences(self._rows(standing.before), rows, standing.since),
        )

    def _begin(self, standing: Standing, since: int, slowness: float) -> int:
        """Return the place of the first call after the change: of the new runtime, or of the day that divides best.

        The change may have come within the last window that was not yet clear, so its days are looked at too.
        """
        series, window, before = self._series, self._windows[since], self._windows[since - 1]
        if window.runtime != before.runtime:
            return int(window.rows[0])
        rows = np.concatenate([before.rows, window.rows])
        slow = self._worse * np.concatenate([before.values, window.values])
        gain = np.cumsum(np.abs(slow - standing.noise.centre) - np.abs(slow - slowness))
        starts = np.flatnonzero(np.diff(series.at[rows] // DAY_S)) + 1
        return int(rows[starts[np.argmin(gain[starts - 1])]])

    def _differences(self, before: Rows, since: Rows, place: int) -> tuple[Difference, ...]:
        series = self._series
        old, new = (series.runtimes[self._windows[at].runtime] for at in (place - 1, place))
        found: list[Difference] = [] if old == new else [Difference("runtime", old, new)]
        for what, column, least in _LENGTHS:
            lengths = column(series)
            was, now = (float(np.median(lengths[rows])) for rows in (before, since))
            if max(was, now) >= least * min(was, now):
                found.append(Difference(what, was, now))
        was, now = (float(np.mean(series.tools[rows])) for rows in (before, since))
        if abs(now - was) >= _MORE_OFTEN:
            found.append(Difference("calls with tools", was, now))
        return tuple(found)

    def _rows(self, places: Sequence[int]) -> Rows:
        return np.sort(np.concatenate([self._windows[place].rows for place in places]))

    def _natural(self, slowness: float) -> float:
        return exp(self._worse * slowness)


def _one_runtime_after_others(windows: list[Window]) -> list[Window]:
    """Return the windows of the latest runtime, and before them those of others that came before its first one.

    Where two runtimes take turns, each is compared with itself.
    """
    if not windows:
        return []
    latest = windows[-1].runtime
    first = next(place for place, window in enumerate(windows) if window.runtime == latest)
    return windows[:first] + [window for window in windows[first:] if window.runtime == latest]


def _days(series: Series, values: Numbers) -> tuple[Day, ...]:
    """Return the median of each day that has calls."""
    day = (series.at // DAY_S).astype(np.int64)
    begins = np.flatnonzero(np.diff(day, prepend=-1))
    sizes = np.diff(np.append(begins, len(day)))
    ordered = values[np.lexsort((values, day))]
    medians = np.exp((ordered[begins + (sizes - 1) // 2] + ordered[begins + sizes // 2]) / 2)
    runtimes = series.runtime[begins + sizes // 2]
    return tuple(
        Day(_time(int(day[begin]) * DAY_S), float(median), int(size), series.runtimes[int(runtime)])
        for begin, median, size, runtime in zip(begins, medians, sizes, runtimes, strict=True)
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
