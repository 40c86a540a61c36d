"""What a search found: the box, the filter words, the hits with what was looked for marked."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Final

import streamlit as st

from apehost_core.compare.numbers import counted
from apehost_core.history.found import Found, Hit, Order, SearchProgress
from apehost_core.history.search_words import FilterName
from apehost_ui.components.rows import Row, link_to
from apehost_ui.components.switch import url_switch
from apehost_ui.markdown import plain_label
from apehost_ui.words import duration, moment

BOX_KEY: Final = "q"
_PLACEHOLDER: Final = 'Search everything: words, "a phrase", begin*, -without, model:qwen, has:error, after:7d'
_LEAST_MS = 10
_WHERE: Final = {"text": "", "reasoning": "in its reasoning", "tool": "in a tool call", "title": "title"}
_ROLES: Final = {"user": "you", "assistant": "model", "tool": "tool", "system": "system", "": ""}
_ORDERS: Final[dict[Order, str]] = {"relevance": "Best first", "newest": "Newest first"}


def search_box(filter_words: Mapping[FilterName, str]) -> str:
    """Draw the box and what can be written into it; returns what is written. It stands in the URL."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="search-line"):
        text = st.text_input(
            "Search",
            key=BOX_KEY,
            type="search",
            bind="query-params",
            live="120ms",
            max_chars=1000,
            placeholder=_PLACEHOLDER,
            icon=":material/search:",
            label_visibility="collapsed",
        )
        with st.popover("", icon=":material/help:", key="search-help", help="What can be written"):
            st.markdown(
                'All words must be there. `"a phrase"` keeps their order, `begin*` takes any ending, `-word` leaves '
                "out what has it. A filter word with `-` before it leaves out what it names. ↓ goes to the hits."
            )
            st.markdown("\n".join(f"- `{example}`" for example in filter_words.values()))
    return (text or "").strip()


def index_state(progress: SearchProgress) -> None:
    """Draw how far the index is while it is not complete."""
    if progress.state == "broken":
        st.warning("The search index cannot be used now; it is tried again by itself.", icon=":material/build:")
    elif progress.state != "ready":
        verb = "is being built anew" if progress.state == "rebuilding" else "is catching up"
        share = progress.done / progress.total if progress.total else 0.0
        st.progress(min(share, 1.0), text=f"The search index {verb}: {progress.done:,} of {progress.total:,}.")


@contextmanager
def found_line() -> Generator[tuple[Order, Callable[[Found], None]], None, None]:
    """Draw the switch of the order; gives the order that is wanted, and what says how many hits there are."""
    with st.container(horizontal=True, vertical_alignment="center", key="found-line"):
        count = st.empty()
        order = url_switch("Order", _ORDERS, "order")
    notes = st.container(key="found-notes")

    def say(found: Found) -> None:
        took = (
            duration(found.took_ms / 1000) if found.took_ms >= _LEAST_MS else f"less than {duration(_LEAST_MS / 1000)}"
        )
        count.caption(f"{counted(found.total, 'hit')} in {took}", width="stretch")
        with notes:
            for note in found.notes:
                st.caption(plain_label(note))

    yield order, say


def nothing_found(*, on_clear: Callable[[], None]) -> None:
    """Say that there are no hits, and what helps."""
    with st.container(key="no-hits"):
        st.info("Nothing has all of that. Fewer words, `begin*` or fewer filter words find more.")
        st.button("Clear search", key="clear-search", icon=":material/close:", on_click=on_clear)


def hit_row(hit: Hit) -> Row:
    """Return what the row of a hit says; its id is the message's, or `title-` and the conversation's."""
    is_title = hit.where == "title"
    return Row(
        id=f"title-{hit.conversation_id}" if is_title else hit.message_id,
        title=hit.snippet if is_title else ((hit.title, False),),
        about=_about(hit),
        badges=hit.tags,
        text=() if is_title else hit.snippet,
        link=link_to(hit.conversation_id, hit.message_id or None),
        has_preview=not is_title,
    )


def _about(hit: Hit) -> str:
    who = hit.model or _ROLES.get(hit.role, hit.role)
    pieces = [who, hit.server, _WHERE[hit.where], moment(hit.at)]
    pieces += ["archived"] if hit.archived else []
    pieces += ["in the trash"] if hit.trashed else []
    return " · ".join(filter(None, pieces))
