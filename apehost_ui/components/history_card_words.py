"""How the numbers on cards are said: with their units, what they rest on, and in words where that is too little."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from apehost_core.compare.measures import Measure
from apehost_core.compare.numbers import counted, number, percent, unit_of
from apehost_core.history.cards import PromptSpeed, Rate, Spread, Uses, VoteCount
from apehost_ui.components.history_chart_columns import kind_words

FEWEST_TO_SPREAD: Final = 10
"""With fewer values it is not said where most of them lie."""
_MOST_NAMED = 4
_THOUSAND, _MILLION = 1_000, 1_000_000


def rate_words(rate: Rate, noun: str) -> str:
    """Return how often something was so: "3.1 % [2.0-4.7] of 1,203 answers"; where there are few: "2 of 7 answers"."""
    if not rate.n:
        return f"no {noun} yet"
    if not rate.tells:
        return f"{rate.k:,} of {counted(rate.n, noun)}, not enough to tell"
    return f"{percent(rate.k / rate.n)} % [{percent(rate.low)}-{percent(rate.high)}] of {counted(rate.n, noun)}"


def spread_words(spread: Spread | None, measure: Measure, *, unit_told: bool = False) -> str:
    """Return how values lie: "412 ms (90-1,200)", of few "412 ms".

    Args:
        spread: The values.
        measure: What they are, which tells the unit.
        unit_told: The unit stands elsewhere.
    """
    if spread is None:
        return "not known"
    unit = unit_of(measure, spread.p50)
    low, middle, high = (number(value * unit.factor) for value in (spread.p10, spread.p50, spread.p90))
    words = middle if unit_told else f"{middle} {unit.word}"
    return f"{words} ({low}-{high})" if spread.n >= FEWEST_TO_SPREAD else words


def prompt_speed_words(speed: PromptSpeed) -> str:
    """Return how fast prompts are read on one server."""
    fixed = unit_of("ttft_ms", speed.fixed_ms)
    words = f"{number(speed.tok_s)} tok/s [{number(speed.low)}-{number(speed.high)}] on {speed.server}"
    return f"{words}, after {number(speed.fixed_ms * fixed.factor)} {fixed.word} (n = {speed.n:,})"


def votes_words(votes: VoteCount) -> str:
    """Return how people voted: "won 12, lost 3, ties 2, both bad 1"."""
    pieces = ((votes.won, "won"), (votes.lost, "lost"), (votes.ties, "ties"), (votes.both_bad, "both bad"))
    return ", ".join(f"{what} {count:,}" for count, what in pieces if count) or "no vote yet"


def uses_words(uses: Uses, zone: str) -> str:
    """Return how much a model was used, and on which days of a time zone."""
    tokens = f"{short(uses.prompt_tokens)} prompt and {short(uses.completion_tokens)} answer tokens"
    if uses.estimated:
        tokens += f" ({percent(uses.estimated / uses.calls)} % of the calls estimated)"
    pieces = [counted(uses.calls, "call"), counted(uses.conversations, "chat") if uses.conversations else "", tokens]
    return f"{' · '.join(filter(None, pieces))} · {days(uses.first_at, uses.last_at, zone)}"


def purposes(uses: Uses) -> str:
    """Return what a model was used for: "chats 80 %, comparisons 20 %"; empty where that is not known."""
    return shares([(kind_words(kind), count) for kind, count in uses.kinds])


def shares(counts: Sequence[tuple[str, int]]) -> str:
    """Return names with their share of all, the most frequent ones: "mini 80 %, PC 20 %"."""
    total = sum(count for _, count in counts)
    named = [f"{name} {percent(count / total)} %" for name, count in counts[:_MOST_NAMED]]
    more = len(counts) - _MOST_NAMED
    return ", ".join([*named, f"{more} more"] if more > 0 else named)


def days(first: datetime, last: datetime, zone: str) -> str:
    """Return the days of a time zone from one time to another: "3 Nov 2025 to 25 Nov 2026"."""
    begins, ends = (
        f"{at.day} {at:%b %Y}" for at in (first.astimezone(ZoneInfo(zone)), last.astimezone(ZoneInfo(zone)))
    )
    return begins if begins == ends else f"{begins} to {ends}"


def short(count: int) -> str:
    """Return a large count in short: 950, 12k, 3.4M."""
    if count < 10 * _THOUSAND:
        return f"{count:,}"
    if count < _MILLION:
        return f"{count / _THOUSAND:.0f}k"
    return f"{number(count / _MILLION)}M"
