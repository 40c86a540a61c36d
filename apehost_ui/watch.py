"""Notices what changes behind a page that stands still, and reruns the page then; draws nothing.

A server comes or goes, a model is loaded, another tab begins a conversation or an answer, a model finds a title, a
comparison that is opened or listed changes, an import or the care of the record begins or ends something.
"""

import streamlit as st

from apehost_core.servers import ServerView
from apehost_ui import state
from apehost_ui.host import host

_EVERY_S = 2


def watch(seen: str) -> None:
    """Rerun the page when something has changed since it was begun; `seen` is the situation at that time."""
    st.fragment(_look, run_every=_EVERY_S)(seen)


def _look(seen: str) -> None:
    if state.chat().dialog is None and situation() != seen:  # a dialog would lose what is typed into it
        st.rerun()


def situation() -> str:
    """Return everything that a page draws and that others can change, as one text. From memory; costs microseconds."""
    opened = state.conversation_id()
    run = host().live_answer(opened) if opened else None
    answering = run.spec.run_id if run and not run.finished.is_set() else None
    # While an answer is written here, its end redraws the page soon enough; every redraw before it costs a pause.
    revision = None if answering else host().conversations.revision
    imports = host().history.imports
    importing = (imports.revision, imports.job is not None and imports.job.running)
    care = host().history.care
    caring = care.revision, care.chats_revision
    return repr((tuple(map(_seen, host().servers)), revision, answering, host().lab.revision, importing, caring))


def _seen(server: ServerView) -> tuple[object, ...]:
    loads = tuple((load.key, load.fault is None) for load in server.loads)
    downloads = tuple((download.model, download.status) for download in server.downloads)
    return server.name, server.state, tuple((model.key, model.state) for model in server.models), loads, downloads
