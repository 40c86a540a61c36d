"""Two answers word by word: what only one of them says is marked."""

from collections.abc import Sequence
from functools import lru_cache
from html import escape

import streamlit as st

from apehost_core.compare.diff import Span, SpanKind, word_diff
from apehost_ui.markdown import plain_label

_TAGS: dict[SpanKind, str] = {"same": "span", "removed": "del", "added": "ins"}
_diffed = lru_cache(16)(word_diff)


def two_answers(names: Sequence[str], places: Sequence[int], texts: Sequence[str]) -> None:
    """Draw a choice of two answers, and the one as changes of the other.

    Args:
        names: Of all contenders.
        places: Whose answers there are; two or more.
        texts: What they say, in the same order.
    """
    labels = {place: names[place] for place in places}
    said = dict(zip(places, texts, strict=True))
    choices = st.columns(2, gap="medium")
    with choices[0]:
        left = st.selectbox("From", tuple(labels), format_func=labels.__getitem__, key="diff-left")
    with choices[1]:
        right = st.selectbox("To", tuple(labels), index=1, format_func=labels.__getitem__, key="diff-right")
    if left == right:
        st.info("Choose two different answers.")
        return
    spans = _diffed(said[left], said[right])
    if not spans or all(span.kind == "same" for span in spans):
        st.success("Both say exactly the same.", icon=":material/equal:")
    else:
        one, other = plain_label(labels[left]), plain_label(labels[right])
        st.caption(f"Struck through: only {one}. Underlined: only {other}.")
    if spans:
        st.html(as_html(spans))


def as_html(spans: Sequence[Span]) -> str:
    """Return spans as HTML in which a model's text is nothing but text: every mark of it is escaped."""
    pieces = (f"<{_TAGS[span.kind]}>{escape(span.text)}</{_TAGS[span.kind]}>" for span in spans)
    return f'<div class="word-diff" dir="auto">{"".join(pieces)}</div>'
