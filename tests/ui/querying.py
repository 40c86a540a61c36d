"""A browser tab on the SQL section, and what is asked and kept there."""

from streamlit.testing.v1.element_tree import TextInput

from apehost_core.history.console import ChartChoice
from apehost_ui import state
from tests.ui.running import Running, until
from tests.ui.tab import Tab

SECTION = "sql"
COUNT = "SELECT model, count(*) AS calls FROM v_generations GROUP BY model ORDER BY model"


def opened(**named: str) -> Tab:
    """A new tab on the section, with further names in its URL."""
    return Tab("history", {state.SECTION: SECTION, **named})


def run(tab: Tab, sql: str) -> Tab:
    """Type a statement, press Run and wait for its end."""
    tab.at.text_area(key="sql-text").set_value(sql)
    tab.click("sql-run")
    return settle(tab)


def settle(tab: Tab) -> Tab:
    """Wait until nothing runs any more, and let the tab see it."""
    until(lambda: "Cancel" not in tab.run().buttons)
    return tab


def keep(running: Running, name: str, sql: str, chart: ChartChoice | None = None, *, pinned: bool = False) -> str:
    """Save a query and return its id."""
    queries = running.host.history.queries
    saved = queries.save(name, sql, {}, chart)
    if pinned:
        queries.pin(saved.id)
    return saved.id


def box(tab: Tab) -> str:
    """What stands in the box."""
    return tab.at.text_area(key="sql-text").value or ""


def name(tab: Tab, text: str) -> Tab:
    """Type a name for a query; it is sent with the next press."""
    name_field(tab).set_value(text)
    return tab


def name_field(tab: Tab) -> TextInput:
    """The field for a query's name."""
    (field,) = [field for field in tab.at.text_input if field.label == "Name"]
    return field
