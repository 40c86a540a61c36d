"""The messages of a conversation: the recent ones, what stands under them, and the answer being written."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st

from apehost_core.runs.live_run import LiveRun
from apehost_core.runs.run import Generation
from apehost_core.store import RunRow, StoredMessage
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.message import ANSWER_AVATAR, answer_footer, avatar, message_body, told_elsewhere
from apehost_ui.components.request_inspector import inspector_dialog, open_inspector
from apehost_ui.host import host
from apehost_ui.live import live_answer
from apehost_ui.words import OUTCOMES


@dataclass(frozen=True, slots=True)
class Again:
    """The last question may be asked again.

    Attributes:
        not_before: UTC, when the server asked to wait; None when it did not.
        unfinished: The call whose answer broke off and may be gone on with; None where nothing was written.
    """

    not_before: datetime | None = None
    unfinished: Generation | None = None


def thread(conversation_id: str) -> Again | None:
    """Draw a conversation; returns whether its last question may be asked again."""
    store = host().conversations
    run = host().live_answer(conversation_id)
    shown = state.shown(conversation_id)
    page = store.path(conversation_id, limit=shown, later=state.chat().later)
    if page.earlier:
        st.button(f"Show earlier ({page.earlier} more)", key="earlier", on_click=state.show_earlier, width="stretch")
    generations = store.generations_of([stored.id for stored in page.messages])
    for stored in page.messages:
        _stored(stored, generations.get(stored.id, []))
    inspector_dialog(host().inspect)
    if page.later:
        st.button(f"Show later ({page.later} more)", key="later", on_click=state.show_later, width="stretch")
        return None
    if run is not None:
        return _live(run)
    last = page.messages[-1] if page.messages else None
    if last is None:
        return None
    if last.message.role == "user":
        return _unanswered(store.last_run(last.id))
    ended = generations.get(last.id, [])
    return Again(unfinished=ended[-1]) if ended and ended[-1].outcome != "completed" else None


def _stored(stored: StoredMessage, generations: list[Generation]) -> None:
    role = stored.message.role
    with st.chat_message(role, avatar=avatar(stored.message)), st.container(key=f"message-{stored.id}"):
        message_body(stored.message)
        told_elsewhere(stored)
        if generations:
            answer_footer(generations, stored.message, on_info=open_inspector)


def _live(run: LiveRun) -> Again | None:
    with st.chat_message("assistant", avatar=ANSWER_AVATAR):
        if not run.finished.is_set():
            live_answer(run)
            return None
        if run.unsaved is None:
            st.rerun()  # it ended while this was drawn: the next run finds it among the messages
        message = run.transcript.message()
        if message is not None:
            message_body(message)
        ended = run.transcript.finished
        if ended is not None and ended.fault is not None:
            fault_box(ended.fault)
        st.caption("Not in the database yet. ApeHost tries again every few seconds.")
    return Again()


def _unanswered(run: RunRow | None) -> Again:
    """Draw how the last attempt to answer ended when it left no text."""
    with st.chat_message("assistant", avatar=ANSWER_AVATAR):
        calls = host().calls_of(run.id) if run else ()
        if calls:
            answer_footer(calls, None, on_info=open_inspector)
        elif run is not None and run.fault is not None:
            fault_box(run.fault)
        else:
            st.caption(OUTCOMES[run.outcome] if run and run.outcome else "Not answered yet.")
    return Again(_not_before(run) if run else None)


def _not_before(run: RunRow) -> datetime | None:
    if run.fault is None or run.fault.retry_after_s is None or run.finished_at is None:
        return None
    return run.finished_at + timedelta(seconds=run.fault.retry_after_s)
