"""How measured numbers are said, with what they rest on. Pure functions; no Markdown."""

from apehost_core.compare.claims import within_percent
from apehost_core.compare.measures import Measure, Noted
from apehost_core.compare.numbers import counted, number, percent, unit_of
from apehost_core.compare.summary import Bound, ContenderSummary, Counts, Estimate, Pair

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
_FINISHES = {
    "stop": "stop",
    "length": "cut at the token limit",
    "tool_calls": "tool call",
}
_NONE = "-"


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
    value = f"{percent(errors.value)} %"
    if errors.interval is None:
        return value
    return f"{value} [{percent(errors.interval.low)}-{percent(errors.interval.high)}]"


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
    near = within_percent(pair)
    if near is not None:
        return f"within {near} % of each other"
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
