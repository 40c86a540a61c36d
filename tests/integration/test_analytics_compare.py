"""Two scopes side by side: medians, their intervals, and what may be said of the ratio."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from apehost_core.compare.summary import Interval
from apehost_core.history.charts import Scope
from apehost_core.ids import new_id
from apehost_core.store import analytics_compare
from apehost_core.store.analytics import Charts
from apehost_core.store.analytics_compare import median_of, ratio_interval, share_of
from apehost_core.store.database import Database
from tests.integration.recorded_calls import BEGAN, record_calls

LEFT, RIGHT = Scope(models=("gemma",)), Scope(models=("qwen",))


def conversation(
    rng: np.random.Generator, model: str, ttft: float, calls: int = 3, **more: Any
) -> list[dict[str, Any]]:
    """Calls of one conversation whose TTFT lies around a value; they write 50 tokens a second."""
    whole = {"conversation_id": new_id(), "model_asked": model, "completion_tokens": 101} | more
    times = [float(ttft * np.exp(rng.normal(0, 0.2))) for _ in range(calls)]
    return [whole | {"first_visible_ms": ms, "last_token_ms": ms + 2000, "total_ms": ms + 2000} for ms in times]


def row(charts: Charts, measure: str, left: Scope = LEFT, right: Scope = RIGHT) -> dict[str, Any]:
    """One measure of a comparison."""
    frame = charts.compare(left, right).frame
    return {str(name): value for name, value in frame[frame["measure"] == measure].iloc[0].items()}


@pytest.fixture
def charts(database: Database) -> Charts:
    """Charts of an empty database."""
    return Charts(database)


def test_a_real_difference_is_told(charts: Charts, database: Database) -> None:
    """Twice the TTFT in 30 conversations each is a ratio of 2 within its interval; equal rates are not told apart."""
    rng = np.random.default_rng(3)
    for model, ttft in (("gemma", 300.0), ("qwen", 600.0)):
        record_calls(database, [call for _ in range(30) for call in conversation(rng, model, ttft)])
    ttft, decode = row(charts, "ttft_ms"), row(charts, "decode_tok_s")
    assert ttft["apart"]
    assert ttft["ratio_low"] < 2 < ttft["ratio_high"]
    assert ("lower", 90, 30, 90, 30) == (
        ttft["better"],
        *(ttft[f"{side}_{what}"] for side in ("left", "right") for what in ("n", "groups")),
    )
    assert (50.0, 1.0, False) == (pytest.approx(decode["left"]), pytest.approx(decode["ratio"]), decode["apart"])
    assert 180 == charts.compare(LEFT, RIGHT).n


def test_few_conversations_tell_nothing(charts: Charts, database: Database) -> None:
    """Hundreds of calls of five conversations have a median and no interval, so nothing is called apart."""
    rng = np.random.default_rng(4)
    for model, ttft in (("gemma", 100.0), ("qwen", 900.0)):
        record_calls(database, [call for _ in range(5) for call in conversation(rng, model, ttft, calls=60)])
    found = row(charts, "ttft_ms")
    assert 9.0 == pytest.approx(found["ratio"], rel=0.1)
    assert not found["apart"]
    assert all(np.isnan(found[name]) for name in ("left_low", "right_high", "ratio_low", "ratio_high"))


def test_what_does_not_count(charts: Charts, database: Database) -> None:
    """Cold and failed calls have no TTFT, imported ones are left out, calls of one comparison are one group."""
    comparison = new_id()
    record_calls(
        database,
        [{"cold": True, "first_visible_ms": 9e5}, {"outcome": "failed"}, {"import_id": new_id(), "server_ttft_ms": 1.0}]
        + [{"comparison_id": comparison, "kind": "compare"}] * 4,
    )
    found = row(charts, "ttft_ms", Scope(imported=True), Scope())
    assert (200.0, 4, 1) == (found["left"], found["left_n"], found["left_groups"])
    failed = row(charts, "failed_share")
    assert (1 / 6, 6) == (pytest.approx(failed["left"]), failed["left_n"])


def test_periods(charts: Charts, database: Database) -> None:
    """Two periods are compared as well as two models; cut answers are those that a limit ended."""
    times = [BEGAN + timedelta(days=day) for day in (0, 0, 0, 9, 9)]
    outcomes = ["completed", "length", "completed", "length", "completed"]
    record_calls(
        database,
        [
            {"started_at": at, "outcome": outcome, "conversation_id": new_id()}
            for at, outcome in zip(times, outcomes, strict=True)
        ],
    )
    middle = BEGAN + timedelta(days=5)
    found = row(charts, "cut_share", Scope(before=middle), Scope(after=middle))
    assert (1 / 3, 3, 1 / 2, 2) == tuple(pytest.approx(found[name]) for name in ("left", "left_n", "right", "right_n"))


def test_of_very_many_calls_some_conversations_are_looked_at(
    charts: Charts, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is looked at is whole conversations, it is told, and the statement finds the same numbers."""
    rng = np.random.default_rng(8)
    record_calls(database, [call for _ in range(60) for call in conversation(rng, "gemma", 300.0)])
    record_calls(database, [call for _ in range(20) for call in conversation(rng, "qwen", 300.0)])
    monkeypatch.setattr(analytics_compare, "MOST_CALLS", 60)
    chart = charts.compare(LEFT, RIGHT)
    found = row(charts, "ttft_ms")
    assert (60, 20) == (found["right_n"], found["right_groups"])
    assert found["left_n"] == 3 * found["left_groups"] < 180
    assert "On the left one in 3 conversations is looked at, because there are so many." == chart.notes[-1]
    with database.read() as cursor:
        shown = cursor.execute(chart.sql).df().set_index("side")
    assert (found["left"], found["left_n"]) == (shown.loc["left", "ttft_ms"], shown.loc["left", "ttft_ms_n"])


def test_intervals_hold_what_they_say() -> None:
    """Where calls of a conversation resemble each other, the intervals hold the truth in some 95 % of 300 samples."""
    rng = np.random.default_rng(5)
    medians = shares = ratios = 0
    for _ in range(300):
        groups = np.repeat(np.arange(40), rng.integers(1, 12, 40))
        sides = [np.exp(rng.normal(0, 0.5, 40)[groups] + rng.normal(0, 0.3, len(groups))) for _ in range(2)]
        (one, one_at), (other, other_at) = (median_of(side, groups) for side in sides)
        failing = np.repeat(rng.beta(2, 6, 40), np.bincount(groups))
        _, share_at = share_of((rng.random(len(groups)) < failing).astype(float), groups)
        assert one_at is not None
        assert other_at is not None
        assert share_at is not None
        ratio = ratio_interval(one, other, one_at, other_at)
        assert ratio is not None
        medians += one_at.low <= 1 <= one_at.high
        shares += share_at.low <= 0.25 <= share_at.high
        ratios += ratio.low <= 1 <= ratio.high
    assert {True} == {276 <= held for held in (medians, shares, ratios)}, (medians, shares, ratios)


def test_shares_at_the_ends() -> None:
    """Of no failure in many conversations the share is 0, and how high it may be depends on their number."""
    few, many = (share_of(np.zeros(count * 10), np.repeat(np.arange(count), 10)) for count in (10, 100))
    assert (0.0, 0.0) == (few[0], many[0])
    assert few[1] is not None
    assert many[1] is not None
    assert (0.0, True) == (few[1].low, 0.02 < many[1].high < few[1].high < 0.3)


@pytest.mark.parametrize(
    ("left", "right", "left_at", "right_at"),
    [(0.0, 1.0, Interval(0, 0.1), Interval(0.5, 2)), (1.0, 0.5, Interval(0.5, 2), Interval(0, 1))],
)
def test_no_ratio_of_nothing(left: float, right: float, left_at: Interval, right_at: Interval) -> None:
    """Where a number may be 0, no interval of the ratio is told."""
    assert ratio_interval(left, right, left_at, right_at) is None
