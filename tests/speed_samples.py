"""Series of calls whose true speed is known: noise of several kinds, correlated within a day and from day to day."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from apehost_core.history.sentinel import Measure, Numbers, Series, SeriesKey

DAY_S = 86_400
_BEGAN = 20_000 * DAY_S


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of noise; all on logarithms.

    Attributes:
        day: Standard deviation of days.
        call: Standard deviation of calls within a day.
        alike: Correlation of a day with the next one, and of a call with the next one.
        heavy: Days and calls come from Student's t with 3 degrees of freedom, and 5 % of calls take twice as long.
    """

    day: float
    call: float
    alike: float = 0.0
    heavy: bool = False


KINDS: Mapping[str, Kind] = {
    "log-normal": Kind(day=0.03, call=0.12),
    "autocorrelated": Kind(day=0.04, call=0.10, alike=0.5),
    "heavy tails": Kind(day=0.04, call=0.10, alike=0.6, heavy=True),
    "very noisy": Kind(day=0.10, call=0.25, alike=0.6),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a series is made like.

    Attributes:
        days: From the first to the last; on some there is no call.
        calls_a_day: On average.
        name: Of the model.
        measure: What is measured: 50 tokens a second, or 400 ms of a typical prompt.
        change: What the last days' values are multiplied with.
        changed_days: How many days are changed.
        runtimes: One, or two: then the changed days ran on the second.
    """

    days: int = 120
    calls_a_day: float = 6
    name: str = "model"
    measure: Measure = "decode_tok_s"
    change: float = 1.0
    changed_days: int = 0
    runtimes: tuple[str, ...] = ("llama.cpp 2.0.0",)


def series_of(rng: np.random.Generator, kind: Kind, **told: Any) -> Series:
    """Return a series of a kind of noise; `told` are attributes of its `Shape`."""
    shape = Shape(**told)
    per_day = rng.poisson(rng.gamma(2, shape.calls_a_day / 2, shape.days))
    per_day[[0, -1]] += 1
    day = np.repeat(np.arange(shape.days), per_day)
    values = (kind.day * _alike(rng, kind, shape.days))[day] + kind.call * _alike(rng, kind, len(day))
    if kind.heavy:
        values -= np.where(rng.random(len(day)) < 0.05, np.log(2), 0.0)
    tokens = np.clip(rng.lognormal(6.2, 0.35, len(day)), 256, 1023)
    values += (0.8 if shape.measure == "ttft_ms" else -0.1) * np.log(tokens / 500)
    changed = day >= shape.days - shape.changed_days
    values[changed] += np.log(shape.change)
    order = np.arange(len(day)) - np.searchsorted(day, day)
    return Series(
        SeriesKey("mini", shape.name, "Q4_K_M", 256, shape.measure),
        at=np.asarray(_BEGAN + day * DAY_S + 30_000 + order * 60, np.float64),
        value=(400.0 if shape.measure == "ttft_ms" else 50.0) * np.exp(values),
        prompt_tokens=np.floor(tokens),
        completion_tokens=np.full(len(day), 200.0),
        tools=np.zeros(len(day), bool),
        runtime=(changed & (len(shape.runtimes) > 1)).astype(np.int64),
        runtimes=shape.runtimes,
    )


def many(rng: np.random.Generator, kind: Kind, count: int, calls_a_day: float) -> list[Series]:
    """Return as many series without a change, of models "model-0", "model-1" ..."""
    return [series_of(rng, kind, calls_a_day=calls_a_day, name=f"model-{number}") for number in range(count)]


def _alike(rng: np.random.Generator, kind: Kind, count: int) -> Numbers:
    """Return noise of variance 1 in which each value is like the one before it."""
    drawn = rng.standard_t(3, count) / np.sqrt(3) if kind.heavy else rng.normal(size=count)
    drawn[1:] *= np.sqrt(1 - kind.alike**2)
    return np.array(list(accumulate(drawn, lambda before, now: now + kind.alike * before)))
