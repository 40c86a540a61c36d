"""The compare page: all comparisons, a new one, the leaderboard; or one that is opened."""

from typing import assert_never

import streamlit as st

from apehost_ui import compare_actions, compare_drafts, compare_view, state
from apehost_ui.components.compare_header import comparison_header
from apehost_ui.components.compare_sections import overview_section, part_of
from apehost_ui.components.compare_setup import setup_form
from apehost_ui.components.fault import fault_box
from apehost_ui.host import host

page = state.compare()
comparison = compare_actions.opened()

with st.container(key="compare-page"):
    if comparison is None:
        st.title("Compare", anchor=False)
        section = overview_section()
        with st.container(key="page-refusal"):
            if page.refusal is not None:
                fault_box(page.refusal)
        match section:
            case "past":
                compare_view.past()
            case "new":
                setup_form(page.draft, host().servers, compare_actions.setup_actions())
                compare_drafts.keep(page.draft_name, page.draft)
            case "leaderboard":
                compare_view.ratings()
            case _:
                assert_never(section)
    else:
        comparison_header(comparison, compare_actions.header_actions(comparison))
        with st.container(key="page-refusal"):
            if page.refusal is not None:
                fault_box(page.refusal)
        part = part_of(comparison)
        with st.container(key=f"part-{part}"):
            match part:
                case "plan":
                    compare_view.under_way(comparison)
                case "results":
                    compare_view.measured(comparison)
                case "answers":
                    compare_view.read(comparison)
                case "votes":
                    compare_view.voted(comparison)
                case _:
                    assert_never(part)
