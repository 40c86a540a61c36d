"""The conversations in the sidebar: newest first, grouped by when they were last used."""

from collections.abc import Callable

import streamlit as st

from apehost_core.store import ConversationSummary
from apehost_ui.markdown import plain_label
from apehost_ui.words import when

_LONGEST = 34


def conversation_list(
    conversations: list[ConversationSummary], *, opened: str | None, on_open: Callable[[str], None]
) -> None:
    """Draw one button a conversation, the opened one marked; `on_open` gets the id."""
    group = None
    with st.container(key="conversations", gap=None):
        for conversation in conversations:
            heading = when(conversation.updated_at)
            if heading != group:
                st.caption(heading)
                group = heading
            st.button(
                plain_label(_short(conversation.title)),
                key=f"open-{conversation.id}",
                type="secondary" if conversation.id == opened else "tertiary",
                width="stretch",
                on_click=on_open,
                args=(conversation.id,),
            )


def _short(title: str) -> str:
    return title if len(title) <= _LONGEST else title[: _LONGEST - 1].rstrip() + "…"
