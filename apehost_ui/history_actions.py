"""What the buttons of the history page's list do: calls to the library, and what the page remembers afterwards."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial

from apehost_core.compare.numbers import counted
from apehost_core.history.listing import ListFilter
from apehost_ui import state
from apehost_ui.history_state import Undo, Verb
from apehost_ui.host import call, host
from apehost_ui.telling import told

_THING = "conversation"
_DONE: dict[Verb, tuple[str, Verb]] = {
    "archive": ("Archived", "unarchive"),
    "unarchive": ("Taken out of the archive", "archive"),
    "trash": ("Deleted", "restore"),
    "restore": ("Restored", "trash"),
    "tag": ("Tagged", "untag"),
    "untag": ("Tag taken away", "tag"),
}
"""What each change is called afterwards, and which one takes it back."""


def telling() -> AbstractContextManager[None]:
    """Have the page say what an action could not do."""
    return told(state.history())


def change(verb: Verb, ids: Sequence[str], tag: str = "") -> None:
    """Do something to conversations and offer to undo it; live answers in what is deleted are stopped."""
    page = state.history()
    with telling():
        changed = _do(verb, ids, tag)
        said, back = _DONE[verb]
        page.undo = Undo(f"{said}: {counted(len(changed), _THING)}", back, changed, tag)
        if not tag:  # what was tagged may get another tag next
            forget()


def undo() -> None:
    """Take the last change back."""
    page = state.history()
    if page.undo is not None:
        with telling():
            _do(page.undo.back, page.undo.ids, page.undo.tag)
            page.undo = None


def pick(ids: Sequence[str], *, picked: bool) -> None:
    """Pick conversations for what is done to many, or leave them out."""
    chosen = state.history().picked
    chosen.update(ids) if picked else chosen.difference_update(ids)


def pick_all(wanted: ListFilter) -> None:
    """Pick all conversations that a filter lets through, on all pages."""
    with telling():
        pick(host().library.ids(wanted), picked=True)


def forget() -> None:
    """Pick none."""
    state.history().picked.clear()


def _do(verb: Verb, ids: Sequence[str], tag: str) -> tuple[str, ...]:
    library = host().library
    changed = {
        "archive": library.archive,
        "unarchive": library.unarchive,
        "trash": library.trash,
        "restore": library.restore,
        "tag": partial(library.tag, tag=tag),
        "untag": partial(library.untag, tag=tag),
    }[verb](ids)
    if verb == "trash":
        for run in filter(None, map(host().live_answer, changed)):
            call(host().cancel, run.spec.run_id)
    return changed
