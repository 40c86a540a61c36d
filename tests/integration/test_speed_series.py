"""Which calls the speed sentinel watches, the looks in the background, and what is decided."""

from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apehost_core.errors import StoreError
from apehost_core.history.sentinel import Decisions, SeriesKey, Verdict
from apehost_core.store.console import Console
from apehost_core.store.database import Database
from apehost_core.store.speed_decisions import decisions
from apehost_core.store.speed_series import LOOKS_BACK, WATCHED_FOR, calls_sql, watched
from apehost_core.store.speed_watch import Look, SpeedWatch
from apehost_core.store.transaction import Transaction
from tests.integration.recorded_calls import record_calls
from tests.speed_calls import calls_of_days

KEY = SeriesKey("mini", "gemma", "Q4_K_M", 0, "decode_tok_s")
PATIENCE_S = 60


@pytest.fixture
def watch(database: Database) -> Generator[SpeedWatch, None, None]:
    """The sentinel of an empty database; looks anew at every change."""
    watch = SpeedWatch(database, rest_s=0)
    yield watch
    watch.close()


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def found(watch: SpeedWatch) -> dict[SeriesKey, Verdict]:
    """What is found, after the look has ended."""
    look = watch.look(PATIENCE_S)
    assert (False, None) == (look.working, look.fault)
    assert look.report is not None
    return {verdict.key: verdict for verdict in look.report.verdicts}


def call(**told: Any) -> dict[str, Any]:
    """A call that is watched, unless told otherwise; each is an hour after the one before."""
    return {"completion_tokens": 101, "runtime": "llama.cpp 1.0", **told}


def recorded(database: Database, *calls: dict[str, Any]) -> None:
    """Record calls an hour apart, the last one an hour ago."""
    record_calls(
        database,
        [{"started_at": now() - timedelta(hours=len(calls) - number)} | each for number, each in enumerate(calls)],
    )


def test_reads_calls_as_they_were_measured(database: Database) -> None:
    """Speed, time to first token, prompt length and runtime of a call stand in its series."""
    recorded(database, call(), call(prompt_tokens=300, tool_schema_hash="abc"))
    by_key = {series.key: series for series in watched(database, now()).series}
    assert {KEY, replace(KEY, measure="ttft_ms"), replace(KEY, from_tokens=256)} < by_key.keys()
    one = by_key[KEY]
    assert ([200.0], [100], [101], ("llama.cpp 1.0",)) == (
        one.value.tolist(), one.prompt_tokens.tolist(), one.completion_tokens.tolist(), one.runtimes
    )  # fmt: skip
    assert [200.0] == by_key[replace(KEY, measure="ttft_ms")].value.tolist()
    assert [True] == by_key[replace(KEY, from_tokens=256)].tools.tolist()


@pytest.mark.parametrize(
    "told",
    [
        {"cold": True},
        {"outcome": "failed"},
        {"outcome": "length"},
        {"prompt_tokens_estimated": True},
        {"prompt_tokens": None},
        {"import_id": "0190c0de-0000-7000-8000-000000000001", "server_decode_tok_s": 20.0},
        {"started_at": datetime.now(UTC) - LOOKS_BACK - timedelta(days=2)},
        {"started_at": datetime.now(UTC) - WATCHED_FOR - timedelta(days=2)},
    ],
)
def test_what_says_nothing_is_left_out(database: Database, told: dict[str, Any]) -> None:
    """Cold, broken, cut, uncounted, imported and old calls are in no series."""
    recorded(database, call(**told))
    assert () == watched(database, now()).series


@pytest.mark.parametrize(
    ("told", "measure"),
    [
        ({"completion_tokens_estimated": True}, "ttft_ms"),
        ({"completion_tokens": 5}, "ttft_ms"),
        ({"cached_tokens": 50}, "decode_tok_s"),
    ],
)
def test_a_call_may_say_one_thing_only(database: Database, told: dict[str, Any], measure: str) -> None:
    """Without counted tokens there is no decode speed, and after a cached prompt no time to first token."""
    recorded(database, call(**told))
    assert [measure] == [series.key.measure for series in watched(database, now()).series]


def test_calls_beside_others_are_left_out(database: Database) -> None:
    """Calls that shared their server are counted and left out; those of another server, or queued, are not."""
    began = now() - timedelta(hours=3)
    at = {"started_at": began, "total_ms": 5_000.0}
    shared = call(**at), call(started_at=began + timedelta(seconds=4), total_ms=5_000.0, outcome="failed")
    queued = call(started_at=began + timedelta(seconds=5), queued_ms=4_500.0, total_ms=6_000.0)
    elsewhere = call(server="tower", **at)
    record_calls(database, [*shared, queued, elsewhere])
    seen = watched(database, now())
    assert {"mini", "tower"} == {series.key.server for series in seen.series}
    assert (2, 1) == (seen.calls, seen.beside)


def test_a_slower_runtime_is_found(database: Database, watch: SpeedWatch) -> None:
    """From the record to the alarm: which series, how much, since when and on which runtime."""
    record_calls(database, calls_of_days(40, slower_for=8))
    verdict = found(watch)[KEY]
    assert ("slower", "llama.cpp 2.0.1") == (verdict.state, verdict.runtime)
    change = verdict.change
    assert change is not None
    assert change.low < 0.69 < change.high
    assert ["runtime"] == [each.what for each in change.differences]
    assert 7 <= (now() - change.since).days <= 9


def test_settings_that_were_changed_then_are_told(database: Database, watch: SpeedWatch) -> None:
    """Settings of the server and the model around that time are named once; others, and later ones, are not."""
    record_calls(database, calls_of_days(40, slower_for=8))
    change = found(watch)[KEY].change
    assert change is not None
    assert () == change.settings
    about = ("server mini", "profile gem*", "profile gem*", "server tower", "profile qwen")
    told = [(setting, change.before - timedelta(hours=2)) for setting in about]
    told.append(("profile gemma", change.since + timedelta(days=1)))

    def work(transaction: Transaction) -> None:
        columns = ("setting", "changed_at", "actor", "new_value")
        transaction.insert_many("settings_audit", columns, [(*each, "person", "secret") for each in told])

    database.write(work)
    record_calls(database, [call(started_at=now() - timedelta(minutes=5))])
    change = found(watch)[KEY].change
    assert change is not None
    assert ("server mini", "profile gem*") == change.settings


def test_the_statement_lists_the_calls_of_the_series(database: Database) -> None:
    """The SQL console takes it, and it finds the calls that the series is made of."""
    record_calls(database, [*calls_of_days(5), call(server="it's", started_at=now() - timedelta(hours=30))])
    console = Console(database)
    for series in watched(database, now()).series:
        assert len(series.at) == len(console.run(calls_sql(series.key), {}).frame)
    assert 0 == len(console.run(calls_sql(KEY, now()), {}).frame)
    console.close()


def test_looks_only_when_something_is_new(database: Database, watch: SpeedWatch) -> None:
    """The same record gives the same report; a new call gives a new one."""
    recorded(database, call())
    first = watch.look(PATIENCE_S).report
    assert first is watch.look(PATIENCE_S).report
    recorded(database, call(started_at=now() - timedelta(minutes=5)))
    again = watch.look(PATIENCE_S).report
    assert again is not None
    assert (1, 2) == (first and first.calls, again.calls)


def test_a_look_stays_good_for_a_while(database: Database) -> None:
    """While calls go on it is not looked anew each time, but what is decided is seen at once."""
    watch = SpeedWatch(database)
    recorded(database, call())
    first = watch.look(PATIENCE_S).report
    recorded(database, call(started_at=now() - timedelta(minutes=5)))
    assert first is watch.look(PATIENCE_S).report
    watch.mute(KEY)
    muted = watch.look(PATIENCE_S)
    assert first is muted.report
    assert frozenset([KEY]) == muted.decided.muted
    watch.accept(KEY, now() - timedelta(days=1))
    again = watch.look(PATIENCE_S).report
    assert again is not None
    assert 2 == again.calls
    watch.close()


def test_the_page_does_not_wait(database: Database, watch: SpeedWatch) -> None:
    """A look under way gives what is there, says so, and comes to its end in the background."""
    record_calls(database, calls_of_days(3))
    looks: list[Look] = [watch.look()]
    while looks[-1].working:
        looks.append(watch.look(0.01))
    assert looks[-1].report is not None


def test_accepting_is_kept_and_undone(database: Database, watch: SpeedWatch) -> None:
    """After a restart the accepted speed is still the normal one; taken back, the alarm is there again."""
    record_calls(database, calls_of_days(40, slower_for=8))
    change = found(watch)[KEY].change
    assert change is not None
    assert watch.accept(KEY, change.since) is None
    assert "too few" == found(watch)[KEY].state
    other = SpeedWatch(database)
    assert "too few" == found(other)[KEY].state
    other.close()
    assert change.since == watch.accept(KEY, None)
    assert "slower" == found(watch)[KEY].state


def test_muting_is_kept_and_undone(database: Database, watch: SpeedWatch) -> None:
    """Muted series are known by their keys, in the file, next to what is accepted."""
    other = replace(KEY, model="qwen", measure="ttft_ms")
    watch.mute(KEY)
    watch.mute(other)
    watch.accept(other, datetime(2026, 1, 1, tzinfo=UTC))
    watch.mute(KEY, muted=False)
    assert Decisions({other: datetime(2026, 1, 1, tzinfo=UTC).timestamp()}, frozenset([other])) == decisions(database)


@pytest.mark.parametrize(
    "value", ["{", "[]", '{"muted": [[1, 2]], "accepted": []}', '{"muted": [["a", "b", "c", 0, "x"]], "accepted": []}']
)
def test_damaged_decisions_are_said(database: Database, watch: SpeedWatch, value: str) -> None:
    """Decisions that cannot be read are an error with words, and stay as they are."""
    insert = "INSERT INTO kept_settings VALUES ('speed_decisions', ?, now())"
    database.write(lambda transaction: transaction.execute(insert, [value]))
    with pytest.raises(StoreError) as raised:
        watch.look()
    assert "speed alarms" in raised.value.fault.title
    with pytest.raises(StoreError):
        watch.mute(KEY)
    with database.read() as cursor:
        assert [(value,)] == cursor.execute("SELECT value FROM kept_settings").fetchall()
