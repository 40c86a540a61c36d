"""The history page's section of speed: alarms in plain words, what can be decided of them, and all series."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from apehost_core.errors import Fault, StoreError
from apehost_core.history.sentinel import Change, Day, Difference, SeriesKey, Verdict
from apehost_core.store.database import Database
from apehost_core.store.speed_series import Watched, watched
from apehost_core.testing.simulator import Simulator
from apehost_ui.components import history_speed_words as say
from apehost_ui.components.history_speed_chart import speed_chart
from apehost_ui.history_speed import MOST_AT_ONCE
from tests.integration.recorded_calls import record_calls
from tests.speed_calls import calls_of_days
from tests.ui.conftest import Start
from tests.ui.drawing import drawn
from tests.ui.tab import Tab

HOSTILE = "*evil* [x](http://e.com) $5$"
AT = datetime(2026, 3, 12, 9, 11, tzinfo=UTC)
CHANGE = Change(0.69, 0.64, 0.74, 28.4, AT - timedelta(days=2), AT, 4, 63, 0.0004, ())
KEY = SeriesKey("mini", "qwen3-4b", "Q4_K_M", 256, "decode_tok_s")


def record(folder: Path, calls: list[dict[str, Any]]) -> None:
    """Put calls on the record of a folder where no host is open."""
    folder.mkdir(exist_ok=True)
    database = Database.open(folder / "apehost.duckdb")
    record_calls(database, calls)
    database.close()


class SpeedTab(Tab):
    """One session on the section of speed."""

    def __init__(self) -> None:
        super().__init__("history", {"section": "speed"})
        self.settled()

    def settled(self) -> "SpeedTab":
        """The page after the look at the record has ended."""
        while "Looking at the calls" in self.page:
            self.run()
        return self

    @property
    def alarms(self) -> list[str]:
        """What each alarm that is drawn says."""
        return [self.box(f"speed-alarm-{place}") for place in range(self.buttons.count("This is the new normal"))]

    @property
    def states(self) -> dict[str, str]:
        """The state of each series of decode speed in the table, by its model."""
        return {row["Model"]: row["State"] for row in self.rows if row["Measure"] == "Decode speed"}


@pytest.fixture
def slower(start: Start, data_dir: Path) -> SpeedTab:
    """A tab on the section, where one model of two has become slower with a new runtime."""
    record(data_dir, [*calls_of_days(40, slower_for=8), *calls_of_days(40, model_asked="qwen", server="tower")])
    start({"mini": Simulator()})
    return SpeedTab()


def test_says_what_it_will_watch(start: Start) -> None:
    """Without any call the section says what it is for."""
    start({"mini": Simulator()})
    assert "Nothing to watch yet" in SpeedTab().page


def test_too_few_calls(start: Start, data_dir: Path) -> None:
    """Series that cannot be judged yet say how many windows they have of how many it takes."""
    record(data_dir, calls_of_days(4))
    start({"mini": Simulator()})
    tab = SpeedTab()
    assert "too few calls yet" in tab.page
    assert {"gemma": "too few yet: 2 of 8 windows"} == tab.states


def test_an_alarm_in_plain_words(slower: SpeedTab) -> None:
    """It says what changed, by how much, since when, what changed then, and what that rests on; with a chart."""
    (alarm,) = slower.alarms
    assert "Decode speed -3" in alarm
    assert "since runtime llama.cpp 2.0.1" in alarm
    assert "gemma Q4_K_M · mini, prompts of 0 to 255 tokens" in alarm
    assert "the runtime (llama.cpp 2.0.0 → llama.cpp 2.0.1)" in alarm
    assert "calls before and 64 calls since" in alarm
    assert "1 alarm" in slower.page
    assert slower.states["gemma"].startswith("slower: -3")
    assert "steady" == slower.states["qwen"]
    assert slower.rows[0]["Model"] == "gemma"


def test_nothing_has_become_slower(start: Start, data_dir: Path) -> None:
    """Where all is as fast as ever, it is said first."""
    record(data_dir, calls_of_days(30))
    start({"mini": Simulator()})
    tab = SpeedTab()
    assert "Nothing has become slower" in tab.page
    assert "From 240 warm calls of the last year" in tab.page


def test_accepted_and_taken_back(slower: SpeedTab) -> None:
    """The new normal ends the alarm, and Undo brings it back."""
    slower.press("This is the new normal").settled()
    assert [] == slower.alarms
    assert slower.states["gemma"].startswith("too few yet")
    assert "Taken as the new normal: gemma" in slower.box("speed-undo")
    slower.press("Undo").settled()
    assert 1 == len(slower.alarms)
    assert "" == slower.box("speed-undo")


def test_muted_and_heard_again(slower: SpeedTab) -> None:
    """A muted alarm is counted and stands in the table; from its series it can be heard again."""
    slower.press("Mute").settled()
    assert [] == slower.alarms
    assert "1 alarm is muted" in slower.page
    assert slower.states["gemma"].endswith("(muted)")
    slower.at.selectbox(key="speed-picked").select_index(0)
    slower.run()
    assert "Decode speed -3" in slower.box("speed-one")
    slower.press("Unmute").settled()
    assert "1 alarm is muted" not in slower.page
    slower.press("Undo").settled()
    assert "1 alarm is muted" in slower.page


def test_the_new_normal_is_forgotten(slower: SpeedTab) -> None:
    """The series says since when its speed is the new normal, and it can be forgotten."""
    slower.press("This is the new normal").settled()
    options = slower.at.selectbox(key="speed-picked").options
    (gemma,) = [option for option in options if option.startswith("gemma") and option.endswith("decode speed")]
    slower.at.selectbox(key="speed-picked").select(gemma)
    slower.run()
    assert "is the new normal." in slower.box("speed-one")
    slower.press("Forget the new normal").settled()
    assert slower.states["gemma"].startswith("slower")


def test_its_calls_open_in_the_console(slower: SpeedTab) -> None:
    """The statement stands in the URL and in the box of the SQL section, and is not run by that."""
    slower.press("Show calls")
    slower.run()
    assert "sql" == slower.at.query_params["section"]
    sql = slower.at.query_params["sql"]
    assert "FROM v_generations" in sql
    assert "model = 'gemma'" in sql
    assert sql == slower.at.text_area[0].value


def test_many_alarms_are_few_at_first(start: Start, data_dir: Path) -> None:
    """The worst are drawn, and a button draws all."""
    names = [f"model-{number}" for number in range(MOST_AT_ONCE + 2)]
    record(
        data_dir, [call for name in names for call in calls_of_days(30, slower_for=6, model_asked=name, server=name)]
    )
    start({"mini": Simulator()})
    tab = SpeedTab()
    assert MOST_AT_ONCE == len(tab.alarms)
    tab.press(f"Show all {len(names)} alarms")
    assert len(names) == len(tab.alarms)


def test_names_are_no_markup(start: Start, data_dir: Path) -> None:
    """Names of servers, models and runtimes are shown as they are written."""
    record(data_dir, calls_of_days(40, slower_for=8, model_asked=HOSTILE, server=HOSTILE, runtime=HOSTILE))
    start({"mini": Simulator()})
    (alarm,) = SpeedTab().alarms
    assert f"{HOSTILE} Q4_K_M · {HOSTILE}" in alarm


def test_damaged_decisions_are_said(start: Start, data_dir: Path) -> None:
    """What cannot be read is said, with what to do, in place of the section."""
    record(data_dir, calls_of_days(2))
    database = Database.open(data_dir / "apehost.duckdb")
    insert = "INSERT INTO kept_settings VALUES ('speed_decisions', ?, now())"
    database.write(lambda transaction: transaction.execute(insert, ["{"]))
    database.close()
    start({"mini": Simulator()})
    assert "What you decided about speed alarms cannot be read" in SpeedTab().errors


def test_the_page_does_not_wait_for_a_look(start: Start, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the record is looked at, the page says so; what was found is drawn when it is there."""
    record(data_dir, calls_of_days(30))
    go = Event()

    def slow(*arguments: Any) -> Watched:
        go.wait()
        return watched(*arguments)

    monkeypatch.setattr("apehost_core.store.speed_watch.watched", slow)
    start({"mini": Simulator()})
    tab = Tab("history", {"section": "speed"})
    assert "Looking at the calls of the last year" in tab.page
    assert "All series" not in tab.page
    go.set()
    assert "Nothing has become slower" in SpeedTab().page


def test_a_look_that_fails_is_said(start: Start, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason stands on the page, and the next visit looks again."""
    record(data_dir, calls_of_days(30))

    def failing(*_: Any) -> Watched:
        raise StoreError(Fault(kind="store", title="The disk is gone"))

    start({"mini": Simulator()})
    with monkeypatch.context() as patch:
        patch.setattr("apehost_core.store.speed_watch.watched", failing)
        assert "The disk is gone" in SpeedTab().errors
    tab = SpeedTab()
    assert "" == tab.errors
    assert "Nothing has become slower" in tab.page


def test_how_changes_are_said() -> None:
    """The sentence of the headline, with and without a new runtime; times to first token rise."""
    year = "" if datetime.now().astimezone().year == AT.year else f" {AT.year}"
    assert f"Decode speed -31 % (interval -36 to -26) since 12 Mar{year}" == say.headline("decode_tok_s", CHANGE)
    runtime = replace(CHANGE, differences=(Difference("runtime", "", "llama.cpp 2.0.1"),))
    assert f"since runtime llama.cpp 2.0.1, 12 Mar{year}" in say.headline("decode_tok_s", runtime)
    slower = replace(CHANGE, ratio=1.4, low=1.2, high=1.6)
    assert f"Time to first token +40 % (interval +20 to +60) since 12 Mar{year}" == say.headline("ttft_ms", slower)
    assert "0" == say.signed(1.001)


def test_how_causes_are_said() -> None:
    """Each difference is a clause, and none is said where there is none."""
    differences = (
        Difference("runtime", "", "b"),
        Difference("prompt tokens", 300.0, 900.0),
        Difference("answer tokens", 1_500.0, 100.0),
        Difference("calls with tools", 0.0, 0.5),
    )
    assert (
        "Also changed then: the runtime (not told → b); prompts are longer (median 300 → 900 tokens); answers are "
        "shorter (median 1,500 → 100 tokens); tools are offered in 50% of calls (before: 0%)."
    ) == say.causes(replace(CHANGE, differences=differences))
    settings = replace(CHANGE, settings=("server mini", "profile gemma*"))
    assert "Also changed then: settings (server mini, profile gemma*)." == say.causes(settings)
    assert "Nothing else that is recorded changed at that time." == say.causes(CHANGE)


def test_how_values_are_said() -> None:
    """Both numbers of a change are in one unit, seconds where they are long."""
    assert "41.2 → 28.4 tok/s" == say.values("decode_tok_s", 41.2, 28.4)
    assert "0.800 → 1.20 s" == say.values("ttft_ms", 800, 1200)
    assert "800 ms" == say.value("ttft_ms", 800)
    assert "38.1 to 44.6 tok/s" == say.usual("decode_tok_s", 38.1, 44.6)


def test_a_chart_without_a_baseline() -> None:
    """The days of a series that cannot be judged yet are drawn all the same."""
    days = tuple(Day(AT + timedelta(days=number), 50.0 + number, 3, "") for number in range(3))
    verdict = Verdict(KEY, "", "too few", 1, 8, 9, AT, None, None, days)
    page: AppTest = drawn(lambda: speed_chart(verdict, key="chart"))
    (chart,) = page.get("vega_lite_chart")
    assert "from 50 to 52 tok/s" in str(chart.proto)
