"""What the list of conversations is narrowed to. All of it stands in the URL."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Final

import streamlit as st

from apehost_core.history.listing import Choices, ListFilter, Place
from apehost_ui.components.switch import url_switch
from apehost_ui.markdown import plain_label

_PLACES: Final[dict[str, Place | None]] = {"chats": "kept", "archive": "archive", "trash": "trash", "all": None}
_PLACE_WORDS: Final = {"chats": "Chats", "archive": "Archive", "trash": "Trash", "all": "Chats and archive"}
_ORIGINS: Final = {"here": False, "imported": True}
_ORIGIN_WORDS: Final = {"here": "Begun here", "imported": "Imported"}
_URL: Final = "query-params"
KEYS: Final = ("title", "tag", "model", "server", "since", "until", "origin")


def filters(choices: Callable[[], Choices], *, on_clear: Callable[[], None]) -> ListFilter:
    """Draw the filters and return what they say.

    Args:
        choices: What there is to choose from.
        on_clear: Empties all fields.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="list-filters"):
        place = url_switch("Where", _PLACE_WORDS, "place")
        with st.popover("Filters", icon=":material/filter_list:", key="filters"):
            narrowed = _fields(choices(), _PLACES[place])
            st.button("Clear filters", key="clear-filters", on_click=on_clear)
        if words := _in_words(narrowed):
            st.caption(plain_label(words), width="content")
            st.button("Clear", key="clear-filters-now", icon=":material/close:", type="tertiary", on_click=on_clear)
    return narrowed


def _in_words(narrowed: ListFilter) -> str:
    """Return what the list is narrowed to beside its place; "" where it is not."""
    pieces = [f'title "{narrowed.contains}"'] if narrowed.contains else []
    pieces += [f"tag {narrowed.tag}"] if narrowed.tag else []
    pieces += [name for name in (narrowed.model, narrowed.server) if name]
    pieces += ["some dates"] if narrowed.after or narrowed.before else []
    pieces += (
        [_ORIGIN_WORDS["imported" if narrowed.imported else "here"].lower()] if narrowed.imported is not None else []
    )
    return f"Only: {', '.join(pieces)}" if pieces else ""


def _fields(choices: Choices, place: Place | None) -> ListFilter:
    title = st.text_input("Title contains", key="title", bind=_URL, max_chars=200, live="120ms")
    tag = _choice("Tag", "tag", choices.tags)
    model = _choice("Model", "model", choices.models)
    server = _choice("Server", "server", choices.servers)
    since = st.date_input("Last message from", value=None, key="since", bind=_URL)
    until = st.date_input("until, that day included", value=None, key="until", bind=_URL)
    origin = st.selectbox(
        "Where it began",
        tuple(_ORIGINS),
        index=None,
        format_func=_ORIGIN_WORDS.__getitem__,
        placeholder="Anywhere",
        key="origin",
        bind=_URL,
    )
    return ListFilter(
        place=place,
        contains=(title or "").strip(),
        tag=tag,
        model=model,
        server=server,
        after=_midnight(since),
        before=_midnight(until, days=1),
        imported=_ORIGINS[origin] if origin else None,
    )


def _choice(label: str, key: str, options: tuple[str, ...]) -> str | None:
    return st.selectbox(label, options, index=None, placeholder="Any", key=key, bind=_URL, disabled=not options)


def _midnight(day: date | None, *, days: int = 0) -> datetime | None:
    """Return when a day of this computer's clock begins, or one so many days later."""
    if day is None:
        return None
    later = date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))
    return datetime.combine(later, time.min).astimezone().astimezone(UTC)
