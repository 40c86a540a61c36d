"""The box for a statement with its parameters and buttons, and beside it what there is to ask about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from apehost_core.history.console import SavedQuery, ViewInfo
from apehost_core.history.console_examples import EXAMPLES
from apehost_ui import state
from apehost_ui.components.grid import grid
from apehost_ui.markdown import plain_label

TEXT_KEY: Final = "sql-text"
OPEN_KEY: Final = "sql-open"
VIEW_KEY: Final = "sql-schema"
NAME_KEY: Final = "sql-name"
_FIRST_VIEW = "v_generations"
_BOX_PX = 260
_LONGEST_NAME = 120
_MOST_VALUE = 2_000


def parameter_key(name: str) -> str:
    """Return the key of the field of a parameter."""
    return f"sql-value-{name}"


def statement_box(text: str) -> str:
    """Draw the box, filled with a text where it is not on the page yet, and return what stands in it."""
    state.restore(TEXT_KEY, text)
    typed = st.text_area(
        "Statement",
        key=TEXT_KEY,
        height=_BOX_PX,
        placeholder="SELECT model, count(*) FROM v_generations GROUP BY model",
        help="One SELECT in DuckDB's SQL. A name with $ before it is a parameter: WHERE model = $model.",
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


@dataclass(frozen=True, slots=True)
class SaveActions:
    """What the buttons of a saved query do.

    Attributes:
        save_over: Keeps the statement under the name in the field, in place of the opened query.
        save_new: Keeps it as a query of its own.
        pin: Has the opened query stand above the charts.
        unpin: Has it no longer stand there.
        delete: Forgets it.
    """

    save_over: Callable[[], None]
    save_new: Callable[[], None]
    pin: Callable[[], None]
    unpin: Callable[[], None]
    delete: Callable[[], None]


def save_menu(opened: SavedQuery | None, actions: SaveActions) -> None:
    """Draw the popover that keeps a statement."""
    with st.popover("Save", icon=":material/bookmark:", key="sql-save"):
        state.restore(NAME_KEY, opened.name if opened else "")
        st.text_input("Name", key=NAME_KEY, max_chars=_LONGEST_NAME)
        with st.container(horizontal=True):
            if opened is not None:
                st.button("Save", key="sql-save-over", type="primary", on_click=actions.save_over)
            label = "Save as new" if opened else "Save"
            st.button(label, key="sql-save-new", on_click=actions.save_new)
        if opened is not None:
            with st.container(horizontal=True):
                if opened.pinned_at is None:
                    st.button("Pin to the charts", key="sql-pin", icon=":material/keep:", on_click=actions.pin)
                else:
                    st.button("Unpin", key="sql-unpin", icon=":material/keep_off:", on_click=actions.unpin)
                st.button("Delete", key="sql-delete", icon=":material/delete:", on_click=actions.delete)


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
