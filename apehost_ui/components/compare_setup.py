"""The form in which a comparison is set up, and beside it what it will take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import streamlit as st

from apehost_core.compare.comparison import Mode, Setup
from apehost_core.compare.progress import Preview
from apehost_core.errors import Fault
from apehost_core.servers import ServerView
from apehost_ui import state
from apehost_ui.compare_words import MODE_MEANS, MODES
from apehost_ui.components.compare_contenders import EffectiveOf, contenders
from apehost_ui.components.compare_more import more
from apehost_ui.components.compare_plan import not_ready, plan_order, plan_takes
from apehost_ui.components.compare_prompts import FindPast, prompts
from apehost_ui.components.fault import fault_box
from apehost_ui.page_state import SetupDraft


@dataclass(frozen=True, slots=True)
class SetupActions:
    """What the form asks of the host.

    Attributes:
        effective: What a model's answers use, given what is set for it here.
        find_past: Looks for past questions; may raise ApeHostError.
        preview: What the draft would take; or why it cannot be asked.
        start: Begins the comparison of a draft; returns why it could not, None when it did.
        clear: Empties the form.
    """

    effective: EffectiveOf
    find_past: FindPast
    preview: Callable[[SetupDraft], tuple[Setup, Preview] | Fault]
    start: Callable[[SetupDraft], Fault | None]
    clear: Callable[[], None]


def setup_form(draft: SetupDraft, servers: Sequence[ServerView], actions: SetupActions) -> None:
    """Draw the form; the draft is changed to what stands in it."""
    form, beside = st.columns([3, 2], gap="large")
    with form:
        _mode(draft)
        contenders(draft, servers, actions.effective)
        keys = sorted({model.key for view in servers for model in view.chat_models}, key=str.casefold)
        prompts(draft, keys, actions.find_past)
        more(draft, servers)
    with beside, st.container(border=True, key="compare-plan"):
        st.markdown("#### Plan")
        found = actions.preview(draft)
        with st.container(key="plan-takes"):
            missing = st.empty()
            if isinstance(found, Fault):
                with missing:
                    not_ready(found)
            else:
                plan_takes(found[1])
        told = st.container(key="setup-refusal")
        with st.container(horizontal=True, key="setup-buttons"):
            start = st.button("Start", key="start-comparison", type="primary", icon=":material/play_arrow:")
            st.button("Clear the form", key="clear-setup", type="tertiary", on_click=actions.clear)
        with st.container(key="plan-order"):
            if not isinstance(found, Fault):
                plan_order(found[1], found[0])
        if start:
            fault = actions.start(draft)
            if fault is None:
                st.rerun()
            with missing if isinstance(found, Fault) else told:  # it is said once
                fault_box(fault)


def _mode(draft: SetupDraft) -> None:
    key = draft.key("mode")
    state.restore(key, draft.mode)
    mode = st.segmented_control(
        "What for", list(MODES), required=True, format_func=MODES.__getitem__, key=key, label_visibility="collapsed"
    )
    draft.mode = cast("Mode", mode)
    st.caption(MODE_MEANS[draft.mode])
