"""The latest model calls, as a section of the history page."""

import streamlit as st

from apehost_ui.components.history_table import history_table, kind_switch, listed_words
from apehost_ui.host import host

_LATEST = 200


def calls() -> None:
    """Draw the latest model calls, newest first: all of them, or those of the kind that is picked."""
    counts = host().count_generations()
    if not counts:
        st.info("Nothing recorded yet. Every answer will be listed here with its model, speed and end.")
        return
    kind = kind_switch(tuple(counts))
    rows = host().recent_generations(_LATEST, kind)
    st.caption(listed_words(rows, sum(counts.values()) if kind is None else counts[kind]))
    history_table(rows)
