"""The sentinel's findings: when nothing changed, when something did, and what is said of it."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apehost_core.history.sentinel import RULES, Series, SeriesKey, Verdict
from apehost_core.history.sentinel_verdicts import false_shares, judged
from apehost_core.history.sentinel_walk import mean_variance, noise_of, walk
from apehost_core.history.sentinel_windows import DAY_S, windows_of
from tests.speed_samples import KINDS, many, series_of

QUIET = KINDS["log-normal"]
USUAL = ("log-normal", "autocorrelated", "heavy tails")


def verdict(series: Series, **more: float) -> Verdict:
    """What is said of a series that is looked at alone; `accepted` is since when its speed is the new normal."""
    accepted = {series.key: more["accepted"]} if "accepted" in more else {}
    return judged([series], accepted)[0]


def at_day(series: Series, back: int) -> datetime:
    """The first call of a series that many days before its last one."""
    day = series.at // DAY_S
    return datetime.fromtimestamp(float(series.at[np.searchsorted(day, day[-1] - back)]), UTC)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_change_hardly_any_alarm(kind: str) -> None:
    """Of 200 series that are as fast as ever, at most 5 % are called slower or faster, whatever the noise."""
    found = judged(many(np.random.default_rng(3), KINDS[kind], 200, calls_a_day=8))
    assert sum(each.state in ("slower", "faster") for each in found) <= 10
    assert sum(each.state == "steady" for each in found) >= 190


@pytest.mark.parametrize("kind", USUAL)
def test_a_fifth_slower_is_found_within_two_windows(kind: str) -> None:
    """Of 20 series among 100 that lose 20 %, nine of ten are found with the second window since."""
    rng = np.random.default_rng(5)
    still, found = many(rng, KINDS[kind], 80, 6), 0
    for number in range(20):
        series = series_of(rng, KINDS[kind], name=f"slow-{number}")
        windows, _ = windows_of(series)
        slow = series.at >= series.at[windows[-2].rows[0]]
        still.append(replace(series, value=np.where(slow, 0.8, 1.0) * series.value))
    for each in judged(still):
        found += each.key.model.startswith("slow") and each.state == "slower"
    assert found >= 18


@pytest.mark.parametrize(("measure", "change"), [("decode_tok_s", 0.7), ("ttft_ms", 1.5)])
def test_says_how_much_and_since_when(measure: str, change: float) -> None:
    """The interval holds the true ratio, and the change is told to the day."""
    rng = np.random.default_rng(7)
    series = series_of(rng, QUIET, measure=measure, change=change, changed_days=14)  # type: ignore[arg-type]
    found = verdict(series)
    assert "slower" == found.state
    assert found.change is not None
    assert found.change.low < change < found.change.high
    assert abs(found.change.ratio / change - 1) < 0.1
    assert abs((found.change.since - at_day(series, 13)).total_seconds()) <= DAY_S
    assert found.change.before < found.change.since
    assert () == found.change.differences


def test_a_new_runtime_is_named() -> None:
    """Where the runtime changed with the speed, it is told, and the change begins with its first call."""
    runtimes = ("llama.cpp 2.0.0", "llama.cpp 2.0.1")
    series = series_of(np.random.default_rng(1), QUIET, change=0.69, changed_days=10, runtimes=runtimes)
    change = verdict(series).change
    assert change is not None
    assert [("runtime", *runtimes)] == [(each.what, each.before, each.after) for each in change.differences]
    first = float(series.at[np.flatnonzero(series.runtime == 1)[0]])
    assert first == pytest.approx(change.since.timestamp())


def test_other_differences_are_told() -> None:
    """Longer prompts and answers, and tools, are told beside a change that they may explain."""
    series = series_of(np.random.default_rng(2), QUIET, change=0.7, changed_days=20)
    late = series.at >= at_day(series, 19).timestamp()
    series = replace(
        series,
        prompt_tokens=np.where(late, 900.0, 300.0),
        completion_tokens=np.where(late, 500.0, 100.0),
        tools=late,
    )
    change = verdict(series).change
    assert change is not None
    told = {each.what: (each.before, each.after) for each in change.differences}
    assert (300, 900) == told["prompt tokens"]
    assert (100, 500) == told["answer tokens"]
    assert (0, pytest.approx(1, abs=0.05)) == told["calls with tools"]


def test_runtimes_that_take_turns_are_compared_with_themselves() -> None:
    """A slow and a fast runtime that alternate from call to call are no change."""
    series = series_of(np.random.default_rng(4), QUIET, calls_a_day=12, runtimes=("slow", "fast"))
    runtime = np.arange(len(series.at)) % 2
    found = verdict(replace(series, runtime=runtime, value=series.value * np.where(runtime == 0, 0.5, 1.0)))
    assert "steady" == found.state
    assert found.baseline is not None
    assert found.runtime == found.baseline.runtime


def test_longer_prompts_are_no_slowdown() -> None:
    """Times to first token are compared at the same prompt length."""
    series = series_of(np.random.default_rng(6), QUIET, measure="ttft_ms")
    late = series.at >= at_day(series, 20).timestamp()
    longer = np.where(late, 1.6, 1.0)
    series = replace(series, prompt_tokens=series.prompt_tokens * longer, value=series.value * longer**0.8)
    assert "steady" == verdict(series).state


@pytest.mark.parametrize("change", [0.95, 1.05])
def test_small_changes_are_none(change: float) -> None:
    """What lies under the floor of 10 % is not said, however certain it is."""
    assert "steady" == verdict(series_of(np.random.default_rng(8), QUIET, change=change, changed_days=40)).state


def test_one_bad_day_is_no_alarm() -> None:
    """A day at half the speed, with many calls, is forgotten."""
    series = series_of(np.random.default_rng(9), QUIET, calls_a_day=15)
    bad = series.at // DAY_S == series.at[-1] // DAY_S - 1
    assert "steady" == verdict(replace(series, value=np.where(bad, 0.5, 1.0) * series.value)).state


def test_a_slowdown_stays_until_it_is_over() -> None:
    """It is told with the same day weeks later, and not any more when the speed is back."""
    series = series_of(np.random.default_rng(10), QUIET, change=0.75, changed_days=60)
    late = verdict(series)
    assert late.change is not None
    assert abs((late.change.since - at_day(series, 59)).total_seconds()) <= 2 * DAY_S
    back = series.at >= at_day(series, 25).timestamp()
    assert "steady" == verdict(replace(series, value=np.where(back, 1 / 0.75, 1.0) * series.value)).state


def test_faster_becomes_normal_by_itself() -> None:
    """A gain is told at first, later it is the baseline, and its loss is an alarm."""
    series = series_of(np.random.default_rng(11), QUIET, change=1.5, changed_days=12)
    assert "faster" == verdict(series).state
    series = series_of(np.random.default_rng(11), QUIET, change=1.5, changed_days=60)
    assert "steady" == verdict(series).state
    lost = series.at >= at_day(series, 9).timestamp()
    assert "slower" == verdict(replace(series, value=np.where(lost, 0.7, 1.0) * series.value)).state


def test_what_is_accepted_is_the_new_normal() -> None:
    """Calls before an accepted change are forgotten: too few at first, then steady."""
    series = series_of(np.random.default_rng(12), QUIET, change=0.7, changed_days=15)
    since = verdict(series).change
    assert since is not None
    found = verdict(series, accepted=since.since.timestamp())
    assert ("too few", None) == (found.state, found.change)
    assert found.windows < found.needed == RULES.needed
    series = series_of(np.random.default_rng(12), QUIET, change=0.7, changed_days=60)
    assert "steady" == verdict(series, accepted=at_day(series, 59).timestamp()).state
    assert () == judged([series], {series.key: series.at[-1] + 1})


def test_too_few_calls_are_said() -> None:
    """Until there are enough windows a series has no baseline, and says how many windows it has."""
    series = series_of(np.random.default_rng(13), QUIET, days=20, calls_a_day=3)
    found = verdict(series)
    assert ("too few", None, None) == (found.state, found.baseline, found.change)
    assert 0 < found.windows < found.needed
    assert len(series.at) == found.calls == sum(day.calls for day in found.days)


def test_days_are_never_divided() -> None:
    """A window has twelve calls of two days at least, and all calls of its days."""
    series = series_of(np.random.default_rng(14), QUIET, calls_a_day=20)
    windows, _ = windows_of(series)
    days = [set((series.at[window.rows] // DAY_S).tolist()) for window in windows]
    assert all(len(window.rows) >= RULES.window_calls for window in windows)
    assert all(len(of) >= RULES.window_days for of in days)
    assert sum(map(len, days)) == len(set.union(*days))


def test_false_shares_are_those_of_benjamini_and_hochberg() -> None:
    """The worked example of their paper: four of fifteen hold at 5 %."""
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]
    shares = false_shares(np.array(p[::-1]))[::-1]
    assert 4 == np.count_nonzero(shares <= 0.05)
    assert (0.0015, 1.0) == (pytest.approx(shares[0]), shares[-1])
    assert np.all(np.diff(shares) >= 0)
    assert 0 == len(false_shares(np.array([])))


def test_alike_windows_tell_less() -> None:
    """The mean of windows that resemble each other is less certain, and so is what is found from them."""
    assert 0.1 == pytest.approx(mean_variance(10, 0.0))
    assert mean_variance(10, 0.5) > 2 * mean_variance(10, 0.0)
    rng = np.random.default_rng(15)
    alone = noise_of(rng.normal(size=30))
    drift = noise_of(np.cumsum(rng.normal(size=30)))
    assert drift.alike > alone.alike
    assert drift.freedom < alone.freedom


def test_windows_that_never_differ() -> None:
    """A simulated machine without any noise is steady, and its change is found."""
    same = np.zeros(20)
    standing = walk(same, [0] * 20)
    assert standing is not None
    assert standing.since is None
    slower = walk(np.concatenate([same, [0.2, 0.2]]), [0] * 22)
    assert slower is not None
    assert 20 == slower.since


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_series_has_a_verdict(data: st.DataObject) -> None:
    """However few, wild, or divided among runtimes calls are, something is said that fits together."""
    days = sorted(data.draw(st.lists(st.integers(0, 60), min_size=1, max_size=300)))
    count = len(days)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    spread = data.draw(st.sampled_from([0.0, 0.01, 0.3, 8.0]))
    level = np.where(np.arange(count) >= data.draw(st.integers(0, count)), data.draw(st.floats(0.01, 9)), 1.0)
    runtimes = data.draw(st.integers(1, 3))
    series = Series(
        SeriesKey("mini", "model", "", 0, data.draw(st.sampled_from(["decode_tok_s", "ttft_ms"]))),
        at=np.asarray(np.asarray(days) * DAY_S + np.arange(count), np.float64),
        value=level * np.exp(rng.normal(0, spread, count)),
        prompt_tokens=rng.integers(1, data.draw(st.sampled_from([2, 256])), count).astype(float),
        completion_tokens=np.ones(count),
        tools=np.zeros(count, bool),
        runtime=rng.integers(0, runtimes, count),
        runtimes=("a", "b", "c")[:runtimes],
    )
    found = verdict(series)
    assert (found.baseline is None) == (found.state == "too few")
    assert (found.change is None) == (found.state in ("too few", "steady"))
    assert count == found.calls == sum(day.calls for day in found.days)
    if found.baseline is not None:
        assert 0 < found.baseline.low <= found.baseline.value <= found.baseline.high
    if found.change is not None:
        assert found.change.low < found.change.ratio < found.change.high
        assert found.change.before <= found.change.since <= found.last
