"""The history page: everything that was asked, found and measured."""

from typing import assert_never

import streamlit as st

from apehost_ui.components.history_sections import history_section
from apehost_ui.history_calls import calls
from apehost_ui.history_cards import cards
from apehost_ui.history_charts import charts
from apehost_ui.history_data import data
from apehost_ui.history_import import imports
from apehost_ui.history_search import search
from apehost_ui.history_speed import speed
from apehost_ui.history_sql import sql


@st.fragment
def _sections() -> None:
    """Draw the switch and the section that is open: another one draws nothing else anew."""
    section = history_section()
    with st.container(key=f"history-{section}"):
        match section:
            case "search":
                search()
            case "charts":
                charts()
            case "models":
                cards()
            case "speed":
                speed()
            case "sql":
                sql()
            case "import":
                imports()
            case "data":
                data()
            case "calls":
                calls()
            case _:
                assert_never(section)


with st.container(key="history-page"):
    st.title("History", anchor=False)
    _sections()
