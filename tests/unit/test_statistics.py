"""Which attempts count, and what is said of each contender."""

import numpy as np
import pytest

from apehost_core.compare.comparison import Power
from apehost_core.compare.intervals import bound, median_interval
from apehost_core.compare.measures import ANSWERED, FAILED, LIVES, STOPPED
from apehost_core.compare.plan import Cell, Plan
from apehost_core.compare.statistics import Sample, ecdf, summarise, wilson
from apehost_core.compare.summary import Bound, Interval
from tests.measured_samples import KINDS, MEASURES, columns_of, latencies, plan_of, sample_of, setup_of


def test_the_typical_prompts_typical_run() -> None:
    """A prompt that is asked more often, or that has one wild run, counts no more than another."""
    runs = np.full((1, 7, 3), np.nan)
    runs[0, :, 0] = [1, 2, 3, 4, 5, 6, 7]
    runs[0, 6, :] = [7, 7, 10_000]
    median = summarise(sample_of({"ttft_ms": runs})).contenders[0].medians["ttft_ms"]
    assert (4, 9, 7) == (median.value, median.runs, median.prompts)
    assert median.interval is not None
    assert 1 <= median.interval.low < 4 < median.interval.high <= 7


@pytest.mark.parametrize("prompts", [1, 5])
def test_too_few_prompts_have_no_interval(prompts: int) -> None:
    """However often few prompts were asked, they do not tell how others would do."""
    runs = latencies(np.random.default_rng(0), (2, prompts, 50), "gamma")
    summary = summarise(sample_of({"ttft_ms": runs}))
    assert summary.contenders[0].medians["ttft_ms"].interval is None
    assert summary.pairs[0].ratio.interval is summary.pairs[0].p is summary.pairs[0].winner is None


def test_the_attempt_that_counts() -> None:
    """An answer beats a failure, the model that was asked another one, warm beats cold, else the last counts."""
    setup = setup_of(2, 6)
    plan = plan_of(setup)
    tries = [  # cell, ending, cold, as asked, ms
        (0, FAILED, -1, True, 1), (0, ANSWERED, 0, True, 2), (0, FAILED, -1, True, 3),
        (2, ANSWERED, 0, True, 4), (2, ANSWERED, 1, True, 5), (2, STOPPED, 0, True, 6),
        (4, ANSWERED, 0, True, 7), (4, ANSWERED, -1, True, 8), (4, LIVES, -1, True, 9),
        (6, ANSWERED, 1, True, 10), (6, ANSWERED, 0, False, 11),
        (8, ANSWERED, 0, False, 12), (8, FAILED, -1, True, 13),
        (10, FAILED, -1, True, 14), (10, LIVES, -1, True, 15),
        (99, ANSWERED, 0, True, 16),
    ]  # fmt: skip
    cells, ending, cold, as_asked, ms = zip(*tries, strict=True)
    columns = columns_of(list(cells), {"ttft_ms": ms}, ending=ending, cold=cold, as_asked=as_asked)
    summary = summarise(Sample.of(columns, plan, setup))
    counts = summary.contenders[0].counts
    assert (6, 3, 1, 1, 1, 0) == (
        counts.planned, counts.used, counts.cold, counts.other_model, counts.failed, counts.open
    )  # fmt: skip
    assert (1, (("stop", 3),)) == (counts.unknown_warm, counts.finishes)
    assert 4 == summary.contenders[0].medians["ttft_ms"].value  # of 2, 4 and 8
    assert 7.5 == summary.contenders[0].cold["ttft_ms"].value  # of 5 and 10
    assert 6 == summary.contenders[1].counts.open
    assert summary.contenders[1].errors is None
    assert {} == summary.contenders[1].medians
    assert () == summary.pairs
    errors = summary.contenders[0].errors
    assert errors is not None
    assert (1 / 6, 6, 6) == (errors.value, errors.runs, errors.prompts)


def test_nothing_recorded_yet() -> None:
    """A comparison that has not begun has a summary in which all is open."""
    setup = setup_of(2, 3)
    summary = summarise(Sample.of(columns_of([], {measure: [] for measure in MEASURES}), plan_of(setup), setup))
    assert [3, 3] == [one.counts.open for one in summary.contenders]
    assert () == summary.pairs


def test_cached_prompts_stand_apart() -> None:
    """The second asking of a prompt has medians of its own and does not touch those of the first."""
    setup = setup_of(1, 8)
    plan = plan_of(setup, ("timed", "cached"))
    columns = columns_of(list(range(16)), {"ttft_ms": [100.0, 10.0] * 8, "decode_tok_s": [40.0, 40.0] * 8})
    one = summarise(Sample.of(columns, plan, setup)).contenders[0]
    assert (100, 8) == (one.medians["ttft_ms"].value, one.medians["ttft_ms"].runs)
    assert (10, 8) == (one.cached["ttft_ms"].value, one.cached["ttft_ms"].runs)
    assert "decode_tok_s" not in one.cached


def test_loads_are_noted_with_the_warm_ups_that_carried_them() -> None:
    """Every load counts, and what is typical of warm-ups does not enter the medians."""
    setup = setup_of(1, 2)
    cells = (Cell(0, "warm_up", 0, 0), *(Cell(n + 1, "timed", 0, n) for n in range(2)), Cell(3, "judge", -1, 0))
    columns = columns_of(
        [0, 1, 2, 0, 3], {"ttft_ms": [5000, 100, 100, 7000, 1]}, cold=[1, 0, 0, 1, 1],
        noted={"load_ms": np.array([4000.0, np.nan, np.nan, 6000, 1]), "prompt_tokens": np.array([9.0, 10, 12, 9, 1])},
    )  # fmt: skip
    one = summarise(Sample.of(columns, Plan(cells, ()), setup)).contenders[0]
    assert (5000, 2) == (one.noted["load_ms"].value, one.noted["load_ms"].runs)
    assert (11, 100, 6000) == (
        one.noted["prompt_tokens"].value,
        one.medians["ttft_ms"].value,
        one.cold["ttft_ms"].value,
    )


def test_energy() -> None:
    """It is the machine's watts for as long as an answer takes; nothing is said of machines that nobody measured."""
    totals = np.full((2, 8, 1), 36_000.0)
    energy = summarise(sample_of({"total_ms": totals}, power=(Power("one", 100),))).contenders[0].energy_wh
    assert energy is not None
    assert (1.0, Interval(1.0, 1.0), 8) == (energy.value, energy.interval, energy.runs)
    assert summarise(sample_of({"total_ms": totals})).contenders[0].energy_wh is None


def test_the_same_sample_gives_the_same_summary() -> None:
    """A live comparison, a past one and a shared link show the same numbers."""
    runs = latencies(np.random.default_rng(0), (3, 12, 2), "gamma")
    assert summarise(sample_of({"ttft_ms": runs})) == summarise(sample_of({"ttft_ms": runs}))


@pytest.mark.parametrize("prompts", [8, 12, 20, 50])
@pytest.mark.parametrize("kind", KINDS)
def test_median_intervals_hold_the_median(kind: str, prompts: int) -> None:
    """In 93 to 97 % of samples the interval holds the true median, whatever the shape and the number of repeats."""
    rng, held = np.random.default_rng(prompts), []
    for repeats in (1, 3):
        truth = np.median(np.median(latencies(rng, (300_000, repeats), kind), axis=-1))
        runs = latencies(rng, (1500, prompts, repeats), kind)
        summary = summarise(sample_of({"ttft_ms": runs[:12]}))  # the whole way for a few, its last step for all
        whole = [one.medians["ttft_ms"].interval for one in summary.contenders]
        intervals = [median_interval(row) for row in np.median(runs, axis=-1)]
        assert intervals[:12] == whole
        held += [one is not None and one.low <= truth <= one.high for one in intervals]
    assert 0.93 <= np.mean(held) <= 0.97


def test_no_bound_from_too_few_runs() -> None:
    """95 % of runs have a bound from 59 prompts on, and the bound of 59 is their highest, of rates their lowest."""
    runs = latencies(np.random.default_rng(0), (1, 59, 1), "gamma")
    few, enough = (summarise(sample_of({"ttft_ms": of, "decode_tok_s": of})) for of in (runs[:, :58], runs))
    assert (None, 58, 59) == _of(few.contenders[0].bounds["ttft_ms"])
    assert (runs.max(), 59, 59) == _of(enough.contenders[0].bounds["ttft_ms"])
    assert (runs.min(), 59, 59) == _of(enough.contenders[0].bounds["decode_tok_s"])


def _of(limit: Bound) -> tuple[float | None, int, int]:
    return limit.value, limit.runs, limit.needed


def test_repeats_of_a_prompt_are_not_new_runs() -> None:
    """Runs that only repeat each other count as one, and a bound takes so many more of them; one prompt is its own."""
    alike = np.repeat(latencies(np.random.default_rng(0), (1, 30, 1), "gamma"), 3, axis=2)
    assert (None, 90, 177) == _of(summarise(sample_of({"ttft_ms": alike})).contenders[0].bounds["ttft_ms"])
    one = latencies(np.random.default_rng(0), (1, 1, 59), "gamma")
    assert one.max() == summarise(sample_of({"ttft_ms": one})).contenders[0].bounds["ttft_ms"].value


@pytest.mark.parametrize(("prompts", "repeats"), [(59, 1), (120, 1), (60, 3)])
def test_bounds_hold(prompts: int, repeats: int) -> None:
    """95 % of all runs lie below the bound in at least 95 % of samples, of independent and of repeated runs."""
    rng = np.random.default_rng(1)
    truth = np.quantile(latencies(rng, (500_000, 1), "gamma"), 0.95)
    places = np.repeat(np.arange(prompts), repeats)
    runs = latencies(rng, (1500, prompts, repeats), "gamma").reshape(1500, -1)
    found = [bound(row, places, upper=True).value for row in runs]
    given = [value for value in found if value is not None]
    assert given
    assert np.mean(np.array(given) >= truth) >= 0.935  # 95 % less the chance of 1,500 samples


def test_wilson() -> None:
    """Wilson's interval as published: 1 of 10, none, all, and nothing known."""
    assert pytest.approx((0.0179, 0.4042), abs=1e-4) == (wilson(1, 10).low, wilson(1, 10).high)
    assert (0, pytest.approx(0.2775, abs=1e-4)) == (wilson(0, 10).low, wilson(0, 10).high)
    assert (pytest.approx(0.7225, abs=1e-4), 1) == (wilson(10, 10).low, wilson(10, 10).high)
    assert Interval(0, 1) == wilson(0, 0)


def test_ecdf() -> None:
    """The curve rises to 1 over the sorted values; what is unknown is no part of it."""
    x, y = ecdf(np.array([3.0, np.nan, 1, 2]))
    assert ([1, 2, 3], [1 / 3, 2 / 3, 1]) == (x.tolist(), y.tolist())
    assert 0 == len(ecdf(np.array([]))[0])
