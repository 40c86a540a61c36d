"""The two sides of a comparison of what is on record: which time and which models each has, and how they do."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, cast

import streamlit as st

from apehost_core.compare.numbers import number, percent, unit_of
from apehost_core.history.charts import Chart, Options, Scope
from apehost_ui.components.grid import grid
from apehost_ui.components.history_chart_marks import Row, records
from apehost_ui.components.history_chart_rows import Range, range_rows
from apehost_ui.components.history_chart_scope import Asked, model_fields, narrowed
from apehost_ui.history_periods import Dates, earlier, in_words, period
from apehost_ui.markdown import plain_label

SideName = Literal["left", "right"]
_SIDES: Final[dict[SideName, str]] = {"left": "A", "right": "B"}
_TIMES: Final = ("the time above", "the time before that", "dates")
_URL: Final = "query-params"
MEASURES: Final = {
    "ttft_ms": "Time to first token",
    "decode_tok_s": "Decode speed",
    "prompt_tok_s": "Prompt speed",
    "total_ms": "Time of a whole answer",
    "prompt_tokens": "Tokens of a prompt",
    "completion_tokens": "Tokens of an answer",
    "failed_share": "Failed calls",
    "cut_share": "Answers cut at the token limit",
}
"""What each measure is called, in the order in which they are shown."""
_BETTER: Final = {"lower": "lower is better", "higher": "higher is better", "": ""}


@dataclass(frozen=True, slots=True)
class Side:
    """One side.

    Attributes:
        scope: Which calls are on it.
        words: What it is called.
    """

    scope: Scope
    words: str


def sides(options: Options, asked: Asked, now: datetime) -> tuple[Side, Side] | None:
    """Draw the fields of both sides and return what they say; None where they say no two sides, which is told.

    Args:
        options: What there is to choose from.
        asked: What the bar above says; what a side leaves open is taken from it.
        now: With its zone.
    """
    with st.container(horizontal=True, key="sides"):
        found = [_side(name, options, asked, now) for name in _SIDES]
    left, right = found
    if left is None or right is None:
        st.info('All time has no time before it. Choose "the time above" for that side, dates, or a period above.')
        return None
    if left.scope == right.scope:
        st.info("Both sides are the same. Choose another time or other models for one of them.")
        return None
    return left, right


def compared(chart: Chart, left: Side, right: Side) -> None:
    """Draw how many times A's number B's is, with intervals, what the data supports, and all numbers as a table."""
    rows = records(chart.frame)
    known = [row for row in rows if row["ratio"] == row["ratio"] and row["ratio"] > 0]
    st.caption(plain_label(f"A: {left.words} | B: {right.words}"))
    for column, side in zip(_SIDES, (left, right), strict=True):
        if not any(row[f"{column}_n"] for row in rows):
            words = plain_label(f"{_SIDES[column]} has no calls: {side.words}")
            st.info(f"{words}. Choose another time or other models for it.")
    if known:
        ranges = [_ratio(row) for row in known]
        range_rows(ranges, "B / A (1 is the same)", key="chart-compare-ratios", scale="ratio")
    if sentences := [_verdict(row) for row in rows if row["apart"]]:
        st.markdown("\n".join(f"- {plain_label(sentence)}" for sentence in sentences))
    lines = [_line(row) for row in rows if row["left_n"] or row["right_n"]]
    if lines:
        grid(lines, key="chart-compare-table", alt="Both sides, measure by measure")


def _side(name: SideName, options: Options, asked: Asked, now: datetime) -> Side | None:
    with st.container(border=True, width=320, key=f"side-{name}"):
        st.markdown(f"**{_SIDES[name]}**")
        time = st.selectbox("Time", _TIMES, index=1 if name == "left" else 0, key=f"{name}_time", bind=_URL)
        when = asked.period
        zone = asked.scope.time_zone
        if time == _TIMES[2]:
            first = st.date_input("From", value=None, key=f"{name}_from", bind=_URL)
            last = st.date_input("To, that day included", value=None, key=f"{name}_to", bind=_URL)
            when = period("custom", Dates(first, last), now, zone)
        keys = {key: f"{name}_{key}" for key in ("servers", "models", "quantisations")}
        servers, models, quantisations = model_fields(options, keys)
    before = earlier(when, zone) if time == _TIMES[1] else when
    if before is None:
        return None
    scope = replace(
        asked.scope,
        after=before.after,
        before=before.before,
        servers=servers or asked.scope.servers,
        models=models or asked.scope.models,
        quantisations=quantisations or asked.scope.quantisations,
        imported=False,
    )
    return Side(scope, " · ".join([in_words(before, zone), *narrowed(scope)]))


def _ratio(row: Row) -> Range:
    words = f"{row['ratio']:.2f}"
    low, high = (None if end != end else cast("float", end) for end in (row["ratio_low"], row["ratio_high"]))
    words += f" [{low:.2f}-{high:.2f}]" if low is not None and high is not None else ", no interval: too few"
    better = f" ({_BETTER[row['better']]})" if row["better"] else ""
    return Range(f"{MEASURES[row['measure']]}{better}", "", row["ratio"], low, high, words)


def _verdict(row: Row) -> str:
    """Return what the data supports of a measure whose interval leaves out 1."""
    change = row["ratio"] - 1
    more = "more" if change > 0 else "less"
    ends = sorted(abs(row[end] - 1) for end in ("ratio_low", "ratio_high"))
    good = row["better"] and (change > 0) == (row["better"] == "higher")
    judged = "" if not row["better"] else ", which is better" if good else ", which is worse"
    low, high = (percent(end) for end in ends)
    return f"{MEASURES[row['measure']]}: {percent(abs(change))} % {more} in B [{low}-{high}]{judged}."


def _line(row: Row) -> dict[str, object]:
    return {
        "What": MEASURES[row["measure"]],
        "A": _amount(row, "left"),
        "B": _amount(row, "right"),
        "B / A": "-" if row["ratio"] != row["ratio"] else _ratio(row).words,
    }


def _amount(row: Row, side: SideName) -> str:
    value, n = row[side], f"n = {row[f'{side}_n']:,} in {row[f'{side}_groups']:,} chats"
    if value != value:
        return "not known"
    ends = row[f"{side}_low"], row[f"{side}_high"]
    if row["measure"].endswith("_share"):
        words, low, high = f"{percent(value)} %", *(percent(end) if end == end else "" for end in ends)
    else:
        unit = unit_of(row["measure"], value)
        words = f"{number(value * unit.factor)} {unit.word}".strip()
        low, high = (number(end * unit.factor) if end == end else "" for end in ends)
    return f"{words} [{low}-{high}], {n}" if low and high else f"{words}, {n}"
