"""Charts and cards as they were read a short while ago.

What is read over the whole record is kept for half a minute, what there is to choose from for two, and both for as long
as nothing is committed. Streamlit's cache holds them, by the folder of the record: any browser may empty it, which
costs no more than reading them again.
"""

from collections.abc import Callable, Hashable
from typing import Final, Literal, TypeVar

import streamlit as st

from apehost_core.history.cards import ModelCard, ToolCard
from apehost_core.history.charts import Bucket, Chart, Options, Scope, Series
from apehost_core.store.analytics import Charts
from apehost_ui.host import host

_T = TypeVar("_T")
ChartName = Literal[
    "usage_by_day",
    "usage_by_model",
    "usage_by_server",
    "ttft_over_time",
    "decode_over_time",
    "speed_by_prompt_length",
    "cold_warm",
    "errors",
    "tools",
    "tool_errors",
    "heat_map",
]
_AT_ONCE: Final[dict[ChartName, Callable[[Charts, Scope], Chart]]] = {
    "usage_by_model": Charts.usage_by_model,
    "usage_by_server": Charts.usage_by_server,
    "speed_by_prompt_length": Charts.speed_by_prompt_length,
    "cold_warm": Charts.cold_warm,
    "tools": Charts.tools,
    "tool_errors": Charts.tool_errors,
    "heat_map": Charts.heat_map,
}
_OVER_TIME: Final[dict[ChartName, Callable[..., Chart]]] = {
    "usage_by_day": Charts.usage_by_day,
    "ttft_over_time": Charts.ttft_over_time,
    "decode_over_time": Charts.decode_over_time,
}
_KEPT_S, _OPTIONS_KEPT_S, _MOST_KEPT = 30, 120, 200


def options() -> Options:
    """Return what there is to choose from; blocks, and may raise StoreError as all of these do."""
    found = _options(_place())
    return found if found.measured or found.imported else options_anew()


def options_anew() -> Options:
    """Return the same as it is at this moment, for those whom a minute ago misleads."""
    _options.clear()
    return _options(_place())


def chart(name: ChartName, scope: Scope, bucket: Bucket = "day", by: Series = "all") -> Chart:
    """Return a chart over a scope.

    Args:
        name: Which.
        scope: Of which calls.
        bucket: What charts over time draw a point for.
        by: What charts over time draw a line for.
    """
    return _chart(_place(), name, scope, bucket, by)


def side_by_side(left: Scope, right: Scope) -> Chart:
    """Return two scopes compared."""
    return _side_by_side(_place(), left, right)


def _place() -> str:
    return str(host().history.data_dir)


def _until_a_commit(question: Hashable, read: Callable[[], _T]) -> _T:
    return host().history.kept.get(question, read)


@st.cache_data(ttl=_OPTIONS_KEPT_S, max_entries=_MOST_KEPT, show_spinner=False)
def _options(place: str) -> Options:
    return _until_a_commit("options of charts", host().history.charts.options)


@st.cache_data(ttl=_KEPT_S, max_entries=_MOST_KEPT, show_spinner="Reading the record")
def _chart(place: str, name: ChartName, scope: Scope, bucket: Bucket, by: Series) -> Chart:
    return _until_a_commit((name, scope, bucket, by), lambda: _read(name, scope, bucket, by))


def _read(name: ChartName, scope: Scope, bucket: Bucket, by: Series) -> Chart:
    charts = host().history.charts
    if (at_once := _AT_ONCE.get(name)) is not None:
        return at_once(charts, scope)
    if name == "errors":
        return charts.errors(scope, bucket)
    return _OVER_TIME[name](charts, scope, bucket=bucket, by=by)


@st.cache_data(ttl=_KEPT_S, max_entries=_MOST_KEPT, show_spinner="Reading the record")
def _side_by_side(place: str, left: Scope, right: Scope) -> Chart:
    return _until_a_commit(("compared", left, right), lambda: host().history.charts.compare(left, right))


def model_cards(scope: Scope) -> tuple[ModelCard, ...]:
    """Return the cards of models over a scope, the most used first."""
    return _model_cards(_place(), scope)


def tool_cards(scope: Scope) -> tuple[ToolCard, ...]:
    """Return the cards of tools over a scope, the most used first."""
    return _tool_cards(_place(), scope)


@st.cache_data(ttl=_KEPT_S, max_entries=_MOST_KEPT, show_spinner="Reading the record")
def _model_cards(place: str, scope: Scope) -> tuple[ModelCard, ...]:
    return _until_a_commit(("cards of models", scope), lambda: host().history.cards.models(scope))


@st.cache_data(ttl=_KEPT_S, max_entries=_MOST_KEPT, show_spinner="Reading the record")
def _tool_cards(place: str, scope: Scope) -> tuple[ToolCard, ...]:
    return _until_a_commit(("cards of tools", scope), lambda: host().history.cards.tools(scope))
