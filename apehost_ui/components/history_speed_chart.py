"""The speed of one series by day: medians, what was usual, and the point of change."""

from datetime import UTC, datetime, timedelta
from typing import Final

from apehost_core.compare.numbers import number, unit_of
from apehost_core.history.sentinel import Baseline, Verdict
from apehost_ui.components.compare_charts import COLOURS, SHAPES
from apehost_ui.components.history_chart_marks import Row, Spec, Times, amount, clock_ms, draw, moments, tip, words_tip
from apehost_ui.components.history_speed_words import MEASURES, day, headline, runtime, series_name

_HEIGHT_PX = 190
_PARTS: Final = ("before", "since")
_BESIDE = timedelta(days=1)
_SHOWN = timedelta(days=180)


def speed_chart(verdict: Verdict, *, key: str) -> None:
    """Draw the days of a series, of half a year at most; it has at least one.

    Args:
        verdict: The series.
        key: Names the chart on the page.
    """
    first = max(verdict.days[0].at, verdict.days[-1].at - _SHOWN)
    days = [each for each in verdict.days if each.at >= first]
    unit = unit_of(verdict.key.measure, max(each.value for each in days))
    change, baseline = verdict.change, verdict.baseline
    rows: list[Row] = [
        {
            "at": _clock(each.at + timedelta(hours=12)),
            "value": each.value * unit.factor,
            "n": each.calls,
            "when": day(each.at),
            "runtime": runtime(each.runtime),
            "part": "since" if change is not None and each.at + _BESIDE > change.since else "before",
        }
        for each in days
    ]
    ends = [row["value"] for row in rows]
    if baseline is not None:
        ends += [baseline.low * unit.factor, baseline.high * unit.factor]
    times = Times("day", _naive(days[0].at - _BESIDE), _naive(days[-1].at + 2 * _BESIDE))
    x, y = moments(times), amount("value", f"{MEASURES[verdict.key.measure]} ({unit.word})", min(ends), max(ends))
    layers = [] if baseline is None else _usual(baseline, y, unit.factor, times)
    layers.append({"mark": {"type": "line", "strokeWidth": 1, "opacity": 0.5}, "encoding": {"x": x, "y": y}})
    layers.append(_points(x, y, unit.word))
    if change is not None:
        at = {"values": [{"at": _clock(change.since)}]}
        rule = {"type": "rule", "strokeWidth": 2, "strokeDash": [4, 3], "color": COLOURS[3]}
        layers.append({"data": at, "mark": rule, "encoding": {"x": x}})
    draw(rows, {"layer": layers}, height=_HEIGHT_PX, key=key, alt=_told(verdict, rows, unit.word))


def _points(x: Spec, y: Spec, unit: str) -> Spec:
    tips = [words_tip("when"), tip("value", f"median, {unit}"), tip("n", "calls (n)", ",d"), words_tip("runtime", "on")]
    part: Spec = {"field": "part", "type": "nominal", "legend": None}
    return {
        "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
        "encoding": {
            "x": x,
            "y": y,
            "color": {**part, "scale": {"domain": list(_PARTS), "range": [COLOURS[1], COLOURS[0]]}},
            "shape": {**part, "scale": {"domain": list(_PARTS), "range": [SHAPES[0], SHAPES[1]]}},
            "tooltip": tips,
        },
    }


def _usual(baseline: Baseline, y: Spec, factor: float, times: Times) -> list[Spec]:
    """Return the band of what was usual and the line of the baseline."""
    band = {
        "from": clock_ms(times.start),
        "until": clock_ms(times.end),
        "low": baseline.low * factor,
        "high": baseline.high * factor,
        "value": baseline.value * factor,
    }
    x = moments(times, "from")
    across: Spec = {"x": x, "x2": {"field": "until"}}
    data = {"values": [band]}
    return [
        {
            "data": data,
            "mark": {"type": "rect", "opacity": 0.15, "color": COLOURS[1], "clip": True},
            "encoding": {**across, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
        },
        {
            "data": data,
            "mark": {"type": "rule", "strokeWidth": 2, "color": COLOURS[1], "clip": True},
            "encoding": {**across, "y": y},
        },
    ]


def _told(verdict: Verdict, rows: list[Row], unit: str) -> str:
    measure = verdict.key.measure
    lowest, highest = (number(end(row["value"] for row in rows)) for end in (min, max))
    told = f"{MEASURES[measure]} of {series_name(verdict.key)} by day, from {lowest} to {highest} {unit}."
    return told if verdict.change is None else f"{told} {headline(measure, verdict.change)}."


def _clock(at: datetime) -> float:
    return clock_ms(_naive(at))


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)
