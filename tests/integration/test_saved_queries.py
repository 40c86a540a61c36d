"""Statements that are kept."""

from collections.abc import Generator
from contextlib import closing

import pytest

from apehost_core.errors import InputRefused
from apehost_core.history.console import ChartChoice
from apehost_core.store.console import Console
from apehost_core.store.database import Database
from apehost_core.store.saved_queries import MOST_PINNED, SavedQueries

SQL = "SELECT model, count(*) AS n FROM v_generations WHERE server = $server GROUP BY ALL"
CHART = ChartChoice("bar", "model", "n")


@pytest.fixture
def queries(database: Database) -> Generator[SavedQueries, None, None]:
    """The saved queries of an empty database."""
    with closing(Console(database)) as console:
        yield SavedQueries(database, console)


def test_a_query_comes_back_as_it_was_saved(queries: SavedQueries) -> None:
    """Name, statement, values of its parameters and chart are kept; values of other parameters are not."""
    made = queries.save(" Mine ", SQL, {"server": "desk", "other": "x"}, CHART)
    assert made == queries.get(made.id)
    assert ("Mine", SQL, {"server": "desk"}, CHART) == (made.name, made.sql, made.parameters, made.chart)


def test_saving_again_replaces(queries: SavedQueries) -> None:
    """A query that is saved under its id keeps its place and its pin; under an id that is gone it is a new one."""
    made = queries.save("Mine", SQL, {"server": "desk"}, CHART)
    queries.pin(made.id)
    again = queries.save("Better", "SELECT 1 AS x", {}, None, query_id=made.id)
    assert [again.id] == [query.id for query in queries.list()] == [query.id for query in queries.pinned()]
    assert ("Better", None, made.created_at) == (again.name, again.chart, again.created_at)
    queries.delete(made.id)
    assert made.id != queries.save("New", "SELECT 1 AS x", {}, query_id=made.id).id


@pytest.mark.parametrize(("name", "sql"), [("", "SELECT 1"), ("x" * 121, "SELECT 1"), ("x", "DROP TABLE messages")])
def test_what_cannot_be_kept(queries: SavedQueries, name: str, sql: str) -> None:
    """A query without a name, and a statement that may not be run, are refused."""
    with pytest.raises(InputRefused):
        queries.save(name, sql, {})
    assert [] == list(queries.list())


def test_a_name_is_given_once(queries: SavedQueries) -> None:
    """A second query of one name is refused, however it is capitalised, unless it is to replace the first."""
    first, other = queries.save("Mine", SQL, {}), queries.save("Other", SQL, {})
    for query_id in (None, other.id):
        with pytest.raises(InputRefused, match="already a saved query named 'mINE'"):
            queries.save(" mINE", "SELECT 1", {}, query_id=query_id)
    assert [SQL, SQL] == [query.sql for query in queries.list()]
    assert first.id == queries.save("MINE", "SELECT 1", {}, query_id=first.id).id
    assert [("MINE", "SELECT 1"), ("Other", SQL)] == [(query.name, query.sql) for query in queries.list()]


def test_names_that_were_given_twice(database: Database, queries: SavedQueries) -> None:
    """Two queries of one name from before can each be changed under it."""
    first, second = queries.save("Mine", SQL, {}), queries.save("Other", SQL, {})
    database.write(lambda transaction: transaction.execute("UPDATE saved_queries SET name = 'Mine'", []))
    for query in (first, second):
        queries.save("Mine", "SELECT 1", {}, query_id=query.id)
    assert [("Mine", "SELECT 1")] * 2 == [(query.name, query.sql) for query in queries.list()]


def test_a_name_is_found_and_made_free(queries: SavedQueries) -> None:
    """A name is found however it is written; the first number that makes it free is put behind it."""
    long = "x" * 120
    made = queries.save("Mine", SQL, {})
    assert made == queries.named(" mine ")
    assert queries.named("Other") is None
    queries.save("mine (2)", SQL, {})
    queries.save(long, SQL, {})
    assert ("Mine (3)", "x" * 116 + " (2)") == (queries.free_name("Mine"), queries.free_name(long))


def test_pins(queries: SavedQueries) -> None:
    """Pinned queries come in the order of their pinning, until there is no more room; unpinned ones are kept."""
    ids = [queries.save(f"Query {number:02}", "SELECT 1", {}).id for number in range(MOST_PINNED + 1)]
    for query_id in reversed(ids[1:]):
        queries.pin(query_id)
    assert ids[:0:-1] == [query.id for query in queries.pinned()]
    with pytest.raises(InputRefused, match="no more"):
        queries.pin(ids[0])
    queries.unpin(ids[1])
    assert MOST_PINNED - 1 == len(queries.pinned())
    assert ids == [query.id for query in queries.list()]


@pytest.mark.parametrize("query_id", ["nothing", "01900000-0000-7000-8000-000000000000", "'; --"])
def test_an_id_that_names_nothing(queries: SavedQueries, query_id: str) -> None:
    """Nothing is found, and nothing happens."""
    assert queries.get(query_id) is None
    queries.delete(query_id)
    queries.unpin(query_id)
