"""What the statistics say about a comparison, as values. `statistics` makes them; pages and reports say them."""

from dataclasses import dataclass
from typing import Literal

from apehost_core.compare.measures import Measure, Noted


@dataclass(frozen=True, slots=True)
class Interval:
    """From low to high, at 95 %."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with what it rests on.

    Attributes:
        value: The estimate.
        interval: None where there is too little to say how sure it is.
        runs: How many runs.
        prompts: How many prompts they belong to; the interval is over these.
    """

    value: float
    interval: Interval | None
    runs: int
    prompts: int


@dataclass(frozen=True, slots=True)
class Bound:
    """What 95 % of a contender's runs stay under (of a rate: over), by order statistics, with 95 % confidence.

    Attributes:
        value: None where there are not enough runs.
        runs: How many there are.
        needed: How many it takes: 59, or more where runs of one prompt resemble each other.
    """

    value: float | None
    runs: int
    needed: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a contender's timed cells.

    Attributes:
        planned: How many there are.
        used: Answered, warm, by the model that was asked: what the statistics rest on.
        cold: The model was loaded for the call.
        other_model: Another model answered.
        failed: Failed at the last attempt.
        open: Not yet answered.
        unknown_warm: Of those used: the server does not tell whether the model was loaded before.
        estimated: Of those used: tokens are our estimate.
        finishes: How often each finish reason came, most frequent first.
    """

    planned: int
    used: int
    cold: int
    other_model: int
    failed: int
    open: int
    unknown_warm: int
    estimated: int
    finishes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ContenderSummary:
    """One contender's numbers.

    Attributes:
        contender: Its place in the setup.
        counts: What became of its cells.
        errors: Share of cells that failed, with Wilson's interval; None before any ended.
        medians: Of what was measured with an uncached prompt and a warm model: the typical prompt's typical run.
        bounds: For TTFT, first visible token, total and decode rate.
        cached: Medians of TTFT and total with a cached prompt, where that was measured.
        cold: Medians over the calls for which the model was loaded.
        noted: Medians of load time (warm-ups and cold calls; each load counts as a prompt), token counts, and what the
            server says of itself.
        energy_wh: Median watt-hours of an answer, where the person said what the machine draws.
    """

    contender: int
    counts: Counts
    errors: Estimate | None
    medians: dict[Measure, Estimate]
    bounds: dict[Measure, Bound]
    cached: dict[Measure, Estimate]
    cold: dict[Measure, Estimate]
    noted: dict[Noted, Estimate]
    energy_wh: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contenders in one measure, over the prompts that both answered.

    Attributes:
        measure: What is compared.
        a: Place of the one in the setup.
        b: Of the other one.
        ratio: a over b, geometric mean over prompts; 2 means that a's number is twice b's.
        p: Of no difference, counted once for each measure and after Holm over the pairs of this one; None where there
            are too few prompts.
        winner: "a" or "b", the better one, where p is below 0.05 (then the interval leaves out 1) and the difference
            is 1 % or more; None where not, for measures of which neither way is better, and of a shared machine.
        more_prompts: About how many more prompts would tell them apart, if the ratio is what it seems; None where they
            are told apart already, or no number of up to 10,000 would.
    """

    measure: Measure
    a: int
    b: int
    ratio: Estimate
    p: float | None
    winner: Literal["a", "b"] | None
    more_prompts: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a comparison says so far.

    Attributes:
        contenders: In the order of the setup.
        pairs: Every pair a < b in every measure, where at least one prompt was answered by both.
    """

    contenders: tuple[ContenderSummary, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Rating:
    """How a model does in votes.

    Attributes:
        identity: Key and quantisation.
        strength: On Elo's scale, 1000 in the middle: 400 more is ten times the odds.
        interval: By bootstrap over votes; None where it cannot be told.
        votes: In how many votes it stands.
        group: Models of one group were compared with each other, directly or through others; strengths of different
            groups mean nothing to each other.
    """

    identity: tuple[str, str | None]
    strength: float
    interval: Interval | None
    votes: int
    group: int


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Ratings by Bradley-Terry with ties (Davidson).

    Attributes:
        ratings: Best first, group by group.
        tie: The tie parameter: 0 never ties, 1 equals tie in a third of their votes.
        votes: All votes that count.
        connected: Whether all models are of one group.
        more_votes: About how many more would separate the two neighbours that are closest to it; None where all
            neighbours are separated, or no number up to 10,000 would separate any.
        next_pair: These neighbours; None where there are none.
    """

    ratings: tuple[Rating, ...]
    tie: float
    votes: int
    connected: bool
    more_votes: int | None = None
    next_pair: tuple[tuple[str, str | None], tuple[str, str | None]] | None = None
