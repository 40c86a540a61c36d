"""What the charts of the history page have in common: colours, axes, legends, tips, and how a chart is drawn.

Series keep their place in all panels of a chart: one colour, one shape, one dash each. What is drawn beyond the six
that people tell apart is left to the table.
"""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pandas as pd
import streamlit as st

from apehost_core.history.charts import Bucket
from apehost_ui.components.compare_charts import COLOURS, SHAPES

Spec = dict[str, Any]
Row = dict[str, Any]
"""One row of a chart's frame, by its columns."""
MOST_SERIES: Final = len(COLOURS)
SOURCES: Final = {"measured": "Measured here", "imported": "Imported, as other programs said"}
"""How the two sources of calls are called above their panels."""
EMPTY_CONFIG: Final[Spec] = {"view": {"stroke": None}, "aria": False}
"""No frame; and no words for each of hundreds of marks, which take long and which nobody can reach: `alt` has them."""
_DASHES: Final = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (12, 4), (4, 2, 1, 2))
_LEGEND_CHARACTERS, _SYMBOL_CHARACTERS = 38, 4
_LEGEND_LINE_PX = 20
_LOG_FROM = 30
_MONTHS_FROM = timedelta(days=200)  # from there on, marks of an axis are months apart
_SHORT: Final = "format(datum.value, datum.value >= 1000 ? '~s' : '~g')"


@dataclass(frozen=True, slots=True)
class Times:
    """What an axis of times covers, on a clock without a zone.

    Attributes:
        bucket: How long the time of one bar or point is.
        start: Where it begins.
        end: Where it ends.
    """

    bucket: Bucket
    start: datetime
    end: datetime


def numbers_axis(ticks: int = 5, *, whole: bool = False) -> Spec:
    """Return how an axis of numbers is labelled: few numbers, none cut, thousands as "12k".

    Args:
        ticks: About how many.
        whole: What is counted has no halves.
    """
    axis: Spec = {"tickCount": ticks, "labelOverlap": True, "labelFlush": True, "labelExpr": _SHORT}
    return {**axis, "tickMinStep": 1} if whole else axis


def amount(field: str, title: str, low: float, high: float, *, zero: bool = False) -> Spec:
    """Return an axis for numbers; where they lie far apart each step multiplies, and the title says so.

    Args:
        field: Column of the rows.
        title: With the unit.
        low: The smallest that is drawn.
        high: The largest.
        zero: The axis begins at 0, however far apart they lie.
    """
    axis: Spec = {"field": field, "type": "quantitative", "title": title, "axis": numbers_axis()}
    if zero or low <= 0 or high < _LOG_FROM * low:
        return {**axis, "scale": {"zero": zero, "nice": True}}
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(powers) < 5 else (1,)
    ticks = [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]
    scale = {"type": "log", "nice": False, "domain": [low / 1.1, high * 1.1]}
    return {**axis, "title": f"{title}, log scale", "scale": scale, "axis": {**numbers_axis(), "values": ticks}}


def moments(times: Times, field: str = "at") -> Spec:
    """Return an axis of times, which stand in the rows as milliseconds of a clock without a zone."""
    form = "%-d %b %H:%M" if times.bucket == "hour" else "%-d %b" if times.end - times.start < _MONTHS_FROM else "%b %Y"
    axis = {"labelOverlap": True, "tickCount": 6, "grid": False, "format": form}
    scale = {"type": "utc", "domain": [_clock(times.start), _clock(times.end)]}
    return {"field": field, "type": "temporal", "title": None, "scale": scale, "axis": axis}


def _clock(at: datetime) -> Spec:
    """Return one end of an axis of times; milliseconds by themselves would be taken for a year there."""
    return {"expr": str(clock_ms(at))}


def tip(field: str, title: str, form: str = ",.4~g") -> Spec:
    """Return a line of numbers for what is shown under the pointer."""
    return {"field": field, "type": "quantitative", "title": title, "format": form}


def words_tip(field: str, title: str = " ") -> Spec:
    """Return a line of words for what is shown under the pointer."""
    return {"field": field, "type": "nominal", "title": title}


def told_apart(names: Sequence[str], *, lines: bool) -> Spec:
    """Return the encodings that tell series apart, by their wrapped names in the column `who`.

    Args:
        names: Of all series, in the order of their places.
        lines: They are lines, told apart by their dashes too; points and bars have their colour alone.
    """
    if len(names) < 2:
        return {"color": {"value": COLOURS[0]}}
    domain = [wrapped(name) for name in names]
    legend = _legend(names)
    if lines:
        legend |= _POINTS
    field: Spec = {"field": "who", "type": "nominal", "legend": legend}
    colours = [COLOURS[place % len(COLOURS)] for place in range(len(names))]
    apart: Spec = {"color": {**field, "scale": {"domain": domain, "range": colours}}}
    if lines:
        dashes = [list(_DASHES[place % len(_DASHES)]) for place in range(len(names))]
        apart["strokeDash"] = {**field, "legend": None, "scale": {"domain": domain, "range": dashes}}
    return apart


def shapes(names: Sequence[str]) -> Spec:
    """Return the encoding of points by the shape of their series; it shares the legend of the lines."""
    if len(names) < 2:
        return {"value": "circle"}
    scale = {"domain": [wrapped(name) for name in names], "range": list(SHAPES[: len(names)])}
    return {"field": "who", "type": "nominal", "legend": {**_legend(names), **_POINTS}, "scale": scale}


def _legend(names: Sequence[str]) -> Spec:
    """Return a legend above the plot: on one line where all names have room on a phone's."""
    if sum(len(name) + _SYMBOL_CHARACTERS for name in names) <= _LEGEND_CHARACTERS:
        return {**_LEGEND, "columns": len(names)}
    return dict(_LEGEND)


def wrapped(name: str) -> str:
    """Return a name on as many lines as a legend on a phone has room for."""
    return "\n".join(textwrap.wrap(name, _LEGEND_CHARACTERS)) or name


def legend_px(names: Sequence[str]) -> int:
    """Return the height that a legend of these series takes."""
    return 0 if len(names) < 2 else _LEGEND_LINE_PX * sum(wrapped(name).count("\n") + 1 for name in names)


def records(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a frame as mappings from the names of its columns."""
    columns = [frame[name].tolist() for name in frame.columns]
    names = [str(name) for name in frame.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def clock_ms(at: datetime) -> float:
    """Return a time without a zone as milliseconds of that clock, as `moments` takes them."""
    return at.replace(tzinfo=UTC).timestamp() * 1000


def draw(rows: Sequence[Row], spec: Spec, *, height: int, key: str, alt: str) -> None:
    """Draw a chart as wide as there is room.

    Args:
        rows: Its data, at least one row.
        spec: In Vega-Lite.
        height: Of the plot in pixels; axes and a legend come on top of it.
        key: Names it on the page.
        alt: What it shows, for those who do not see it.
    """
    # pyarrow, which is among the types that it takes, brings no types of its own.
    sized: Spec = {"config": EMPTY_CONFIG, "autosize": _AS_WIDE_AS_THE_PAGE, "height": height, **spec}
    st.vega_lite_chart(pd.DataFrame(rows), sized, key=key, alt=alt)  # pyright: ignore[reportUnknownMemberType]


_LEGEND: Final[Spec] = {
    "title": None,
    "orient": "top",
    "direction": "vertical",
    "columns": {"expr": "width > 560 ? 3 : 1"},
    "offset": 12,
    "padding": 0,
    "labelLimit": 340,
    "labelExpr": "split(datum.label, '\\n')",
}
_POINTS: Final[Spec] = {"symbolSize": 90, "symbolOpacity": 1, "symbolStrokeWidth": 0}
_AS_WIDE_AS_THE_PAGE: Final[Spec] = {"type": "fit-x", "contains": "padding"}
