"""What a model thought before it answered, folded."""

import streamlit as st

from apehost_ui.markdown import safe
from apehost_ui.words import duration


def reasoning(text: str, seconds: float | None, *, live: bool = False) -> None:
    """Draw reasoning folded under its duration; nothing when there is none."""
    if not text.strip():
        return
    label = "Thinking" if live else f"Thought for {duration(seconds)}" if seconds is not None else "Thoughts"
    with st.expander(label, type="compact"):
        st.markdown(safe(text))
