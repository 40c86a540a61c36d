"""The SQL console as it is meant to be used."""

import io
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from apehost_core.errors import InputRefused
from apehost_core.history.charts import Chart, Scope
from apehost_core.history.console import ColumnKind, Limits, TableFormat, typed
from apehost_core.history.console_examples import EXAMPLES, Example
from apehost_core.store.analytics import Charts
from apehost_core.store.console import Console
from apehost_core.store.database import Database
from tests.integration.console_samples import fill


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Generator[Database, None, None]:
    """An open database that has something in it."""
    database = Database.open(tmp_path_factory.mktemp("data") / "apehost.duckdb")
    fill(database)
    yield database
    database.close()


@pytest.fixture(scope="module")
def console(kept: Database) -> Generator[Console, None, None]:
    """The console over it."""
    with closing(Console(kept)) as console:
        yield console


def test_every_view_and_column_is_described(console: Console) -> None:
    """What may be read says of itself what it is; nothing that is described has an empty sentence."""
    views = {view.name: view for view in console.schema}
    assert {"v_generations", "v_conversations", "v_messages", "v_tool_calls", "v_runs", "v_votes"} <= views.keys()
    assert [] == [view.name for view in console.schema if not view.comment]
    assert [] == [(view.name, column.name) for view in console.schema for column in view.columns if not column.comment]


def test_every_view_can_be_read(console: Console) -> None:
    """All columns of all views come without an error."""
    for view in console.schema:
        result = console.run(f"SELECT * FROM {view.name}", {})
        assert [column.name for column in view.columns] == [column.name for column in result.columns]


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_every_example_runs(console: Console, example: Example) -> None:
    """An example is allowed, its parameters are all filled in, and what it draws are columns of its result."""
    result = console.run(example.sql, {name: typed(value) for name, value in example.parameters})
    names = {column.name for column in result.columns}
    chart = example.chart
    assert chart is None or {chart.x, chart.y, *([chart.colour] if chart.colour else [])} <= names


@pytest.mark.parametrize(
    "draw",
    [
        Charts.usage_by_day,
        Charts.usage_by_model,
        Charts.usage_by_server,
        Charts.ttft_over_time,
        Charts.decode_over_time,
        Charts.speed_by_prompt_length,
        Charts.cold_warm,
        Charts.errors,
        Charts.tools,
        Charts.tool_errors,
        Charts.heat_map,
        lambda charts, scope: charts.compare(scope, scope),
    ],
)
def test_the_statement_of_every_chart_runs(console: Console, kept: Database, draw: Callable[..., Chart]) -> None:
    """What stands behind a chart can be opened in the console, with every filter set."""
    scope = Scope(
        after=datetime(2026, 1, 1, tzinfo=UTC),
        before=datetime(2027, 1, 1, tzinfo=UTC),
        servers=("desk",),
        models=("model-1", "it's"),
        quantisations=("Q4_K_M",),
        kinds=("chat",),
        imported=True,
    )
    assert console.run(draw(Charts(kept), scope).sql, {}).columns


@pytest.mark.parametrize(
    "sql",
    [
        "FROM v_messages SELECT role, count(*) GROUP BY ALL;",
        "WITH messages AS (SELECT * FROM v_messages) SELECT count(*) FROM messages",
        "WITH a AS (SELECT 1 AS x), b AS (SELECT x FROM a) SELECT (SELECT max(x) FROM b) FROM a -- done\n;",
        "SELECT m.text, c.title FROM main.v_messages m JOIN v_conversations c ON c.id = m.conversation_id LIMIT 3",
        "SELECT model, count(*) FILTER (cold) FROM v_generations GROUP BY ROLLUP (model) HAVING count(*) > 1",
        "SELECT id, lag(id) OVER w FROM v_generations WINDOW w AS (ORDER BY id) QUALIFY row_number() OVER () < 4",
        "SELECT day::DATE FROM range(DATE '2026-01-01', DATE '2026-02-01', INTERVAL 1 DAY) t(day)",
        "SELECT text.lower(), regexp_replace(text, 'l+', 'L', 'g'), lpad(role, 12, '.') FROM v_messages LIMIT 2",
        "SELECT sampling ->> 'temperature' FROM v_generations LIMIT 1",
        "SELECT list_filter(models, lambda m: m = title), models[1] FROM v_conversations LIMIT 1",
        "SELECT unnest(string_split(text, ' ')) AS word FROM v_messages LIMIT 10",
        "SELECT started_at AT TIME ZONE 'Europe/Berlin' FROM v_generations LIMIT 1",
        "SELECT * FROM (FROM v_messages PIVOT (count(*) FOR role IN ('user', 'assistant')))",
        "SELECT model, prompt_tokens FROM v_generations UNION ALL BY NAME SELECT 'x' AS model",
        "SELECT * FROM v_generations USING SAMPLE 5 ROWS",
        "DESCRIBE v_messages",
        "SUMMARIZE SELECT role, characters FROM v_messages",
        "VALUES (1, 'a'), (2, 'b')",
        "SELECT '; DROP TABLE messages; -- $not_a_parameter ?'",
        "SELECT $$a;b$$, $t$;$t$ -- ;\n;",
        "SELECT 'é;' AS \"é;\" /* ; */ ; ",
    ],
)
def test_ordinary_statements_run(console: Console, sql: str) -> None:
    """What people write in SELECT is let through."""
    assert console.run(sql, {}).columns


@pytest.mark.parametrize(
    ("expression", "kind", "shown"),
    [
        ("42", "number", 42),
        ("NULL::INTEGER", "number", pd.NA),
        ("1.5::DECIMAL(4, 2)", "number", 1.5),
        ("10::HUGEINT * 1000000000000000000000", "number", 1e22),
        ("'Grüße'", "text", "Grüße"),
        ("true", "boolean", True),
        ("TIMESTAMPTZ '2026-11-01 12:00:00+02'", "time", pd.Timestamp("2026-11-01T10:00:00Z")),
        ("DATE '2026-11-01'", "time", pd.Timestamp("2026-11-01")),
        ("[1, NULL, 3]", "other", "[1, NULL, 3]"),
        ("{'a': 1}", "other", "{'a': 1}"),
        ("INTERVAL 90 MINUTE", "other", "01:30:00"),
        ("'ab'::BLOB", "other", "ab"),
    ],
)
def test_values_are_of_a_kind_that_can_be_drawn(
    console: Console, expression: str, kind: ColumnKind, shown: object
) -> None:
    """Numbers, times, texts and truths come as such; all else comes as text."""
    result = console.run(f"SELECT {expression} AS value", {})
    value = result.frame["value"].iloc[0]
    assert kind == result.columns[0].kind
    assert value is shown if shown is pd.NA else value == shown


def test_times_that_no_table_holds_are_texts(console: Console) -> None:
    """A time out of all bounds is shown as it is written."""
    result = console.run("SELECT TIMESTAMP 'infinity' AS value", {})
    assert "9999" in str(result.frame["value"].iloc[0]) or "inf" in str(result.frame["value"].iloc[0])


def test_equal_names_are_told_apart(console: Console) -> None:
    """Each column of a result has a name of its own."""
    assert ["a", "a_1"] == list(console.run("SELECT 1 AS a, 2 AS a", {}).frame.columns)


def test_rows_are_capped(console: Console) -> None:
    """No more rows come than asked for, and the result says that there are more; exactly as many are not more."""
    more = console.run("SELECT * FROM v_messages", {}, rows=10)
    all_of_them = console.run("SELECT * FROM range(10)", {}, rows=10)
    assert [(10, True), (10, False)] == [(len(one.frame), one.truncated) for one in (more, all_of_them)]


def test_long_texts_are_cut(kept: Database) -> None:
    """A page gets no more than the beginning of a text, and no more than so much text in all."""
    with closing(Console(kept, Limits(text_characters=10, shown_characters=100))) as console:
        result = console.run("SELECT text FROM v_messages", {})
    assert "Hello Hel…" == result.frame["text"].iloc[0]
    assert (11, True, True) == (len(result.frame), result.truncated, result.cut)


def test_parameters_are_found_and_filled_in(console: Console) -> None:
    """Each named parameter is listed once, and its value cannot be anything but a value."""
    sql = "SELECT count(*) AS n FROM v_generations WHERE model = $model OR model = $model AND server = $server"
    assert ("model", "server") == console.check(sql).parameters
    assert [100] == list(console.run(sql, {"model": "model-1", "server": "x", "unused": 1}).frame["n"])
    assert [0] == list(console.run(sql, {"model": "x' OR true --", "server": "x"}).frame["n"])


def test_a_parameter_without_a_value_is_named(console: Console) -> None:
    """The fault says which value is missing."""
    with pytest.raises(InputRefused, match=r"\$model has no value"):
        console.run("SELECT $model", {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("-1.5e3", -1500.0),
        ("true", True),
        ("", None),
        ("2026-11-25", date(2026, 11, 25)),
        ("2026-11-25 14:30", datetime(2026, 11, 25, 14, 30)),  # noqa: DTZ001 -- typed without a zone
        ("2026-11-25T14:30:00Z", datetime(2026, 11, 25, 14, 30, tzinfo=UTC)),
        ("2026-13-45", "2026-13-45"),
        ("qwen3", "qwen3"),
        ("'42'", "42"),
        ("''", ""),
        ("00123456789012345678901", 123456789012345678901.0),
    ],
)
def test_what_is_typed_for_a_parameter(text: str, value: object) -> None:
    """A number, a day and a time are what they look like; what stands in quotes is text."""
    assert value == typed(text)
    assert type(value) is type(typed(text))


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELECT 1,\n  getenv('X')", "Line 2, character 3"),
        ("SELECT 'é', getenv('X')", "Line 1, character 13"),
        ("SELECT *\nFROM messages", "Line 2, character 6"),
        ("SELECT nope\nFROM v_messages", "Line 1"),
        ("SELECT * FROM v_messages\nWHERE", "Line 2, character 1"),
    ],
)
def test_a_refusal_says_where(console: Console, sql: str, place: str) -> None:
    """Line and character of what is wrong are named, counted in characters."""
    with pytest.raises(InputRefused) as raised:
        console.run(sql, {})
    assert place in raised.value.fault.cause


def test_a_table_is_answered_with_its_view(console: Console) -> None:
    """Who asks for a table hears of the view over it."""
    with pytest.raises(InputRefused, match="Did you mean v_messages"):
        console.run("SELECT * FROM messages", {})


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
def test_the_order_is_kept(console: Console, tmp_path: Path, table_format: TableFormat) -> None:
    """Rows come in the order that the statement asks for, on the page as in files."""
    sql = "SELECT i, i::VARCHAR AS text FROM range(300000) t(i) ORDER BY hash(i)"
    path = tmp_path / f"x.{table_format}"
    path.write_bytes(console.export(sql, {}, table_format))
    with duckdb.connect() as reading:
        wanted = [i for (i,) in reading.execute("SELECT i FROM range(300000) t(i) ORDER BY hash(i)").fetchall()]
        written = [i for (i,) in reading.execute(f"SELECT i FROM '{path}'").fetchall()]
    assert wanted == written
    assert wanted[:1000] == list(console.run(sql, {}).frame["i"])


def test_all_rows_come_as_csv(console: Console) -> None:
    """The file has every row, with a header, whatever the page shows; no text in it is a formula."""
    data = console.export("SELECT i, '=1+1' AS f FROM range(2500) t(i) WHERE i >= $least", {"least": 1}, "csv")
    rows = pd.read_csv(io.BytesIO(data))
    assert (2499, ["i", "f"], {"'=1+1"}) == (len(rows), list(rows.columns), set(rows["f"]))


def test_all_rows_come_as_parquet(console: Console, tmp_path: Path) -> None:
    """The file has every row, and its values are as they were."""
    path = tmp_path / "x.parquet"
    path.write_bytes(console.export("SELECT id, text FROM v_messages; -- all", {}, "parquet"))
    with duckdb.connect() as reading:
        (found,) = reading.execute(f"SELECT count(*), min(text) FROM '{path}'").fetchall()
    assert (3000, "Hello " * 20) == found


def test_what_came_of_a_call_is_derived_in_the_view(console: Console) -> None:
    """Speeds are computed, and what is imported is told apart from what is measured."""
    result = console.run("SELECT DISTINCT ttft_ms, decode_tok_s, source FROM v_generations", {})
    assert [(100.0, 100.0, "measured")] == list(result.frame.itertuples(index=False, name=None))


def test_the_reasoning_is_taken_out_of_the_parts(console: Console) -> None:
    """Reasoning is a column of its own."""
    assert ["Hm."] == list(console.run("SELECT DISTINCT reasoning FROM v_messages", {}).frame["reasoning"])
