"""What a search found: the box, the filter words, the hits with what was looked for marked, the facets."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import streamlit as st

from apehost_core.compare.numbers import counted
from apehost_core.history.found import Facet, Found, Hit, Order, SearchProgress, Snippet
from apehost_core.history.search_words import FilterName
from apehost_ui.components.history_preview import badges, preview_button, title_button
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
            live="150ms",
            max_chars=1000,
            placeholder=_PLACEHOLDER,
            icon=":material/search:",
            label_visibility="collapsed",
        )
        with st.popover("", icon=":material/help:", key="search-help", help="What can be written"):
            st.markdown(
                'All words must be there. `"a phrase"` keeps their order, `begin*` takes any ending, `-word` leaves '
                "out what has it. A filter word with `-` before it leaves out what it names."
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


@dataclass(frozen=True, slots=True)
class HitActions:
    """What the buttons of the hits do.

    Attributes:
        open: Shows the message in its branch on the chat page.
        preview: Shows or hides what stands around it below the hit.
    """

    open: Callable[[Hit], None]
    preview: Callable[[Hit], None]


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


def facets(found: Sequence[Facet], text: str, *, on_pick: Callable[[str, str], None]) -> None:
    """Draw the values that the hits have, with how many have each; one that is pressed narrows the search.

    Args:
        found: What there is.
        text: The search that they are of; another one begins with nothing pressed.
        on_pick: Gets the facet's name, and the key of the widget that has the value.
    """
    with st.container(key="facets", gap="xxsmall"):
        for facet in found:
            if len(facet.values) < 2:
                continue
            counts, key = dict(facet.values), f"facet-{facet.name}|{text}"
            st.pills(
                facet.name,
                counts,
                key=key,
                format_func=partial(_counted, counts),
                on_change=on_pick,
                args=(facet.name, key),
            )


def _counted(counts: Mapping[str, int], value: str) -> str:
    return f"{plain_label(value)} :gray[{counts[value]:,}]"


def nothing_found(*, on_clear: Callable[[], None]) -> None:
    """Say that there are no hits, and what helps."""
    with st.container(key="no-hits"):
        st.info("Nothing has all of that. Fewer words, `begin*` or fewer filter words find more.")
        st.button("Clear search", key="clear-search", icon=":material/close:", on_click=on_clear)


def hit_rows(hits: Sequence[Hit], previewed: str | None, actions: HitActions, draw_preview: Callable[[], None]) -> None:
    """Draw the hits.

    Args:
        hits: In order.
        previewed: The message whose surroundings are shown; None where none are.
        actions: What the buttons do.
        draw_preview: Draws what stands around that message.
    """
    with st.container(key="hits", gap="small"):
        for hit in hits:
            name = hit.message_id if hit.where != "title" else f"title-{hit.conversation_id}"
            shown = hit.message_id == previewed and hit.where != "title"
            with st.container(border=True, gap=None, key=f"hit-{name}"):
                with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"line-{name}"):
                    label = marked(hit.snippet) if hit.where == "title" else plain_label(hit.title)
                    title_button(name, label, partial(actions.open, hit))
                    if hit.where != "title":
                        preview_button(hit.message_id, partial(actions.preview, hit), shown=shown)
                said = "" if hit.where == "title" else f"  \n{marked(hit.snippet)}"
                st.markdown(f":small[:gray[{_about(hit)}]]{said}")
                if shown:
                    draw_preview()


def _about(hit: Hit) -> str:
    who = plain_label(hit.model) or _ROLES.get(hit.role, plain_label(hit.role))
    pieces = [who, plain_label(hit.server), _WHERE[hit.where], moment(hit.at)]
    pieces += [badges(hit.tags)]
    pieces += ["archived"] if hit.archived else []
    pieces += ["in the trash"] if hit.trashed else []
    return " · ".join(filter(None, pieces))


def marked(snippet: Snippet) -> str:
    """Return a snippet as Markdown in which nothing is alive but the marks on what was looked for."""
    pieces: list[str] = []
    for text, found in snippet:
        words = plain_label(text)
        inner = f":orange-background[{words}]" if found and words else words
        pieces.append(f"{' ' * text[:1].isspace()}{inner}{' ' * (text[-1:].isspace() and bool(words))}")
    return "".join(pieces)
