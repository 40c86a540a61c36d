"""What each chart of the history page draws of its frame, the two sources of calls apart."""

from collections.abc import Sequence
from typing import Final, Literal

import streamlit as st

from apehost_core.compare.measures import Measure
from apehost_core.compare.numbers import Unit, counted, number, percent, unit_of
from apehost_core.history.charts import Chart
from apehost_ui.components.history_chart_columns import error_words, kind_words, model_words, span_words
from apehost_ui.components.history_chart_lengths import Point, length_lines
from apehost_ui.components.history_chart_marks import MOST_SERIES, Row, Times, records
from apehost_ui.components.history_chart_rows import MOST_ROWS, Bar, Range, bar_rows, range_rows, week_chart
from apehost_ui.components.history_chart_time import bars_over_time, leading, panels, spread_over_time

Amount = Literal["calls", "tokens"]
_TOKENS: Final = {"prompt_tokens": "prompts", "completion_tokens": "answers"}
_SPEEDS: Final[tuple[tuple[Measure, str, str], ...]] = (
    ("ttft_ms", "Time to first token", "ttft"),
    ("decode_tok_s", "Speed of writing", "decode"),
)
_STATES: Final = {"cold": "cold", "warm": "warm", "unknown": "not known"}


def usage(chart: Chart, times: Times, amount: Amount) -> None:
    """Draw calls or tokens over time; tokens of one series are those of prompts and of answers."""
    rows = _named(chart) if amount == "calls" else _tokens(_named(chart))
    names = leading(rows, "series", amount)
    for source, part in panels(rows):
        key = f"chart-{chart.name}-{source}"
        bars_over_time(part, times, names, value=amount, title=amount.capitalize(), key=key)


def usage_of(chart: Chart, name: Literal["model", "server"], amount: Amount) -> None:
    """Draw calls or tokens of each model or server, the most first."""
    for source, rows in panels(records(chart.frame)):
        if amount == "tokens":
            rows.sort(key=lambda row: row["prompt_tokens"] + row["completion_tokens"], reverse=True)
        called = [model_words(row["model"], row["quantisation"]) if name == "model" else row["server"] for row in rows]
        key = f"chart-{chart.name}-{source}"
        shown = list(zip(called, rows, strict=True))[:MOST_ROWS]
        if amount == "calls":
            bars = [Bar(who, "without error", row["calls"] - row["failed"]) for who, row in shown]
            bars += [Bar(who, "failed", row["failed"]) for who, row in shown]
            bar_rows(bars, ("without error", "failed"), "Calls", key=key)
        else:
            bars = [Bar(who, part, row[column]) for who, row in shown for column, part in _TOKENS.items()]
            bar_rows(bars, tuple(_TOKENS.values()), "Tokens", key=key)
        _left_out(len(rows) - MOST_ROWS, "model" if name == "model" else "server")


def series(*charts: Chart) -> list[str]:
    """Return the names of the series of charts, those that rest on most first: one order, and so one colour in all."""
    return leading([row for chart in charts for row in _named(chart)], "series", "n")


def spread(chart: Chart, times: Times, measure: Measure, names: Sequence[str]) -> None:
    """Draw a speed over time, of as many of the named series as are told apart."""
    rows = _named(chart)
    shown = names[:MOST_SERIES]
    for source, part in panels([row for row in rows if row["series"] in shown]):
        spread_over_time(part, times, shown, measure=measure, title=chart.title, key=f"chart-{chart.name}-{source}")
    _left_out(len(names) - len(shown), "line")


def lengths(chart: Chart) -> None:
    """Draw the time to first token and the speed of writing against the length of the prompt."""
    rows = [{**row, "n": row["ttft_n"] + row["decode_n"]} for row in _with_models(chart)]
    names = leading([row for row in rows if row["n"]], "who", "n")
    shown = names[:MOST_SERIES]
    for measure, title, column in _SPEEDS:
        known = [row for row in rows if row[f"{column}_n"]]
        for source, part in panels([row for row in known if row["who"] in shown]):
            points = [_point(row, column) for row in part]
            length_lines(points, shown, measure, title, key=f"chart-{chart.name}-{column}-{source}")
        _left_out(len(names) - len(shown), "model")


def cold_starts(chart: Chart) -> None:
    """Draw the time to first token of each model, cold beside warm."""
    rows = _with_models(chart)
    names = leading(rows, "who", "calls")
    shown, states = names[:MOST_ROWS], list(_STATES)
    for source, part in panels([row for row in rows if row["who"] in shown]):
        unit = unit_of("ttft_ms", max(row["ttft_p50"] for row in part))
        part.sort(key=lambda row: (shown.index(row["who"]), states.index(row["state"])))
        ranges = [_range(row, "ttft", unit, row["who"], _STATES[row["state"]]) for row in part]
        range_rows(ranges, f"Time to first token ({unit.word})", key=f"chart-{chart.name}-{source}")
    _left_out(len(names) - len(shown), "model")


def errors(chart: Chart, times: Times) -> None:
    """Draw failed calls over time, by kind."""
    rows: list[Row] = [{**row, "series": error_words(row["error_kind"])} for row in records(chart.frame)]
    names = leading([row for row in rows if row["failed"]], "series", "failed")
    for source, part in panels(rows):
        title = _of_one("Failed calls", names)
        bars_over_time(part, times, names, value="failed", title=title, key=f"chart-{chart.name}-{source}")
        failed, calls = sum(row["failed"] for row in part), _calls(part)
        st.caption(f"{failed:,} of {counted(calls, 'call')} failed ({percent(failed / calls)} %).")


def tools(chart: Chart) -> None:
    """Draw how often tools succeed, with intervals, and how long they take."""
    for source, rows in panels(records(chart.frame)):
        rates = [_rate(row) for row in rows if row["counted"]][:MOST_ROWS]
        if rates:
            range_rows(rates, "Share of calls that succeeded", key=f"chart-{chart.name}-{source}", scale="share")
        timed = [row for row in rows if row["ms_n"]][:MOST_ROWS]
        if timed:
            unit = unit_of("total_ms", max(row["ms_p50"] for row in timed))
            ranges = [_range(row, "ms", unit, row["tool"]) for row in timed]
            range_rows(ranges, f"Time of a call ({unit.word})", key=f"chart-{chart.name}-ms-{source}")
        _left_out(len(rows) - MOST_ROWS, "tool")


def tool_errors(chart: Chart) -> None:
    """Draw how tool calls go wrong: one bar a tool, parted by kind."""
    for source, rows in panels(records(chart.frame)):
        said: list[Row] = [{**row, "kind": error_words(row["error_kind"])} for row in rows]
        shown, kinds = leading(said, "tool", "calls")[:MOST_ROWS], leading(said, "kind", "calls")[:MOST_SERIES]
        bars = [
            Bar(tool, kind, sum(row["calls"] for row in said if row["tool"] == tool and row["kind"] == kind))
            for tool in shown
            for kind in kinds
        ]
        bar_rows([bar for bar in bars if bar.value], kinds, _of_one("Calls", kinds), key=f"chart-{chart.name}-{source}")


def week(chart: Chart, amount: Amount) -> None:
    """Draw when in the week calls are made, or answers written."""
    column, noun = ("calls", "call") if amount == "calls" else ("completion_tokens", "answer token")
    week_chart(records(chart.frame), column, noun, key=f"chart-{chart.name}")


def _named(chart: Chart) -> list[Row]:
    return [{**row, "series": kind_words(row["series"])} for row in records(chart.frame)]


def _with_models(chart: Chart) -> list[Row]:
    return [{**row, "who": model_words(row["model"], row["quantisation"])} for row in records(chart.frame)]


def _tokens(rows: Sequence[Row]) -> list[Row]:
    if {row["series"] for row in rows} == {"all"}:
        return [{**row, "series": part, "tokens": row[column]} for row in rows for column, part in _TOKENS.items()]
    return [{**row, "tokens": row["prompt_tokens"] + row["completion_tokens"]} for row in rows]


def _calls(rows: Sequence[Row]) -> int:
    return sum({row["starts_at"]: row["calls"] for row in rows}.values())


def _point(row: Row, measure: str) -> Point:
    low, middle, high = (row[f"{measure}_{end}"] for end in ("p10", "p50", "p90"))
    return Point(row["who"], span_words(row["from_tokens"]), row["from_tokens"], middle, low, high, row[f"{measure}_n"])


def _rate(row: Row) -> Range:
    words = (
        f"{percent(row['share'])} % [{percent(row['low'])}-{percent(row['high'])}], {row['succeeded']:,} of "
        f"{counted(row['counted'], 'call')}"
    )
    return Range(row["tool"], "", row["share"], row["low"], row["high"], words)


def _range(row: Row, prefix: str, unit: Unit, name: str, who: str = "") -> Range:
    """Return the median of a row's values, with the ends between which most of them lie."""
    low, middle, high = (row[f"{prefix}_{end}"] * unit.factor for end in ("p10", "p50", "p90"))
    words = f"median {number(middle)} {unit.word}, most from {number(low)} to {number(high)} {unit.word}"
    words += f", {counted(row[f'{prefix}_n'], 'call')}"
    if row.get("load_n"):
        words += f"; before that the load: median {number(row['load_p50'] / 1000)} s"
    return Range(name, who, middle, low, high, words)


def _of_one(title: str, kinds: Sequence[str]) -> str:
    """Return the title of an axis, which names the kind where it is the only one: a legend has no such place then."""
    return f"{title} ({kinds[0]})" if len(kinds) == 1 else title


def _left_out(more: int, noun: str) -> None:
    if more > 0:
        st.caption(f"{counted(more, f'more {noun}')}: see the table.")
