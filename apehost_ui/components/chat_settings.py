"""What one chat sets for itself: a button that says how much that is, and the dialog in which it is set.

Each field says what is used now and where it comes from; an error stands above the button that was pressed. The dialog
stays open, half-typed, while an answer streams.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from apehost_core.chat.preferences import FieldName, values_of
from apehost_core.errors import Fault, InputRefused
from apehost_core.model import Preferences
from apehost_core.servers.profiles import Effective
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.preference_fields import ANSWER_FIELDS, Typed, notes_on, preference_fields, read

_NAME = "settings"
_FIELDS: tuple[FieldName, ...] = tuple(name for name in ANSWER_FIELDS if name != "context_length")


def settings_button(own: Preferences) -> None:
    """Draw the button that opens the dialog, and beside it how many settings the chat has of its own."""
    st.button("Settings", key="settings", icon=":material/tune:", type="tertiary", on_click=_open)
    count = len(values_of(own))
    if count:
        st.caption(f"{count} {'setting' if count == 1 else 'settings'} of its own")


def chat_settings(
    own: Preferences,
    effective: Callable[[Preferences], Effective],
    *,
    key: str,
    reasoning_options: Sequence[str],
    on_save: Callable[[Preferences], Fault | None],
) -> None:
    """Draw the dialog while it is open.

    Args:
        own: What the chat sets for itself.
        effective: Says what an answer would use with such settings.
        key: Names the chat; another one begins with fields of its own.
        reasoning_options: What the picked model allows; empty when that is not known.
        on_save: Gets the new settings; returns why they were not kept, None when they were.
    """
    if state.chat().dialog != _NAME:
        return

    @st.dialog("Settings of this chat", width="medium", on_dismiss=state.close_dialog)
    def body() -> None:
        emptied = state.chat().emptied
        base = Preferences() if emptied else own
        st.caption("An empty field inherits: from the profiles of the model, then from the server.")
        with st.form(f"settings-{key}", border=False, enter_to_submit=False):
            typed = preference_fields(
                _FIELDS,
                base,
                key=f"settings-{key}-{emptied}",
                notes=notes_on(effective(base).settings),
                reasoning_options=reasoning_options,
            )
            told = st.container()
            with st.container(horizontal=True, vertical_alignment="center"):
                save = st.form_submit_button("Save", key="save-settings", type="primary")
                st.form_submit_button("Reset", key="reset-settings", on_click=_empty)
                if emptied:
                    st.caption("All fields are empty. **Save** keeps it so; closing this changes nothing.")
        fault = _saved(typed, base, on_save) if save else None
        if fault is not None:
            with told:
                fault_box(fault)
        elif save:
            state.close_dialog()
            st.rerun()

    body()


def _saved(typed: Typed, base: Preferences, on_save: Callable[[Preferences], Fault | None]) -> Fault | None:
    try:
        return on_save(read(typed, base))
    except InputRefused as error:
        return error.fault


def _open() -> None:
    state.chat().dialog = _NAME


def _empty() -> None:
    state.chat().emptied += 1
