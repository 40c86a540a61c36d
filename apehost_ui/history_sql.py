"""The history page's SQL section: a statement over the documented views, its result, and what was kept of them.

A statement that the URL names stands in the box and is not run until somebody presses Run.
"""

import time
from functools import partial
from typing import Final

import streamlit as st

from apehost_core.errors import ApeHostError, Fault, InputRefused
from apehost_core.history.console import Result, SavedQuery, StatementRun, typed
from apehost_ui import history_sql_actions as do
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.history_sql_editor import (
    NameTaken,
    SaveActions,
    open_menu,
    opened_line,
    parameter_fields,
    save_buttons,
    schema_browser,
    statement_box,
    undo_button,
)
from apehost_ui.components.history_sql_result import (
    result_chart,
    result_files,
    result_line,
    result_switch,
    result_table,
    tile,
)
from apehost_ui.host import host
from apehost_ui.markdown import plain_label
from apehost_ui.words import duration

_PATIENCE_S: Final = 0.4
_LOOK_EVERY_S: Final = 0.3
_TILE_FRESH_S: Final = 300.0
_SAVING: Final = SaveActions(
    do.save_over, do.save_new, do.save_instead, do.save_beside, do.rename, do.pin, do.unpin, do.delete
)


def sql() -> None:
    """Draw the box with what belongs to it, what there is to ask about, and the last result."""
    do.arrive()
    with st.container(horizontal=False, key="sql-work"):
        left, right = st.columns([3, 2], gap="medium")
        with left:
            above = st.container(key="sql-opened")
            opened = _editor()
        with right:
            schema_browser(host().history.console.schema, on_use=do.use_view)
    with st.container(key="sql-outcome"):
        _outcome()
    if opened is not None:  # how the result is drawn is known only now
        with above:
            opened_line(opened, changed=do.differs(opened))


def tiles() -> None:
    """Draw the pinned queries, two side by side; nothing where none is pinned."""
    pinned = host().history.queries.pinned()
    if not pinned:
        return
    refused = {query.id: _begin(query) for query in pinned}
    until = time.monotonic() + _PATIENCE_S
    with st.container(key="tiles", gap="small"):
        st.button(
            "Run the pinned queries anew", key="tiles-refresh", icon=":material/refresh:", on_click=do.refresh_tiles
        )
        for first in range(0, len(pinned), 2):
            for column, query in zip(st.columns(2), pinned[first : first + 2], strict=False):
                with column, st.container(border=True, key=f"tile-{query.id}"):
                    _tile(query, refused[query.id], max(0.0, until - time.monotonic()))


def _editor() -> SavedQuery | None:
    """Draw the box with its buttons, and return the saved query that is opened."""
    page = state.history().sql
    queries = host().history.queries
    opened = queries.get(page.query) if page.query else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        open_menu(queries.list(), on_open=do.open_picked)
    page.text = statement_box(page.text, on_change=do.note)
    parameter_fields(_parameters(page.text), page.values)
    with st.container(horizontal=True, key="sql-buttons"):
        st.button("Run", key="sql-run", type="primary", icon=":material/play_arrow:", on_click=do.run)
        save_buttons(opened, _SAVING, taken=_taken(page.taken), refusal=page.keep_refusal)
        if page.replaced:
            undo_button(page.replaced[-1].text, on_undo=do.undo)
    if page.said:
        st.caption(page.said)
    return opened


def _taken(query_id: str | None) -> NameTaken | None:
    """Return the saved query whose name was given for another one, with a name that keeps both."""
    queries = host().history.queries
    taken = queries.get(query_id) if query_id else None
    return None if taken is None else NameTaken(taken, queries.free_name(taken.name))


def _parameters(text: str) -> tuple[str, ...]:
    """Return the parameters of what stands in the box; none while it is not a statement."""
    try:
        return host().history.console.check(text).parameters
    except InputRefused:
        return ()


def _outcome() -> None:
    page = state.history().sql
    if page.refusal is not None:
        fault_box(page.refusal)
    if page.run is None:
        return
    run = host().history.statements.wait(page.run, _PATIENCE_S)
    if run is None:
        st.info("The result is not kept any more. Run the statement again.")
    elif not run.ended:
        st.fragment(_look, run_every=_LOOK_EVERY_S)(page.run)
    elif run.result is not None:
        _result(run.result)
    elif run.state == "cancelled":
        st.info("Cancelled.")
    elif run.fault is not None:
        fault_box(run.fault)


def _look(run_id: str) -> None:
    """Draw how long a statement runs by now; reruns the page once it has ended."""
    run = host().history.statements.look(run_id)
    if (run is None or run.ended) and state.chat().dialog is None:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Cancel", key="sql-cancel", icon=":material/stop:", on_click=do.cancel)
        st.caption(_running(run), width="content")


def _running(run: StatementRun | None) -> str:
    if run is not None and run.state == "waiting":
        return "Waiting: two other statements run."
    return f"Running for {duration(run.seconds if run else 0.0)}."


def _result(result: Result) -> None:
    page, limits = state.history().sql, host().history.console.limits
    if result.frame.empty:
        st.info(f"No rows · {result.took_ms:,.0f} ms")
        if "" in page.ran[1].values():
            st.caption("A parameter is empty: that is NULL, and nothing equals NULL.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = result_switch()
        st.caption(result_line(result, limits), width="content")
    if shown == "chart":
        page.chart = result_chart(result, page.chart)
    else:
        result_table(result, key="sql-table")
    result_files(partial(do.file, *page.ran), limits)


def _begin(query: SavedQuery) -> Fault | None:
    """Have a pinned query run, unless its result is there and not old; returns why it cannot."""
    page, statements = state.history().sql, host().history.statements
    edition = query.updated_at.isoformat()
    run_id, begun, ran = page.tiles.get(query.id, ("", 0.0, ""))
    fresh = ran == edition and time.monotonic() - begun < _TILE_FRESH_S
    if fresh and statements.look(run_id) is not None:
        return None
    try:
        run_id = statements.start(query.sql, {name: typed(text) for name, text in query.parameters.items()})
    except ApeHostError as error:
        return error.fault
    page.tiles[query.id] = run_id, time.monotonic(), edition
    return None


def _tile(query: SavedQuery, refused: Fault | None, patience_s: float) -> None:
    run_id = state.history().sql.tiles[query.id][0] if refused is None else ""
    run = host().history.statements.wait(run_id, patience_s)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain_label(query.name)}**")
        st.button(
            "Open",
            key=f"tile-open-{query.id}",
            icon=":material/open_in_new:",
            type="tertiary",
            on_click=do.open_tile,
            args=(query.id,),
        )
    fault = run.fault if run is not None else refused
    if run is not None and not run.ended:
        st.fragment(_look_at_tile, run_every=_LOOK_EVERY_S)(run_id)
    elif run is not None and run.result is not None:
        tile(run.result, query.chart, key=f"tile-{query.id}")
    elif fault is not None:
        fault_box(fault)


def _look_at_tile(run_id: str) -> None:
    run = host().history.statements.look(run_id)
    if (run is None or run.ended) and state.chat().dialog is None:
        st.rerun()
    st.caption(_running(run))
