"""Comparisons in the store: what they ask comes back as it was, their state, their list and the trash."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from apehost_core.compare.comparison import Comparison, State
from apehost_core.compare.plan import Cell, Plan, Stretch
from apehost_core.errors import StoreError
from apehost_core.store.comparisons import Comparisons
from apehost_core.store.conversations import TRASH_KEPT
from apehost_core.store.database import Database
from apehost_core.store.interrupted import close_interrupted
from apehost_core.store.requests import calls_of
from apehost_core.store.trials import answers, attempts
from apehost_core.store.votes import Votes
from tests.comparison_samples import PLAN, REFUSED, SETUP, attempt
from tests.integration.test_votes_kept import vote
from tests.run_samples import UNKNOWN_ID


@pytest.fixture
def comparisons(database: Database) -> Comparisons:
    """Comparisons of an empty database."""
    return Comparisons(database)


def made(comparisons: Comparisons, title: str = "Sums") -> Comparison:
    """A comparison that was just made."""
    return comparisons.create(title, SETUP, PLAN)


def test_a_comparison_is_found_again_as_it_was(comparisons: Comparisons) -> None:
    """Setup and plan come back equal, with all that was set, and the comparison that is asked again is named."""
    first = made(comparisons)
    again = comparisons.create("Once more", replace(SETUP, seed=8), PLAN, rerun_of=first.id)
    assert first == comparisons.get(first.id)
    assert again == comparisons.get(again.id)
    assert ("planned", first.id) == (again.state, again.rerun_of)
    assert PLAN == comparisons.plan(first.id)


def test_a_plan_of_many_cells_is_kept_short(comparisons: Comparisons, database: Database) -> None:
    """A plan takes less than twenty bytes a cell in the file, and comes back equal."""
    cells = tuple(Cell(number, "timed", number % 4, number // 4 % 50, number // 200) for number in range(10_000))
    plan = Plan(cells, ((Stretch("mini", (), tuple(range(10_000))),),))
    comparison = comparisons.create("Many", SETUP, plan)
    assert plan == comparisons.plan(comparison.id)
    with database.read() as cursor:
        assert cursor.execute("SELECT length(plan) FROM comparisons").fetchall()[0][0] < 20 * 10_000


def test_the_list_is_newest_first(comparisons: Comparisons) -> None:
    """The list holds what is needed to draw it, newest first, up to its limit."""
    old, young = made(comparisons, "Old"), made(comparisons, "Young")
    assert [young.id, old.id] == [listed.id for listed in comparisons.list(10)]
    (listed,) = comparisons.list(1)
    assert ("Young", "planned", "benchmark", 2, 2) == (
        listed.title,
        listed.state,
        listed.mode,
        listed.contenders,
        listed.prompts,
    )


def test_state_and_fault(comparisons: Comparisons) -> None:
    """A state is kept with the fault that explains it, and loses it with the next state."""
    comparison_id = made(comparisons).id
    comparisons.set_state(comparison_id, "paused", REFUSED)
    assert ("paused", REFUSED) == _state(comparisons, comparison_id)
    comparisons.set_state(comparison_id, "running")
    assert ("running", None) == _state(comparisons, comparison_id)


def _state(comparisons: Comparisons, comparison_id: str) -> tuple[object, object]:
    found = comparisons.get(comparison_id)
    assert found is not None
    return found.state, found.fault


def test_every_change_is_counted(comparisons: Comparisons) -> None:
    """Whoever watches the revision sees that something changed, whatever it was."""
    seen = [comparisons.revision]
    comparison_id = made(comparisons).id
    for change in (
        lambda: None,
        lambda: comparisons.rename(comparison_id, "Adding"),
        lambda: comparisons.set_state(comparison_id, "running"),
        lambda: comparisons.delete(comparison_id),
        lambda: comparisons.restore(comparison_id),
        comparisons.close_running,
    ):
        change()
        seen.append(comparisons.revision)
    assert sorted(set(seen)) == seen
    found = comparisons.get(comparison_id)
    assert found is not None
    assert "Adding" == found.title


def test_what_ran_when_the_process_died_is_paused(comparisons: Comparisons) -> None:
    """At start-up those that were being worked on are paused; the others stay as they are."""
    ids = {state: made(comparisons).id for state in get_args(State)}
    for state, comparison_id in ids.items():
        comparisons.set_state(comparison_id, state)
    assert 2 == comparisons.close_running()
    after = {listed.id: listed.state for listed in comparisons.list(10)}
    assert {**{i: s for s, i in ids.items()}, ids["running"]: "paused", ids["pausing"]: "paused"} == after
    assert 0 == comparisons.close_running()


def test_an_attempt_that_was_cut_off_keeps_its_cell(comparisons: Comparisons, database: Database) -> None:
    """What the last process left unfinished is closed as interrupted, still names its cell, and keeps its words."""
    comparison_id = made(comparisons).id
    done = attempt(database, comparison_id, 0)
    cut = attempt(database, comparison_id, 1, None)
    assert 1 == close_interrupted(database)
    found = {one.run_id: one for one in attempts(database, comparison_id)}
    assert (0, "completed") == (found[done].cell, found[done].outcome)
    assert (1, "interrupted") == (found[cut].cell, found[cut].outcome)
    generation = found[cut].generation
    assert generation is not None
    assert ("interrupted", 5) == (generation.outcome, generation.visible_chars)


def test_trash_and_back(comparisons: Comparisons) -> None:
    """What is in the trash is in no list and at no link, until it is restored."""
    comparison = made(comparisons)
    comparisons.delete(comparison.id)
    assert ([], None) == (comparisons.list(10), comparisons.get(comparison.id))
    comparisons.restore(comparison.id)
    assert comparison == comparisons.get(comparison.id)


def test_the_trash_is_emptied_after_thirty_days(comparisons: Comparisons, database: Database) -> None:
    """Words and votes go with their comparison; younger trash, other comparisons and the measurements stay."""
    old, young, kept = (made(comparisons).id for _ in range(3))
    runs = {comparison_id: attempt(database, comparison_id, 1) for comparison_id in (old, young, kept)}
    votes = Votes(database)
    for comparison_id in (old, kept):
        votes.add(vote(comparison_id))
    comparisons.delete(young)
    long_ago = datetime.now(UTC) - TRASH_KEPT - timedelta(hours=1)
    database.write(
        lambda transaction: transaction.execute("UPDATE comparisons SET trashed_at = ? WHERE id = ?", [long_ago, old])
    )
    assert 1 == comparisons.empty_trash()
    comparisons.restore(young)
    assert {young, kept} == {listed.id for listed in comparisons.list(10)}
    assert [1, 1] == [len(answers(database, comparison_id, [1])[1].text) // 5 for comparison_id in (young, kept)]
    assert 1 == len(calls_of(database, runs[old]))
    with database.read() as cursor:
        logged = cursor.execute("SELECT DISTINCT run_id::VARCHAR FROM run_events").fetchall()
        voted = cursor.execute("SELECT comparison_id::VARCHAR FROM votes").fetchall()
    assert ({(runs[young],), (runs[kept],)}, [(kept,)]) == (set(logged), voted)


@pytest.mark.parametrize("link", ["", "nonsense", "'; DROP TABLE comparisons", UNKNOWN_ID])
def test_a_link_to_nothing(comparisons: Comparisons, link: str) -> None:
    """Any text in a link is answered with None, and has no plan."""
    assert comparisons.get(link) is None
    with pytest.raises(StoreError, match="no such comparison"):
        comparisons.plan(link)


def test_a_setup_of_another_program_is_said_to_be_unreadable(comparisons: Comparisons, database: Database) -> None:
    """What cannot be understood is an error in words, not a defect."""
    comparison_id = made(comparisons).id
    database.write(lambda transaction: transaction.execute("UPDATE comparisons SET setup = '{}', plan = '[]'", []))
    with pytest.raises(StoreError, match="setup of this comparison cannot be read"):
        comparisons.get(comparison_id)
    with pytest.raises(StoreError, match="plan of this comparison cannot be read"):
        comparisons.plan(comparison_id)
