"""The history page: everything that was asked, found and measured."""

from typing import assert_never

import streamlit as st

from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.history_sections import history_section
from apehost_ui.history_calls import calls

page = state.history()

with st.container(key="history-page"):
    st.title("History", anchor=False)
    section = history_section()
    with st.container(key="history-refusal"):
        if page.refusal is not None:
            fault_box(page.refusal)
    with st.container(key=f"history-{section}"):
        match section:
            case "calls":
                calls()
            case _:
                assert_never(section)
