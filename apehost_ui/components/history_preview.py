"""A look into a conversation without leaving the list: a few messages in a box that scrolls."""

from collections.abc import Callable, Sequence

import streamlit as st

from apehost_core.store import StoredMessage
from apehost_ui.components.message import avatar, message_body, told_elsewhere
from apehost_ui.markdown import plain_label

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


def title_button(name: str, label: str, on_click: Callable[[], None]) -> None:
    """Draw a title that opens what it names; `name` is of what it is about."""
    st.button(label, key=f"see-{name}", type="tertiary", width="stretch", wrap=True, on_click=on_click)


def preview_button(name: str, on_click: Callable[[], None], *, shown: bool) -> None:
    """Draw the button that shows or hides a preview; `name` is of what it is about."""
    st.button(
        "Hide" if shown else "Preview",
        key=f"preview-{name}",
        type="tertiary",
        icon=":material/expand_less:" if shown else ":material/expand_more:",
        on_click=on_click,
    )


def badges(tags: Sequence[str]) -> str:
    """Return tags as a label."""
    return " ".join(f":gray-badge[{plain_label(tag)}]" for tag in tags)
