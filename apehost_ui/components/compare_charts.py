"""Charts of a comparison: dots with intervals, shares, speed by prompt length, tokens over time.

A contender keeps its colour, its shape and its dashes in all of them, so that none of the three is needed alone. The
colours stand out from both themes' backgrounds (3:1 and more) and from each other, also for people who see fewer.
"""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from apehost_core.compare.measures import BETTER, Measure
from apehost_core.compare.numbers import number, unit_of
from apehost_core.compare.summary import Estimate
from apehost_ui.compare_numbers import MEASURES, quantity, rests_on
from apehost_ui.compare_points import Cloud, Numbers

COLOURS = ("#d16900", "#4d4dff", "#2c9471", "#d10046", "#d13fd1", "#945189")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
_DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (12, 4))
_ROW_PX, _PLOT_PX, _FRAME_PX, _LEGEND_LINE_PX = 66, 250, 56, 28
_ABOVE_PX, _BELOW_PX = -18, 21
_LOG_FROM = 20
_MOST_LABEL_PX = 340
_LEGEND_CHARACTERS = 38
_EMPTY_CONFIG = {"view": {"stroke": None}}
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dot:
    """A line of a dot chart.

    Attributes:
        place: Which colour and shape it has.
        name: Whose number it is.
        value: In the chart's unit.
        low: Where its interval begins; None where none is known.
        high: Where it ends.
        words: The number and what it rests on.
    """

    place: int
    name: str
    value: float
    low: float | None
    high: float | None
    words: str


def interval_chart(
    measure: Measure, found: Mapping[int, Estimate], names: Sequence[str], *, about: frozenset[int] = frozenset()
) -> None:
    """Draw one dot with its interval a contender.

    Args:
        measure: What was measured.
        found: The estimates by place of the contender; at least one.
        names: Of all contenders.
        about: Whose numbers are estimates of ours in part.
    """
    unit = unit_of(measure, max(estimate.value for estimate in found.values()))
    dots = [
        Dot(
            place,
            names[place],
            estimate.value * unit.factor,
            None if estimate.interval is None else estimate.interval.low * unit.factor,
            None if estimate.interval is None else estimate.interval.high * unit.factor,
            f"{quantity(estimate, measure, about=place in about)} · {rests_on(estimate)}",
        )
        for place, estimate in found.items()
    ]
    better = BETTER.get(measure)
    title = f"{unit.word or 'count'}{f', {better} is better' if better else ''}"
    dot_chart(dots, title, alt=f"{MEASURES[measure]}, medians with intervals", key=f"chart-{measure}", zero=True)


def dot_chart(dots: Sequence[Dot], title: str, *, alt: str, key: str, zero: bool) -> None:
    """Draw dots with intervals, one a line, the words above each.

    Args:
        dots: From top to bottom; at least one.
        title: Of the axis.
        alt: What the chart shows; the numbers are added.
        key: Names it on the page.
        zero: The axis begins at 0.
    """
    rows = pd.DataFrame(
        {
            "label": [f"{dot.name}\n{dot.words}" for dot in dots],
            "value": [dot.value for dot in dots],
            "low": [dot.low for dot in dots],
            "high": [dot.high for dot in dots],
            "who": [str(dot.place) for dot in dots],
        }
    )
    x: Spec = {"type": "quantitative", "title": title, "scale": {"zero": zero, "nice": True}, "axis": _numbers()}
    colour = {"field": "who", "type": "nominal", "scale": _scale(rows["who"], COLOURS), "legend": None}
    shape = {**colour, "scale": _scale(rows["who"], SHAPES)}
    y: Spec = {
        "field": "label",
        "type": "nominal",
        "title": None,
        "axis": _LABELS_ABOVE,
        "scale": {"domain": list(rows["label"]), "paddingOuter": 0, "paddingInner": 0},
    }
    tip = [{"field": "label", "type": "nominal", "title": " "}]
    ends: Spec = {"x": {**x, "field": "low"}, "x2": {"field": "high"}}
    spec: Spec = {
        "config": _EMPTY_CONFIG,
        "encoding": {"y": y, "color": colour, "tooltip": tip},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 3, "yOffset": _BELOW_PX}, "encoding": ends},
            {"mark": {"type": "tick", "thickness": 3, "size": 12, "yOffset": _BELOW_PX}, "encoding": {"x": ends["x"]}},
            {
                "mark": {"type": "tick", "thickness": 3, "size": 12, "yOffset": _BELOW_PX},
                "encoding": {"x": {**x, "field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1, "yOffset": _BELOW_PX},
                "encoding": {"x": {**x, "field": "value"}, "shape": shape},
            },
        ],
    }
    told = ". ".join(f"{dot.name}: {dot.words}" for dot in dots)
    _draw(rows, spec, height=_ROW_PX * len(dots) + _FRAME_PX, key=key, alt=f"{alt}. {told}.")


def shares_chart(measure: Measure, shares: Mapping[int, tuple[Numbers, Numbers]], names: Sequence[str]) -> None:
    """Draw which share of a contender's runs took so long or less, as a line of steps each; at least one."""
    largest = max(values[-1] for values, _ in shares.values())
    smallest = min(values[0] for values, _ in shares.values())
    unit = unit_of(measure, largest)
    rows = pd.concat(
        pd.DataFrame({"value": values * unit.factor, "share": share, "who": _wrapped(names[place])})
        for place, (values, share) in shares.items()
    )
    x = _wide("value", f"{MEASURES[measure]} ({unit.word})", smallest * unit.factor, largest * unit.factor)
    y: Spec = {
        "field": "share",
        "type": "quantitative",
        "title": "Share of runs",
        "axis": {"format": ".0%", "tickCount": 5},
        "scale": {"domain": [0, 1]},
    }
    tip = [
        {"field": "who", "title": " "},
        _tip("value", unit.word),
        {"field": "share", "title": "runs", "format": ".0%"},
    ]
    mark = {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5}
    spec = _lines(shares, names, mark, {"x": x, "y": y, "tooltip": tip})
    medians = {names[place]: values[len(values) // 2] * unit.factor for place, (values, _) in shares.items()}
    told = ", ".join(f"{name} {number(value)} {unit.word}" for name, value in medians.items())
    alt = f"{MEASURES[measure]}: share of runs that took so long or less. Half of the runs: {told}."
    _draw(rows, spec, height=_plot_height(shares, names), key=f"chart-shares-{measure}", alt=alt)


def length_chart(cloud: Cloud, names: Sequence[str]) -> None:
    """Draw decode speed against prompt length; at least one point."""
    who: list[int] = cloud.contender.tolist()
    places = sorted(set(who))
    rows = pd.DataFrame({"tokens": cloud.x, "speed": cloud.y, "who": [_wrapped(names[place]) for place in who]})
    x = _wide("tokens", "Prompt tokens", float(cloud.x.min()), float(cloud.x.max()))
    y: Spec = {
        "field": "speed",
        "type": "quantitative",
        "title": "Decode speed (tok/s)",
        "scale": {"zero": False, "nice": True},
        "axis": _numbers(),
    }
    tip = [{"field": "who", "title": " "}, _tip("tokens", "prompt tokens"), _tip("speed", "tok/s")]
    size = 90 if cloud.binned or len(rows) < 500 else 30
    apart = _told_apart(places, names)
    points: Spec = {
        "mark": {"type": "point", "filled": True, "size": size, "opacity": 0.85},
        "encoding": {"shape": apart.pop("shape")},
    }
    spec: Spec = {
        "config": _EMPTY_CONFIG,
        "encoding": {"x": x, "y": y, "tooltip": tip, **apart},
        "layer": [points, *([{"mark": {"type": "line", "strokeWidth": 2}}] if cloud.binned else [])],
    }
    what = "medians by prompt length" if cloud.binned else f"{len(rows):,} runs"
    alt = f"Decode speed against prompt length, {what}: {', '.join(names[place] for place in places)}."
    _draw(rows, spec, height=_plot_height(places, names), key="chart-length", alt=alt)


def timeline_chart(timelines: Mapping[int, Sequence[tuple[float, int]]], names: Sequence[str]) -> None:
    """Draw how the tokens of one answer a contender came, in seconds after its request; at least one."""
    rows = pd.DataFrame(
        [
            (ms / 1000, tokens, _wrapped(names[place]))
            for place, line in timelines.items()
            for ms, tokens in _thinned(line)
        ],
        columns=["seconds", "tokens", "who"],
    )
    x: Spec = {
        "field": "seconds",
        "type": "quantitative",
        "title": "Seconds after the request",
        "scale": {"zero": True, "nice": True},
        "axis": _numbers(),
    }
    y: Spec = {"field": "tokens", "type": "quantitative", "title": "Tokens so far", "axis": _numbers()}
    tip = [{"field": "who", "title": " "}, _tip("seconds", "s"), _tip("tokens", "tokens")]
    mark = {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5}
    spec = _lines(timelines, names, mark, {"x": x, "y": y, "tooltip": tip})
    told = ", ".join(
        f"{names[place]} {line[-1][1]:,} tokens in {number(line[-1][0] / 1000)} s" for place, line in timelines.items()
    )
    _draw(rows, spec, height=_plot_height(timelines, names), key="chart-timeline", alt=f"Tokens over time: {told}.")


def _thinned(line: Sequence[tuple[float, int]]) -> Sequence[tuple[float, int]]:
    stride = -(-len(line) // 300)
    return line if stride <= 1 else [*line[:-1:stride], line[-1]]


def _lines(places: Mapping[int, object], names: Sequence[str], mark: Spec, encoding: Spec) -> Spec:
    """Return a chart of lines that are told apart by colour and dashes."""
    domain = [_wrapped(names[place]) for place in places]
    dashes = [list(_DASHES[place % len(_DASHES)]) for place in places]
    apart = _told_apart(list(places), names)
    del apart["shape"]
    apart["color"]["legend"] = {**_LEGEND, "symbolType": "stroke", "symbolSize": 500, "symbolStrokeWidth": 3}
    apart["strokeDash"] = {**apart["color"], "scale": {"domain": domain, "range": dashes}}
    return {"config": _EMPTY_CONFIG, "mark": mark, "encoding": {**encoding, **apart}}


def _told_apart(places: Sequence[int], names: Sequence[str]) -> Spec:
    domain = [_wrapped(names[place]) for place in places]
    colours = [colour_of(place) for place in places]
    shapes = [shape_of(place) for place in places]
    field: Spec = {"field": "who", "type": "nominal", "legend": _LEGEND}
    return {
        "color": {**field, "scale": {"domain": domain, "range": colours}},
        "shape": {**field, "scale": {"domain": domain, "range": shapes}},
    }


def colour_of(place: int) -> str:
    """Return the colour of the contender at a place of the setup."""
    return COLOURS[place % len(COLOURS)]


def shape_of(place: int) -> str:
    """Return its shape: with its colour one of a kind up to the most contenders that there may be."""
    return SHAPES[place % len(SHAPES)]


def _scale(who: "pd.Series[str]", marks: Sequence[str]) -> Spec:
    domain = list(dict.fromkeys(who))
    return {"domain": domain, "range": [marks[int(place) % len(marks)] for place in domain]}


def _wide(field: str, title: str, low: float, high: float) -> Spec:
    """Return an axis for numbers that may lie far apart: then each step multiplies, and the title says so."""
    axis: Spec = {"field": field, "type": "quantitative", "title": title, "axis": _numbers()}
    if low <= 0 or high < _LOG_FROM * low:
        return {**axis, "scale": {"zero": False, "nice": True}}
    ends = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power in ends for step in (1, 2, 5) if low <= step * 10.0**power <= high]
    scale = {"type": "log", "nice": False, "domain": [low / 1.05, high * 1.05]}
    return {**axis, "title": f"{title}, log scale", "scale": scale, "axis": {**_numbers(), "values": ticks}}


def _wrapped(name: str) -> str:
    """Return a name on as many lines as a legend on a phone has room for."""
    return "\n".join(textwrap.wrap(name, _LEGEND_CHARACTERS)) or name


def _numbers() -> Spec:
    return {"tickCount": 5, "labelOverlap": True, "labelFlush": True}


def _tip(field: str, title: str) -> Spec:
    return {"field": field, "type": "quantitative", "title": title, "format": ",.4~g"}


def _plot_height(places: Iterable[int], names: Sequence[str]) -> int:
    lines = sum(_wrapped(names[place]).count("\n") + 1 for place in places)
    return _PLOT_PX + _FRAME_PX + _LEGEND_LINE_PX * lines


def _draw(rows: pd.DataFrame, spec: Spec, *, height: int, key: str, alt: str) -> None:
    # pyarrow, which is among the types that it takes, brings no types of its own.
    st.vega_lite_chart(rows, spec, height=height, key=key, alt=alt)  # pyright: ignore[reportUnknownMemberType]


_LEGEND: Spec = {
    "title": None,
    "orient": "bottom",
    "direction": "vertical",
    "columns": 1,
    "offset": 4,
    "padding": 0,
    "labelLimit": _MOST_LABEL_PX,
    "labelExpr": "split(datum.label, '\\n')",
}
_LABELS_ABOVE: Spec = {
    "orient": "left",
    "labelAlign": "left",
    "labelPadding": -2,
    "labelOffset": _ABOVE_PX,
    "labelLimit": _MOST_LABEL_PX,
    "labelExpr": "split(datum.label, '\\n')",
    "ticks": False,
    "domain": False,
    "grid": False,
}
