"""The title of the opened conversation, with rename and delete."""

from collections.abc import Callable

import streamlit as st

from apehost_core.store import ConversationSummary
from apehost_ui.markdown import plain_label


def conversation_header(
    conversation: ConversationSummary, *, on_rename: Callable[[], None], on_delete: Callable[[], None]
) -> None:
    """Draw the title; the callbacks open the rename dialog and put the conversation in the trash."""
    with st.container(horizontal=True, vertical_alignment="center", key="header"):
        st.markdown(f"### {plain_label(conversation.title)}", width="stretch")
        st.button("Rename", key="rename", icon=":material/edit:", type="tertiary", on_click=on_rename)
        st.button("Delete", key="delete", icon=":material/delete:", type="tertiary", on_click=on_delete)
