"""What a statement gave: a line about it, its rows as a table or a chart, and all of them as a file."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, cast

import streamlit as st

from apehost_core.compare.numbers import counted
from apehost_core.history.console import ChartChoice, Limits, Mark, Result, TableFormat
from apehost_ui import state
from apehost_ui.components.history_sql_chart import MARKS, fitting, query_chart

MARK_KEY, X_KEY, Y_KEY, COLOUR_KEY = "sql-mark", "sql-x", "sql-y", "sql-colour"
SHOWN_KEY: Final = "sql-shown"
_FILES: Final[tuple[tuple[TableFormat, str, str], ...]] = (
    ("csv", "CSV", "text/csv"),
    ("parquet", "Parquet", "application/vnd.apache.parquet"),
)
_TABLE_PX = 420
_NO_COLOUR = ""


def result_line(result: Result, limits: Limits) -> str:
    """Return what there is to say about a result: "1,000 rows and more · 34 ms"."""
    rows = counted(len(result.frame), "row")
    parts = [f"The first {rows}; there are more" if result.truncated else rows, f"{result.took_ms:,.0f} ms"]
    if result.cut:
        parts.append(f"texts are cut after {limits.text_characters:,} characters")
    return " · ".join(parts)


def result_table(result: Result, *, key: str) -> None:
    """Draw the rows as a table."""
    # pyarrow, which is among the types that it takes, brings no types of its own.
    st.dataframe(  # pyright: ignore[reportUnknownMemberType]
        result.frame,
        hide_index=True,
        width="stretch",
        height="auto" if len(result.frame) <= 10 else _TABLE_PX,
        key=key,
        placeholder="",
        alt="The rows of the statement",
    )


def result_files(get_file: Callable[[TableFormat], bytes], limits: Limits) -> None:
    """Draw a button for each format; `get_file` is called in a thread of its own once one was pressed."""
    with st.container(horizontal=True, key="sql-files", vertical_alignment="center"):
        for table_format, label, mime in _FILES:
            st.download_button(
                f"All rows as {label}",
                partial(get_file, table_format),
                f"apehost-query.{table_format}",
                mime,
                key=f"sql-file-{table_format}",
                icon=":material/download:",
                on_click="ignore",
                help=f"Up to {limits.export_bytes // 1_000_000} MB and {limits.export_seconds:.0f} s.",
            )


def result_chart(result: Result, wanted: ChartChoice | None) -> ChartChoice | None:
    """Draw the choices and the chart, and return what is chosen; None where nothing can be drawn."""
    first = fitting(result, wanted)
    if first is None:
        st.info("A chart needs two columns, and numbers in one of them.")
        return None
    names = [column.name for column in result.columns]
    numbers = [column.name for column in result.columns if column.kind == "number"]
    with st.container(horizontal=True, key="sql-chart-choices"):
        mark = _choice("Kind", MARK_KEY, {str(name): word for name, word in MARKS.items()}, first.mark)
        x = _choice("Across", X_KEY, dict(zip(names, names, strict=True)), first.x)
        y = _choice("Up", Y_KEY, dict(zip(numbers, numbers, strict=True)), first.y)
        colours = {_NO_COLOUR: "One colour"} | dict(zip(names, names, strict=True))
        colour = _choice("Colour", COLOUR_KEY, colours, first.colour or _NO_COLOUR)
    choice = ChartChoice(cast("Mark", mark), x, y, colour or None)
    query_chart(result, choice, key="sql-chart")
    return choice


def result_switch() -> str:
    """Draw the switch between table and chart and return which is open: "table" or "chart"."""
    state.restore(SHOWN_KEY, "table")
    picked = st.segmented_control(
        "Shown as",
        ["table", "chart"],
        required=True,
        format_func=str.capitalize,
        key=SHOWN_KEY,
        label_visibility="collapsed",
    )
    return picked or "table"


def tile(result: Result, chart: ChartChoice | None, *, key: str) -> None:
    """Draw a pinned query's result: as its chart, else as a table."""
    if result.frame.empty:
        st.caption("No rows.")
        return
    choice = fitting(result, chart) if chart is not None else None
    if choice is None:
        result_table(result, key=f"{key}-table")
    else:
        query_chart(result, choice, key=f"{key}-chart")


def _choice(label: str, key: str, options: Mapping[str, str], value: str) -> str:
    """Draw a list to choose from; what was chosen before and is not there any more gives way to a value.

    Args:
        label: Above it.
        key: Its own.
        options: What each is called.
        value: One of them.
    """
    state.offer(key, tuple(options), value)
    return st.selectbox(label, tuple(options), key=key, format_func=options.__getitem__, width=180)
