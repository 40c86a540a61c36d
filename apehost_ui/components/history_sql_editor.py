"""The box for a statement with its parameters and buttons, and beside it what there is to ask about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Final

import streamlit as st

from apehost_core.errors import Fault
from apehost_core.history.console import SavedQuery, ViewInfo
from apehost_core.history.console_examples import EXAMPLES
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.grid import grid
from apehost_ui.markdown import plain_label

TEXT_KEY: Final = "sql-text"
OPEN_KEY: Final = "sql-open"
VIEW_KEY: Final = "sql-schema"
_FIRST_VIEW = "v_generations"
_BOX_PX = 260
_LONGEST_NAME = 120
_MOST_VALUE = 2_000
_MOST_BEGINNING = 45


def parameter_key(name: str) -> str:
    """Return the key of the field of a parameter."""
    return f"sql-value-{name}"


def name_key(query_id: str | None) -> str:
    """Return the key of the field for a name: of the opened query, or (None) where none is opened."""
    return "sql-name" if query_id is None else f"sql-name-{query_id}"


def statement_box(text: str, *, on_change: Callable[[], None]) -> str:
    """Draw the box, filled with a text where it is not on the page yet, and return what stands in it."""
    state.restore(TEXT_KEY, text)
    typed = st.text_area(
        "Statement",
        key=TEXT_KEY,
        height=_BOX_PX,
        placeholder="SELECT model, count(*) FROM v_generations GROUP BY model",
        help="One SELECT in DuckDB's SQL. A name with $ before it is a parameter: WHERE model = $model.",
        on_change=on_change,
    )
    return typed or ""


def parameter_fields(names: Sequence[str], values: dict[str, str]) -> None:
    """Draw a field for each parameter and note what is typed into it."""
    if not names:
        return
    with st.container(horizontal=True, key="sql-parameters"):
        for name in names:
            key = parameter_key(name)
            state.restore(key, values.get(name, ""))
            typed = st.text_input(
                plain_label(f"${name}"),
                key=key,
                max_chars=_MOST_VALUE,
                width=220,
                help="A number, a day (2026-11-25), true, or a text; nothing is NULL, '42' in quotes is a text.",
            )
            values[name] = typed or ""


def open_menu(saved: Sequence[SavedQuery], *, on_open: Callable[[], None]) -> None:
    """Draw the list of saved queries and examples; what is picked stands in `OPEN_KEY` while `on_open` runs."""
    names = {f"saved:{query.id}": query.name for query in saved}
    names |= {f"example:{number}": f"Example: {example.name}" for number, example in enumerate(EXAMPLES)}
    st.selectbox(
        "Open",
        list(names),
        index=None,
        key=OPEN_KEY,
        format_func=names.__getitem__,
        placeholder="Open a saved query or an example",
        label_visibility="collapsed",
        on_change=on_open,
    )


def opened_line(opened: SavedQuery, *, changed: bool) -> None:
    """Draw which saved query is opened, and whether Save would keep something else by now."""
    said = " :orange-badge[changed, not saved]" if changed else " :gray-badge[saved]"
    st.markdown(f":material/bookmark: **{plain_label(opened.name)}**{said}")


def undo_button(text: str, *, on_undo: Callable[[], None]) -> None:
    """Draw a button that puts back a statement that something else took the place of, with how it begins."""
    st.button("Undo", key="sql-undo", icon=":material/undo:", on_click=on_undo)
    begins = shorten(text, _MOST_BEGINNING, placeholder="…")
    st.caption(plain_label(f"Undo puts back what you wrote: {begins}"), width="stretch")


@dataclass(frozen=True, slots=True)
class SaveActions:
    """What the buttons of a saved query do.

    Attributes:
        save_over: Keeps the statement in place of the opened query.
        save_new: Keeps it as a query of its own, under the name in the field.
        save_instead: Keeps it in place of the query that has the name in the field.
        save_beside: Keeps it under another name, which `beside` says.
        rename: Gives the opened query the name in the field.
        pin: Has the opened query stand above the charts.
        unpin: Has it no longer stand there.
        delete: Forgets it.
    """

    save_over: Callable[[], None]
    save_new: Callable[[], None]
    save_instead: Callable[[], None]
    save_beside: Callable[[], None]
    rename: Callable[[], None]
    pin: Callable[[], None]
    unpin: Callable[[], None]
    delete: Callable[[], None]


@dataclass(frozen=True, slots=True)
class NameTaken:
    """A name was given that a saved query has: that query, and the name that keeps both."""

    query: SavedQuery
    beside: str


def save_buttons(
    opened: SavedQuery | None, actions: SaveActions, *, taken: NameTaken | None, refusal: Fault | None
) -> None:
    """Draw what keeps a statement: of the opened query one press, else a popover that asks for a name.

    Args:
        opened: The saved query that is opened; None when none is.
        actions: What the buttons do.
        taken: The name that was given, where it is taken.
        refusal: Why the last press inside of the popover was not done.
    """
    if opened is None:
        with st.popover("Save", icon=":material/bookmark:", key="sql-save"):
            _name_field(None, actions, taken=taken, refusal=refusal)
            st.button("Save", key="sql-save-new", on_click=actions.save_new)
        return
    st.button("Save", key="sql-save-over", icon=":material/bookmark:", on_click=actions.save_over)
    with st.popover("More", icon=":material/more_horiz:", key="sql-more"):
        _name_field(opened, actions, taken=taken, refusal=refusal)
        with st.container(horizontal=True):
            st.button("Save as new", key="sql-save-new", on_click=actions.save_new)
            st.button("Rename", key="sql-rename", on_click=actions.rename)
        with st.container(horizontal=True):
            if opened.pinned_at is None:
                st.button("Pin to the charts", key="sql-pin", icon=":material/keep:", on_click=actions.pin)
            else:
                st.button("Unpin", key="sql-unpin", icon=":material/keep_off:", on_click=actions.unpin)
            st.button("Delete", key="sql-delete", icon=":material/delete:", on_click=actions.delete)


def _name_field(
    opened: SavedQuery | None, actions: SaveActions, *, taken: NameTaken | None, refusal: Fault | None
) -> None:
    """Draw the field for a name, what was refused, and what can be done where the name in the field is taken.

    Each query has a field of its own: what is put into a field while its popover is closed does not arrive there.
    """
    name, key = (opened.name, name_key(opened.id)) if opened else ("", name_key(None))
    typed = st.text_input("Name", name, key=key, max_chars=_LONGEST_NAME)
    if refusal is not None:
        fault_box(refusal)
    if taken is None or (typed or "").strip().casefold() != taken.query.name.casefold():
        return
    with st.container(border=True, key="sql-taken"):
        st.markdown(f"There is already a saved query **{plain_label(taken.query.name)}**.")
        with st.container(horizontal=True):
            st.button("Replace it", key="sql-save-instead", type="primary", on_click=actions.save_instead)
            label = f"Keep both: save as {plain_label(taken.beside)}"
            st.button(label, key="sql-save-beside", on_click=actions.save_beside)


def schema_browser(views: Sequence[ViewInfo], *, on_use: Callable[[str], None]) -> None:
    """Draw the views that can be read: one at a time, with what its columns say.

    Args:
        views: At least one.
        on_use: Gets the name of the view that a statement shall begin with.
    """
    by_name = {view.name: view for view in views}
    state.offer(VIEW_KEY, tuple(by_name), _FIRST_VIEW if _FIRST_VIEW in by_name else views[0].name)
    name = st.selectbox("What there is", tuple(by_name), key=VIEW_KEY)
    view = by_name[name]
    st.caption(view.comment)
    grid(
        [{"Column": column.name, "What it says": column.comment, "Type": column.type} for column in view.columns],
        key="sql-columns",
        alt=f"Columns of {view.name}",
    )
    st.button(f"Select from {view.name}", key="sql-use", icon=":material/input:", on_click=on_use, args=(view.name,))
