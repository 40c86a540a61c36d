"""The history page's section of cards: what the record knows of each model, and of each tool.

A fragment, as the section of charts is; what is looked at is said by the same bar.
"""

from math import ceil
from typing import Final, Literal

import streamlit as st

from apehost_core.errors import ApeHostError
from apehost_core.history.charts import Options, Scope
from apehost_ui import history_chart_reads as read
from apehost_ui.components.fault import fault_box
from apehost_ui.components.history_card_model import model_card
from apehost_ui.components.history_card_tool import tool_card
from apehost_ui.components.history_card_words import FEWEST_TO_SPREAD
from apehost_ui.components.switch import url_switch
from apehost_ui.history_charts import asked_for, nothing_yet, outside

_Kind = Literal["models", "tools"]
_KINDS: Final[dict[_Kind, str]] = {"models": "Models", "tools": "Tools"}
_A_PAGE: Final = 6
_URL: Final = "query-params"


@st.fragment
def cards() -> None:
    """Draw the bar, and the cards of models or of tools."""
    try:
        _cards(read.options())
    except ApeHostError as error:
        fault_box(error.fault)


def _cards(options: Options) -> None:
    if not options.measured and not options.imported:
        nothing_yet()
        return
    asked = asked_for(options)
    kind = url_switch("Cards of", _KINDS, "cards")
    if outside(options, asked.scope):
        return
    with st.container(key=f"cards-{kind}"):
        if kind == "models":
            _models(asked.scope)
        else:
            _tools(asked.scope)


def _models(scope: Scope) -> None:
    found = read.model_cards(scope)
    if not found:
        st.info("No model was called in this time, or the filters let none through.")
        return
    first = _page(len(found), "models_page")
    for place, card in enumerate(found[first : first + _A_PAGE]):
        model_card(card, place, scope.time_zone)
    st.caption(
        "Numbers in square brackets are where a share or a speed lies with 95 % confidence. Times of first tokens and "
        "speeds of writing are medians; in round brackets, "
        f"from {FEWEST_TO_SPREAD} calls on, where eight of ten calls lie."
    )


def _tools(scope: Scope) -> None:
    found = read.tool_cards(scope)
    if not found:
        st.info(
            "No tool was called in this time, or the filters let none through. Here stands how often each tool "
            "succeeds, how long it takes, how it fails, and which models get on with it."
        )
        return
    first = _page(len(found), "tools_page")
    with st.container(horizontal=True, key="tool-cards"):
        for place, card in enumerate(found[first : first + _A_PAGE]):
            tool_card(card, place, scope.time_zone)
    st.caption(
        "Numbers in square brackets are where a share lies with 95 % confidence. Times are medians; in round brackets, "
        f"from {FEWEST_TO_SPREAD} calls on, where eight of ten calls lie."
    )


def _page(total: int, key: str) -> int:
    """Draw the pager where there is more than one page, and return how many cards come before those of the page."""
    pages = ceil(total / _A_PAGE)
    if pages < 2:
        return 0
    return (st.pagination(pages, key=key, bind=_URL) - 1) * _A_PAGE
