"""A card of one tool: how often it succeeds, how long it takes, how it fails, and which models get on with it."""

from collections.abc import Iterator

import streamlit as st

from apehost_core.compare.numbers import counted
from apehost_core.history.cards import ToolCard
from apehost_ui.components import history_card_words as say
from apehost_ui.components.history_card_model import facts
from apehost_ui.components.history_chart_columns import error_words
from apehost_ui.components.history_chart_marks import SOURCES
from apehost_ui.markdown import plain_label

_MOST_MODELS = 6


def tool_card(card: ToolCard, place: int, zone: str) -> None:
    """Draw a card.

    Args:
        card: What is known.
        place: Of the card on the page.
        zone: Where days begin, an IANA name.
    """
    with st.container(border=True, key=f"tool-card-{place}", gap="small", width=440):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"#### {plain_label(card.tool)}", width="content")
            if card.source == "imported":
                st.badge(SOURCES["imported"], color="blue")
        st.caption(plain_label(_uses(card, zone)))
        facts(list(_facts(card)), alt=f"{card.tool}: success, time and errors")


def _uses(card: ToolCard, zone: str) -> str:
    origin = "built in" if card.origin == "builtin" else f"from {card.origin}" if card.origin else ""
    last = "" if card.last_at is None else f"last on {say.days(card.last_at, card.last_at, zone)}"
    return " · ".join(filter(None, (counted(card.calls, "call"), origin, last)))


def _facts(card: ToolCard) -> Iterator[tuple[str, str]]:
    yield "Succeeds", say.rate_words(card.succeeded, "call")
    yield "Arguments taken", say.rate_words(card.valid, "call")
    if card.duration_ms is None:
        yield "Takes", "not known"
    else:
        yield "Takes", f"{say.spread_words(card.duration_ms, 'total_ms')}, n = {card.duration_ms.n:,}"
    errors = ", ".join(f"{error_words(kind)} {count:,}" for kind, count in card.errors)
    yield "Errors", errors or "none"
    for model, rate in card.models[:_MOST_MODELS]:
        yield model, say.rate_words(rate, "call")
    if (more := len(card.models) - _MOST_MODELS) > 0:
        yield "", counted(more, "more model")
