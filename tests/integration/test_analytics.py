"""Charts: their numbers against the same numbers worked out row by row, and what is kept out of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from apehost_core.errors import InputRefused
from apehost_core.history.charts import PROMPT_SPANS, Chart, Options, Scope
from apehost_core.ids import new_id
from apehost_core.store.analytics import Charts
from apehost_core.store.console import Console
from apehost_core.store.database import Database
from apehost_core.store.transaction import Transaction
from tests.integration.recorded_calls import BEGAN, FAULT, mixed_calls, record_calls

ALL = Scope(imported=True)
CHARTS: dict[str, Callable[[Charts, Scope], Chart]] = {
    "usage_by_day": lambda charts, scope: charts.usage_by_day(scope, by="model"),
    "usage_by_model": Charts.usage_by_model,
    "usage_by_server": Charts.usage_by_server,
    "ttft_over_time": lambda charts, scope: charts.ttft_over_time(scope, by="server"),
    "decode_over_time": lambda charts, scope: charts.decode_over_time(scope, by="kind"),
    "speed_by_prompt_length": Charts.speed_by_prompt_length,
    "cold_warm": Charts.cold_warm,
    "errors": Charts.errors,
    "tools": Charts.tools,
    "tool_errors": Charts.tool_errors,
    "heat_map": Charts.heat_map,
}
"""Every chart but the comparison."""


@pytest.fixture
def charts(database: Database) -> Charts:
    """Charts of an empty database."""
    return Charts(database)


def rows_of(calls: list[dict[str, Any]]) -> pd.DataFrame:
    """The calls as the charts should see them, worked out call by call."""
    rows = pd.DataFrame(calls)
    imported = rows["import_id"].notna() if "import_id" in rows else pd.Series(False, index=rows.index)
    decode = (rows["completion_tokens"] - 1) * 1000 / (rows["last_token_ms"] - rows["first_visible_ms"])
    decode = decode.where((rows["completion_tokens"] >= 2) & (rows["last_token_ms"] - rows["first_visible_ms"] >= 1.0))
    return rows.assign(
        source=np.where(imported, "imported", "measured"),
        model=rows["model_asked"],
        quantisation=rows["quantisation"].fillna(""),
        ttft=rows["first_visible_ms"].where(~imported, rows.get("server_ttft_ms")).astype(float),
        decode=decode.where(~imported, rows.get("server_decode_tok_s")).astype(float),
        answered=rows["outcome"].isin(["completed", "length"]),
        is_cold=[cold is True for cold in rows["cold"]],
    )


def near(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Assert that two tables of the same columns say the same."""
    pd.testing.assert_frame_equal(
        found.reset_index(drop=True), expected.reset_index(drop=True), check_dtype=False, check_exact=False, rtol=1e-9
    )


def percentiles(values: pd.Series) -> dict[str, float]:
    """The 10th, 50th and 90th percentile, and of how many."""
    known = values.dropna()
    low, middle, high = np.quantile(known, [0.1, 0.5, 0.9]) if len(known) else [np.nan] * 3
    return {"p10": low, "p50": middle, "p90": high, "n": len(known)}


@pytest.mark.parametrize("name", CHARTS)
def test_nothing_is_on_record(charts: Charts, name: str) -> None:
    """A chart of nothing rests on nothing, and is no error."""
    chart = CHARTS[name](charts, Scope())
    assert (name, 0) == (chart.name, chart.n)
    assert Options() == charts.options()
    assert 0 == charts.compare(Scope(), Scope()).n


@pytest.mark.parametrize("name", [*CHARTS, "compare"])
def test_a_chart_is_its_statement(charts: Charts, database: Database, name: str) -> None:
    """The SQL console takes the statement, whatever odd names are in it, and finds what the chart draws."""
    odd = "o'hara\\'; DROP TABLE runs; --\n\"$1\" ?"
    record_calls(database, [call | {"server": odd} for call in mixed_calls(60)])
    scope = Scope(
        BEGAN, BEGAN + timedelta(days=1), (odd, "it's"), ("GEMMA", "qwen", "llama"), ("", "Q4_K_M"), ("chat",)
    )
    chart = charts.compare(scope, Scope()) if name == "compare" else CHARTS[name](charts, scope)
    console = Console(database)
    found = console.run(chart.sql, {}, rows=10_000).frame
    console.close()
    if name == "compare":
        by_measure = chart.frame.set_index("measure")
        for side in ("left", "right"):
            row = found.set_index("side").loc[side]
            assert by_measure[side].tolist() == pytest.approx([row[one] for one in by_measure.index], nan_ok=True)
            assert by_measure[f"{side}_n"].tolist() == [row[f"{one}_n"] for one in by_measure.index]
    else:
        shared = list(found.columns)
        pd.testing.assert_frame_equal(found, chart.frame[shared], check_dtype=False)
    assert chart.n > 0 or name.startswith("tool")


def test_usage_by_model(charts: Charts, database: Database) -> None:
    """Calls, failures and tokens are counted for each model, quantisation and source; estimates are told."""
    calls = mixed_calls(400)
    record_calls(database, calls)
    rows = rows_of(calls)
    guessed = rows["prompt_tokens_estimated"] | rows["completion_tokens_estimated"]
    expected = (
        rows.assign(failed=rows["outcome"] == "failed", guessed=guessed)
        .groupby(["model", "quantisation", "source"], as_index=False)
        .agg(
            calls=("outcome", "size"),
            failed=("failed", "sum"),
            prompt_tokens=("prompt_tokens", "sum"),
            completion_tokens=("completion_tokens", "sum"),
            estimated_share=("guessed", "mean"),
        )
        .assign(untold=0)
    )
    order = ["model", "quantisation", "source"]
    chart = charts.usage_by_model(ALL)
    near(chart.frame.sort_values(order), expected.sort_values(order))
    assert 400 == chart.n
    assert (
        f"Calls whose token counts are estimates, because the server did not count: {guessed.sum()}.",
    ) == chart.notes
    measured = charts.usage_by_model(Scope()).frame
    assert {"measured"} == set(measured["source"])
    assert (rows["source"] == "measured").sum() == measured["calls"].sum()


def test_tokens_that_nobody_told(charts: Charts, database: Database) -> None:
    """Calls without token counts are told apart, and are no estimates."""
    record_calls(database, [{"prompt_tokens": None, "completion_tokens": None}] * 3)
    chart = charts.usage_by_server(Scope())
    assert [["mini", "measured", 3, 0, 0, 0, 3]] == chart.frame.drop(columns="estimated_share").to_numpy().tolist()
    assert chart.frame["estimated_share"].isna().all()
    assert ("Calls of which no token counts are known, so that they add nothing to the sums: 3.",) == chart.notes


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])
def test_days_begin_where_the_person_is(charts: Charts, database: Database, zone: str) -> None:
    """A call counts on the day and in the hour of its scope's time zone, over a change of the clocks too."""
    calls: list[dict[str, Any]] = [{"started_at": BEGAN + timedelta(hours=5 * n, minutes=7 * n)} for n in range(400)]
    record_calls(database, calls)
    local = [call["started_at"].astimezone(ZoneInfo(zone)) for call in calls]
    days = charts.usage_by_day(Scope(time_zone=zone)).frame
    expected = pd.Series([at.date() for at in local]).value_counts().sort_index()
    assert expected.to_dict() == dict(zip(days["starts_at"].dt.date, days["calls"], strict=True))
    heat = charts.heat_map(Scope(time_zone=zone))
    hours = {(weekday, hour): 0 for weekday in range(1, 8) for hour in range(24)}
    for at in local:
        hours[at.isoweekday(), at.hour] += 1
    found = heat.frame
    assert hours == dict(zip(zip(found["weekday"], found["hour"], strict=True), found["calls"], strict=True))
    assert (400, (f"Hours are those of {zone}.",)) == (heat.n, heat.notes)


def test_an_unknown_time_zone_is_refused(charts: Charts) -> None:
    """It is named, not taken for UTC."""
    for chart in (charts.usage_by_day, charts.heat_map, charts.errors, charts.ttft_over_time):
        with pytest.raises(InputRefused, match="'Mars/Olympus'"):
            chart(Scope(time_zone="Mars/Olympus"))


@pytest.mark.parametrize("by", ["all", "model", "server", "kind"])
def test_speeds_over_time(charts: Charts, database: Database, by: Any) -> None:
    """Percentiles are those of the calls that ended well in each bucket; cold ones are left out of TTFT, and told."""
    calls = mixed_calls(500)
    record_calls(database, calls)
    rows = rows_of(calls)
    rows["series"] = "all" if by == "all" else rows[by]
    rows["starts_at"] = [at.replace(hour=0, minute=0, tzinfo=None) for at in rows["started_at"].dt.to_pydatetime()]
    for chart, value, kept in (
        (charts.ttft_over_time(ALL, "day", by=by), "ttft", rows["answered"] & ~rows["is_cold"]),
        (charts.decode_over_time(ALL, "day", by=by), "decode", rows["answered"]),
    ):
        timed = rows[kept & rows[value].notna()]
        expected = [
            dict(zip(("starts_at", "source", "series"), key, strict=True)) | percentiles(group[value])
            for key, group in timed.groupby(["starts_at", "source", "series"])
        ]
        near(
            chart.frame.assign(starts_at=chart.frame["starts_at"].astype("datetime64[us]")),
            pd.DataFrame(expected).astype({"starts_at": "datetime64[us]"}),
        )
        assert len(timed) == chart.n
    cold = int((rows["answered"] & rows["is_cold"] & rows["ttft"].notna()).sum())
    assert f"Calls for which the model was loaded are left out: {cold}." in charts.ttft_over_time(ALL).notes


def test_speed_by_prompt_length(charts: Charts, database: Database) -> None:
    """Speeds stand at the length that the server counted; what came from its cache does not count as read."""
    calls = mixed_calls(800)
    record_calls(database, calls)
    rows = rows_of(calls)
    cached = rows["cached_tokens"].fillna(0) > 0
    rows["ttft"] = rows["ttft"].where(~rows["is_cold"] & ~cached)
    rows["from_tokens"] = [max(low for low, _ in PROMPT_SPANS if low <= tokens) for tokens in rows["prompt_tokens"]]
    told = rows[rows["answered"] & ~rows["prompt_tokens_estimated"] & (rows["ttft"].notna() | rows["decode"].notna())]
    expected: list[dict[str, Any]] = []
    keys = ["model", "quantisation", "source", "from_tokens"]
    for key, group in told.groupby(keys):
        row: dict[str, Any] = dict(zip(keys, key, strict=True))
        for value in ("ttft", "decode"):
            row |= {f"{value}_{name}": number for name, number in percentiles(group[value]).items()}
        expected.append(row)
    chart = charts.speed_by_prompt_length(ALL)
    near(chart.frame, pd.DataFrame(expected))
    assert any("partly read before" in note for note in chart.notes)


def test_cold_and_warm_starts(charts: Charts, database: Database) -> None:
    """Cold, warm and unknown calls stand in rows of their own, with the wait for the load where one was measured."""
    record_calls(
        database,
        [{"cold": True, "first_visible_ms": 3000.0, "load_ms": 9000.0}] * 2
        + [{"cold": False}] * 3
        + [{"cold": None, "first_visible_ms": 250.0}]
        + [{"cold": True, "outcome": "failed"}],
    )
    chart = charts.cold_warm(Scope())
    columns = ["ttft_p50", "ttft_n", "load_p50", "load_n"]
    found = dict(zip(chart.frame["state"], chart.frame[columns].to_numpy().tolist(), strict=True))
    assert {
        "cold": [3000.0, 2, 9000.0, 2],
        "warm": pytest.approx([200.0, 3, np.nan, 0], nan_ok=True),
        "unknown": pytest.approx([250.0, 1, np.nan, 0], nan_ok=True),
    } == found
    assert 6 == chart.n


def test_errors_over_time(charts: Charts, database: Database) -> None:
    """Failures stand by kind beside all calls of their time; runs that never reached a server are among them."""
    crashed = FAULT.replace("refused", "model_crashed")
    failed = {"outcome": "failed", "fault": FAULT}
    record_calls(database, [{}] * 5 + [failed] * 2 + [{"outcome": "failed", "fault": crashed}])
    record_calls(database, [{"started_at": BEGAN + timedelta(days=1)}] * 4)
    run = {"id": new_id(), "kind": "chat", "server": "", "model": "gemma", "started_at": BEGAN, "outcome": "failed"}
    run["fault"] = FAULT.replace("refused", "no_server")
    database.write(lambda transaction: transaction.insert("runs", run))
    chart = charts.errors(Scope(), "day")
    day = [(1, "refused", 2, 9), (1, "model_crashed", 1, 9), (1, "no_server", 1, 9), (2, "", 0, 4)]
    rows = chart.frame
    assert day == list(zip(rows["starts_at"].dt.day, rows["error_kind"], rows["failed"], rows["calls"], strict=True))
    assert [2 / 9, 1 / 9, 1 / 9, 0.0] == pytest.approx(rows["share"].tolist())
    assert 13 == chart.n
    assert 12 == charts.errors(Scope(servers=("mini",)), "day").n


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        (Scope(after=BEGAN + timedelta(minutes=2)), {2, 3}),
        (Scope(before=BEGAN + timedelta(minutes=2)), {0, 1}),
        (Scope(after=(BEGAN + timedelta(minutes=3)).astimezone(ZoneInfo("Asia/Tokyo"))), {3}),
        (Scope(servers=("tower",)), {1}),
        (Scope(models=("GEMMA",)), {0, 1, 3}),
        (Scope(models=("qwen:2",)), set()),
        (Scope(quantisations=("",)), {3}),
        (Scope(quantisations=("", "Q8_0")), {2, 3}),
        (Scope(kinds=("title",)), {1}),
        (Scope(kinds=("chat", "title"), servers=("mini",), models=("other",)), {2}),
        (Scope(imported=True), {0, 1, 2, 3, 4}),
        (Scope(imported=True, kinds=("chat",)), {0, 2, 3, 4}),
    ],
)
def test_a_scope_narrows(charts: Charts, database: Database, scope: Scope, kept: set[int]) -> None:
    """Each part of a scope keeps what it says; another model's answer counts as the other model's."""
    calls: list[dict[str, Any]] = [
        {"model_answered": "gemma:2"},
        {"server": "tower", "kind": "title"},
        {"model_asked": "qwen", "model_answered": "other", "quantisation": "Q8_0"},
        {"quantisation": None},
        {"import_id": new_id(), "server": "LM Studio", "started_at": BEGAN - timedelta(days=700)},
    ]
    record_calls(database, [call | {"prompt_tokens": 2**number} for number, call in enumerate(calls)])
    found = charts.usage_by_server(scope).frame
    assert sum(2**number for number in kept) == found["prompt_tokens"].sum()


def test_options(charts: Charts, database: Database) -> None:
    """What can be chosen comes the most used first, imported calls included, with the time that there is."""
    record_calls(database, [{}, {}, {"server": "tower", "quantisation": None, "model_asked": "qwen", "kind": "title"}])
    record_calls(
        database, [{"import_id": new_id(), "server": "LM Studio", "started_at": datetime(2024, 1, 1, tzinfo=UTC)}]
    )
    assert (
        Options(
            servers=("mini", "LM Studio", "tower"),
            models=("gemma", "qwen"),
            quantisations=("Q4_K_M", ""),
            kinds=("chat", "title"),
            first=datetime(2024, 1, 1, tzinfo=UTC),
            last=BEGAN + timedelta(minutes=2),
            measured=3,
            imported=1,
        )
        == charts.options()
    )


@pytest.mark.parametrize(
    ("days", "bucket"), [(1, "hour"), (16, "hour"), (17, "day"), (399, "day"), (500, "week"), (4000, "month")]
)
def test_buckets_suit_the_time_between(charts: Charts, database: Database, days: int, bucket: str) -> None:
    """A scope without a bucket has one with which few enough points are drawn, by its ends or by what is on record."""
    assert bucket == charts.bucket(Scope(after=BEGAN, before=BEGAN + timedelta(days=days)))
    assert "day" == charts.bucket(Scope())
    record_calls(database, [{}, {"started_at": BEGAN + timedelta(days=days)}])
    assert bucket == charts.bucket(Scope())


def test_charts_and_the_writer_do_not_wait_for_each_other(charts: Charts, database: Database) -> None:
    """A chart is drawn while a write is under way, of what was committed before; the write goes on after it."""
    record_calls(database, [{}] * 3)
    entered, go_on = Event(), Event()

    def write(transaction: Transaction) -> None:
        transaction.execute("DELETE FROM generations", [])
        transaction.flush()
        entered.set()
        assert go_on.wait(60)

    writing = database.submit(write)
    assert entered.wait(60)
    assert (3, False) == (charts.usage_by_model(Scope()).n, writing.done())
    go_on.set()
    writing.result(60)
    assert 0 == charts.usage_by_model(Scope()).n
