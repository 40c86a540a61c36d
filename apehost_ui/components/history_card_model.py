"""A card of one model in one quantisation: what it is used for, how fast it is, how people and tools get on with it."""

import re
from collections.abc import Iterator, Sequence

import streamlit as st

from apehost_core.history.cards import ModelCard, SizeSpeed
from apehost_core.history.charts import span_label
from apehost_ui.components import history_card_words as say
from apehost_ui.components.history_chart_columns import model_words
from apehost_ui.components.history_chart_marks import SOURCES
from apehost_ui.components.text_table import text_table
from apehost_ui.markdown import plain_label

Lines = Sequence[tuple[str, str]]
_RANGE = re.compile(r"(?<=\d)-(?=\d)")
_JOINER, _SPACE = "\u2060", "\u00a0"


def model_card(card: ModelCard, place: int, zone: str) -> None:
    """Draw a card.

    Args:
        card: What is known.
        place: Of the card on the page.
        zone: Where days begin, an IANA name.
    """
    name = model_words(card.model, card.quantisation or "")
    with st.container(border=True, key=f"model-card-{place}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"#### {plain_label(name)}", width="content")
            if card.source == "imported":
                st.badge(SOURCES["imported"], color="blue")
        st.caption(plain_label(say.uses_words(card.uses, zone)))
        with st.container(horizontal=True, key=f"model-parts-{place}"):
            with st.container(width=430):
                facts(list(_facts(card)), alt=f"{name}: use, answers and tools")
            with st.container(width=430):
                _speeds(card.speeds, name)


def facts(lines: Lines, *, alt: str) -> None:
    """Draw what is known, one line each, what it is called before it.

    Args:
        lines: Names and what they are; text of any kind.
        alt: What screen readers say that it is.
    """
    text_table([(what, _unbroken(words)) for what, words in lines], alt=alt)


def _facts(card: ModelCard) -> Iterator[tuple[str, str]]:
    if purposes := say.purposes(card.uses):
        yield "Used for", purposes
    yield "On", say.shares(card.uses.servers)
    for speed in card.prompt_speeds:
        yield "Reads prompts at", say.prompt_speed_words(speed)
    if not card.prompt_speeds:
        yield "Reads prompts at", "not enough prompts of different length to tell"
    yield "Regenerated", say.rate_words(card.regenerated, "answer")
    yield "Question edited", say.rate_words(card.edited, "answer")
    yield "Stopped", say.rate_words(card.stopped, "answer")
    yield "Cut at the token limit", say.rate_words(card.cut, "answer")
    yield "Failed", say.rate_words(card.failed, "call")
    if card.votes is not None:
        yield "Votes", say.votes_words(card.votes)
    if card.tools is None:
        yield "Tools", "never called one"
    else:
        yield "Valid tool calls", say.rate_words(card.tools.valid, "call")
        yield "Tool calls that succeeded", say.rate_words(card.tools.succeeded, "call")
        yield "Same call 3 times", say.rate_words(card.tools.looping, "run")


def _speeds(speeds: Sequence[SizeSpeed], name: str) -> None:
    if not speeds:
        st.caption("No times are known.")
        return
    lines = [
        (
            span_label(speed.span),
            _unbroken(say.spread_words(speed.ttft_ms, "ttft_ms")),
            _unbroken(say.spread_words(speed.decode_tok_s, "decode_tok_s", unit_told=True)),
            _n(speed),
        )
        for speed in speeds
    ]
    heads = ("Prompt tokens", "First token", "Writes, tok/s", "n")
    text_table(lines, alt=f"{name}: speed by length of the prompt", heads=heads)


def _unbroken(words: str) -> str:
    """Return words in which no line ends within a range of numbers, or before a unit, however narrow the column."""
    joined = _RANGE.sub(rf"\g<0>{_JOINER}", words)
    return joined.replace(" %", f"{_SPACE}%").replace("n = ", f"n{_SPACE}={_SPACE}")


def _n(speed: SizeSpeed) -> str:
    return f"{max(spread.n for spread in (speed.ttft_ms, speed.decode_tok_s) if spread is not None):,}"
