"""What a row of the list of conversations says, and what is done to many at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import streamlit as st

from apehost_core.compare.numbers import counted
from apehost_core.history.listing import Listed, Place
from apehost_ui.components.rows import Row, link_to
from apehost_ui.history_state import Verb
from apehost_ui.words import moment

TAG_KEY: Final = "bulk-tag-name"
_ARCHIVE: tuple[str, str, Verb] = ("Archive", ":material/archive:", "archive")
_UNARCHIVE: tuple[str, str, Verb] = ("Take out of archive", ":material/unarchive:", "unarchive")
_DELETE: tuple[str, str, Verb] = ("Delete", ":material/delete:", "trash")
_RESTORE: tuple[str, str, Verb] = ("Restore", ":material/restore_from_trash:", "restore")


def listed_row(one: Listed, *, picked: bool) -> Row:
    """Return what the row of a conversation says: "12 Mar 2026 · 8 messages · 1,204 tokens · gemma-3-1b"."""
    pieces = [moment(one.updated_at), counted(one.messages, "message")]
    pieces += [f"{one.tokens:,} tokens"] if one.tokens else []
    pieces += [", ".join(one.models)] if one.models else []
    pieces += ["archived"] if one.archived else []
    pieces += [f"deleted {moment(one.trashed_at)}"] if one.trashed_at else []
    pieces += [f"from {one.origin}"] if one.origin else []
    return Row(
        id=one.id,
        title=((one.title, False),),
        about=" · ".join(pieces),
        badges=one.tags,
        link=link_to(one.id),
        picked=picked,
    )


@dataclass(frozen=True, slots=True)
class BulkActions:
    """What is done to all that are picked.

    Attributes:
        change: Does it; the tag of those changes that have one is what the field `TAG_KEY` says.
        pick_page: Picks all lines of the page.
        pick_all: Picks all that the filters let through.
        forget: Picks none.
        export: Draws what writes them to a file.
    """

    change: Callable[[Verb], None]
    pick_page: Callable[[], None]
    pick_all: Callable[[], None]
    forget: Callable[[], None]
    export: Callable[[], None]


def bulk_bar(picked: int, on_page: int, total: int, place: Place | None, actions: BulkActions) -> None:
    """Draw how many are picked, and what can be done to them.

    Args:
        picked: How many are.
        on_page: How many lines the page has.
        total: How many the filters let through.
        place: Where those that are listed are.
        actions: What the buttons do.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="bulk"):
        if not picked:
            st.button("Select page", key="pick-page", type="tertiary", on_click=actions.pick_page)
            return
        st.markdown(f"**{picked:,} selected**", width="content")
        if picked < total and on_page < total:
            st.button(f"Select all {total:,}", key="pick-all", type="tertiary", on_click=actions.pick_all)
        st.button("Select none", key="pick-none", type="tertiary", on_click=actions.forget)
        _tag_popover(actions.change)
        actions.export()
        if place != "trash":
            words, icon, verb = _UNARCHIVE if place == "archive" else _ARCHIVE
            st.button(words, key="bulk-archive", icon=icon, on_click=actions.change, args=(verb,))
        words, icon, verb = _RESTORE if place == "trash" else _DELETE
        st.button(words, key="bulk-trash", icon=icon, on_click=actions.change, args=(verb,))


def _tag_popover(change: Callable[[Verb], None]) -> None:
    with st.popover("Tag", icon=":material/sell:", key="bulk-tag"):
        st.text_input("Tag", key=TAG_KEY, max_chars=60)
        with st.container(horizontal=True):  # what is typed comes with the press, after these are drawn
            st.button("Add", key="bulk-tag-add", on_click=change, args=("tag",))
            st.button("Take away", key="bulk-tag-remove", on_click=change, args=("untag",))
