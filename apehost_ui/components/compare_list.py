"""The comparisons that were made, newest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from apehost_core.compare.comparison import Listed
from apehost_ui.compare_words import listed_words
from apehost_ui.markdown import plain_label

_EMPTY = """
Nothing has been compared yet. Two ways to begin:

- **Side by side**: one prompt, two to six models, the answers next to each other while they are written.
- **Benchmark**: many prompts, repeated in a fair order; afterwards a plain sentence says which model is faster, by
  how much, and whether the numbers can tell at all.
"""


@dataclass(frozen=True, slots=True)
class ListActions:
    """What the buttons of the list do.

    Attributes:
        new: Opens the form of a new one.
        open: Gets the id.
        delete: Gets id and title.
        undo: Takes the one back that was just deleted.
        restore: Gets the id of one to take out of the trash.
    """

    new: Callable[[], None]
    open: Callable[[str], None]
    delete: Callable[[str, str], None]
    undo: Callable[[], None]
    restore: Callable[[str], None]


def comparison_list(
    listed: Sequence[Listed], trashed: Sequence[Listed], *, undo: str | None, actions: ListActions
) -> None:
    """Draw a line for each comparison.

    Args:
        listed: Newest first.
        trashed: Those in the trash, newest first.
        undo: Title of the one that was just deleted; None when none was.
        actions: What the buttons do.
    """
    with st.container(key="comparison-undo"):
        if undo is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"Deleted: {plain_label(undo)}", width="content")
                st.button("Undo", key="undo-comparison", icon=":material/undo:", on_click=actions.undo)
    if not listed:
        st.markdown(_EMPTY)
        st.button("New comparison", key="new-comparison", type="primary", icon=":material/add:", on_click=actions.new)
        _trash(trashed, actions.restore)
        return
    with st.container(key="comparisons", gap="small"):
        for one in listed:
            with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"row-{one.id}"):
                with st.container(width="stretch", gap=None):
                    label = plain_label(one.title) or "Untitled"
                    st.button(label, key=f"open-{one.id}", type="tertiary", on_click=actions.open, args=(one.id,))
                    st.caption(listed_words(one))
                st.button(
                    "Delete",
                    key=f"delete-{one.id}",
                    icon=":material/delete:",
                    type="tertiary",
                    help="Delete",
                    on_click=actions.delete,
                    args=(one.id, one.title),
                )
    _trash(trashed, actions.restore)


def _trash(trashed: Sequence[Listed], on_restore: Callable[[str], None]) -> None:
    """Draw what was deleted, folded; nothing where nothing was."""
    if not trashed:
        return
    with st.expander(f"Trash ({len(trashed)})", icon=":material/delete:", key="comparison-trash"):
        st.caption("Kept for 30 days unless History, Data says otherwise. Votes on what is in the trash do not count.")
        for one in trashed:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{plain_label(one.title) or 'Untitled'} · {listed_words(one)}", width="stretch")
                st.button(
                    "Restore",
                    key=f"restore-{one.id}",
                    icon=":material/restore_from_trash:",
                    type="tertiary",
                    on_click=on_restore,
                    args=(one.id,),
                )
