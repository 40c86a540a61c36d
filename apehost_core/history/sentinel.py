"""The speed sentinel's values: what is watched, what is compared with what, and what is found.

`sentinel_windows` makes windows of calls, `sentinel_walk` compares them, `sentinel_verdicts` judges all series at once.
How it works, and how often it is wrong, is told in docs/sentinel.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Measure = Literal["decode_tok_s", "ttft_ms"]
"""Decode speed in tokens a second, or the time to first token in ms."""
State = Literal["steady", "slower", "faster", "too few"]
Property = Literal["runtime", "prompt tokens", "answer tokens", "calls with tools"]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rules:
    """How the sentinel judges.

    Attributes:
        window_calls: A window has at least so many calls.
        window_days: They are of so many days at least; a day is never divided.
        baseline_windows: With fewer windows before it, nothing is compared.
        longest_baseline: A baseline is made of the latest windows, at most so many.
        floor: A smaller change of speed (as a share) is none.
        opens_at: Two windows in a row that differ so clearly (p) are held against the baseline from then on.
        false_share: Which share of the alarms may be false, over all series (Benjamini-Hochberg).
    """

    window_calls: int = 12
    window_days: int = 2
    baseline_windows: int = 6
    longest_baseline: int = 30
    floor: float = 0.10
    opens_at: float = 0.01
    false_share: float = 0.05

    @property
    def needed(self) -> int:
        """How many windows it takes until a series is judged: a baseline and the two that are compared with it."""
        return self.baseline_windows + 2

    @property
    def log_floor(self) -> float:
        """The floor on logarithms."""
        return -log(1 - self.floor)


RULES = Rules()


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What is watched: calls that should all be equally fast.

    Attributes:
        server: Name of the server.
        model: Key of the model.
        quantisation: "" where nobody told it.
        from_tokens: The prompt length, as the lowest number of its span (`charts.PROMPT_SPANS`).
        measure: What is measured of them.
    """

    server: str
    model: str
    quantisation: str
    from_tokens: int
    measure: Measure


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The calls of a key as columns, one element a call, in the order of time.

    Attributes:
        key: What they have in common.
        at: When each was sent, seconds since 1970, UTC.
        value: What was measured, above 0.
        prompt_tokens: At least 1.
        completion_tokens: At least 1.
        tools: Whether tools were offered.
        runtime: Of each call, its place in `runtimes`.
        runtimes: Engines and their versions; "" where nobody told it.
    """

    key: SeriesKey
    at: Numbers
    value: Numbers
    prompt_tokens: Numbers
    completion_tokens: Numbers
    tools: NDArray[np.bool_]
    runtime: NDArray[np.int64]
    runtimes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Calls of some days under one runtime, as one number.

    Attributes:
        runtime: Its place in the series' `runtimes`.
        rows: Places of its calls in the series, in order of time.
        values: Their logarithms, as they would be at the series' typical prompt length.
        level: Mean of the middle half of these.
    """

    runtime: int
    rows: NDArray[np.int64]
    values: Numbers
    level: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """What windows are compared with.

    Attributes:
        value: Typical value, in the unit of the measure.
        low: Nine of ten windows lie between this and `high`, as far as the noise so far tells.
        high: See `low`.
        since: When its first call was sent, UTC.
        until: When its last call was sent, UTC.
        runtime: Of its last window.
        windows: How many it is made of.
        calls: How many calls these have.
    """

    value: float
    low: float
    high: float
    since: datetime
    until: datetime
    runtime: str
    windows: int
    calls: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What else is not as it was before a change.

    Attributes:
        what: Which property of the calls.
        before: What it was: a name, or a number (a share is 0-1).
        after: What it is.
    """

    what: Property
    before: str | float
    after: str | float


@dataclass(frozen=True, slots=True)
class Change:
    """A change of speed.

    Attributes:
        ratio: New over old value; 0.69 is 31 % less.
        low: Where its 95 % interval begins.
        high: Where it ends.
        value: Typical value since, in the unit of the measure.
        before: When the last call of the old speed was sent, UTC.
        since: When the first call of the new speed was sent, UTC.
        windows: How many windows there are since.
        calls: How many calls these have.
        share_false: The share of false alarms among those that are at least as clear (Benjamini-Hochberg).
        differences: What else changed at that time; a cause may be among them.
        settings: Which settings were changed around that time: "server mini", "profile gemma*".
    """

    ratio: float
    low: float
    high: float
    value: float
    before: datetime
    since: datetime
    windows: int
    calls: int
    share_false: float
    differences: tuple[Difference, ...]
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a series for a chart.

    Attributes:
        at: Its beginning, UTC.
        value: Median of its calls, at the series' typical prompt length.
        calls: How many.
        runtime: Of most of them.
    """

    at: datetime
    value: float
    calls: int
    runtime: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a series.

    Attributes:
        key: The series.
        runtime: What its latest window ran on.
        state: How fast it is, compared with its baseline.
        windows: Windows so far that can be compared: since the runtime or the accepted change began, and before.
        needed: How many it takes.
        calls: How many calls there are.
        last: When the last one was sent, UTC.
        baseline: None while there are too few windows.
        change: What makes it slower or faster; None otherwise.
        days: All days with calls, in order.
    """

    key: SeriesKey
    runtime: str
    state: State
    windows: int
    needed: int
    calls: int
    last: datetime
    baseline: Baseline | None
    change: Change | None
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a person said of series.

    Attributes:
        accepted: From when on a series' speed is the new normal, seconds since 1970, UTC: what was before is forgotten.
        muted: Series whose alarms are not shown.
    """

    accepted: Mapping[SeriesKey, float] = field(default_factory=dict[SeriesKey, float])
    muted: frozenset[SeriesKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """What was found at one look at the record.

    Attributes:
        verdicts: One for each series.
        calls: How many calls they rest on.
        beside: How many more were left out, because their server answered something else at the same time.
        at: When it was looked, UTC.
        took_ms: How long that took.
    """

    verdicts: tuple[Verdict, ...]
    calls: int
    beside: int
    at: datetime
    took_ms: float
