"""The line above a page when no server answers."""

import streamlit as st

from apehost_core.servers import ServerView
from apehost_ui.markdown import plain_label
from apehost_ui.words import SERVER_STATES

_HOPEFUL = ("unknown", "rate_limited")


def nobody_answers(servers: tuple[ServerView, ...]) -> None:
    """Draw the line when every server that is to be there is away; nothing otherwise."""
    expected = [server for server in servers if server.configured]
    if not expected or any(server.answers or server.state in _HOPEFUL for server in servers):
        return
    states = ", ".join(f"{plain_label(server.name)} ({SERVER_STATES[server.state]})" for server in expected)
    looked_at = any(server.state != "disabled" for server in expected)
    hope = "They are looked at again every few seconds" if looked_at else "Enable one on the Servers page"
    st.warning(f"No server can answer now: {states}. {hope}; your history is all here.", icon=":material/cloud_off:")
