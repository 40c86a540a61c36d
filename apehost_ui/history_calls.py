"""The latest model calls, as a section of the history page."""

import streamlit as st

from apehost_ui.components.history_table import history_table
from apehost_ui.host import host

_LATEST = 200


def calls() -> None:
    """Draw the latest model calls, newest first."""
    rows = host().recent_generations(_LATEST)
    if rows:
        st.caption(f"The latest {len(rows)} model calls. Times are client-side; ≈ marks estimated counts.")
        history_table(rows)
    else:
        st.info("Nothing recorded yet. Every answer will be listed here with its model, speed and end.")
