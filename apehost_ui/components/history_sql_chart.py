"""The rows of a statement as a chart: which kinds of charts there are, a first guess, and how they are drawn."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from apehost_core.history.console import ChartChoice, ColumnKind, Mark, Result, ResultColumn
from apehost_ui.components.history_chart_marks import (
    EMPTY_CONFIG,
    MOST_SERIES,
    Spec,
    legend_px,
    numbers_axis,
    told_apart,
    wrapped,
)

MARKS: Final[dict[Mark, str]] = {"bar": "Bars", "line": "Lines", "area": "Areas", "point": "Points"}
_USUAL: Final[dict[ColumnKind, Mark]] = {"time": "line", "number": "point"}
_PLOT_PX = 320
_MOST_BARS = 200
_REST = "All others"


def fitting(result: Result, wanted: ChartChoice | None) -> ChartChoice | None:
    """Return how a result is drawn: as wanted where it has the columns, else as it is best guessed; None for no way."""
    numbers = [column.name for column in result.columns if column.kind == "number"]
    names = [column.name for column in result.columns]
    if wanted is not None and wanted.x in names and wanted.y in numbers:
        return wanted if wanted.colour in (None, *names) else ChartChoice(wanted.mark, wanted.x, wanted.y)
    return _guess(result.columns, numbers)


def _guess(columns: Sequence[ResultColumn], numbers: Sequence[str]) -> ChartChoice | None:
    ranked = sorted(columns, key=lambda column: ("time", "text", "boolean", "other", "number").index(column.kind))
    for x in ranked:
        y = next((name for name in numbers if name != x.name), None)
        if y is not None:
            return ChartChoice(_USUAL.get(x.kind, "bar"), x.name, y)
    return None


def query_chart(result: Result, choice: ChartChoice, *, key: str) -> None:
    """Draw a result as chosen.

    Args:
        result: At least one row.
        choice: Its columns are the result's, `y` being one of numbers.
        key: Names it on the page.
    """
    kinds = {column.name: column.kind for column in result.columns}
    rows = pd.DataFrame({"x": result.frame[choice.x], "y": result.frame[choice.y].astype("float64")})
    rows = rows[rows["x"].notna() & rows["y"].notna()]
    names: list[str] = []
    if choice.colour is not None:
        names, rows["who"] = _series(result.frame[choice.colour].reindex(rows.index))
    if choice.mark == "bar" and kinds[choice.x] != "text":
        rows["x"] = _labels(rows["x"])
    if rows.empty:
        st.info("There is no row with both values.")
        return
    if choice.mark == "bar" and rows["x"].nunique() > _MOST_BARS:
        st.info(f"More than {_MOST_BARS} bars cannot be told apart. Group more, or draw lines or points.")
        return
    spec = _spec(choice, kinds[choice.x], names)
    height = _PLOT_PX + legend_px(names)
    # pyarrow, which is among the types that it takes, brings no types of its own.
    st.vega_lite_chart(  # pyright: ignore[reportUnknownMemberType]
        rows, spec, height=height, key=key, alt=f"{choice.y} by {choice.x}"
    )


def _series(values: "pd.Series[Any]") -> tuple[list[str], "pd.Series[Any]"]:
    """Return the names of the series, and of each row its wrapped one; the rarer ones are taken together."""
    names = values.astype("string").fillna("Empty")
    common = [str(name) for name in names.value_counts().index]
    if len(common) > MOST_SERIES:
        common = common[: MOST_SERIES - 1]
        names = names.where(names.isin(common), _REST)
        return [*sorted(common), _REST], names.map(lambda name: wrapped(str(name)))
    return sorted(common), names.map(lambda name: wrapped(str(name)))


def _labels(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return what stands under a bar."""
    if not isinstance(values.dtype, pd.DatetimeTZDtype) and values.dtype.kind != "M":
        return values.astype("string")
    times = pd.to_datetime(values)
    days = (times == times.dt.normalize()).all()
    return times.dt.strftime("%Y-%m-%d" if days else "%Y-%m-%d %H:%M")


def _spec(choice: ChartChoice, kind: str, names: Sequence[str]) -> Spec:
    across: Spec = {"field": "x", "title": choice.x}
    if choice.mark == "bar" or kind in ("text", "boolean", "other"):
        across |= {"type": "nominal", "sort": None, "axis": {"labelLimit": 160, "labelOverlap": True}}
    elif kind == "time":
        across |= {"type": "temporal", "scale": {"type": "utc"}}
    else:
        across |= {"type": "quantitative", "scale": {"zero": False}, "axis": numbers_axis()}
    zero = choice.mark in ("bar", "area")
    up: Spec = {
        "field": "y",
        "type": "quantitative",
        "title": choice.y,
        "axis": numbers_axis(),
        "scale": {"zero": zero},
    }
    tips = [
        {"field": "x", "type": across["type"], "title": choice.x},
        {"field": "y", "type": "quantitative", "title": choice.y, "format": ",.4~g"},
    ]
    if names:
        tips.append({"field": "who", "type": "nominal", "title": choice.colour})
    mark = {
        "line": {"type": "line", "point": True},
        "bar": {"type": "bar"},
        "area": {"type": "area", "opacity": 0.7},
        "point": {"type": "point", "filled": True, "size": 40},
    }[choice.mark]
    apart = told_apart(names, lines=choice.mark == "line")
    return {"config": EMPTY_CONFIG, "mark": mark, "encoding": {"x": across, "y": up, "tooltip": tips, **apart}}
