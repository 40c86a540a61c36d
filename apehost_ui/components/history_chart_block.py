"""What stands around a chart: its title, what it rests on, its table, its file and its statement."""

import re
from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import Literal, cast, get_args

import pandas as pd
import streamlit as st
from pandas.api.types import is_numeric_dtype

from apehost_core.compare.numbers import counted
from apehost_core.history.charts import Chart
from apehost_core.store.spreadsheets import harmless_text
from apehost_ui.components.history_chart_columns import MOST_ROWS, table
from apehost_ui.markdown import plain_label

Shown = Literal["Chart", "Table", "SQL"]
_NOTHING = "No call of this time and these filters says anything about it."


def chart_block(
    chart: Chart, draw: Callable[[], None], *, noun: str, unit: str = "ms", on_sql: Callable[[str], None]
) -> None:
    """Draw a chart with all that belongs to it.

    Args:
        chart: What it is.
        draw: Draws the marks; called only when the chart rests on something.
        noun: What its n counts: "call".
        unit: Of columns whose name does not say it.
        on_sql: Opens a statement in the SQL console.
    """
    with st.container(key=f"chart-block-{chart.name}", gap="small"):
        shown = _head(chart, noun)
        # What is not looked at is not drawn: a browser needs as long for table and statement as for the chart.
        if shown == "Table":
            _table(chart, unit)
        elif shown == "SQL":
            _statement(chart, on_sql)
        elif chart.n:
            draw()
        else:
            st.info(_NOTHING)
        if chart.notes:
            st.caption(plain_label(" ".join(chart.notes)))


def _head(chart: Chart, noun: str) -> Shown:
    """Draw the line above a chart and return what is looked at.

    No tabs: their panels are searched for something to focus whenever anything in them changes, and charts have
    hundreds of pieces.
    """
    n = f"n = {counted(chart.n, noun)}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f'<div class="ape-chart-head"><h4>{escape(chart.title)}</h4><span>{escape(n)}</span></div>')
        shown = st.segmented_control(
            f"What is shown of {plain_label(chart.title)}",
            get_args(Shown),
            default="Chart",
            required=True,
            key=f"chart-shown-{chart.name}",
            label_visibility="collapsed",
            width="content",
        )
    return cast("Shown", shown)


def csv(frame: pd.DataFrame) -> bytes:
    """Return a frame as a file of comma-separated values, UTF-8, of which a spreadsheet runs nothing."""
    return frame.map(_harmless).to_csv(index=False).encode()


def _harmless(value: object) -> object:
    return harmless_text(value) if isinstance(value, str) else value


def _table(chart: Chart, unit: str) -> None:
    rows = table(chart.frame, unit)
    numbers = st.column_config.NumberColumn(format="localized")
    # pyarrow, which is among the types that it takes, brings no types of its own.
    st.dataframe(  # pyright: ignore[reportUnknownMemberType]
        rows,
        column_config={str(name): numbers for name in rows.columns if is_numeric_dtype(rows[name])},
        hide_index=True,
        width="stretch",
        height="auto",
        key=f"chart-table-{chart.name}",
        alt=f"{chart.title}, as a table",
        placeholder="",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "CSV",
            lambda: csv(chart.frame),
            _file_name(chart.title),
            "text/csv",
            key=f"chart-csv-{chart.name}",
            icon=":material/download:",
            on_click="ignore",
        )
        total = len(chart.frame)
        if total > MOST_ROWS:
            st.caption(f"The first {MOST_ROWS} of {total:,} rows; the file has all of them.", width="content")


def _statement(chart: Chart, on_sql: Callable[[str], None]) -> None:
    st.code(chart.sql, language="sql", height=300, wrap_lines=True)
    st.button(
        "Open in the SQL console",
        key=f"chart-sql-{chart.name}",
        icon=":material/database:",
        on_click=on_sql,
        args=(chart.sql,),
    )


def _file_name(title: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")
    return f"apehost-{words}-{datetime.now().astimezone():%Y-%m-%d}.csv"
