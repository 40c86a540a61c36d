"""What the chat page's buttons do: calls to the host, and what the page remembers afterwards."""

from collections.abc import Generator
from contextlib import contextmanager

import streamlit as st

from apehost_core.chat.exchange import Choice
from apehost_core.demo import demo_available
from apehost_core.errors import ApeHostError, Fault
from apehost_core.store import ConversationSummary
from apehost_ui import state
from apehost_ui.host import call, host


@contextmanager
def telling() -> Generator[None, None, None]:
    """Have the page say what an action could not do."""
    try:
        yield
    except ApeHostError as error:
        state.chat().refusal = error.fault


def opened() -> ConversationSummary | None:
    """Return the conversation that the URL names; a link to none that exists leads to a new chat."""
    conversation_id = state.conversation_id()
    if conversation_id is None:
        return None
    conversation = host().conversations.get(conversation_id)
    if conversation is None:
        state.open_conversation(None)
        state.chat().refusal = Fault(
            kind="bad_request",
            title="There is no conversation at this link",
            advice="It may have been deleted; the trash keeps conversations for 30 days.",
        )
    return conversation


def send() -> None:
    """Send the composer's text; what is refused goes back into the composer.

    A callback of the composer, because a script that is interrupted before its end (a second message, a click) loses
    what it was run for, and a callback is done before the script begins.
    """
    picked, text = state.chat().picked, state.widget_value(state.COMPOSER_KEY)
    if picked is None or not text:
        return
    try:
        sent = call(host().send, text, Choice(picked.server, picked.model), state.conversation_id())
    except ApeHostError as error:
        state.chat().refusal, state.chat().unsent = error.fault, text
    else:
        state.open_conversation(sent.conversation_id)


def retry() -> None:
    """Answer the last question once more, with the picked model."""
    picked, conversation_id = state.chat().picked, state.conversation_id()
    if picked is None or conversation_id is None:
        return
    with telling():
        call(host().retry, Choice(picked.server, picked.model), conversation_id)
        state.chat().refusal = None


def stop(run_id: str) -> None:
    """Stop an answer."""
    call(host().cancel, run_id)


def rename(title: str) -> None:
    """Give the opened conversation a name; an empty one changes nothing."""
    conversation_id = state.conversation_id()
    if conversation_id is not None and title.strip():
        with telling():
            host().conversations.rename(conversation_id, title.strip())


def delete(conversation: ConversationSummary) -> None:
    """Put a conversation in the trash and offer to undo it; a live answer in it is stopped."""
    with telling():
        host().conversations.trash(conversation.id)
        run = host().live_answer(conversation.id)
        if run is not None:
            call(host().cancel, run.spec.run_id)
        state.chat().undo = (conversation.id, conversation.title)
        state.open_conversation(None)


def undo_delete() -> None:
    """Take the last deleted conversation out of the trash and open it."""
    undo = state.chat().undo
    if undo is not None:
        with telling():
            host().conversations.restore(undo[0])
            state.open_conversation(undo[0])
            state.chat().undo = None


def demo_offered() -> bool:
    """Whether the demo engine could be started now."""
    return host().settings.demo != "off" and demo_available()


def act(pressed: str | None) -> None:
    """Do what was pressed where no server is: look again, or start the demo engine."""
    if pressed is None:
        return
    with telling(), st.spinner("Looking …" if pressed == "look" else "Starting the demo engine …"):
        call(host().look_at_servers if pressed == "look" else host().start_demo)
        state.chat().refusal = None
    st.rerun()
