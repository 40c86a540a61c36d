"""The line above a page when no server answers."""

import streamlit as st

from apehost_core.servers import ServerView
from apehost_ui.markdown import plain_label
from apehost_ui.words import SERVER_STATES

_NAMED = 3
_HOPEFUL = ("unknown", "rate_limited")


def nobody_answers(servers: tuple[ServerView, ...]) -> None:
    """Draw the line when every server that is to be there is away; nothing otherwise."""
    expected = [server for server in servers if server.configured]
    if not expected or any(server.answers or server.state in _HOPEFUL for server in servers):
        return
    told = [f"{plain_label(server.name)} ({SERVER_STATES[server.state]})" for server in expected]
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    states = ", ".join(told[:_NAMED]) + more
    looked_at = any(server.state != "disabled" for server in expected)
    hope = "They are looked at again by themselves" if looked_at else "Enable one on the Servers page"
    st.warning(f"No server can answer now: {states}. {hope}; your history is all here.", icon=":material/cloud_off:")
