"""A look into a conversation without leaving the list: a few messages in a box that scrolls."""

from collections.abc import Callable, Sequence

import streamlit as st

from apehost_core.store import StoredMessage
from apehost_ui.components.message import avatar, message_body, told_elsewhere

_HEIGHT_PX, _LINES, _LINE = 380, 8, 100


def preview(messages: Sequence[StoredMessage], *, on_open: Callable[[], None]) -> None:
    """Draw messages, oldest first; the callback shows them on the chat page."""
    with st.container(key="preview", gap="small"):
        if not messages:
            st.caption("Nothing is left of it.")
            return
        lines = sum(text.count("\n") + len(text) // _LINE for text in (stored.message.text for stored in messages))
        with st.container(height=_HEIGHT_PX if lines > _LINES else "content", border=False):
            for stored in messages:
                with st.chat_message(stored.message.role, avatar=avatar(stored.message)):
                    message_body(stored.message)
                    told_elsewhere(stored)
        st.button("Open in chat", key="preview-open", icon=":material/chat:", on_click=on_open)
