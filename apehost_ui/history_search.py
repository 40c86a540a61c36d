"""The history page's first section: everything that was said, by search or as a list of conversations.

A fragment, so that typing draws nothing else anew. What is looked at stands in the URL.
"""

from functools import partial
from math import ceil

import streamlit as st

from apehost_core.errors import ApeHostError, Fault
from apehost_core.history.found import Found, Hit, Order
from apehost_core.history.listing import ListFilter
from apehost_core.history.search_words import FILTERS
from apehost_core.store import StoredMessage
from apehost_ui import history_actions as do
from apehost_ui import state
from apehost_ui.components.facets import facets
from apehost_ui.components.fault import fault_box
from apehost_ui.components.history_export import export_popover
from apehost_ui.components.history_filters import KEYS, filters
from apehost_ui.components.history_hits import (
    BOX_KEY,
    found_line,
    hit_row,
    index_state,
    nothing_found,
    search_box,
)
from apehost_ui.components.history_list import TAG_KEY, BulkActions, bulk_bar, listed_row
from apehost_ui.components.history_preview import preview
from apehost_ui.components.rows import RowActions, rows
from apehost_ui.history_state import Verb
from apehost_ui.host import host

PREVIEW = "preview"
PAGE = "page"
_LONGEST_NUMBER = 8
_PAGE = 20
_LATEST = 6


@st.fragment
def search() -> None:
    """Draw the search box, and below it hits or the list of conversations."""
    if state.chat().to_chat is not None:  # only the frame can switch pages
        st.rerun()
    text = search_box(FILTERS)
    with st.container(key="index-state"):
        index_state(host().history.search.progress)
    _undo()
    with st.container(key="search-refusal"):
        if (refusal := state.history().refusal) is not None:
            fault_box(refusal)
    if text:
        with st.container(key="search-hits", gap="small"):
            _hits(text)
    else:
        with st.container(key="search-list", gap="small"):
            _list()


def _undo() -> None:
    undo = state.history().undo
    with st.container(key="history-undo"):
        if undo is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(undo.words, width="content")
                st.button("Undo", key="undo-change", icon=":material/undo:", on_click=do.undo)


def _hits(text: str) -> None:
    with found_line() as (order, say):
        found = _found(text, order)
        if isinstance(found, Fault):
            fault_box(found)
            return
        say(found)
    if not found.hits:
        if found.total:
            st.info("What has these words is gone.")
        else:
            nothing_found(on_clear=_clear_search)
        return
    facets(found.facets, on_pick=_narrow)
    listed = {(row := hit_row(hit)).id: (row, hit) for hit in found.hits}
    actions = RowActions(open=lambda name: _open_hit(listed[name][1]), preview=_toggle)
    rows("hits", [row for row, _ in listed.values()], state.named(PREVIEW), actions, _preview_message)
    _pages(found.total)


def _found(text: str, order: Order) -> Found | Fault:
    offset = _offset(repr((text, order)))
    try:
        found = host().history.search.find(text, limit=_PAGE, offset=offset, order=order)
        if found.total and not found.hits:  # the URL names a page behind the last
            found = host().history.search.find(text, limit=_PAGE, offset=_offset(""), order=order)
    except ApeHostError as error:
        return error.fault
    return found


def _list() -> None:
    library, page = host().library, state.history()
    wanted = filters(library.choices, on_clear=_clear_filters)
    if page.listed != wanted:  # nothing is done to what is not seen
        page.listed = wanted
        do.forget()
    listed, total = library.find(wanted, limit=_PAGE, offset=_offset(repr(wanted)))
    if total and not listed:  # the URL names a page behind the last
        listed, total = library.find(wanted, limit=_PAGE, offset=_offset(""))
    if not total:
        _nothing_listed(wanted)
        return
    ids = [one.id for one in listed]
    bulk_bar(len(page.picked), len(ids), total, wanted.place, _bulk_actions(ids, wanted))
    actions = RowActions(open=state.leave_for, preview=_toggle, pick=_toggle_pick)
    shown = [listed_row(one, picked=one.id in page.picked) for one in listed]
    rows("listed", shown, state.named(PREVIEW), actions, _preview_conversation)
    _pages(total)


def _nothing_listed(wanted: ListFilter) -> None:
    if wanted != ListFilter(place=wanted.place):
        st.info("No conversation is let through by these filters.")
        st.button("Clear filters", key="clear-filters-again", icon=":material/close:", on_click=_clear_filters)
    elif wanted.place == "trash":
        st.info("The trash is empty. What is deleted stays here for 30 days, unless the section Data says otherwise.")
    elif wanted.place == "archive":
        st.info("Nothing is archived. Select conversations and press Archive to take them out of the sidebar.")
    else:
        st.info("Nothing was said yet. Every chat will be listed here, and every word of it found.")


def _bulk_actions(ids: list[str], wanted: ListFilter) -> BulkActions:
    picked = tuple(state.history().picked)
    return BulkActions(
        change=partial(_change, picked),
        pick_page=partial(do.pick, ids, picked=True),
        pick_all=partial(do.pick_all, wanted),
        forget=do.forget,
        export=partial(_export, tuple(sorted(picked))),
    )


def _change(picked: tuple[str, ...], verb: Verb) -> None:
    do.change(verb, picked, (state.widget_value(TAG_KEY) or "") if verb in ("tag", "untag") else "")


def _export(picked: tuple[str, ...]) -> None:
    write = partial(host().history.exports.file, picked)
    export_popover(len(picked), write, key="bulk-export", name="apehost-chats")


def _pages(total: int) -> None:
    pages = ceil(total / _PAGE)
    if pages > 1:
        page = min(_page(), pages)
        key = f"pager-{page}"  # another page is another pager, which begins there
        st.pagination(pages, default=page, key=key, on_change=_turn, args=(key,))


def _turn(pager: str) -> None:
    state.name_in_url(PAGE, str(state.number(pager)))


def _page() -> int:
    named = state.named(PAGE) or ""
    return max(1, int(named)) if named.isdecimal() and len(named) < _LONGEST_NUMBER else 1


def _offset(shown: str) -> int:
    """Return how many lines come before those of the page that the URL names; anything new begins with the first."""
    page = state.history()
    if page.shown not in (None, shown):
        state.name_in_url(PAGE, None)
    page.shown = shown
    return (_page() - 1) * _PAGE


def _preview_message(message_id: str) -> None:
    around = host().library.around(message_id)
    preview(around, on_open=partial(_open, around, message_id))


def _preview_conversation(conversation_id: str) -> None:
    messages = host().conversations.path(conversation_id, limit=_LATEST).messages
    preview(messages, on_open=partial(state.leave_for, conversation_id))


def _open(around: tuple[StoredMessage, ...], message_id: str) -> None:
    state.leave_for(around[0].conversation_id, message_id)


def _open_hit(hit: Hit) -> None:
    state.leave_for(hit.conversation_id, hit.message_id if hit.where != "title" else None)


def _toggle(name: str) -> None:
    state.name_in_url(PREVIEW, None if state.named(PREVIEW) == name else name)


def _toggle_pick(conversation_id: str) -> None:
    do.pick([conversation_id], picked=conversation_id not in state.history().picked)


def _narrow(words: str) -> None:
    state.put(BOX_KEY, f"{state.widget_value(BOX_KEY) or ''} {words}".strip())


def _clear_search() -> None:
    state.put(BOX_KEY, "")


def _clear_filters() -> None:
    for key in KEYS:
        state.put(key, "" if key == "title" else None)
