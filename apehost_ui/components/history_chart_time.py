"""Charts over time: bars of calls, tokens and failures; lines of speeds with the band that most calls lie in."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from apehost_core.compare.measures import Measure
from apehost_core.compare.numbers import number, unit_of
from apehost_core.history.charts import Bucket
from apehost_ui.components.history_chart_marks import (
    MOST_SERIES,
    SOURCES,
    Row,
    Spec,
    Times,
    amount,
    clock_ms,
    draw,
    moments,
    numbers_axis,
    shapes,
    tip,
    told_apart,
    words_tip,
    wrapped,
)

OTHERS: Final = "others"
_BARS_PX, _LINES_PX = 190, 230
_MOST_DOTS = 120
_MOST_BANDS = 3
_WIDTHS: Final[dict[Bucket, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}
_FORMATS: Final[dict[Bucket, str]] = {
    "hour": "%a {day} %b %Y, %H:00",
    "day": "%a {day} %b %Y",
    "week": "week of {day} %b %Y",
    "month": "%B %Y",
}


def panels(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Yield (source, its rows); a heading is drawn above each where there are imported calls among them."""
    found = [source for source in SOURCES if any(row["source"] == source for row in rows)]
    for source in found:
        if found != ["measured"]:
            st.caption(SOURCES[source])
        yield source, [row for row in rows if row["source"] == source]


def leading(rows: Iterable[Row], column: str, weight: str) -> list[str]:
    """Return the values of a column with the greatest sums of another one, the greatest first."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row[column]] += row[weight]
    return [name for name, _ in sums.most_common()]


def bars_over_time(
    rows: Sequence[Row], times: Times, names: Sequence[str], *, value: str, title: str, key: str
) -> None:
    """Draw stacked bars over time, one colour a series; those of the least series are one.

    Args:
        rows: With starts_at (without a zone), series, and the value; at least one.
        times: What the axis covers.
        names: Of all series, the greatest first.
        value: Column of what is counted.
        title: Of the axis, with the unit.
        key: Names the chart on the page.
    """
    if len(names) > MOST_SERIES:
        names = [*names[: MOST_SERIES - 1], OTHERS]
    sums: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
    for row in rows:
        sums[row["starts_at"]][row["series"] if row["series"] in names else OTHERS] += row[value]
    drawn = [bar for at, parts in sorted(sums.items()) for bar in _stack(at, parts, names, times.bucket)]
    if not drawn:
        return
    axis = numbers_axis(whole=True)
    y: Spec = {"field": "from", "type": "quantitative", "title": title, "axis": axis, "scale": {"zero": True}}
    tips = [words_tip("when"), *([words_tip("who")] if len(names) > 1 else []), tip("value", title, ",d")]
    encoding = {"x": moments(times), "x2": {"field": "until"}, "y": y, "y2": {"field": "to"}, "tooltip": tips}
    mark = {"type": "rect", "clip": True}
    spec: Spec = {"mark": mark, "encoding": {**encoding, **told_apart(names, lines=False)}}
    total, begins, ends = sum(row[value] for row in rows), when(min(sums), times.bucket), when(max(sums), times.bucket)
    alt = f"{title} over time, {total:,} all in all, from {begins} to {ends}."
    draw(drawn, spec, height=_BARS_PX, key=key, alt=alt)


def spread_over_time(
    rows: Sequence[Row], times: Times, names: Sequence[str], *, measure: Measure, title: str, key: str
) -> None:
    """Draw medians over time as lines, with the band from the 10th to the 90th percentile of few series.

    Args:
        rows: With starts_at (without a zone), series (one of the names), p10, p50, p90 and n; at least one.
        times: What the axis covers.
        names: Of all series; no more than people tell apart.
        measure: What it is, which tells the unit.
        title: Of the axis, without the unit.
        key: Names the chart on the page.
    """
    unit = unit_of(measure, max(row["p50"] for row in rows))
    drawn: list[Row] = [
        {
            "at": (clock_ms(row["starts_at"]) + clock_ms(_end(row["starts_at"], times.bucket))) / 2,
            **{column: row[column] * unit.factor for column in ("p10", "p50", "p90")},
            "n": row["n"],
            "who": wrapped(row["series"]),
            "when": when(row["starts_at"], times.bucket),
        }
        for row in rows
    ]
    band = len(names) <= _MOST_BANDS
    low, high = min(row["p10" if band else "p50"] for row in drawn), max(row["p90" if band else "p50"] for row in drawn)
    y = amount("p50", f"{title} ({unit.word})", low, high)
    alt = f"{title} over time. {_medians(drawn, names, unit.word)}"
    layers = _lines(names, y, unit.word, band=band, dots=len(drawn) <= _MOST_DOTS)
    spec: Spec = {"encoding": {"x": moments(times)}, "layer": layers}
    draw(drawn, spec, height=_LINES_PX, key=key, alt=alt)


def when(at: datetime, bucket: Bucket) -> str:
    """Return the time of a bar or a point in words: "Tue 3 Nov 2026", "week of 2 Nov 2026"."""
    return at.strftime(_FORMATS[bucket].replace("{day}", str(at.day)))


def _stack(at: datetime, parts: Mapping[str, int], names: Sequence[str], bucket: Bucket) -> Iterator[Row]:
    """Yield the parts of one bar from the bottom up."""
    top = 0
    for name in names:
        if value := parts.get(name, 0):
            ends = {"at": clock_ms(at), "until": clock_ms(_end(at, bucket)), "from": top, "to": top + value}
            yield {**ends, "value": value, "who": wrapped(name), "when": when(at, bucket)}
            top += value


def _lines(names: Sequence[str], y: Spec, unit: str, *, band: bool, dots: bool) -> list[Spec]:
    tips = [words_tip("when"), *([words_tip("who")] if len(names) > 1 else []), tip("p50", f"median, {unit}")]
    tips += [tip("p10", "10 % below"), tip("p90", "10 % above"), tip("n", "calls (n)", ",d")]
    apart = told_apart(names, lines=True)
    colour = {"color": apart["color"]}
    layers: list[Spec] = []
    if band:
        ends = {"y": {**y, "field": "p10"}, "y2": {"field": "p90"}}
        layers.append({"mark": {"type": "area", "opacity": 0.18}, "encoding": {**ends, **colour}})
    layers.append({"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"y": y, **apart}})
    if dots or len(names) > 1:
        points: Spec = {"type": "point", "filled": True, "size": 55, "opacity": 1 if dots else 0}
        layers.append({"mark": points, "encoding": {"y": y, "shape": shapes(names), "tooltip": tips, **colour}})
    else:
        layers.append({"mark": {"type": "rule", "strokeWidth": 8, "opacity": 0}, "encoding": {"tooltip": tips}})
    return layers


def _medians(drawn: Sequence[Row], names: Sequence[str], unit: str) -> str:
    pieces: list[str] = []
    for name in names:
        values = [row["p50"] for row in drawn if row["who"] == wrapped(name)]
        if not values:
            continue
        pieces.append(f"{name}: medians from {number(min(values))} to {number(max(values))} {unit}")
    return f"{'; '.join(pieces)}."


def _end(start: datetime, bucket: Bucket) -> datetime:
    if bucket == "month":
        return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return start + _WIDTHS[bucket]
