"""The SQL section of the history page: statements that are kept, and those that something else takes the place of."""

from collections.abc import Callable

import pytest

from tests.ui.querying import COUNT, box, keep, name, name_field, opened, run, settle
from tests.ui.running import Running
from tests.ui.tab import Tab

MINE = "SELECT 1 AS mine"


def test_a_saved_query_opens_by_its_link(filled: Running) -> None:
    """The URL names a saved query; its statement and name are filled in."""
    tab = opened(query=keep(filled, "Calls", COUNT))
    assert COUNT == box(tab)
    assert "Calls" == name_field(tab).value


@pytest.mark.parametrize("named", ["nothing", "01900000-0000-7000-8000-000000000000"])
def test_a_link_to_a_query_that_is_gone(filled: Running, named: str) -> None:
    """The box is empty, and nothing breaks."""
    assert "" == box(opened(query=named))


def test_a_query_is_saved_pinned_and_deleted(filled: Running) -> None:
    """A statement is kept under a name, pinned, unpinned and forgotten; the URL names it meanwhile."""
    queries = filled.host.history.queries
    tab = run(opened(), COUNT)
    name(tab, "Calls of each").click("sql-save-new")
    (saved,) = queries.list()
    assert ("Calls of each", COUNT, saved.id) == (saved.name, saved.sql, tab.at.query_params["query"])
    tab.click("sql-pin")
    assert [saved.id] == [query.id for query in queries.pinned()]
    tab.click("sql-unpin")
    assert [] == list(queries.pinned())
    tab.click("sql-delete")
    assert [] == list(queries.list())
    assert COUNT == box(tab)


def test_a_query_without_a_name_is_refused(filled: Running) -> None:
    """The page says that a name is missing, and nothing is kept."""
    tab = name(run(opened(), COUNT), "  ").click("sql-save-new")
    assert "needs a name" in tab.errors
    assert [] == list(filled.host.history.queries.list())


def test_a_changed_query_is_saved_in_place(filled: Running) -> None:
    """What is opened and changed is kept in place, or beside it."""
    queries = filled.host.history.queries
    tab = opened(query=keep(filled, "Calls", COUNT))
    run(tab, "SELECT 1 AS x").click("sql-save-over")
    assert ["SELECT 1 AS x"] == [query.sql for query in queries.list()]
    name(tab, "Other").click("sql-save-new")
    assert ["Calls", "Other"] == [query.name for query in queries.list()]


def test_the_opened_query_is_named(filled: Running) -> None:
    """Which saved query is opened stands above the box, and whether its statement was changed since, until Save."""
    tab = opened(query=keep(filled, "Calls", COUNT))
    assert "**Calls** :gray-badge[saved]" in marked(tab)
    write(tab, MINE).run()
    assert "**Calls** :orange-badge[changed, not saved]" in marked(tab)
    tab.click("sql-save-over")
    assert "**Calls** :gray-badge[saved]" in marked(tab)
    assert MINE == filled.host.history.queries.list()[0].sql
    tab.click("sql-use")
    assert "" == tab.box("sql-opened")


def test_a_chart_of_an_opened_query_is_kept_with_it(filled: Running) -> None:
    """Another way to draw the result is a change too; saving a statement before it is run leaves its chart alone."""
    queries = filled.host.history.queries
    tab = run(opened(query=keep(filled, "Calls", COUNT)), COUNT)
    assert "**Calls** :gray-badge[saved]" in marked(tab)
    tab.at.button_group(key="sql-shown").set_value("chart")
    assert "**Calls** :orange-badge[changed, not saved]" in marked(tab.run())
    tab.click("sql-save-over")
    assert "**Calls** :gray-badge[saved]" in marked(tab)
    (saved,) = queries.list()
    assert saved.chart is not None
    again = opened(query=saved.id)
    write(again, f"{COUNT} -- by day").click("sql-save-over")
    assert [saved.chart] == [query.chart for query in queries.list()]


def test_a_changed_query_has_a_link(filled: Running) -> None:
    """A reload after Run shows the opened query with the statement that it was changed into."""
    query_id = keep(filled, "Calls", COUNT)
    tab = run(opened(query=query_id), MINE)
    assert (query_id, MINE) == (tab.at.query_params["query"], tab.at.query_params["sql"])
    again = opened(query=query_id, sql=MINE)
    assert MINE == box(again)
    assert "**Calls** :orange-badge[changed, not saved]" in marked(again)


def test_a_query_is_renamed(filled: Running) -> None:
    """Another name is given without keeping what was changed in the box; one that is taken is refused."""
    queries = filled.host.history.queries
    query_id = keep(filled, "Calls", COUNT)
    keep(filled, "Other", COUNT)
    tab = name(write(opened(query=query_id), MINE), "Counts").click("sql-rename")
    assert ["Counts", "Other"] == [query.name for query in queries.list()]
    assert (COUNT, MINE) == (queries.list()[0].sql, box(tab))
    name(tab, "other").click("sql-rename")
    assert "already a saved query named 'other'" in tab.errors
    assert ["Counts", "Other"] == [query.name for query in queries.list()]


def test_a_name_that_is_taken_is_asked_about(filled: Running) -> None:
    """Nothing is replaced unasked: the page offers to replace the query of that name, or to keep both."""
    queries = filled.host.history.queries
    query_id = keep(filled, "Calls", COUNT)
    tab = name(write(opened(), MINE), "calls").click("sql-save-new")
    assert "already a saved query **Calls**" in marked(tab)
    assert [COUNT] == [query.sql for query in queries.list()]
    tab.press("Keep both: save as Calls (2)")
    assert [("Calls", COUNT), ("Calls (2)", MINE)] == [(query.name, query.sql) for query in queries.list()]
    name(tab, "Calls").click("sql-save-new").press("Replace it")
    assert [("Calls", MINE), ("Calls (2)", MINE)] == [(query.name, query.sql) for query in queries.list()]
    assert query_id == queries.list()[0].id == tab.at.query_params["query"]


def test_another_name_ends_the_question(filled: Running) -> None:
    """Whoever types a name that is free is not asked any more."""
    keep(filled, "Calls", COUNT)
    tab = name(write(opened(), MINE), "Calls").click("sql-save-new")
    name(tab, "Mine").run()
    assert "Replace it" not in tab.buttons
    tab.click("sql-save-new")
    assert ["Calls", "Mine"] == [query.name for query in filled.host.history.queries.list()]


def use_view(tab: Tab) -> None:
    """Begin a statement with a view."""
    tab.click("sql-use")


def open_example(tab: Tab) -> None:
    """Open an example."""
    tab.at.selectbox(key="sql-open").select("example:3")
    tab.run()


def open_saved(tab: Tab) -> None:
    """Open the saved query."""
    menu = tab.at.selectbox(key="sql-open")
    menu.select_index(0)
    tab.run()


def follow_link(tab: Tab) -> None:
    """Follow a link to a statement."""
    tab.at.query_params["sql"] = COUNT
    tab.run()


@pytest.mark.parametrize("replace", [use_view, open_example, open_saved, follow_link])
def test_what_a_person_wrote_comes_back(filled: Running, replace: Callable[[Tab], None]) -> None:
    """Whatever takes the place of a typed statement, Undo puts that back, with its values and its result."""
    keep(filled, "Calls", COUNT)
    mine = "SELECT count(*) AS n FROM v_generations WHERE model = $model"
    tab = write(opened(), mine).run().write(sql_value_model="model-2")
    settle(tab.click("sql-run"))
    replace(tab)
    assert mine != box(tab)
    tab.click("sql-undo")
    assert (mine, "model-2") == (box(tab), tab.at.text_input(key="sql-value-model").value)
    assert "1 row" in tab.box("sql-outcome")


def test_what_is_typed_and_replaced_in_one_press(filled: Running) -> None:
    """A statement that the page has not seen before the press is not lost either."""
    tab = write(opened(), MINE)
    use_view(tab)
    assert f"Undo puts back what you wrote: {MINE}" in tab.page
    tab.click("sql-undo")
    assert MINE == box(tab)
    assert "Undo" not in tab.buttons


def test_nothing_to_undo(filled: Running) -> None:
    """An empty box, an example as it is and a saved query as it is are not worth an Undo."""
    tab = opened(query=keep(filled, "Calls", COUNT))
    for replace in (use_view, open_example, open_saved, use_view):
        replace(tab)
        assert "Undo" not in tab.buttons


def test_undo_loses_nothing(filled: Running) -> None:
    """What is written after a replacement takes the place in the row of what Undo puts back."""
    tab = write(opened(), MINE)
    use_view(tab)
    open_example(write(tab, "SELECT 2 AS mine"))
    write(tab, "SELECT 3 AS mine")
    seen = [box(tab.click("sql-undo")) for _ in range(3)]
    assert ["SELECT 2 AS mine", MINE, "SELECT 3 AS mine"] == seen


def test_the_statement_of_a_deleted_query_comes_back(filled: Running) -> None:
    """Where the box has another statement, deleting the opened query leaves its own to Undo."""
    tab = write(opened(query=keep(filled, "Calls", COUNT)), MINE).click("sql-delete")
    assert MINE == box(tab)
    assert COUNT == box(tab.click("sql-undo"))


def test_what_is_typed_survives_another_section(filled: Running) -> None:
    """A statement is kept also where the press that ends the typing leaves the section."""
    tab = write(opened(), MINE).section("data").section("sql")
    assert MINE == box(tab)


def write(tab: Tab, sql: str) -> Tab:
    """Type a statement; it is sent with the next press."""
    tab.at.text_area(key="sql-text").set_value(sql)
    return tab


def marked(tab: Tab) -> str:
    """All Markdown that is drawn, as it is sent."""
    return "\n".join(line.value for line in tab.at.markdown)
