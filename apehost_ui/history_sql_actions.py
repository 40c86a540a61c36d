"""What the buttons of the SQL section do: calls to the console, and what the page remembers afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import streamlit as st

from apehost_core.errors import ApeHostError, Fault
from apehost_core.history.console import ChartChoice, SavedQuery, TableFormat, typed
from apehost_core.history.console_examples import EXAMPLES
from apehost_ui import state
from apehost_ui.components.history_sql_editor import OPEN_KEY, TEXT_KEY, name_key, parameter_key
from apehost_ui.components.history_sql_result import COLOUR_KEY, MARK_KEY, SHOWN_KEY, X_KEY, Y_KEY
from apehost_ui.history_state import Draft, SqlState
from apehost_ui.host import host
from apehost_ui.markdown import plain_label

QUERY, SQL = "query", "sql"
"""What the URL calls the saved query that is opened, and a statement that is not saved."""
_LONGEST_IN_URL = 8_000
_MOST_REPLACED = 30


def arrive() -> None:
    """Take in what the URL names, when it names something else than before; nothing is run by that."""
    page = state.history().sql
    named = state.named(QUERY), state.named(SQL)
    if named == page.arrived:
        return
    page.arrived = named
    query_id, sql = named
    saved = host().history.queries.get(query_id) if query_id else None
    if saved is not None:
        _show(page, replace(_kept(saved), text=sql or saved.sql), placed=saved.sql)
    elif sql is not None:
        _show(page, Draft(sql), placed="")


def note() -> None:
    """Remember what is typed, also where the same press leaves the section."""
    state.history().sql.text = state.widget_value(TEXT_KEY) or ""


def run() -> None:
    """Have the statement in the box run, and the URL name it."""
    page = _begun()
    try:
        names = host().history.console.check(page.text).parameters
        values = _values(page, names)
        page.run = host().history.statements.start(page.text, {name: typed(text) for name, text in values.items()})
    except ApeHostError as error:
        page.run, page.refusal = None, error.fault
        return
    page.ran = page.text, values
    _name_in_url(page)


def cancel() -> None:
    """End what runs."""
    page = state.history().sql
    if page.run is not None:
        host().history.statements.cancel(page.run)


def file(sql: str, values: dict[str, str], table_format: TableFormat) -> bytes:
    """Return all rows of a statement as a file."""
    return host().history.console.export(sql, {name: typed(text) for name, text in values.items()}, table_format)


def open_picked() -> None:
    """Put the saved query or the example that was picked into the box; it is not run."""
    picked = state.widget_value(OPEN_KEY)
    state.put(OPEN_KEY, None)
    if picked is None:
        return
    kind, _, name = picked.partition(":")
    if kind == "saved":
        saved = host().history.queries.get(name)
        if saved is not None:
            _place(_kept(saved))
    else:
        example = EXAMPLES[int(name)]
        _place(Draft(example.sql, dict(example.parameters), chart=example.chart, shown=_shown(example.chart)))


def use_view(name: str) -> None:
    """Put a statement over a view into the box."""
    _place(Draft(f"SELECT *\nFROM {name}\nLIMIT 100"))
    kept = " Undo puts back what you wrote." if state.history().sql.replaced else ""
    st.toast(f"{plain_label(name)} stands in the box.{kept}", icon=":material/input:")


def undo() -> None:
    """Put back what a person wrote and something else took the place of; what is written now can be put back then."""
    page = state.history().sql
    if page.replaced:
        _show(page, page.replaced[-1], placed="", aside=0)
        _name_in_url(page)


def save_over() -> None:
    """Keep the statement in the box in place of the opened query."""
    page = _begun()
    opened = _query(page.query)
    if opened is not None:
        page.refusal = _save(page, opened.name, opened.id)


def save_new() -> None:
    """Keep the statement in the box as a query of its own; where the name is taken, the page asks what to do."""
    page = _begun()
    name = _name(page)
    taken = host().history.queries.named(name)
    if taken is None:
        page.keep_refusal = _save(page, name, None)
    else:
        page.taken = taken.id


def save_instead() -> None:
    """Keep the statement in the box in place of the query whose name was given."""
    taken = _query(state.history().sql.taken)
    page = _begun()
    if taken is not None:
        page.keep_refusal = _save(page, taken.name, taken.id)


def save_beside() -> None:
    """Keep the statement in the box under the name that was given, with a number behind it."""
    taken = _query(state.history().sql.taken)
    page = _begun()
    if taken is not None:
        page.keep_refusal = _save(page, host().history.queries.free_name(taken.name), None)


def rename() -> None:
    """Give the opened query the name that is typed; what it asks stays as it was saved."""
    page = _begun()
    opened = _query(page.query)
    if opened is None:
        return
    try:
        host().history.queries.save(_name(page), opened.sql, opened.parameters, opened.chart, query_id=opened.id)
    except ApeHostError as error:
        page.keep_refusal = error.fault
    else:
        page.said = "Renamed."


def pin() -> None:
    """Have the opened query stand above the charts."""
    _change(host().history.queries.pin, "Pinned: it stands above the charts.")


def unpin() -> None:
    """Have the opened query no longer stand above the charts."""
    _change(host().history.queries.unpin, "Unpinned.")


def delete() -> None:
    """Forget the opened query; its statement can still be had."""
    page = state.history().sql
    saved = _query(page.query)
    _change(host().history.queries.delete, "Deleted. The statement is still in the box.")
    if page.keep_refusal is not None or saved is None:
        return
    page.query, page.placed = None, ""
    if saved.sql != page.text:
        page.replaced.append(replace(_kept(saved), query=None))
        page.said = "Deleted. Undo brings its statement back."
    _name_in_url(page)


def open_statement(sql: str) -> None:
    """Go to the SQL section with a statement, which is not run by itself."""
    state.names_in_url({state.SECTION: SQL, QUERY: None, SQL: sql})


def open_tile(query_id: str) -> None:
    """Go to a pinned query in the SQL section."""
    state.names_in_url({state.SECTION: SQL, SQL: None, QUERY: query_id})


def refresh_tiles() -> None:
    """Have all pinned queries run anew."""
    state.history().sql.tiles.clear()


def _begun() -> SqlState:
    """Return what the section remembers, with nothing said yet of what is done now."""
    page = state.history().sql
    _forget_said(page)
    page.text = _text(page)
    return page


def _forget_said(page: SqlState) -> None:
    page.refusal, page.keep_refusal, page.said, page.taken = None, None, "", None


def _name(page: SqlState) -> str:
    """Return the name that is typed at this moment."""
    opened = _query(page.query)
    return state.widget_value(name_key(opened.id if opened else None)) or ""


def _text(page: SqlState) -> str:
    """Return what stands in the box at this moment."""
    typed_in = state.widget_value(TEXT_KEY)
    return page.text if typed_in is None else typed_in


def _query(query_id: str | None) -> SavedQuery | None:
    return host().history.queries.get(query_id) if query_id else None


def _save(page: SqlState, name: str, query_id: str | None) -> Fault | None:
    """Keep the statement in the box, and return why it cannot be kept."""
    chart = _chart(page)
    try:
        values = _values(page, host().history.console.check(page.text).parameters)
        saved = host().history.queries.save(name, page.text, values, chart, query_id=query_id)
    except ApeHostError as error:
        return error.fault
    page.query, page.placed, page.said = saved.id, saved.sql, "Saved."
    _name_in_url(page)
    return None


def differs(opened: SavedQuery) -> bool:
    """Whether Save would keep another statement, or draw its result otherwise, than the opened query has it."""
    page = state.history().sql
    return (page.text, _chart(page)) != (opened.sql, opened.chart)


def _chart(page: SqlState) -> ChartChoice | None:
    """Return how the result is drawn; as it was while there is none, and None for a table."""
    return page.chart if state.held(SHOWN_KEY, "chart") == "chart" else None


def _values(page: SqlState, names: Sequence[str]) -> dict[str, str]:
    """Return what is typed for parameters, and note it."""
    typed_in = {name: state.widget_value(parameter_key(name)) for name in names}
    values = {name: page.values.get(name, "") if text is None else text for name, text in typed_in.items()}
    page.values |= values
    return values


def _change(verb: Callable[[str], None], said: str) -> None:
    page = _begun()
    if page.query is None:
        return
    try:
        verb(page.query)
    except ApeHostError as error:
        page.keep_refusal = error.fault
    else:
        page.said = said


def _kept(saved: SavedQuery) -> Draft:
    """Return what opening a saved query puts into the box."""
    return Draft(saved.sql, saved.parameters, saved.id, saved.chart, _shown(saved.chart))


def _shown(chart: ChartChoice | None) -> str:
    return "table" if chart is None else "chart"


def _place(draft: Draft) -> None:
    """Put what a person has picked into the box, and have the URL name it."""
    page = state.history().sql
    _show(page, draft, placed=draft.text)
    _name_in_url(page)


def _show(page: SqlState, draft: Draft, *, placed: str, aside: int | None = None) -> None:
    """Put something into the box; what a person wrote there is set aside.

    Args:
        page: What the section remembers.
        draft: What is put there.
        placed: The statement that need not be set aside later, because it can be put there again.
        aside: The place that what was there gets among all that was set aside; None for the last.
    """
    before = _standing(page)
    page.replaced = [other for other in page.replaced if other.text not in (before.text, draft.text)]
    if before.text.strip() and before.text not in (page.placed, draft.text):
        page.replaced.insert(len(page.replaced) if aside is None else aside, before)
        del page.replaced[:-_MOST_REPLACED]
    page.text, page.query, page.chart, page.placed = draft.text, draft.query, draft.chart, placed
    page.run, page.ran = draft.run, draft.ran
    _forget_said(page)
    page.values |= draft.values
    state.put(TEXT_KEY, draft.text)
    for name, value in draft.values.items():
        state.put(parameter_key(name), value)
    state.forget(MARK_KEY, X_KEY, Y_KEY, COLOUR_KEY)
    if draft.shown is not None:
        state.put(SHOWN_KEY, draft.shown)


def _standing(page: SqlState) -> Draft:
    """Return what stands in the box at this moment, with all that belongs to it."""
    values = _values(page, tuple(page.values))
    return Draft(_text(page), values, page.query, page.chart, state.widget_value(SHOWN_KEY), page.run, page.ran)


def _name_in_url(page: SqlState) -> None:
    """Have the URL name the opened query, and the statement where it is another one and short."""
    saved = _query(page.query)
    kept = saved is not None and saved.sql == page.text
    short = 0 < len(page.text) <= _LONGEST_IN_URL
    page.arrived = saved.id if saved else None, page.text if short and not kept else None
    state.names_in_url(dict(zip((QUERY, SQL), page.arrived, strict=True)))
