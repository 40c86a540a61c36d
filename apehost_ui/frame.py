"""The frame around every page: page config, navigation, the sidebar with models and conversations."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from apehost_core.errors import ApeHostError
from apehost_ui import chat_actions, state
from apehost_ui.components.banner import nobody_answers
from apehost_ui.components.conversation_list import conversation_list
from apehost_ui.components.fault import fault_box
from apehost_ui.components.model_picker import model_picker
from apehost_ui.host import current, host
from apehost_ui.markdown import plain_label
from apehost_ui.watch import situation, watch

PAGES = Path(__file__).parent.parent / "pages"
STYLE = Path(__file__).with_name("style.css")
WINDOW = Path(__file__).with_name("window.js").read_text("utf-8")
_SIDEBAR_PX = 320

st.set_page_config(page_title="ApeHost", page_icon="🦍", layout="centered", initial_sidebar_state=_SIDEBAR_PX)
st.html(STYLE)
st.html(f'<script type="module">{WINDOW}</script>', unsafe_allow_javascript=True)
chat_page = st.Page(PAGES / "chat.py", title="Chat", icon=":material/chat:", default=True)
history_page = st.Page(PAGES / "history.py", title="History", icon=":material/history:")
pages = [
    chat_page,
    st.Page(PAGES / "servers.py", title="Servers", icon=":material/dns:"),
    st.Page(PAGES / "compare.py", title="Compare", icon=":material/compare_arrows:"),
    history_page,
]
page = st.navigation(pages)


def _open(conversation_id: str | None) -> None:
    if page == chat_page:
        state.open_conversation(conversation_id)
    else:
        state.leave_for(conversation_id)


def _sidebar() -> None:
    host = current()
    if host is None:
        return
    st.button(
        "New chat",
        key="new-chat",
        icon=":material/add:",
        shortcut="Alt+N",
        width="stretch",
        on_click=_open,
        args=(None,),
    )
    if st.button("Search", key="search", icon=":material/search:", shortcut="Ctrl+K", width="stretch", type="tertiary"):
        st.switch_page(history_page)
    model_picker(host.servers)
    undo = state.chat().undo
    if undo is not None:
        st.caption(f"Deleted: {plain_label(undo[1])}")
        st.button("Undo", key="undo", icon=":material/undo:", on_click=chat_actions.undo_delete)
    listed = state.chat().listed
    conversations = host.conversations.recent(limit=listed + 1)
    conversation_list(conversations[:listed], opened=state.conversation_id(), on_open=_open)
    if len(conversations) > listed:
        st.button("Older chats", key="older", type="tertiary", on_click=state.list_older)


def _page(seen: str) -> None:
    if page != chat_page or state.chat().picked is not None:  # a chat page without any model says more
        nobody_answers(host().servers)
    page.run()
    watch(seen)


def _or_fault(draw: Callable[[], None]) -> None:
    """Draw a part of the page; what the database refuses is said in its place."""
    try:
        draw()
    except ApeHostError as error:
        fault_box(error.fault)


state.arrive(page.title)
begun = situation() if current() is not None else ""  # what changes while this is drawn is noticed, too
with st.sidebar:
    _or_fault(_sidebar)
if (link := state.chat().to_chat) is not None:
    state.chat().to_chat = None
    st.switch_page(chat_page, query_params=link)
if current() is None:
    st.info("ApeHost is starting …")
else:
    _or_fault(partial(_page, begun))
