"""What stands where there is nothing yet: what is missing, and what to do about it."""

import streamlit as st

from apehost_core.servers import ServerView
from apehost_ui.components.fault import fault_box
from apehost_ui.markdown import plain_label
from apehost_ui.words import NOBODY_THERE

_LM_STUDIO_STEPS = """
1. Open LM Studio and load a model.
2. In **Developer**, switch the server on (or run `lms server start`).
3. Press **Look again**.

Servers on other machines are added on the **Servers** page, or named in `LMSTUDIO_SERVERS` (see the README).
"""


def no_server(servers: tuple[ServerView, ...], *, demo_offer: bool) -> str | None:
    """Draw the way to a first model; returns "look", "demo" or None for what was pressed."""
    st.subheader("No model can be reached yet")
    for server in servers:
        if server.configured and server.fault is not None:
            fault_box(server.fault)
        elif not server.configured and not server.answers:
            st.markdown(NOBODY_THERE)
        elif server.state == "disabled":
            st.info(plain_label(f"{server.name} is switched off. Enable it on the Servers page."))
        elif server.answers:
            st.info(plain_label(f"{server.name} is online and has no chat model. Download or load one in LM Studio."))
    st.markdown(_LM_STUDIO_STEPS)
    with st.container(horizontal=True):
        look = st.button("Look again", icon=":material/refresh:", type="primary")
        demo = demo_offer and st.button("Start the demo engine", icon=":material/bolt:")
    return "look" if look else "demo" if demo else None


def first_message() -> None:
    """Draw the welcome of a new chat."""
    st.subheader("What shall we ask?")
    st.markdown(
        "Pick a model in the sidebar and write below. Every message, its timings and its end are kept in a "
        "file of yours, also when you stop, reload or lose power."
    )
    st.caption("Enter sends · Shift+Enter breaks the line · Esc stops · Alt+N starts a new chat")
