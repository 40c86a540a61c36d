"""The dialog that renames a conversation or a comparison. It stays open, half-typed, while answers stream and end."""

from collections.abc import Callable

import streamlit as st

from apehost_ui import state

_NAME = "rename"


def open_dialog() -> None:
    """Have the dialog drawn from the next run on."""
    state.chat().dialog = _NAME


def close_dialog() -> None:
    """Stop drawing the dialog."""
    state.chat().dialog = None


def rename_dialog(title: str, *, on_save: Callable[[str], None], of: str = "conversation") -> None:
    """Draw the dialog while it is open; `on_save` gets the new title, and `of` says of what."""
    if state.chat().dialog != _NAME:
        return

    @st.dialog(f"Rename {of}", on_dismiss=close_dialog)
    def body() -> None:
        name = st.text_input("Name", value=title, max_chars=120, key="new-name")
        if st.button("Save", key="save-name", type="primary"):
            on_save(name)
            close_dialog()
            st.rerun()

    body()
