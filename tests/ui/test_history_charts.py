"""The history page's section of charts: what is looked at, what is drawn of it, and what stands behind each chart."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1.element_tree import Block

from apehost_core.store.database import Database
from apehost_core.testing.simulator import Simulator
from apehost_ui.components.history_chart_block import csv
from apehost_ui.components.history_chart_columns import table
from apehost_ui.history_charts import GROUPS, Group
from tests.integration.recorded_calls import FAULT, mixed_calls, record_calls, record_tool_calls
from tests.ui.conftest import Start
from tests.ui.running import Running
from tests.ui.tab import Tab, plain

HOSTILE = "*evil* [x](http://e.com) ![y](http://e.com/y.png) $5$"
BLOCKS: Mapping[Group, tuple[str, ...]] = {
    "usage": ("usage_by_day", "usage_by_model", "usage_by_server"),
    "speed": ("ttft_over_time", "decode_over_time"),
    "length": ("speed_by_prompt_length",),
    "starts": ("cold_warm",),
    "errors": ("errors",),
    "tools": ("tools", "tool_errors"),
    "week": ("heat_map",),
    "compare": ("compare",),
}
"""Which charts each group draws."""


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def record(folder: Path, calls: list[dict[str, Any]]) -> None:
    """Put calls on the record of a folder where no host is open; unless they say otherwise, an hour ago."""
    folder.mkdir(exist_ok=True)
    database = Database.open(folder / "apehost.duckdb")
    record_calls(database, [{"started_at": now() - timedelta(hours=1)} | call for call in calls])
    tools = [{"error_kind": "failed"}, {"error_kind": "bad_arguments"}, *[{} for _ in range(8)]]
    record_tool_calls(database, [{"started_at": now() - timedelta(hours=1)} | call for call in tools])
    database.close()


class ChartsTab(Tab):
    """One session on the section of charts."""

    def __init__(self, **parameters: str | list[str]) -> None:
        """Open the section; the parameters stand in the URL."""
        super().__init__("history", {"section": "charts"} | parameters)

    def n(self, chart: str) -> str:
        """What a chart says that it rests on."""
        return self.box(f"chart-block-{chart}").splitlines()[1]

    def look(self, chart: str, at: str) -> "ChartsTab":
        """Look at a chart's table or its statement."""
        self.at.session_state[f"chart-shown-{chart}"] = at
        self.run()
        return self

    def lines(self, chart: str) -> list[dict[Any, Any]]:
        """The lines of a chart's table, by its headings; the table stays open."""
        self.look(chart, "Table")
        block = self.at.get_by_key(f"chart-block-{chart}")
        assert isinstance(block, Block)
        return list(block.dataframe)[-1].value.to_dict("records")

    @property
    def times(self) -> list[str]:
        """The times of both sides that are compared, chosen or not."""
        boxes = [self.at.selectbox(key=f"{side}_time") for side in ("left", "right")]
        return [box.value or box.proto.placeholder for box in boxes]

    def spec(self, alt: str) -> dict[str, Any]:
        """How the first chart whose words begin so is drawn, in Vega-Lite."""
        specs = [chart.proto.spec for chart in self.at.get("vega_lite_chart") if chart.proto.alt.startswith(alt)]
        return json.loads(specs[0])

    @property
    def charts(self) -> list[str]:
        """What is drawn, as those hear it who do not see it."""
        return [element.proto.alt for element in self.at.get("vega_lite_chart")]


@pytest.fixture
def mixed(start: Start, data_dir: Path) -> Running:
    """A host whose record has calls of all sorts, the last ones a moment ago."""
    calls = mixed_calls(400)
    late = now() - max(call["started_at"] for call in calls)
    record(data_dir, [call | {"started_at": call["started_at"] + late} for call in calls])
    return start({"mini": Simulator()})


def test_nothing_recorded_is_said(start: Start) -> None:
    """Before the first call the section says what will be drawn."""
    start({"mini": Simulator()})
    page = ChartsTab().page
    assert "Nothing is recorded yet." in page
    assert "how fast first tokens come" in page


@pytest.mark.parametrize("group", GROUPS)
def test_only_the_open_group_is_drawn(group: Group, mixed: Running) -> None:
    """Each group draws its own charts and no others, each with what it rests on, its table and its statement."""
    tab = ChartsTab(group=GROUPS[group], period="All", imported="true", left_models="gemma", left_time="the time above")
    drawn = re.findall(r"chart-block-(\w+)", tab.wire)
    assert list(BLOCKS[group]) == list(dict.fromkeys(drawn))
    assert tab.charts
    for name in BLOCKS[group]:
        assert tab.n(name).startswith("n = ")
        assert tab.lines(name)
        tab.look(name, "SQL")
    assert len(BLOCKS[group]) == len(tab.at.code)
    assert all(code.value.lstrip().startswith(("WITH", "SELECT")) for code in tab.at.code)


def test_usage_adds_up(start: Start, data_dir: Path) -> None:
    """Calls and tokens are those on record, by day, model and server."""
    record(data_dir, [{"model_asked": "gemma"}, {"model_asked": "qwen", "server": "PC"}, {"model_asked": "qwen"}])
    start({"mini": Simulator()})
    tab = ChartsTab()
    assert tab.n("usage_by_day") == "n = 3 calls"
    assert [("qwen", 2, 200), ("gemma", 1, 100)] == [
        (line["Model"], line["Calls"], line["Prompt tokens"]) for line in tab.lines("usage_by_model")
    ]
    assert {("mini", 2), ("PC", 1)} == {(line["Server"], line["Calls"]) for line in tab.lines("usage_by_server")}
    assert any(alt.startswith("Calls over time, 3 all in all") for alt in tab.charts)


def test_bars_have_their_number_behind_them(start: Start, data_dir: Path) -> None:
    """The number of a bar stands a little behind its end, and the plot has room for it; counts have no halves."""
    record(data_dir, [{}] * 20)
    start({"mini": Simulator()})
    bars, numbers = ChartsTab().spec("Calls. gemma Q4_K_M: 20")["layer"]
    assert ["20"] == [row["words"] for row in numbers["data"]["values"]]
    assert numbers["mark"]["dx"] >= 4
    assert bars["encoding"]["x"]["scale"]["domain"][1] > 22
    assert bars["encoding"]["x"]["axis"]["tickMinStep"] == 1


def test_the_only_kind_of_error_is_named(start: Start, data_dir: Path) -> None:
    """Where there is one kind there is no legend: the axis says which it is."""
    record(data_dir, [{}, {"outcome": "failed", "fault": FAULT}])
    start({"mini": Simulator()})
    assert any(
        alt.startswith("Failed calls (connection refused) over time") for alt in ChartsTab(group="Errors").charts
    )


def test_a_series_has_one_colour_in_a_group(start: Start, data_dir: Path) -> None:
    """A model keeps its place in both charts of speeds, whichever rests on more calls in one of them."""
    untimed = {"model_asked": "gemma", "completion_tokens": 1}
    record(data_dir, [untimed, untimed, untimed, {"model_asked": "gemma"}, *[{"model_asked": "qwen"}] * 2])
    start({"mini": Simulator()})
    tab = ChartsTab(group="Speed", speed_by="By model")
    assert [["gemma", "qwen"]] * 2 == [
        tab.spec(title)["layer"][1]["encoding"]["color"]["scale"]["domain"]
        for title in ("Time to first token", "Speed of writing")
    ]


def test_filters_stand_in_the_url(start: Start, data_dir: Path) -> None:
    """A link narrows to a model, a server, a purpose; what it narrows to is said, and can be cleared."""
    calls = [{"model_asked": "gemma"}, {"model_asked": "qwen"}, {"model_asked": "qwen", "kind": "title"}]
    record(data_dir, calls)
    start({"mini": Simulator()})
    tab = ChartsTab(model_in=["qwen"], kind_in=["chats"])
    assert tab.n("usage_by_day") == "n = 1 call"
    assert "qwen · chats" in tab.page
    assert tab.click("scope-clear").n("usage_by_day") == "n = 3 calls"


def test_other_pages_do_not_disturb_the_fields(start: Start, data_dir: Path) -> None:
    """Whoever comes from another page finds nothing picked, and nothing of what that page remembers."""
    record(data_dir, [{}])
    start({"mini": Simulator()})
    tab = Tab().to("servers").to("compare").to("history").section("charts")
    assert [] == [one for field in tab.at.multiselect for one in field.value]
    assert "n = 1 call" in tab.page


def test_a_time_without_calls_says_when_the_last_one_was(start: Start, data_dir: Path) -> None:
    """Where all calls are older than what is looked at, the page says so and offers all of them."""
    record(data_dir, [{"started_at": now() - timedelta(days=100)}])
    start({"mini": Simulator()})
    tab = ChartsTab()
    assert "No call in this time. The last one was on" in tab.page
    assert tab.press("Show all").n("usage_by_day") == "n = 1 call"


def test_a_call_made_meanwhile_is_seen(start: Start, data_dir: Path) -> None:
    """Where the page said that there was no call lately, a call made a moment ago is drawn at the next look."""
    record(data_dir, [{"started_at": now() - timedelta(days=100)}])
    app = start({"mini": Simulator()})
    assert "No call in this time" in ChartsTab().page
    app.asked()
    assert "No call in this time" not in ChartsTab().page


def test_dates_in_the_url_are_a_period(start: Start, data_dir: Path) -> None:
    """The first and the last day of a link are both looked at, and no other."""
    record(data_dir, [{"started_at": datetime(2026, 3, day, 12, tzinfo=UTC)} for day in (1, 2, 3, 4)])
    start({"mini": Simulator()})
    tab = ChartsTab(period="Dates", **{"from": "2026-03-02", "to": "2026-03-03"})
    assert tab.n("usage_by_day") == "n = 2 calls"
    assert "2 Mar 2026 to 3 Mar 2026" in tab.page


def test_imported_calls_are_asked_for_and_stand_apart(start: Start, data_dir: Path) -> None:
    """Calls of other programs are left out until they are wanted, and then have a chart of their own."""
    imported = {"import_id": "01910000-0000-7000-8000-000000000001", "first_visible_ms": None, "last_token_ms": None}
    record(data_dir, [{}, imported | {"server_ttft_ms": 300.0}])
    start({"mini": Simulator()})
    tab = ChartsTab()
    assert tab.n("usage_by_day") == "n = 1 call"
    tab.at.toggle(key="imported").set_value(True)
    assert tab.run().n("usage_by_day") == "n = 2 calls"
    assert "Imported, as other programs said" in tab.page
    assert len([alt for alt in tab.charts if alt.startswith("Calls over time, 1 all in all")]) == 2
    assert {"measured", "imported"} == {line["Source"] for line in tab.lines("usage_by_day")}


def test_a_record_of_imported_calls_alone_is_offered(start: Start, data_dir: Path) -> None:
    """Where nothing was measured yet, one press shows what was imported."""
    imported = {"import_id": "01910000-0000-7000-8000-000000000001", "first_visible_ms": None, "last_token_ms": None}
    record(data_dir, [imported])
    start({"mini": Simulator()})
    tab = ChartsTab()
    assert "Nothing was measured here yet" in tab.page
    assert tab.press("Include imported").n("usage_by_day") == "n = 1 call"


def test_a_statement_opens_in_the_console(start: Start, data_dir: Path) -> None:
    """The button behind a chart leads to the SQL section with the chart's own statement in the URL."""
    record(data_dir, [{}])
    start({"mini": Simulator()})
    tab = ChartsTab().look("usage_by_day", "SQL")
    sql = next(code.value for code in tab.at.code if "GROUP BY" in code.value)
    tab.click("chart-sql-usage_by_day")
    assert ("sql", sql) == (tab.at.query_params["section"], tab.at.query_params["sql"])
    assert not tab.charts


def test_pinned_queries_stand_above(start: Start) -> None:
    """What was pinned in the SQL console is drawn above the charts, also before the first call."""
    app = start({"mini": Simulator()})
    query = app.host.history.queries.save("All calls", "SELECT count(*) AS calls FROM v_generations", {})
    assert "All calls" not in ChartsTab().page
    app.host.history.queries.pin(query.id)
    assert "All calls" in ChartsTab().box(f"tile-{query.id}")


def test_sections_are_switched_whatever_fields_say(start: Start, data_dir: Path) -> None:
    """From charts that the URL narrows one comes to the cards, which are narrowed by the same."""
    record(data_dir, [{"model_asked": "gemma"}, {"model_asked": "qwen"}])
    start({"mini": Simulator()})
    tab = ChartsTab(period="90 days", model_in=["qwen"]).section("models")
    assert "qwen Q4_K_M" in tab.box("model-card-0")
    assert "gemma" not in tab.page


def test_two_models_are_compared(start: Start, data_dir: Path) -> None:
    """Two sides are compared in every measure; what their intervals tell apart is said in a sentence."""
    models = {"gemma": 200.0, "qwen": 400.0}
    record(
        data_dir,
        [
            {
                "model_asked": model,
                "first_visible_ms": ms + place,
                "last_token_ms": ms + 500,
                "conversation_id": f"01910000-0000-7000-8000-0000000000{place:02d}",
            }
            for model, ms in models.items()
            for place in range(20)
        ],
    )
    start({"mini": Simulator()})
    tab = ChartsTab(group="Compare", left_models="gemma", right_models="qwen")
    assert "Time to first token: 95 % more in B" in tab.page
    assert "which is worse" in tab.page
    assert tab.n("compare") == "n = 40 calls"


def test_sides_begin_with_a_time_that_fits_their_models(start: Start, data_dir: Path) -> None:
    """The same models are compared with the time before, different ones over one time; a time that is chosen stays."""
    above, before = "the time above", "the time before that"
    record(data_dir, [{"model_asked": "gemma"}, {"model_asked": "qwen"}])
    start({"mini": Simulator()})
    tab = ChartsTab(group="Compare")
    assert [before, above] == tab.times
    tab.at.multiselect(key="right_models").set_value(["qwen"])
    assert [above, above] == tab.run().times
    tab.at.multiselect(key="left_models").set_value(["qwen"])
    assert [before, above] == tab.run().times
    tab.at.selectbox(key="left_time").set_value(before)
    tab.at.multiselect(key="right_models").set_value(["gemma"])
    assert [before, above] == tab.run().times
    assert [above, above] == ChartsTab(group="Compare", left_models=["gemma", "qwen"], right_models="gemma").times


def test_the_order_in_which_models_are_picked_tells_no_sides_apart(start: Start, data_dir: Path) -> None:
    """Two sides of the same models are the same, whichever of them was picked first."""
    record(data_dir, [{"model_asked": "gemma"}, {"model_asked": "qwen"}])
    start({"mini": Simulator()})
    picked = {"left_models": ["gemma", "qwen"], "right_models": ["qwen", "gemma"]}
    assert "Both sides are the same" in ChartsTab(group="Compare", left_time="the time above", **picked).page


def test_the_same_on_both_sides_is_no_comparison(start: Start, data_dir: Path) -> None:
    """Two sides that are the same are told to be; a time before all time is asked for in vain, and that is said."""
    record(data_dir, [{}])
    start({"mini": Simulator()})
    assert "Both sides are the same" in ChartsTab(group="Compare", left_time="the time above").page
    assert "All time has no time before it" in ChartsTab(group="Compare", period="All").page


def test_names_are_never_markdown(start: Start, data_dir: Path) -> None:
    """A model's name is drawn as it is: no link, no image and no mathematics comes of it."""
    record(data_dir, [{"model_asked": HOSTILE}])
    start({"mini": Simulator()})
    tab = ChartsTab(model_in=[HOSTILE])
    (said,) = [caption.value for caption in tab.at.caption if "evil" in caption.value]
    assert HOSTILE in plain(said)
    assert "[x]" not in said
    assert "![" not in said


def test_files_hold_the_whole_frame() -> None:
    """A CSV file has every row under the names of the statement's columns."""
    frame = pd.DataFrame({"model": ["a,b", "c"], "p50": [1.25, None]})
    assert b'model,p50\n"a,b",1.25\nc,\n' == csv(frame)


def test_files_run_nothing_in_a_spreadsheet() -> None:
    """A name that begins as a formula does is no formula in the file; numbers stay what they are."""
    frame = pd.DataFrame({"model": ["=1+2", "-x", "a"], "p50": [-1.5, 2.0, 3.0]})
    assert b"model,p50\n'=1+2,-1.5\n'-x,2.0\na,3.0\n" == csv(frame)


def test_tables_are_written_for_people() -> None:
    """Headings say what and in which unit, shares are percentages, numbers have three digits, unknown stays empty."""
    frame = pd.DataFrame(
        {"share": [0.125], "ttft_p50": [1234.567], "decode_p90": [float("nan")], "weekday": [7], "error_kind": ["dns"]}
    )
    (line,) = table(frame).to_dict("records")
    assert line.pop("Decode speed, 10 % above (tok/s)") is None
    expected = {"Share": "12 %", "First token, median (ms)": 1235.0, "Day": "Sun", "Error": "name not found"}
    assert expected == line
