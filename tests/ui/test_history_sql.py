"""The SQL section of the history page: a statement, its result, its chart, and what is kept of it."""

from collections.abc import Hashable
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from apehost_core.errors import InputRefused
from apehost_core.history.console import ChartChoice, ColumnKind, Mark, Result, ResultColumn
from apehost_ui import history_sql, state
from apehost_ui import history_sql_actions as do
from apehost_ui.components.history_sql_chart import MARKS, fitting, query_chart
from tests.ui.drawing import drawn, ran
from tests.ui.querying import COUNT, SECTION, box, keep, opened, run, settle
from tests.ui.running import Running, until
from tests.ui.tab import Tab

FOREVER = "WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r) SELECT max(x) FROM r"


def table(tab: Tab) -> list[dict[Hashable, Any]]:
    """The rows of the result."""
    return tab.at.dataframe[-1].value.to_dict("records")


def test_a_statement_gives_a_table(filled: Running) -> None:
    """What is typed is run, and its rows are drawn with their number."""
    tab = run(opened(), COUNT)
    assert [{"model": f"model-{n}", "calls": 100} for n in range(3)] == table(tab)
    assert "3 rows" in tab.box("sql-outcome")


def test_a_refusal_is_said(filled: Running) -> None:
    """A statement that may not be run is answered with what and where; the text stays in the box."""
    tab = run(opened(), "SELECT *\nFROM messages")
    assert '"messages" is none of the views' in tab.errors
    assert "Line 2, character 6" in tab.errors
    assert "SELECT *\nFROM messages" == box(tab)


def test_an_error_of_the_statement_is_said(filled: Running) -> None:
    """What DuckDB finds wrong while it runs is shown in its words."""
    assert "nope" in run(opened(), "SELECT nope FROM v_messages").errors


def test_no_rows_are_said(filled: Running) -> None:
    """A result without rows says so."""
    assert "No rows" in run(opened(), "SELECT * FROM v_votes").box("sql-outcome")


def test_parameters_have_fields(filled: Running) -> None:
    """Each parameter of the statement gets a field, and what stands there is its value."""
    tab = opened()
    tab.at.text_area(key="sql-text").set_value("SELECT count(*) AS n FROM v_generations WHERE model = $model")
    tab.run().write(sql_value_model="model-2")
    tab.click("sql-run")
    assert [{"n": 100}] == table(settle(tab))


def test_a_statement_is_cancelled(filled: Running) -> None:
    """While a statement runs there is a button that ends it."""
    tab = opened()
    tab.at.text_area(key="sql-text").set_value(FOREVER)
    tab.click("sql-run")
    assert "Running for" in tab.box("sql-outcome")
    tab.click("sql-cancel")
    assert "Cancelled" in settle(tab).box("sql-outcome")


def test_a_statement_in_the_url_is_not_run(filled: Running) -> None:
    """A link fills the box; nothing is run before somebody presses Run."""
    tab = opened(sql=COUNT)
    assert COUNT == box(tab)
    assert "rows" not in tab.box("sql-outcome")
    tab.click("sql-run")
    assert 3 == len(table(settle(tab)))


def test_the_url_names_what_is_run(filled: Running) -> None:
    """After Run a copied link opens the same statement."""
    tab = run(opened(), COUNT)
    assert COUNT == tab.at.query_params["sql"]


def test_an_example_is_filled_in_and_drawn(filled: Running) -> None:
    """An example comes with its chart, and is not run before somebody presses Run."""
    tab = opened()
    tab.at.selectbox(key="sql-open").select("example:1")
    tab.run()
    assert "median(ttft_ms)" in box(tab)
    tab.click("sql-run")
    settle(tab)
    assert ("bar", "model", "tokens_a_second") == tuple(
        tab.at.selectbox(key=f"sql-{name}").value for name in ("mark", "x", "y")
    )


def test_a_view_is_shown_and_used(filled: Running) -> None:
    """What a view's columns mean stands beside the box, and a button begins a statement with it."""
    tab = opened()
    tab.at.selectbox(key="sql-schema").select("v_tool_calls")
    tab.run()
    assert "Calls of tools" in tab.page
    tab.click("sql-use")
    assert "FROM v_tool_calls" in box(tab)


def test_a_chart_is_chosen(filled: Running) -> None:
    """The chart is guessed, and what is picked instead stays when the statement is run again."""
    tab = run(opened(), "SELECT started_at, prompt_tokens, model, ttft_ms FROM v_generations")
    tab.at.button_group(key="sql-shown").set_value("chart")
    tab.run()
    assert ("line", "started_at") == (tab.at.selectbox(key="sql-mark").value, tab.at.selectbox(key="sql-x").value)
    tab.at.selectbox(key="sql-mark").select("point")
    tab.at.selectbox(key="sql-x").select("prompt_tokens")
    tab.at.selectbox(key="sql-colour").select("model")
    settle(tab.run().click("sql-run"))
    assert ("point", "prompt_tokens", "model") == tuple(
        tab.at.selectbox(key=f"sql-{name}").value for name in ("mark", "x", "colour")
    )


def sample() -> Result:
    """A result with a column of each kind, one of them with a name that a chart could misread."""
    start = pd.Timestamp("2026-11-01T00:00Z")
    frame = pd.DataFrame(
        {
            "a.b[0]": [number % 9 for number in range(40)],
            "at": [start + pd.Timedelta(hours=number) for number in range(40)],
            "yes": pd.Series([number % 2 == 0 for number in range(40)], dtype="boolean"),
            "n": pd.Series([None, *range(39)], dtype="Int64"),
            "who": [None, *(f"x{number % 12}" for number in range(39))],
        }
    )
    kinds: tuple[ColumnKind, ...] = ("number", "time", "boolean", "number", "text")
    columns = tuple(ResultColumn(str(name), "", kind) for name, kind in zip(frame.columns, kinds, strict=True))
    return Result(columns, frame, truncated=False, cut=False, took_ms=1.0)


@pytest.mark.parametrize("mark", MARKS)
def test_every_kind_of_chart_is_drawn(mark: Mark) -> None:
    """Whatever the column's kind and name, each mark draws, with and without colours."""
    result = sample()
    choices = [ChartChoice(mark, x.name, "n", colour) for x in result.columns for colour in (None, "who")]

    def draw() -> None:
        for number, choice in enumerate(choices):
            query_chart(result, choice, key=f"chart-{number}")

    assert len(choices) == len(drawn(draw).get("vega_lite_chart"))


def test_too_many_bars_are_not_drawn() -> None:
    """Bars that nobody could tell apart give way to a sentence."""
    frame = pd.DataFrame({"x": range(300), "y": range(300)})
    columns = (ResultColumn("x", "", "number"), ResultColumn("y", "", "number"))
    result = Result(columns, frame, truncated=False, cut=False, took_ms=1.0)
    page = drawn(lambda: query_chart(result, ChartChoice("bar", "x", "y"), key="chart"))
    assert "200 bars" in page.info[0].value


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (None, ChartChoice("line", "at", "a.b[0]")),
        (ChartChoice("bar", "who", "n", "yes"), ChartChoice("bar", "who", "n", "yes")),
        (ChartChoice("bar", "who", "n", "gone"), ChartChoice("bar", "who", "n")),
        (ChartChoice("bar", "gone", "n"), ChartChoice("line", "at", "a.b[0]")),
        (ChartChoice("bar", "n", "who"), ChartChoice("line", "at", "a.b[0]")),
    ],
)
def test_a_chart_fits_its_result(wanted: ChartChoice | None, fits: ChartChoice) -> None:
    """A chart of columns that are not there any more gives way to a guess: times across, numbers up."""
    assert fits == fitting(sample(), wanted)


def test_a_result_without_numbers_has_no_chart(filled: Running) -> None:
    """Where nothing can be drawn, the page says what is missing."""
    tab = run(opened(), "SELECT title FROM v_conversations")
    tab.at.button_group(key="sql-shown").set_value("chart")
    assert "numbers in one of them" in tab.run().box("sql-outcome")


def test_names_and_values_are_not_markdown(filled: Running) -> None:
    """A saved name, a column's name and a text of the result cannot draw an image or a link."""
    evil = "![x](http://192.0.2.1/x.png)"
    keep(filled, evil, f"SELECT '{evil}' AS \"{evil}\", 1 AS n", pinned=True)
    tab = opened(query=filled.host.history.queries.list()[0].id)
    settle(tab.click("sql-run"))
    assert not [drawn for drawn in tab.at.markdown if "](http" in drawn.value and "\\" not in drawn.value]


def test_files_are_made_of_all_rows(filled: Running) -> None:
    """The buttons for files give every row of the statement that was run."""
    tab = run(opened(), "SELECT * FROM range(1500) t(x)")
    assert "there are more" in tab.box("sql-outcome")
    data = do.file("SELECT * FROM range(1500) t(x) WHERE x >= $least", {"least": "1"}, "csv")
    assert 1500 == len(data.decode().splitlines())
    with pytest.raises(InputRefused):
        do.file("COPY messages TO 'x'", {}, "csv")


def test_a_result_survives_leaving_the_page(filled: Running) -> None:
    """Statement and result are there when one comes back."""
    tab = run(opened(), COUNT)
    tab.to("servers").to("history")
    tab.at.query_params[state.SECTION] = SECTION
    assert 3 == len(table(tab.run()))
    assert COUNT == box(tab)


def test_pinned_queries_are_tiles(filled: Running) -> None:
    """Each pinned query is drawn under its name with its rows, as a chart where it has one; others are not."""
    keep(filled, "Not pinned", "SELECT 1 AS x")
    keep(filled, "As a table", COUNT, pinned=True)
    keep(filled, "As a chart", COUNT, ChartChoice("bar", "model", "calls"), pinned=True)
    keep(filled, "Nothing", "SELECT * FROM v_votes", pinned=True)
    keep(filled, "Broken", "SELECT nope FROM v_votes", pinned=True)
    page = drawn(history_sql.tiles)
    until(lambda: "Running" not in written(ran(page)))
    assert "Not pinned" not in written(page)
    assert all(name in written(page) for name in ("As a table", "As a chart", "Nothing", "Broken", "No rows."))
    assert "nope" in page.error[0].value
    assert (1, 1) == (len(page.dataframe), len(page.get("vega_lite_chart")))


def test_without_pins_there_are_no_tiles(filled: Running) -> None:
    """Nothing is drawn where nothing is pinned."""
    keep(filled, "Not pinned", "SELECT 1 AS x")
    page = drawn(history_sql.tiles)
    assert [] == [*page.button, *page.markdown]


def test_a_tile_leads_to_its_query(filled: Running) -> None:
    """Open points the URL at the SQL section and the query."""
    query_id = keep(filled, "Calls", COUNT, pinned=True)
    page = drawn(history_sql.tiles)
    page.button(key=f"tile-open-{query_id}").click()
    ran(page)
    assert ("sql", query_id) == (page.query_params["section"], page.query_params["query"])


def written(page: AppTest) -> str:
    """What people read on a page."""
    return "\n".join(str(line.value) for line in (*page.markdown, *page.caption))
