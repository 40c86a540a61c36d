"""A list of rows, each with a title that opens it: hits and conversations, all drawn as one element.

Streamlit has an element for each text and button of a row. A browser takes a quarter of a second to draw the hundred
that a page of rows has, longer than all the rest of a search. What a row says is put into the page as text, in which
nothing is alive.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from apehost_core.history.found import Snippet
from apehost_ui import state
from apehost_ui.components.own import own

_DRAW: Final = own(__file__)


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says.

    Attributes:
        id: Of what it is about; no other row has it.
        title: In pieces, with what was looked for marked; pressing it opens what it names.
        about: A line below the title.
        badges: Stand behind that line.
        text: Below it, in pieces; empty for nothing.
        link: Where the title leads in a tab of its own.
        has_preview: Whether it has a button for a preview.
        picked: Whether its box is ticked; None where it has no box.
    """

    id: str
    title: Snippet
    about: str
    link: str
    badges: Sequence[str] = ()
    text: Snippet = ()
    has_preview: bool = True
    picked: bool | None = None


@dataclass(frozen=True, slots=True)
class RowActions:
    """What is done with a row; each gets its id.

    Attributes:
        open: Its title was pressed.
        preview: The button for its preview was pressed.
        pick: Its box was ticked, or is not any more.
    """

    open: Callable[[str], None]
    preview: Callable[[str], None]
    pick: Callable[[str], None] = lambda _id: None


def link_to(conversation: str, message: str | None = None) -> str:
    """Return the address of the chat page with a conversation, and with a message within it."""
    named = {state.CONVERSATION: conversation} | ({state.MESSAGE: message} if message else {})
    return f"./?{urlencode(named)}"


def rows(
    key: str, listed: Sequence[Row], previewed: str | None, actions: RowActions, draw_preview: Callable[[str], None]
) -> None:
    """Draw rows.

    Args:
        key: Of the list.
        listed: In order.
        previewed: Id of the row whose preview is open; where it is not among them, none is.
        actions: What is done with them.
        draw_preview: Draws what stands below that row; gets its id.
    """
    until = next((number for number, row in enumerate(listed, start=1) if row.id == previewed), None)
    with st.container(key=key, gap="small"):
        _draw(f"{key}-rows", listed[:until], previewed, actions)
        if until is not None:
            with st.container(border=True, key=f"{key}-below"):
                draw_preview(listed[until - 1].id)
            _draw(f"{key}-rest", listed[until:], None, actions)


def _draw(key: str, listed: Sequence[Row], previewed: str | None, actions: RowActions) -> None:
    if not listed:
        return
    _DRAW(
        key=key,
        data={"rows": [asdict(row) for row in listed], "previewed": previewed},
        on_open_change=partial(state.tell, key, "open", actions.open),
        on_preview_change=partial(state.tell, key, "preview", actions.preview),
        on_pick_change=partial(state.tell, key, "pick", actions.pick),
    )
