"""How measured numbers are said, with what they rest on. Pure functions; no Markdown."""

from dataclasses import dataclass

from apehost_core.compare.measures import Measure, Noted
from apehost_core.compare.summary import Bound, ContenderSummary, Counts, Estimate, Pair
from apehost_ui.compare_words import counted

MEASURES: dict[Measure, str] = {
    "ttft_ms": "Time to first token",
    "first_visible_ms": "Time to first visible token",
    "decode_tok_s": "Decode speed",
    "prompt_tok_s": "Prompt speed",
    "total_ms": "Time of a whole answer",
    "completion_tokens": "Tokens of an answer",
    "visible_chars": "Characters of an answer",
}
"""What each measure is called, in the order in which they are shown."""
SHORT: dict[Measure, str] = {
    "ttft_ms": "First token",
    "first_visible_ms": "First visible",
    "decode_tok_s": "Decode speed",
    "prompt_tok_s": "Prompt speed",
    "total_ms": "Whole answer",
    "completion_tokens": "Tokens",
    "visible_chars": "Characters",
}
"""The same for the heads of columns."""
TIMED: tuple[Measure, ...] = ("ttft_ms", "first_visible_ms", "decode_tok_s", "prompt_tok_s", "total_ms")
NOT_FOR_TIMING = (
    "Shared machine: not for timing. Everything was asked at once, so these times say how the machine copes with all "
    "of them, not how fast a model is."
)
_COUNTED: tuple[Measure, ...] = ("decode_tok_s", "completion_tokens")
_UNITS = {"_ms": "ms", "_tok_s": "tok/s"}
_FINISHES = {
    "stop": "stop",
    "length": "cut at the token limit",
    "tool_calls": "tool call",
}
_NONE = "-"


@dataclass(frozen=True, slots=True)
class Unit:
    """What numbers of one kind are shown in.

    Attributes:
        word: "ms", "s", "tok/s"; empty for counts.
        factor: What a recorded number is multiplied with.
    """

    word: str
    factor: float = 1.0


def unit_of(measure: Measure | Noted, largest: float) -> Unit:
    """Return the unit for recorded numbers of up to `largest`: seconds from 1,000 ms on."""
    word = next((unit for ending, unit in _UNITS.items() if measure.endswith(ending)), "")
    return Unit("s", 0.001) if word == "ms" and largest >= 1000 else Unit(word)


def number(value: float) -> str:
    """Return a number with three digits that count: 0.412, 41.3, 1,240."""
    size = abs(value)
    if size >= 100 or value == round(value):
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 else f"{value:.3f}"


def quantity(estimate: Estimate | None, measure: Measure | Noted, *, about: bool = False) -> str:
    """Return an estimate with its interval: "412 ms [390-440]"; "-" where there is none."""
    if estimate is None:
        return _NONE
    unit = unit_of(measure, estimate.value)
    words = f"{'≈' if about else ''}{number(estimate.value * unit.factor)}"
    words += f" {unit.word}" if unit.word else ""
    if estimate.interval is None:
        return words
    low, high = (number(end * unit.factor) for end in (estimate.interval.low, estimate.interval.high))
    return f"{words} [{low}-{high}]"


def rests_on(estimate: Estimate | None) -> str:
    """Return what an estimate rests on: "60 runs, 20 prompts"."""
    if estimate is None:
        return ""
    return f"{counted(estimate.runs, 'run')}, {counted(estimate.prompts, 'prompt')}"


def estimated(counts: Counts, measure: Measure) -> bool:
    """Return whether numbers of the measure rest on token counts of which some are our estimate."""
    return measure in _COUNTED and counts.estimated > 0


def bound(limit: Bound | None, measure: Measure) -> str:
    """Return what 95 % of the runs keep: "under 812 ms", or how many runs that would take."""
    if limit is None:
        return _NONE
    if limit.value is None:
        return f"not enough runs (n={limit.runs}), {limit.needed} needed"
    unit = unit_of(measure, limit.value)
    side = "over" if measure.endswith("tok_s") else "under"
    return f"{side} {number(limit.value * unit.factor)} {unit.word} (n={limit.runs})"


def share(errors: Estimate | None) -> str:
    """Return a share with its interval as percentages: "3.3 % [0.6-17]"."""
    if errors is None:
        return _NONE
    value = f"{_percent(errors.value)} %"
    if errors.interval is None:
        return value
    return f"{value} [{_percent(errors.interval.low)}-{_percent(errors.interval.high)}]"


def _percent(part: float) -> str:
    percent = part * 100
    return f"{percent:.0f}" if percent >= 10 or percent < 0.05 else f"{percent:.1f}"


def finishes(counts: Counts) -> str:
    """Return how answers ended: "stop 58, cut at the token limit 2"."""
    return ", ".join(f"{_FINISHES.get(reason, reason)} {times:,}" for reason, times in counts.finishes) or _NONE


def energy(contender: ContenderSummary) -> str:
    """Return the energy of a typical answer: "0.42 Wh [0.38-0.47]"."""
    found = contender.energy_wh
    if found is None:
        return _NONE
    if found.interval is None:
        return f"{number(found.value)} Wh"
    return f"{number(found.value)} Wh [{number(found.interval.low)}-{number(found.interval.high)}]"


def price(contender: ContenderSummary, price_kwh: float) -> str:
    """Return what the energy of 1,000 typical answers costs, in the currency of the price."""
    found = contender.energy_wh
    return _NONE if found is None else number(found.value * price_kwh)


def verdict(pair: Pair, names: tuple[str, ...]) -> str:
    """Return which of a pair is better, or what it would take to tell."""
    if pair.winner is not None:
        return names[pair.a if pair.winner == "a" else pair.b]
    if pair.more_prompts is not None:
        return f"cannot be told; about {counted(pair.more_prompts, 'more prompt')} would"
    return "cannot be told"


def ratio(estimate: Estimate) -> str:
    """Return a ratio with its interval: "1.62 [1.41-1.88]"."""
    value = f"{estimate.value:.2f}"
    return value if estimate.interval is None else f"{value} [{estimate.interval.low:.2f}-{estimate.interval.high:.2f}]"


def chance(p: float | None) -> str:
    """Return a p-value: "0.03", "< 0.001"; "too few prompts" where there is none."""
    if p is None:
        return "too few prompts"
    return "< 0.001" if p < 0.001 else f"{p:.2g}"
