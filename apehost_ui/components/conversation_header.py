"""The title of the opened conversation, with rename and delete."""

from collections.abc import Callable

import streamlit as st

from apehost_core.store import ConversationSummary
from apehost_core.store.exports import ExportFormat, File
from apehost_ui.components.history_export import export_popover
from apehost_ui.markdown import plain_label


def conversation_header(
    conversation: ConversationSummary,
    *,
    export: Callable[[ExportFormat], File],
    on_rename: Callable[[], None],
    on_delete: Callable[[], None],
) -> None:
    """Draw the title; the callbacks write it to a file, open the rename dialog, and put it in the trash."""
    with st.container(horizontal=True, vertical_alignment="center", key="header"):
        st.markdown(f"### {plain_label(conversation.title)}", width="stretch")
        st.button("Rename", key="rename", icon=":material/edit:", type="tertiary", on_click=on_rename)
        export_popover(1, export, key="export-chat", name="apehost-chat")
        st.button("Delete", key="delete", icon=":material/delete:", type="tertiary", on_click=on_delete)
