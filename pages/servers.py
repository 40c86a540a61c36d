"""The servers page: what each server is, whether it answers, and which models it has."""

import streamlit as st

from apehost_ui import chat_actions
from apehost_ui.components.server_card import server_card
from apehost_ui.host import host

st.title("Servers")


@st.fragment(run_every=5)
def cards() -> None:
    """Draw all servers from memory; no look at them is waited for."""
    for server in host().servers:
        server_card(server)


cards()
if st.button("Look again", key="look", icon=":material/refresh:"):
    chat_actions.act("look")
