"""The comparisons that were made, newest first."""

from collections.abc import Callable, Sequence

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


def comparison_list(
    listed: Sequence[Listed],
    *,
    undo: str | None,
    on_new: Callable[[], None],
    on_open: Callable[[str], None],
    on_delete: Callable[[str, str], None],
    on_undo: Callable[[], None],
) -> None:
    """Draw a line for each comparison.

    Args:
        listed: Newest first.
        undo: Title of the one that was just deleted; None when none was.
        on_new: Opens the form of a new one.
        on_open: Gets the id.
        on_delete: Gets id and title.
        on_undo: Takes the deleted one back.
    """
    with st.container(key="comparison-undo"):
        if undo is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"Deleted: {plain_label(undo)}", width="content")
                st.button("Undo", key="undo-comparison", icon=":material/undo:", on_click=on_undo)
    if not listed:
        st.markdown(_EMPTY)
        st.button("New comparison", key="new-comparison", type="primary", icon=":material/add:", on_click=on_new)
        return
    with st.container(key="comparisons", gap="small"):
        for one in listed:
            with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"row-{one.id}"):
                with st.container(width="stretch", gap=None):
                    label = plain_label(one.title) or "Untitled"
                    st.button(label, key=f"open-{one.id}", type="tertiary", on_click=on_open, args=(one.id,))
                    st.caption(listed_words(one))
                st.button(
                    "Delete",
                    key=f"delete-{one.id}",
                    icon=":material/delete:",
                    type="tertiary",
                    help="Delete",
                    on_click=on_delete,
                    args=(one.id, one.title),
                )
