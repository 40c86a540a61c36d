"""What the chat page's buttons do: calls to the host, and what the page remembers afterwards."""

from collections.abc import Generator
from contextlib import contextmanager

import streamlit as st

from apehost_core.chat.exchange import Choice
from apehost_core.demo import demo_available
from apehost_core.errors import ApeHostError, Fault
from apehost_core.model import Preferences
from apehost_core.runs.run import Generation
from apehost_core.servers import Wanted, ranked
from apehost_core.servers.profiles import Effective
from apehost_core.store import ConversationSummary
from apehost_core.store.exports import ExportFormat, File
from apehost_ui import state
from apehost_ui.host import call, host
from apehost_ui.markdown import plain_label
from apehost_ui.page_state import Picked


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
            advice="It may have been deleted: History lists the trash, which keeps conversations for a while.",
        )
    else:
        _seek(conversation_id, state.message_id())
    return conversation


def _seek(conversation_id: str, message_id: str | None) -> None:
    """Show the message that the URL names, in its branch; once, so that the person may go on from there."""
    page = state.chat()
    if message_id is None or page.sought == message_id or host().live_answer(conversation_id) is not None:
        return
    page.sought = message_id
    from_end = host().conversations.select_through(conversation_id, message_id)
    if from_end is not None:
        state.show_around(conversation_id, from_end)
    else:
        page.refusal = Fault(kind="bad_request", title="The message of this link is not in this conversation")


def send() -> None:
    """Send the composer's text; what is refused goes back into the composer.

    A callback of the composer, because a script that is interrupted before its end (a second message, a click) loses
    what it was run for, and a callback is done before the script begins.
    """
    picked, text = state.chat().picked, state.widget_value(state.COMPOSER_KEY)
    if picked is None or not text:
        return
    begins = state.conversation_id() is None
    settings = state.chat().settings if begins else None
    try:
        sent = call(host().send, text, _choice(picked), state.conversation_id(), settings)
    except ApeHostError as error:
        state.chat().refusal, state.chat().unsent = error.fault, text
    else:
        state.open_conversation(sent.conversation_id)
        if begins:
            state.chat().settings = Preferences()


def settings(conversation: ConversationSummary | None) -> Preferences:
    """Return what a chat sets for itself; None is the new chat."""
    return state.chat().settings if conversation is None else host().conversations.settings(conversation.id)


def save_settings(conversation: ConversationSummary | None, settings: Preferences) -> Fault | None:
    """Keep what a chat sets for itself; returns why not, None when it is kept."""
    if conversation is None:
        state.chat().settings = settings
        return None
    try:
        host().conversations.set_settings(conversation.id, settings)
    except ApeHostError as error:
        return error.fault
    return None


def effective(picked: Picked, settings: Preferences) -> Effective:
    """Return what the picked model's answer in a chat with such settings would use."""
    return host().effective(_choice(picked), settings)


def reasoning_options(picked: Picked) -> tuple[str, ...]:
    """Return the reasoning settings that the picked model allows; empty when that is not known."""
    model = host().listed(_choice(picked))
    return model.reasoning_options if model else ()


def retry() -> None:
    """Answer the last question once more, with the picked model."""
    picked, conversation_id = state.chat().picked, state.conversation_id()
    if picked is None or conversation_id is None:
        return
    with telling():
        call(host().retry, _choice(picked), conversation_id)
        state.chat().refusal = None


def continuations(unfinished: Generation) -> list[tuple[str, Choice]]:
    """Return by whom an answer that broke off could be gone on with: label and choice, where it began first."""
    asked = unfinished.model_asked
    tried = frozenset((unfinished.server,))
    views = host().servers
    here = [view for view in views if view.name == unfinished.server and view.answers and view.model(asked)]
    others = ranked(views, Wanted(None, asked, unfinished.quantisation, tried=tried))
    elsewhere = [view for view in others if view.answers][:1]
    found = [("Continue", Choice(view.name, asked)) for view in here]
    return found + [(f"Continue on {plain_label(view.name)}", Choice(view.name, asked)) for view in elsewhere]


def go_on(choice: Choice) -> None:
    """Have the last answer continued where it broke off."""
    conversation_id = state.conversation_id()
    if conversation_id is not None:
        with telling():
            call(host().go_on, choice, conversation_id)
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


def export(conversation_id: str, export_format: ExportFormat) -> File:
    """Return a conversation as a file."""
    return host().history.exports.file([conversation_id], export_format)


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


def _choice(picked: Picked) -> Choice:
    return Choice(picked.server, picked.model, quantisation=picked.quantisation)
