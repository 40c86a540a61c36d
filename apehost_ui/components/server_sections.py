"""The sections of the servers page. Which one is open stands in the URL, so that refresh and a link show the same."""

from typing import Literal, cast

import streamlit as st

from apehost_ui import state

Section = Literal["servers", "profiles", "requests"]
_KEY = "sections"
_LABELS: dict[Section, str] = {
    "servers": ":material/dns: Servers",
    "profiles": ":material/tune: Profiles",
    "requests": ":material/receipt_long: Requests",
}


def section() -> Section:
    """Draw the switch and return the section that is open."""
    state.follow_section(_KEY, tuple(_LABELS))
    picked = st.segmented_control(
        "Section",
        tuple(_LABELS),
        required=True,
        format_func=_LABELS.__getitem__,
        key=_KEY,
        label_visibility="collapsed",
        on_change=state.take_section,
        args=(_KEY,),
    )
    return cast("Section", picked)
