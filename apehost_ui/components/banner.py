"""The line above a page when no server answers."""

import streamlit as st

from apehost_core.servers import ServerView
from apehost_ui.markdown import plain_label
from apehost_ui.words import SERVER_STATES

_PRESENT = ("online", "unknown", "rate_limited")


def nobody_answers(servers: tuple[ServerView, ...]) -> None:
    """Draw the line when every server that is to be there is away; nothing otherwise."""
    expected = [server for server in servers if server.configured]
    if not expected or any(server.state in _PRESENT for server in servers):
        return
    states = ", ".join(f"{plain_label(server.name)} ({SERVER_STATES[server.state]})" for server in expected)
    st.warning(
        f"No server can answer now: {states}. They are looked at again every few seconds; your history is all here.",
        icon=":material/cloud_off:",
    )
