"""Charts of one row each: amounts as bars, values with what surrounds them as dots on a line, days against hours."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import streamlit as st

from apehost_core.compare.numbers import counted
from apehost_ui.components.compare_charts import COLOURS
from apehost_ui.components.history_card_words import short
from apehost_ui.components.history_chart_columns import DAYS
from apehost_ui.components.history_chart_marks import (
    Row,
    Spec,
    amount,
    draw,
    numbers_axis,
    tip,
    told_apart,
    words_tip,
    wrapped,
)

Scale = Literal["amount", "share", "ratio"]
MOST_ROWS: Final = 20
_LINE_PX, _LABEL_ROOM_PX, _CELL_PX = 14, 24, 24
_LABEL_PX = 700
_MOST_CHARACTERS: Final = "(width > 560 ? 110 : 58)"
_WITHOUT_MAKER: Final = (
    f"(length(datum.label) > {_MOST_CHARACTERS} ? slice(datum.label, indexof(datum.label, '/') + 1) : datum.label)"
)
_SHORTENED: Final = (
    f"length({_WITHOUT_MAKER}) > {_MOST_CHARACTERS} ? slice({_WITHOUT_MAKER}, 0, {_MOST_CHARACTERS} - 20) + '…'"
    f" + slice({_WITHOUT_MAKER}, -19) : {_WITHOUT_MAKER}"
)
"""A long name on an axis, without its maker, then without its middle: what models differ in stands at both ends."""
_ROOM_BEHIND_BARS = 1.15  # for the number behind the longest one


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a row.

    Attributes:
        row: What the row is called.
        part: What the part is called.
        value: How long it is.
    """

    row: str
    part: str
    value: float


@dataclass(frozen=True, slots=True)
class Range:
    """A value on a line from a lower to a higher one.

    Attributes:
        row: What the line is called.
        who: Of which series it is, told by its colour; several may share a line.
        value: In the chart's unit.
        low: Where the line begins; None where it has no ends.
        high: Where it ends.
        words: The value and what it rests on.
    """

    row: str
    who: str
    value: float
    low: float | None
    high: float | None
    words: str


def bar_rows(bars: Sequence[Bar], parts: Sequence[str], title: str, *, key: str) -> None:
    """Draw one bar a row, its parts beside each other; the longest rows only where there are many.

    Args:
        bars: At least one; the rows are drawn in this order.
        parts: What the parts are called, in their order.
        title: Of the axis, with the unit.
        key: Names the chart on the page.
    """
    rows = list(dict.fromkeys(bar.row for bar in bars))
    drawn: list[Row] = [
        {"row": bar.row, "who": wrapped(bar.part), "value": bar.value, "place": parts.index(bar.part)} for bar in bars
    ]
    totals = {row: sum(bar.value for bar in bars if bar.row == row) for row in rows}
    ends: list[Row] = [{"row": row, "value": total, "words": short(round(total))} for row, total in totals.items()]
    x: Spec = {
        "field": "value",
        "type": "quantitative",
        "title": title,
        "axis": numbers_axis(whole=True),
        "scale": {"domain": [0, max(1, *totals.values()) * _ROOM_BEHIND_BARS], "nice": False},
    }
    order = {"field": "place", "type": "quantitative"}
    tips = [words_tip("row"), *([words_tip("who")] if len(parts) > 1 else []), tip("value", title, ",d")]
    parted = {"x": {**x, "stack": "zero"}, "order": order, "tooltip": tips, **told_apart(parts, lines=False)}
    end: Spec = {"x": x, "text": {"field": "words", "type": "nominal"}}
    told = ", ".join(f"{row}: {total:,.0f}" for row, total in totals.items())
    spec: Spec = {
        "encoding": {"y": _row_axis(rows, 1)},
        "layer": [
            {"mark": {"type": "bar", "size": 12, "yOffset": _LABEL_ROOM_PX / 2}, "encoding": parted},
            {
                "data": {"values": ends},
                "mark": {"type": "text", "align": "left", "dx": 5, "yOffset": _LABEL_ROOM_PX / 2},
                "encoding": end,
            },
        ],
    }
    draw(drawn, spec, height=_row_px(1) * len(rows), key=key, alt=f"{title}. {told}.")


def range_rows(ranges: Sequence[Range], title: str, *, key: str, scale: Scale = "amount") -> None:
    """Draw one line a row, with a dot for the value and the line from its low to its high end.

    Args:
        ranges: At least one; the rows are drawn in this order.
        title: Of the axis, with the unit.
        key: Names the chart on the page.
        scale: Whether values are amounts, shares from 0 to 1, or ratios, of which 1 has a line of its own.
    """
    rows = list(dict.fromkeys(one.row for one in ranges))
    names = list(dict.fromkeys(one.who for one in ranges))
    drawn: list[Row] = [{**asdict(one), "who": wrapped(one.who)} for one in ranges]
    x = _value_axis(ranges, title, scale)
    tips = [words_tip("row"), *([words_tip("who")] if len(names) > 1 else []), words_tip("words")]
    ends: Spec = {"x": {**x, "field": "low"}, "x2": {"field": "high"}}
    encoding = {"y": _row_axis(rows, len(names)), "tooltip": tips, **told_apart(names, lines=False)}
    if len(names) > 1:
        inner = {
            "domain": [wrapped(name) for name in names],
            "paddingInner": 0,
            "range": [_LABEL_ROOM_PX, _row_px(len(names))],
        }
        encoding["yOffset"] = {"field": "who", "type": "nominal", "scale": inner}
    offset = {} if len(names) > 1 else {"yOffset": _LABEL_ROOM_PX / 2}
    at_one = {name: what for name, what in x.items() if name != "field"} | {"datum": 1}
    from_top_to_bottom = {"x": at_one, "y": {"value": 0}, "y2": {"value": "height"}, "color": {"value": COLOURS[1]}}
    same: Spec = {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": from_top_to_bottom}
    layers: list[Spec] = [
        *([same] if scale == "ratio" else []),
        {"mark": {"type": "rule", "strokeWidth": 3, **offset}, "encoding": ends},
        {
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1, **offset},
            "encoding": {"x": {**x, "field": "value"}},
        },
    ]
    told = "; ".join(f"{one.row}{f', {one.who}' if len(names) > 1 else ''}: {one.words}" for one in ranges)
    spec: Spec = {"encoding": encoding, "layer": layers}
    draw(drawn, spec, height=_row_px(len(names)) * len(rows), key=key, alt=f"{title}. {told}.")


def week_chart(rows: Sequence[Row], value: str, noun: str, *, key: str) -> None:
    """Draw days against hours, the more the stronger; what most is in has the full colour.

    Args:
        rows: With weekday (1 Monday - 7), hour (0-23), and the value; all 168 hours.
        value: Column of what is counted.
        noun: What one of it is called.
        key: Names the chart on the page.
    """
    drawn: list[Row] = [
        {
            "day": DAYS[row["weekday"] - 1],
            "hour": row["hour"],
            "value": row[value],
            "when": f"{DAYS[row['weekday'] - 1]}, {row['hour']:02d}:00",
        }
        for row in rows
    ]
    top = max(drawn, key=lambda row: row["value"])
    most = max(1, top["value"])
    hours = {"labelAngle": 0, "values": list(range(0, 24, 3)), "ticks": False, "domain": False}
    strength = {"domain": [0, most], "range": [0.06, 1], "type": "sqrt"}
    encoding: Spec = {
        "x": {
            "field": "hour",
            "type": "ordinal",
            "title": "Hour of the day",
            "axis": hours,
            "scale": {"padding": 0.08},
        },
        "y": {
            "field": "day",
            "type": "ordinal",
            "title": None,
            "sort": list(DAYS),
            "axis": {"ticks": False, "domain": False},
            "scale": {"padding": 0.08},
        },
        "opacity": {"field": "value", "type": "quantitative", "scale": strength, "legend": None},
        "tooltip": [words_tip("when"), tip("value", f"{noun}s", ",d")],
    }
    spec: Spec = {"mark": {"type": "rect", "color": COLOURS[0], "cornerRadius": 2}, "encoding": encoding}
    alt = f"{noun.capitalize()}s by weekday and hour; most in the hour of {top['when']}: {counted(most, noun)}."
    draw(drawn, spec, height=_CELL_PX * len(DAYS), key=key, alt=alt)
    st.caption(f"The stronger, the more. The strongest: {top['when']}, with {counted(top['value'], noun)}.")


def _row_axis(rows: Sequence[str], lines: int) -> Spec:
    """Return the axis of the rows, each of which has its name above so many lines."""
    return {
        "field": "row",
        "type": "nominal",
        "title": None,
        "axis": {**_LABELS, "labelOffset": _LABEL_ROOM_PX / 2 - 1 - _row_px(lines) / 2},
        "scale": {"domain": list(rows), "paddingOuter": 0, "paddingInner": 0},
    }


def _value_axis(ranges: Sequence[Range], title: str, scale: Scale) -> Spec:
    if scale == "share":
        axis = {"format": ".0%", "tickCount": 5}
        return {"type": "quantitative", "title": title, "axis": axis, "scale": {"domain": [0, 1]}}
    ends = [end for one in ranges for end in (one.value, one.low, one.high) if end is not None]
    if scale == "ratio":
        return amount("value", title, min(1.0, *ends), max(1.0, *ends))
    values = [one.value for one in ranges]
    far_apart = min(values) > 0 and max(values) >= 10 * min(values)
    return amount("value", title, min(ends), max(ends), zero=not far_apart)


def _row_px(lines: int) -> int:
    return _LABEL_ROOM_PX + _LINE_PX * lines


_LABELS: Final[Spec] = {
    "orient": "left",
    "labelAlign": "left",
    "labelPadding": -2,
    "labelLimit": _LABEL_PX,
    "labelExpr": _SHORTENED,
    "labelFlush": False,
    "ticks": False,
    "domain": False,
    "grid": False,
    "zindex": 1,
}
