"""Speeds against the length of the prompt: one line a model, over spans of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apehost_core.compare.measures import Measure
from apehost_core.compare.numbers import number, unit_of
from apehost_ui.components.history_chart_marks import (
    Row,
    Spec,
    amount,
    draw,
    shapes,
    tip,
    told_apart,
    words_tip,
    wrapped,
)

_PLOT_PX: Final = 230


@dataclass(frozen=True, slots=True)
class Point:
    """A model's speed with prompts of one span, as recorded: ms, or tokens a second.

    Attributes:
        who: The model.
        span: The span in words.
        from_tokens: Where it begins.
        middle: The median.
        low: The 10th percentile.
        high: The 90th percentile.
        n: How many calls it rests on.
    """

    who: str
    span: str
    from_tokens: int
    middle: float
    low: float
    high: float
    n: int


def length_lines(points: Sequence[Point], names: Sequence[str], measure: Measure, title: str, *, key: str) -> None:
    """Draw one line a model with the range of most calls at each span.

    Args:
        points: At least one.
        names: The models in the order of their places.
        measure: What it is, which tells the unit.
        title: Of the axis, without the unit.
        key: Names the chart on the page.
    """
    unit = unit_of(measure, max(point.middle for point in points))
    drawn: list[Row] = [
        {
            "span": _short(point.from_tokens),
            "who": wrapped(point.who),
            "value": point.middle * unit.factor,
            "low": point.low * unit.factor,
            "high": point.high * unit.factor,
            "n": point.n,
            "words": f"{point.span} prompt tokens",
        }
        for point in points
    ]
    spans = [_short(at) for at in sorted({point.from_tokens for point in points})]
    x: Spec = {
        "field": "span",
        "type": "ordinal",
        "title": "Prompt tokens, from",
        "scale": {"domain": spans},
        "axis": {"labelAngle": 0, "labelOverlap": True},
    }
    y = amount("value", f"{title} ({unit.word})", min(row["low"] for row in drawn), max(row["high"] for row in drawn))
    apart = told_apart(names, lines=True)
    colour = {"color": apart["color"]}
    offset = {"xOffset": {"field": "who", "type": "nominal", "scale": {"domain": [wrapped(name) for name in names]}}}
    tips = [words_tip("who"), words_tip("words"), tip("value", f"median, {unit.word}"), tip("low", "10 % below")]
    tips += [tip("high", "10 % above"), tip("n", "calls (n)", ",d")]
    dot = {"y": y, "shape": shapes(names), "tooltip": tips, **colour, **offset}
    ends = {"y": {**y, "field": "low"}, "y2": {"field": "high"}, **colour, **offset}
    layers: list[Spec] = [
        {"mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.5}, "encoding": ends},
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"y": y, **apart, **offset}},
        {"mark": {"type": "point", "filled": True, "size": 60, "opacity": 1}, "encoding": dot},
    ]
    told = "; ".join(f"{point.who}, {point.span} tokens: {number(point.middle * unit.factor)}" for point in points)
    spec: Spec = {"encoding": {"x": x}, "layer": layers}
    draw(drawn, spec, height=_PLOT_PX, key=key, alt=f"{title} ({unit.word}), medians. {told}.")


def _short(tokens: int) -> str:
    return f"{tokens // 1024}k" if tokens >= 1024 else str(tokens)
