"""What the buttons of the SQL section do: calls to the console, and what the page remembers afterwards."""

from collections.abc import Callable, Sequence

from apehost_core.errors import ApeHostError
from apehost_core.history.console import SavedQuery, TableFormat, typed
from apehost_core.history.console_examples import EXAMPLES
from apehost_ui import state
from apehost_ui.components.history_sql_editor import NAME_KEY, OPEN_KEY, TEXT_KEY, parameter_key
from apehost_ui.components.history_sql_result import COLOUR_KEY, MARK_KEY, SHOWN_KEY, X_KEY, Y_KEY
from apehost_ui.history_state import SqlState
from apehost_ui.host import host

QUERY, SQL = "query", "sql"
"""What the URL calls the saved query that is opened, and a statement that is not saved."""
_LONGEST_IN_URL = 8_000


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
        _show(page, saved.sql, saved.parameters)
        _opened(page, saved)
    elif sql is not None:
        _show(page, sql, {})


def run() -> None:
    """Have the statement in the box run, and the URL name it."""
    page = state.history().sql
    page.refusal, page.said = None, ""
    page.text = state.widget_value(TEXT_KEY) or ""
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
    page = state.history().sql
    kind, _, name = picked.partition(":")
    if kind == "saved":
        saved = host().history.queries.get(name)
        if saved is not None:
            _show(page, saved.sql, saved.parameters)
            _opened(page, saved)
    else:
        example = EXAMPLES[int(name)]
        _show(page, example.sql, dict(example.parameters))
        page.chart = example.chart
        state.put(SHOWN_KEY, "chart" if example.chart else "table")
    _name_in_url(page)


def use_view(name: str) -> None:
    """Put a statement over a view into the box."""
    page = state.history().sql
    _show(page, f"SELECT *\nFROM {name}\nLIMIT 100", {})
    _name_in_url(page)


def save_over() -> None:
    """Keep the statement in the box in place of the opened query."""
    _save(state.history().sql.query)


def save_new() -> None:
    """Keep the statement in the box as a query of its own."""
    _save(None)


def pin() -> None:
    """Have the opened query stand above the charts."""
    _change(host().history.queries.pin, "Pinned: it stands above the charts.")


def unpin() -> None:
    """Have the opened query no longer stand above the charts."""
    _change(host().history.queries.unpin, "Unpinned.")


def delete() -> None:
    """Forget the opened query; its statement stays in the box."""
    page = state.history().sql
    _change(host().history.queries.delete, "Deleted. The statement is still in the box.")
    if page.refusal is None:
        page.query = None
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


def _save(query_id: str | None) -> None:
    page = state.history().sql
    page.refusal, page.said = None, ""
    page.text = state.widget_value(TEXT_KEY) or ""
    chart = page.chart if state.widget_value(SHOWN_KEY) == "chart" else None
    try:
        values = _values(page, host().history.console.check(page.text).parameters)
        name = state.widget_value(NAME_KEY) or ""
        saved = host().history.queries.save(name, page.text, values, chart, query_id=query_id)
    except ApeHostError as error:
        page.refusal = error.fault
        return
    page.query, page.said = saved.id, "Saved."
    _name_in_url(page)


def _values(page: SqlState, names: Sequence[str]) -> dict[str, str]:
    """Return what is typed for parameters, and note it."""
    typed_in = {name: state.widget_value(parameter_key(name)) for name in names}
    values = {name: page.values.get(name, "") if text is None else text for name, text in typed_in.items()}
    page.values |= values
    return values


def _change(verb: Callable[[str], None], said: str) -> None:
    page = state.history().sql
    page.refusal, page.said = None, ""
    if page.query is None:
        return
    try:
        verb(page.query)
    except ApeHostError as error:
        page.refusal = error.fault
    else:
        page.said = said


def _opened(page: SqlState, saved: SavedQuery) -> None:
    page.query, page.chart = saved.id, saved.chart
    state.put(SHOWN_KEY, "chart" if saved.chart else "table")
    state.put(NAME_KEY, saved.name)


def _show(page: SqlState, sql: str, values: dict[str, str]) -> None:
    """Put a statement into the box, which no result belongs to yet."""
    page.text, page.query, page.run, page.chart = sql, None, None, None
    page.refusal, page.said = None, ""
    page.values |= values
    state.put(TEXT_KEY, sql)
    for name, value in values.items():
        state.put(parameter_key(name), value)
    state.forget(MARK_KEY, X_KEY, Y_KEY, COLOUR_KEY, NAME_KEY)


def _name_in_url(page: SqlState) -> None:
    """Have the URL name the saved query while the box has its statement, else the statement where it is short."""
    saved = host().history.queries.get(page.query) if page.query else None
    if saved is not None and saved.sql == page.text:
        page.arrived = saved.id, None
    else:
        page.arrived = None, page.text if page.text and len(page.text) <= _LONGEST_IN_URL else None
    state.names_in_url(dict(zip((QUERY, SQL), page.arrived, strict=True)))
