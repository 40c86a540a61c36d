"""The history page's section of charts: what is looked at, and one group of charts at a time.

The pinned queries stand above. The rest is a fragment, so that another period draws nothing else anew; only the charts
of the group that is open are read.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final, Literal, TypeVar
from zoneinfo import ZoneInfo

import streamlit as st

from apehost_core.errors import ApeHostError
from apehost_core.history.charts import Bucket, Options, Scope, Series
from apehost_ui import history_chart_reads as read
from apehost_ui import history_periods, state
from apehost_ui.components import history_chart_pictures as picture
from apehost_ui.components.fault import fault_box
from apehost_ui.components.history_chart_block import chart_block
from apehost_ui.components.history_chart_marks import Times
from apehost_ui.components.history_chart_scope import FILTER_KEYS, IMPORTED_KEY, PERIOD_KEY, Asked, scope_bar
from apehost_ui.components.history_chart_sides import compared, sides
from apehost_ui.components.switch import url_switch
from apehost_ui.history_sql import tiles
from apehost_ui.history_sql_actions import SQL, open_statement

_Name = TypeVar("_Name", bound=str)
Group = Literal["usage", "speed", "length", "starts", "errors", "tools", "week", "compare"]
GROUPS: Final[dict[Group, str]] = {
    "usage": "Usage",
    "speed": "Speed",
    "length": "Prompt length",
    "starts": "Cold and warm",
    "errors": "Errors",
    "tools": "Tools",
    "week": "Week",
    "compare": "Compare",
}
_SERIES: Final[dict[Series, str]] = {
    "all": "Together",
    "model": "By model",
    "server": "By server",
    "kind": "By purpose",
}
_EACH: Final[dict[Bucket, str]] = {"hour": "an hour", "day": "a day", "week": "a week", "month": "a month"}
_AMOUNTS: Final[dict[picture.Amount, str]] = {"calls": "Calls", "tokens": "Tokens"}


def charts() -> None:
    """Draw the pinned queries, the bar, the groups, and the charts of the group that is open."""
    try:
        tiles()
    except ApeHostError as error:
        fault_box(error.fault)
    _section()


@st.fragment
def _section() -> None:
    if state.named(state.SECTION) == SQL:  # only the page can switch sections
        st.rerun()
    try:
        _charts(read.options())
    except ApeHostError as error:
        fault_box(error.fault)


def _charts(options: Options) -> None:
    if not options.measured and not options.imported:
        nothing_yet()
        return
    asked = asked_for(options)
    group = url_switch("Charts", GROUPS, "group")
    if outside(options, asked.scope):
        return
    times = axis(asked, options)
    with st.container(key=f"charts-{group}", gap="medium"):
        if group == "compare":
            _compare(options, asked)
        else:
            _GROUPS[group](asked.scope, times)


def axis(asked: Asked, options: Options) -> Times:
    """Return what axes of times cover."""
    bucket = history_periods.bucket(asked.period, options.first, options.last)
    found = history_periods.covered(asked.period, bucket, options.first, options.last, asked.scope.time_zone)
    return Times(bucket, *found)


def nothing_yet() -> None:
    """Say what will be drawn once there is something."""
    st.info(
        "Nothing is recorded yet. After the first answers this shows how much is used by day, model and server, how "
        "fast first tokens come and answers are written, what fails, how tools do, and when in the week. Chats of "
        "other programs that are imported are drawn too, apart from what is measured here."
    )


def asked_for(options: Options) -> Asked:
    """Draw the bar of what is looked at and return what it says."""
    zone = history_periods.known_zone(st.context.timezone)
    return scope_bar(options, datetime.now(UTC), zone, on_clear=_clear_filters)


def outside(options: Options, scope: Scope) -> bool:
    """Say so where all there is lies outside of the time, or was imported; returns whether it does."""
    if _only_imported(options, scope) or _lies_outside(options, scope):
        options = read.options_anew()
    if _only_imported(options, scope):
        st.info("All calls on record were recorded by other programs. Nothing was measured here yet.")
        st.button("Include imported", key="scope-include", on_click=partial(state.put, IMPORTED_KEY, True))
        return True
    if options.last is not None and _lies_outside(options, scope):
        last = options.last.astimezone(ZoneInfo(scope.time_zone))
        st.info(f"No call in this time. The last one was on {last.day} {last:%b %Y}.")
        st.button("Show all", key="scope-all", on_click=partial(state.put, PERIOD_KEY, "all"))
        return True
    return False


def _only_imported(options: Options, scope: Scope) -> bool:
    return not options.measured and not scope.imported


def _lies_outside(options: Options, scope: Scope) -> bool:
    first, last = options.first, options.last
    if first is None or last is None:
        return False
    return bool((scope.after and last < scope.after) or (scope.before and first >= scope.before))


def _clear_filters() -> None:
    for key in FILTER_KEYS:
        state.put(key, [])


_block = partial(chart_block, noun="call", on_sql=open_statement)


def _usage(scope: Scope, times: Times) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="usage-line"):
        amount = url_switch("What is counted", _AMOUNTS, "amount")
        by = _by("usage_by")
    over_time = read.chart("usage_by_day", scope, times.bucket, by)
    _block(over_time, lambda: picture.usage(over_time, times, amount))
    by_model = read.chart("usage_by_model", scope)
    _block(by_model, lambda: picture.usage_of(by_model, "model", amount))
    by_server = read.chart("usage_by_server", scope)
    _block(by_server, lambda: picture.usage_of(by_server, "server", amount))


def _speed(scope: Scope, times: Times) -> None:
    by = _by("speed_by")
    if by != "all":
        times = _told_apart(times)
    ttft = read.chart("ttft_over_time", scope, times.bucket, by)
    decode = read.chart("decode_over_time", scope, times.bucket, by)
    names = picture.series(ttft, decode)
    _block(ttft, lambda: picture.spread(ttft, times, "ttft_ms", names))
    _block(decode, lambda: picture.spread(decode, times, "decode_tok_s", names), unit="tok/s")
    st.caption(
        f"Each point is the median of {_EACH[times.bucket]}. Of ten calls, eight lie in the band around a line; it is "
        "left out where there are more than three lines."
    )


def _told_apart(times: Times) -> Times:
    """Return times with few enough points for several lines, or parts of bars."""
    return replace(times, bucket=history_periods.coarser(times.bucket, times.start, times.end))


def _length(scope: Scope, _: Times) -> None:
    chart = read.chart("speed_by_prompt_length", scope)
    _block(chart, lambda: picture.lengths(chart))


def _starts(scope: Scope, _: Times) -> None:
    chart = read.chart("cold_warm", scope)
    _block(chart, lambda: picture.cold_starts(chart))


def _errors(scope: Scope, times: Times) -> None:
    times = _told_apart(times)
    chart = read.chart("errors", scope, times.bucket)
    _block(chart, lambda: picture.errors(chart, times))


def _tools(scope: Scope, _: Times) -> None:
    tools = read.chart("tools", scope)
    _block(tools, lambda: picture.tools(tools), noun="tool call")
    errors = read.chart("tool_errors", scope)
    if errors.n:
        _block(errors, lambda: picture.tool_errors(errors), noun="failed tool call")


def _week(scope: Scope, _: Times) -> None:
    amount = url_switch("What is counted", _AMOUNTS, "amount")
    chart = read.chart("heat_map", scope)
    _block(chart, lambda: picture.week(chart, amount))
    if scope.imported:
        st.caption("Imported calls are counted with the others here: a clock is the same in any program.")


def _compare(options: Options, asked: Asked) -> None:
    found = sides(options, asked, datetime.now(UTC))
    if found is not None:
        left, right = found
        chart = read.side_by_side(left.scope, right.scope)
        _block(chart, lambda: compared(chart, left, right))


def _by(key: str) -> Series:
    return url_switch("Lines", _SERIES, key)


_GROUPS: Final[dict[Group, Callable[[Scope, Times], None]]] = {
    "usage": _usage,
    "speed": _speed,
    "length": _length,
    "starts": _starts,
    "errors": _errors,
    "tools": _tools,
    "week": _week,
}
