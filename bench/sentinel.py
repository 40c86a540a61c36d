"""How often the speed sentinel is wrong, and how soon it is right, on series whose true speed is known.

    uv run python -m bench.sentinel [--rounds 5]

Each round draws 200 series of four months. "False, one look": the share of unchanged series that are called slower or
faster at the last day. "False, ever": the same at any of all looks, one after each window. "Found": the share of series
that lost 20 % (30 %) two windows ago and are called slower at once: where 20 of the 200 lost it (as after an update),
and where only one did. "Interval": how often the 95 % interval of a true loss of 20 % for six windows holds it.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtrit

from apehost_core.history.sentinel import RULES, Numbers, Rules
from apehost_core.history.sentinel_verdicts import false_shares, judged
from apehost_core.history.sentinel_walk import Standing, standings, walk
from apehost_core.history.sentinel_windows import windows_of
from bench.tables import table
from tests.speed_samples import KINDS, Kind, many

SERIES = 200
CHANGED = 20
CALLS_A_DAY = (3, 15)
_SMALLER, _LARGER = 0.8, 0.7
_LATER = 6
_EVERY = 4


@dataclass(slots=True)
class Tally:
    """Sums over rounds, as (how many, of how many)."""

    once: list[int] = field(default_factory=lambda: [0, 0])
    ever: list[int] = field(default_factory=lambda: [0, 0])
    together: dict[float, list[int]] = field(default_factory=lambda: {_SMALLER: [0, 0], _LARGER: [0, 0]})
    alone: list[int] = field(default_factory=lambda: [0, 0])
    held: list[int] = field(default_factory=lambda: [0, 0])


def _add(to: list[int], hits: int, of: int) -> None:
    to[0] += hits
    to[1] += of


def _alarms(found: Sequence[Standing | None], rules: Rules) -> set[int]:
    """Return which of the series, looked at together, are said to have changed."""
    compared = [(place, each) for place, each in enumerate(found) if each is not None]
    shares = false_shares(np.array([each.p for _, each in compared]))
    return {
        place
        for (place, each), share in zip(compared, shares, strict=True)
        if each.since is not None and share <= rules.false_share
    }


def _slowed(levels: Numbers, change: float, windows: int) -> Numbers:
    slower = levels.copy()
    slower[-windows:] -= np.log(change)
    return slower


def measure(kind: Kind, calls_a_day: float, rounds: int, rules: Rules) -> Tally:
    """Return what was found in so many rounds."""
    tally = Tally()
    for seed in range(rounds):
        series = many(np.random.default_rng(seed), kind, SERIES, calls_a_day)
        verdicts = judged(series, rules=rules)
        _add(tally.once, sum(each.change is not None for each in verdicts), len(verdicts))
        levels = [-np.array([window.level for window in windows_of(each, rules)[0]]) for each in series]
        histories = [list(standings(each, [0] * len(each), rules)) for each in levels]
        ever: set[int] = set()
        for look in range(max(map(len, histories))):
            ever |= _alarms([each[look] if look < len(each) else None for each in histories], rules)
        _add(tally.ever, len(ever), SERIES)
        now = [each[-1] for each in histories]
        for change, found in tally.together.items():
            slower = [walk(_slowed(each, change, 2), [0] * len(each), rules) for each in levels]
            for first in range(0, SERIES, CHANGED):
                group = range(first, first + CHANGED)
                hits = _alarms([slower[place] if place in group else now[place] for place in range(SERIES)], rules)
                _add(found, len(hits.intersection(group)), CHANGED)
            if change == _SMALLER:
                for place in range(0, SERIES, _EVERY):
                    one = [*now[:place], slower[place], *now[place + 1 :]]
                    _add(tally.alone, place in _alarms(one, rules), 1)
        _hold(tally, levels, rules)
    return tally


def _hold(tally: Tally, levels: Sequence[Numbers], rules: Rules) -> None:
    """Count how often the interval of a change holds the true one."""
    for each in levels:
        later = _slowed(each, _SMALLER, _LATER)
        standing = walk(later, [0] * len(each), rules)
        if standing is not None and standing.since is not None:
            since = later[standing.since :]
            noise = standing.noise
            reach = noise.error(len(since)) * float(stdtrit(noise.freedom, 0.975))
            _add(tally.held, abs(float(since.mean()) - noise.centre + np.log(_SMALLER)) <= reach, 1)


def _share(counts: list[int]) -> str:
    return f"{100 * counts[0] / max(1, counts[1]):.1f} %"


def main() -> None:
    """Measure all kinds of noise and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window-calls", type=int, default=RULES.window_calls)
    parser.add_argument("--window-days", type=int, default=RULES.window_days)
    arguments = parser.parse_args()
    rules = Rules(window_calls=arguments.window_calls, window_days=arguments.window_days)
    rows: list[list[object]] = []
    for name, kind in KINDS.items():
        for calls_a_day in CALLS_A_DAY:
            begun = time.perf_counter()
            tally = measure(kind, calls_a_day, arguments.rounds, rules)
            found = [tally.once, tally.ever, tally.together[_SMALLER], tally.together[_LARGER], tally.alone, tally.held]
            rows.append([name, calls_a_day, *map(_share, found)])
            print(rows[-1], f"{time.perf_counter() - begun:.0f} s", flush=True)
    heads = ["noise", "calls a day", "false, one look", "false, ever", "found -20 %", "found -30 %", "found alone"]
    print(table([*heads, "interval"], rows))


if __name__ == "__main__":
    main()
