"""Typed page state: the only file that mentions `st.session_state` and `st.query_params`.

What is being looked at lives in the URL, so that refresh, Back and a shared link show the same; the rest is
plain data that survives page switches.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from apehost_ui import compare_drafts
from apehost_ui.history_state import HistoryState
from apehost_ui.page_state import (
    CONTEXT,
    LIST_SIZE,
    PAGE_SIZE,
    ChatState,
    CompareState,
    ProfilesState,
    ServersState,
    SetupDraft,
)

_Value = TypeVar("_Value")
CONVERSATION = "c"
MESSAGE = "m"
COMPARISON = "comparison"
SECTION = "section"
DRAFT = "draft"
_FORM = "new"
"""The section with the form of a new comparison."""
COMPOSER_KEY = "composer"


def profiles() -> ProfilesState:
    """Return the profile editor's state of this session."""
    if "profiles" not in st.session_state:
        st.session_state["profiles"] = ProfilesState()
    return st.session_state["profiles"]


def compare() -> CompareState:
    """Return the compare page's state of this session."""
    if "compare" not in st.session_state:
        draft = compare_drafts.kept(named(DRAFT)) or SetupDraft()
        st.session_state["compare"] = CompareState(draft, compare_drafts.new_name())
    return st.session_state["compare"]


def comparison_id() -> str | None:
    """Return the comparison that the URL names; None where all are listed."""
    return st.query_params.get(COMPARISON) or None


def open_comparison(comparison: str | None, section: str | None = None) -> None:
    """Point the URL at a comparison and one of its sections; None is the list of all."""
    names_in_url({COMPARISON: comparison, **_section(section)})
    compare().refusal = None
    close_dialog()


def names_in_url(values: Mapping[str, str | None]) -> None:
    """Have the URL say all of this at once, so that Back leads to what it said before; None takes a name out."""
    changed = {name: value for name, value in values.items() if value != named(name)}
    if changed:  # what fields have put there is left alone: Streamlit lets nobody else write it
        st.query_params.update({name: [] if value is None else value for name, value in changed.items()})


def restore(key: str, value: object) -> None:
    """Give a field that is not on the page what is kept for it; called right before it is drawn."""
    if key not in st.session_state:
        st.session_state[key] = value


def offer(key: str, options: Sequence[str], value: str) -> None:
    """Have a list hold what was picked before where it still has it, else a value; called right before it is drawn."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = value


def forget(*keys: str) -> None:
    """Have fields begin anew when they are next drawn."""
    for key in keys:
        st.session_state.pop(key, None)


def chat() -> ChatState:
    """Return the chat page's state of this session."""
    if "chat" not in st.session_state:
        st.session_state["chat"] = ChatState()
    return st.session_state["chat"]


def servers() -> ServersState:
    """Return the servers page's state of this session."""
    if "servers" not in st.session_state:
        st.session_state["servers"] = ServersState()
    return st.session_state["servers"]


def history() -> HistoryState:
    """Return the history page's state of this session."""
    if "history" not in st.session_state:
        st.session_state["history"] = HistoryState()
    return st.session_state["history"]


def named(name: str) -> str | None:
    """Return what the URL says under a name; None where it says nothing."""
    return st.query_params.get(name) or None


def name_in_url(name: str, value: str | None) -> None:
    """Have the URL say something under a name; None takes it out."""
    names_in_url({name: value or None})


def follow_section(key: str, sections: Sequence[str], *, first: str | None = None) -> None:
    """Have a switch show the section that the URL names, or the first; called right before it is drawn.

    Args:
        key: Of the switch.
        sections: What it switches between.
        first: What is shown where the URL names none of them; None for the first.
    """
    named = st.query_params.get(SECTION)
    st.session_state[key] = named if named in sections else first or sections[0]


def take_section(key: str) -> None:
    """Point the URL at the section that a switch was set to; from its callback."""
    names_in_url(_section(st.session_state[key]))


def _section(section: str | None) -> dict[str, str | None]:
    """Return what the URL says of a section: with the form of a new comparison also where its draft is kept."""
    return {SECTION: section, DRAFT: compare().draft_name if section == _FORM else None}


def conversation_id() -> str | None:
    """Return the conversation that the URL names; None on a new chat."""
    return st.query_params.get(CONVERSATION) or None


def open_conversation(conversation: str | None) -> None:
    """Point the URL at a conversation; None is a new chat. From callbacks or before drawing."""
    names_in_url({CONVERSATION: conversation, MESSAGE: None})
    chat().refusal, chat().later = None, 0
    close_dialog()


def message_id() -> str | None:
    """Return the message that the URL names within the conversation; None where it names none."""
    return named(MESSAGE)


def leave_for(conversation: str | None, message: str | None = None) -> None:
    """Have the frame switch to the chat page, with a conversation or a new chat, and with a message within it."""
    state = chat()
    named = {CONVERSATION: conversation, MESSAGE: message}
    state.to_chat = {name: value for name, value in named.items() if value is not None}
    state.refusal, state.sought, state.later = None, None, 0


def arrive(page: str) -> None:
    """Take note of the page and what the URL names on it; a dialog of others is not open any more."""
    here = page, comparison_id() or conversation_id()
    if (chat().page, chat().opened) != here:
        chat().page, chat().opened = here
        close_dialog()


def close_dialog() -> None:
    """Stop drawing the dialog that is open; what is typed into it is gone."""
    chat().dialog, chat().emptied = None, 0


def shown(conversation: str) -> int:
    """Return how many messages of the conversation are drawn; starts anew on every other conversation."""
    state = chat()
    if state.shown_in != conversation:
        state.shown_in, state.shown, state.later = conversation, PAGE_SIZE, 0
    return state.shown


def show_around(conversation: str, from_end: int) -> None:
    """Draw the part of a conversation that has a message in it.

    Args:
        conversation: The conversation.
        from_end: Where the message stands, counted from the newest, which is 1.
    """
    state = chat()
    after = from_end - PAGE_SIZE
    state.shown_in, state.later = conversation, after if after > PAGE_SIZE else 0
    state.shown = PAGE_SIZE + max(0, after - state.later) + CONTEXT


def show_later() -> None:
    """Draw a conversation to its end again."""
    chat().shown += chat().later
    chat().later = 0


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


def tell(key: str, event: str, action: Callable[[str], None]) -> None:
    """Have an action take what an element of ours told with an event; from inside its callback."""
    told = st.session_state[key].get(event)
    if told:
        action(told)


def number(key: str) -> int:
    """Return the value of a widget of numbers from inside its callback."""
    return st.session_state[key]


def held(key: str, otherwise: _Value) -> _Value:
    """Return what a field holds at this moment, also inside a callback; a value of its type where it is not drawn."""
    return st.session_state.get(key, otherwise)


def put(key: str, value: object) -> None:
    """Set what a field holds; from a callback."""
    st.session_state[key] = value
