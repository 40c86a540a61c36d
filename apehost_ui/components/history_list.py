"""A page of the list of conversations, with what is done to many at once."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import streamlit as st

from apehost_core.compare.numbers import counted
from apehost_core.history.listing import Listed, Place
from apehost_ui.components.history_preview import badges, preview_button, title_button
from apehost_ui.history_state import Verb
from apehost_ui.markdown import heard_label, plain_label
from apehost_ui.words import moment

TAG_KEY: Final = "bulk-tag-name"
_ARCHIVE: tuple[str, str, Verb] = ("Archive", ":material/archive:", "archive")
_UNARCHIVE: tuple[str, str, Verb] = ("Take out of archive", ":material/unarchive:", "unarchive")
_DELETE: tuple[str, str, Verb] = ("Delete", ":material/delete:", "trash")
_RESTORE: tuple[str, str, Verb] = ("Restore", ":material/restore_from_trash:", "restore")


@dataclass(frozen=True, slots=True)
class RowActions:
    """What the buttons of a line do; each gets the conversation's id.

    Attributes:
        open: Shows it on the chat page.
        preview: Shows or hides its last messages below the line.
        pick: Gets in `picked` whether it is picked now.
    """

    open: Callable[[str], None]
    preview: Callable[[str], None]
    pick: Callable[[str], None]


def conversation_rows(
    listed: Sequence[Listed],
    picked: Collection[str],
    previewed: str | None,
    actions: RowActions,
    draw_preview: Callable[[str], None],
) -> None:
    """Draw a line a conversation.

    Args:
        listed: In order.
        picked: Ids of those that are picked.
        previewed: Id of the one whose preview is open; None when none is.
        actions: What the buttons do.
        draw_preview: Draws a conversation's preview.
    """
    with st.container(key="history-rows", gap="small"):
        for one in listed:
            with st.container(border=True, gap=None, key=f"listed-{one.id}"):
                _row(one, one.id in picked, actions, open_=one.id == previewed)
                if one.id == previewed:
                    draw_preview(one.id)


def _row(one: Listed, picked: bool, actions: RowActions, *, open_: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"line-{one.id}"):
        st.checkbox(
            f"Select {heard_label(one.title) or 'this chat'}",
            value=picked,
            key=f"pick-{one.id}-{picked}",
            label_visibility="collapsed",
            width="content",
            on_change=actions.pick,
            args=(one.id,),
        )
        title_button(one.id, plain_label(one.title), partial(actions.open, one.id))
        preview_button(one.id, partial(actions.preview, one.id), shown=open_)
    st.caption(listed_words(one))


def listed_words(one: Listed) -> str:
    """Return what is known of a conversation, as a label: "12 Mar 2026 · 8 messages · 1,204 tokens · gemma-3-1b"."""
    pieces = [moment(one.updated_at), f"{counted(one.messages, 'message')}"]
    if one.tokens:
        pieces.append(f"{one.tokens:,} tokens")
    pieces += [", ".join(map(plain_label, one.models))] if one.models else []
    pieces += [badges(one.tags)] if one.tags else []
    pieces += ["archived"] if one.archived else []
    pieces += [f"deleted {moment(one.trashed_at)}"] if one.trashed_at else []
    pieces += [f"from {plain_label(one.origin)}"] if one.origin else []
    return " · ".join(pieces)


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
