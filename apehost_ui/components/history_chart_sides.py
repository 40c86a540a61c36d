"""The two sides of a comparison of what is on record: which time and which models each has, and how they do."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

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

    Where no time is chosen, sides of the same models are the time before and the time above; others share the latter.

    Args:
        options: What there is to choose from.
        asked: What the bar above says; what a side leaves open is taken from it.
        now: With its zone.
    """
    with st.container(key="sides"):
        drawn = [_who(name, column, options, asked.scope) for name, column in zip(_SIDES, st.columns(2), strict=True)]
    (left_times, left_who), (right_times, right_who) = drawn
    above, before, _ = _TIMES
    first = before if left_who == right_who else above
    left = _side("left", left_times, replace(asked, scope=left_who), now, first=first)
    right = _side("right", right_times, replace(asked, scope=right_who), now, first=above)
    if left is None or right is None:
        st.info("All time has no time before it. Choose a period above, dates for that side, or other models for one.")
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


def _who(name: SideName, column: DeltaGenerator, options: Options, above: Scope) -> tuple[DeltaGenerator, Scope]:
    """Draw a side but for its time; returns the place of its time, and its scope over the time above."""
    with column, st.container(border=True, key=f"side-{name}"):
        st.markdown(f"**{_SIDES[name]}**")
        times = st.container()
        keys = {key: f"{name}_{key}" for key in ("servers", "models", "quantisations")}
        servers, models, quantisations = model_fields(options, keys)
    scope = replace(
        above,
        servers=_ordered(servers or above.servers),
        models=_ordered(models or above.models),
        quantisations=_ordered(quantisations or above.quantisations),
        imported=False,
    )
    return times, scope


def _ordered(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _side(name: SideName, place: DeltaGenerator, asked: Asked, now: datetime, *, first: str) -> Side | None:
    """Draw a side's time and return the side; None where there is no such time.

    Args:
        name: Which.
        place: Where its time is drawn.
        asked: Its scope, and the time above.
        now: With its zone.
        first: Which time it has while none is chosen.
    """
    when, zone = asked.period, asked.scope.time_zone
    with place:
        time = st.selectbox("Time", _TIMES, index=None, placeholder=first, key=f"{name}_time", bind=_URL) or first
        if time == _TIMES[2]:
            begins = st.date_input("From", value=None, key=f"{name}_from", bind=_URL)
            ends = st.date_input("To, that day included", value=None, key=f"{name}_to", bind=_URL)
            when = period("custom", Dates(begins, ends), now, zone)
    found = earlier(when, zone) if time == _TIMES[1] else when
    if found is None:
        return None
    scope = replace(asked.scope, after=found.after, before=found.before)
    return Side(scope, " · ".join([in_words(found, zone), *narrowed(scope)]))


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
