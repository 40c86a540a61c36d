"""Sentences that a comparison supports, and names that tell its contenders apart.

A sentence says that one contender is better only where `pairs` named a winner, and always says on how many prompts and
repeats it rests. Where one is not better, it says what the runs leave open, and how many more prompts would settle it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from apehost_core.compare.comparison import Contender, Setup
from apehost_core.compare.intervals import FEWEST_PROMPTS
from apehost_core.compare.measures import BETTER, Measure
from apehost_core.compare.numbers import counted
from apehost_core.compare.summary import Estimate, Interval, Pair, Summary

NEARLY = 1.05
"""Where the whole interval is nearer to 1 than this, the two are said to be as good as equal."""
_BETTER_IN: dict[Measure, str] = {
    "ttft_ms": "is {ratio} faster to first token than",
    "decode_tok_s": "is {ratio} faster in decode speed than",
    "total_ms": "is {ratio} faster to the end of its answers than",
    "first_visible_ms": "is {ratio} faster to first visible token than",
    "prompt_tok_s": "is {ratio} faster at reading prompts than",
}
"""In the order in which they are told."""
_NOUNS: dict[Measure, str] = {
    "ttft_ms": "time to first token",
    "decode_tok_s": "decode speed",
    "total_ms": "total time",
    "first_visible_ms": "time to first visible token",
    "prompt_tok_s": "prompt speed",
}
_MORE_OF: dict[Measure, str] = {
    "completion_tokens": "answers with {ratio} as many tokens as",
    "visible_chars": "writes answers {ratio} as long as",
}
_FOLLOWS: dict[Measure, Measure] = {"first_visible_ms": "ttft_ms", "prompt_tok_s": "ttft_ms"}
"""Measures that often say the same as another one; then only that one is told."""
_SAME = 0.01


@dataclass(frozen=True, slots=True)
class _Telling:
    """Names and numbers that all sentences of one comparison use."""

    names: tuple[str, ...]
    repeats: int

    def ratio(self, pair: Pair, words: str, first: int) -> str:
        """Return the sentence that the contender `first` is so many times the other one, in what the words say."""
        second = pair.b if first == pair.a else pair.a
        ratio = pair.ratio if pair.ratio.value >= 1 else _inverse(pair.ratio)
        digits = _digits(ratio)
        said = words.format(ratio=f"{ratio.value:,.{digits}f}x")
        spread = f"{_range(ratio.interval, digits)}, " if ratio.interval else ""
        return f"{self.names[first]} {said} {self.names[second]} ({spread}{self.n(pair)})"

    def open(self, pair: Pair) -> str:
        """Return what the runs say of a pair of which neither is better."""
        a, b, noun = self.names[pair.a], self.names[pair.b], _NOUNS[pair.measure]
        near = within_percent(pair)
        if near is not None:
            return f"{a} and {b} are within {near} % of each other in {noun} ({self.n(pair)})"
        cannot = f"These runs cannot tell {a} from {b} in {noun} ({self.n(pair)})"
        if pair.more_prompts is None:
            return cannot
        more = "one more prompt" if pair.more_prompts == 1 else f"{_about(pair.more_prompts):,} more prompts"
        return f"{cannot}; about {more} would"

    def n(self, pair: Pair) -> str:
        """Return on what a pair rests: "20 prompts x 3"."""
        prompts = counted(pair.ratio.prompts, "prompt")
        if pair.ratio.runs == 2 * pair.ratio.prompts * self.repeats:
            return f"{prompts} x {self.repeats}"
        return f"{prompts}, {pair.ratio.runs:,} runs"


def claims(summary: Summary, setup: Setup) -> tuple[str, ...]:
    """Return what the comparison supports, most telling first; nothing of a shared machine, where all ran at once.

    First who is better in what, then who writes more, then what cannot be told.
    """
    if setup.together:
        return ()
    tell = _Telling(tuple(name(number, setup) for number in range(len(setup.contenders))), setup.repeats)
    pairs = [pair for pair in summary.pairs if not _repeats_another(pair, summary.pairs)]
    won = sorted((pair for pair in pairs if pair.winner), key=lambda one: (_place(one), -_surely(one)))
    sentences = [tell.ratio(pair, _BETTER_IN[pair.measure], _winner(pair)) for pair in won]
    longer = [pair for pair in pairs if pair.measure in _MORE_OF and _apart(pair)]
    sentences += [
        tell.ratio(pair, _MORE_OF[pair.measure], pair.a if pair.ratio.value >= 1 else pair.b) for pair in longer
    ]
    enough = [pair for pair in pairs if pair.ratio.prompts >= FEWEST_PROMPTS]
    undecided = [pair for pair in enough if pair.measure in BETTER and not pair.winner]
    sentences += [tell.open(pair) for pair in sorted(undecided, key=_place) if pair.measure not in _FOLLOWS]
    if pairs and not enough:
        most = max(pair.ratio.prompts for pair in pairs)
        few = "1 prompt is too few" if most == 1 else f"{most} prompts are too few"
        sentences.append(f"{few} to say who is faster; it takes {FEWEST_PROMPTS} or more")
    return tuple(sentences)


def name(contender: int, setup: Setup) -> str:
    """Return what to call a contender (its place in the setup): its model, and what tells it from the others."""
    own = setup.contenders[contender]
    short = _short(own.model)
    ambiguous = any(_short(one.model) == short and one.model != own.model for one in setup.contenders)
    model = own.model if ambiguous else short
    alike = [one for one in setup.contenders if one.model == own.model]
    for parts in _PARTS:
        said = ["".join(part(one) for part in parts) for one in alike]
        if len(set(said)) == len(said):
            return model + "".join(part(own) for part in parts)
    full = _all(own)
    same = [number for number, one in enumerate(setup.contenders) if one.model == own.model and _all(one) == full]
    return f"{model}{full}" if len(same) == 1 else f"{model}{full} #{same.index(contender) + 1}"


def _short(model: str) -> str:
    return model.rstrip("/").rpartition("/")[2] or model


def _quantisation(one: Contender) -> str:
    return f" {one.quantisation}" if one.quantisation else ""


def _server(one: Contender) -> str:
    return f" on {one.server}"


def _variant(one: Contender) -> str:
    return f", {one.variant}" if one.variant else ""


_PARTS: tuple[tuple[Callable[[Contender], str], ...], ...] = (
    (),
    (_quantisation,),
    (_server,),
    (_variant,),
    (_quantisation, _server),
    (_quantisation, _variant),
    (_server, _variant),
    (_quantisation, _server, _variant),
)


def _all(one: Contender) -> str:
    return "".join(part(one) for part in _PARTS[-1])


def _place(pair: Pair) -> int:
    return list(_BETTER_IN).index(pair.measure)


def _winner(pair: Pair) -> int:
    return pair.a if pair.winner == "a" else pair.b


def _inverse(ratio: Estimate) -> Estimate:
    interval = ratio.interval and Interval(1 / ratio.interval.high, 1 / ratio.interval.low)
    return Estimate(1 / ratio.value, interval, ratio.runs, ratio.prompts)


def _surely(pair: Pair) -> float:
    """Return by how many times one is better at least."""
    ratio = pair.ratio if pair.ratio.value >= 1 else _inverse(pair.ratio)
    return ratio.interval.low if ratio.interval else 1.0


def _apart(pair: Pair) -> bool:
    return pair.p is not None and pair.p < 0.05 and abs(pair.ratio.value - 1) >= _SAME


def within_percent(pair: Pair) -> int | None:
    """Return within how many % of each other a pair surely is; None where they may be further apart than 5 %."""
    far = _farthest(pair.ratio.interval)
    return None if far is None or far >= NEARLY else max(1, round((far - 1) * 100))


def _farthest(interval: Interval | None) -> float | None:
    return interval and max(interval.high, 1 / interval.low)


def _repeats_another(pair: Pair, pairs: Iterable[Pair]) -> bool:
    """Return whether a pair says in its measure what it says in the one that this follows."""
    leader = _FOLLOWS.get(pair.measure)
    if leader is None:
        return False
    other = next((one for one in pairs if one.measure == leader and (one.a, one.b) == (pair.a, pair.b)), None)
    if other is None:
        return False
    ratio = other.ratio.value if BETTER[leader] == BETTER[pair.measure] else 1 / other.ratio.value
    return abs(pair.ratio.value / ratio - 1) < _SAME


def _digits(ratio: Estimate) -> int:
    """Return how many digits behind the point a ratio of 1 or more is sure of."""
    low, high = (ratio.interval.low, ratio.interval.high) if ratio.interval else (ratio.value, ratio.value)
    if high - low < 0.2 or low < 1.05:
        return 2
    return 1 if high < 10 else 0


def _range(interval: Interval, digits: int) -> str:
    return f"{interval.low:,.{digits}f}-{interval.high:,.{digits}f}"


def _about(prompts: int) -> int:
    """Return a number of prompts as round as it is sure: two digits."""
    step = 10 ** max(0, len(str(prompts)) - 2)
    return -(-prompts // step) * step
