"""How measured numbers are said."""

from dataclasses import replace

import pytest

from apehost_core.compare.measures import Measure
from apehost_core.compare.summary import Bound, ContenderSummary, Counts, Estimate, Interval, Pair
from apehost_ui import compare_numbers as say

NAMES = ("Qwen", "Gemma")


def counts(*, used: int = 12, estimated: int = 0, finishes: tuple[tuple[str, int], ...] = ()) -> Counts:
    """What became of twelve cells."""
    return Counts(12, used, 0, 0, 0, 0, 0, estimated, finishes)


def contender(energy: Estimate | None) -> ContenderSummary:
    """A contender of which nothing but the energy is known."""
    return ContenderSummary(0, counts(), None, {}, {}, {}, {}, {}, energy)


def pair(winner: str | None, more: int | None = None) -> Pair:
    """The first contender against the second."""
    return Pair("ttft_ms", 0, 1, Estimate(0.5, None, 20, 10), 0.01, winner, more)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("estimate", "measure", "words"),
    [
        (Estimate(412.4, Interval(390, 440), 60, 20), "ttft_ms", "412 ms [390-440]"),
        (Estimate(1240, Interval(980, 1400), 60, 20), "total_ms", "1.24 s [0.980-1.40]"),
        (Estimate(41.26, None, 3, 1), "decode_tok_s", "41.3 tok/s"),
        (Estimate(214, None, 3, 1), "completion_tokens", "214"),
        (None, "ttft_ms", "-"),
    ],
)
def test_estimates_have_units_and_intervals(estimate: Estimate | None, measure: Measure, words: str) -> None:
    """A number is said with three digits, its unit and, where there is one, its interval in the same unit."""
    assert words == say.quantity(estimate, measure)


def test_estimated_counts_are_marked() -> None:
    """What rests on token counts of ours carries the mark for it, in speeds and counts of tokens only."""
    assert "≈41.3 tok/s" == say.quantity(Estimate(41.3, None, 3, 1), "decode_tok_s", about=True)
    marked = [measure for measure in say.MEASURES if say.estimated(counts(estimated=1), measure)]
    assert ["decode_tok_s", "completion_tokens"] == marked
    assert not say.estimated(counts(), "decode_tok_s")


def test_what_an_estimate_rests_on_is_said() -> None:
    """Runs and prompts are counted in words."""
    assert "60 runs, 20 prompts" == say.rests_on(Estimate(1, None, 60, 20))
    assert "1 run, 1 prompt" == say.rests_on(Estimate(1, None, 1, 1))


@pytest.mark.parametrize(
    ("limit", "measure", "words"),
    [
        (Bound(812.3, 60, 59), "ttft_ms", "under 812 ms (n=60)"),
        (Bound(33.3, 60, 59), "decode_tok_s", "over 33.3 tok/s (n=60)"),
        (Bound(None, 12, 59), "ttft_ms", "not enough runs (n=12), 59 needed"),
        (None, "ttft_ms", "-"),
    ],
)
def test_bounds_say_what_95_percent_keep(limit: Bound | None, measure: Measure, words: str) -> None:
    """A bound is above times and below speeds; with too few runs it is said how many it takes."""
    assert words == say.bound(limit, measure)


def test_shares_are_percentages() -> None:
    """A share of failures is said in percent, with its interval."""
    assert "3.3 % [0.6-17]" == say.share(Estimate(0.033, Interval(0.006, 0.17), 30, 10))
    assert "-" == say.share(None)


def test_endings_are_said_in_words() -> None:
    """A finish reason that people may not know is put in words; one of a server's own stays."""
    found = say.finishes(counts(finishes=(("stop", 10), ("length", 1), ("weird", 1))))
    assert "stop 10, cut at the token limit 1, weird 1" == found


def test_energy_has_a_price() -> None:
    """The price is that of a thousand answers: the watt-hours of one times the price of a kilowatt-hour."""
    assert "0.420 Wh [0.380-0.470]" == say.energy(contender(Estimate(0.42, Interval(0.38, 0.47), 9, 3)))
    assert "0.126" == say.price(contender(Estimate(0.42, None, 9, 3)), 0.3)
    assert ("-", "-") == (say.energy(contender(None)), say.price(contender(None), 0.3))


def test_pairs_name_the_better_one_or_what_it_takes() -> None:
    """A winner is named; else it is said how many more prompts would tell, where any number would."""
    assert "Gemma" == say.verdict(pair("b"), NAMES)
    assert "cannot be told; about 40 more prompts would" == say.verdict(pair(None, 40), NAMES)
    assert "cannot be told" == say.verdict(pair(None), NAMES)


def test_pairs_that_are_alike_are_said_to_be() -> None:
    """Where the interval leaves no room for more than 5 %, that is what is known, and more prompts are not needed."""
    alike = replace(pair(None, 40), ratio=Estimate(1.0, Interval(0.98, 1.01), 20, 10))
    assert "within 2 % of each other" == say.verdict(alike, NAMES)


def test_ratios_and_chances() -> None:
    """A ratio has two decimals and its interval; a tiny p is not said to be zero, and none is said to be too little."""
    assert "1.62 [1.41-1.88]" == say.ratio(Estimate(1.62, Interval(1.41, 1.88), 120, 20))
    assert ["0.03", "< 0.001", "too few prompts"] == [say.chance(p) for p in (0.03, 1e-9, None)]
