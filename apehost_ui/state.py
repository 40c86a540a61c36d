"""Typed page state: the only file that mentions `st.session_state` and `st.query_params`.

What is being looked at lives in the URL, so that refresh, Back and a shared link show the same; the rest is
plain data that survives page switches.
"""

from dataclasses import dataclass

import streamlit as st

from apehost_core.errors import Fault

CONVERSATION = "c"
COMPOSER_KEY = "composer"
PAGE_SIZE = 20
LIST_SIZE = 40


@dataclass(slots=True)
class Picked:
    """The model that the next message goes to."""

    server: str
    model: str


@dataclass(slots=True)
class ChatState:
    """What the chat page remembers between reruns.

    Attributes:
        picked: None until a model was picked or preselected.
        shown: How many messages are drawn, counted from the newest.
        shown_in: The conversation that `shown` belongs to.
        listed: How many conversations the sidebar lists, counted from the newest.
        refusal: Why the last text was not sent; shown above the composer until the next send.
        unsent: A text that was not sent and goes back into the composer; None when there is none.
        undo: (id, title) of the conversation just put in the trash; None when there is nothing to undo.
        dialog: Which dialog is open; None when none is.
        to_chat: A conversation was picked on another page; the frame switches to the chat page.
    """

    picked: Picked | None = None
    shown: int = PAGE_SIZE
    shown_in: str | None = None
    listed: int = LIST_SIZE
    refusal: Fault | None = None
    unsent: str | None = None
    undo: tuple[str, str] | None = None
    dialog: str | None = None
    to_chat: bool = False


def chat() -> ChatState:
    """Return the chat page's state of this session."""
    if "chat" not in st.session_state:
        st.session_state["chat"] = ChatState()
    return st.session_state["chat"]


def conversation_id() -> str | None:
    """Return the conversation that the URL names; None on a new chat."""
    return st.query_params.get(CONVERSATION) or None


def open_conversation(conversation: str | None) -> None:
    """Point the URL at a conversation; None is a new chat. From callbacks or before drawing."""
    if conversation is None:
        st.query_params.pop(CONVERSATION, None)
    else:
        st.query_params[CONVERSATION] = conversation
    chat().refusal = None


def link(conversation: str | None) -> dict[str, str]:
    """Return the query parameters that name a conversation."""
    return {} if conversation is None else {CONVERSATION: conversation}


def shown(conversation: str) -> int:
    """Return how many messages of the conversation are drawn; starts anew on every other conversation."""
    state = chat()
    if state.shown_in != conversation:
        state.shown_in, state.shown = conversation, PAGE_SIZE
    return state.shown


def show_earlier() -> None:
    """Draw one more page of older messages."""
    chat().shown += PAGE_SIZE


def list_older() -> None:
    """List one more page of older conversations."""
    chat().listed += LIST_SIZE


def refill_composer() -> None:
    """Put the text that was not sent back into the composer; called right before the composer is drawn."""
    state = chat()
    if state.unsent is not None:
        st.session_state[COMPOSER_KEY] = state.unsent
        state.unsent = None


def widget_value(key: str) -> str | None:
    """Return the value of a widget of text from inside its callback."""
    return st.session_state.get(key)
