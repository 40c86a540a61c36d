"""What became of cells: what counts, what is asked again, and how far that is."""

from dataclasses import replace

import numpy as np

from apehost_core.compare.book import Book, Ended
from apehost_core.compare.comparison import Contender, Prompt, Setup
from apehost_core.compare.facts import Facts
from apehost_core.compare.measures import ANSWERED, FAILED, STOPPED, Columns
from apehost_core.compare.plan import plan_of
from apehost_core.compare.progress import Done
from apehost_core.errors import Fault

SETUP = Setup("benchmark", (Prompt("Why?"),), (Contender("PC", "a"), Contender("PC", "b")), warm_ups=0)
PLAN = plan_of(SETUP, Facts())
FIRST = next(cell.number for cell in PLAN.cells if cell.contender == 0)
BROKEN = Ended("failed", Fault("server_error", "It failed"))
AWAY = Ended("failed", Fault("refused", "It is away"))
WARM = Ended("completed", cold=False, seconds=2.0)
COLD = Ended("completed", cold=True, seconds=30.0)


def test_an_answer_is_enough() -> None:
    """What was answered is asked neither now nor later, and counts as done; so does one that a limit cut."""
    for ended in (WARM, Ended("length"), Ended("completed", as_asked=False, cold=True)):
        book = Book(PLAN)
        book.note(FIRST, ended)
        assert (True, False, False) == (book.is_answered(FIRST), book.is_new(FIRST), book.is_left(FIRST))
        assert (Done(1, 0, 1), Done(0, 0, 1)) == book.contenders


def test_a_cold_answer_is_asked_once_more() -> None:
    """Once, and not again when that one is cold, too; where nothing is timed, not at all."""
    book = Book(PLAN)
    book.note(FIRST, COLD)
    assert (True, True) == (book.wants_warm(FIRST), book.is_answered(FIRST))
    book.note(FIRST, COLD)
    assert (False, False) == (book.wants_warm(FIRST), book.is_left(FIRST))
    reading = Book(PLAN, recolds=False)
    reading.note(FIRST, COLD)
    assert not reading.wants_warm(FIRST)


def test_a_failure_is_asked_once_more_at_the_end() -> None:
    """Not in the first round, once in the last, and then it has failed."""
    book = Book(PLAN)
    book.note(FIRST, BROKEN)
    assert (False, True) == (book.is_new(FIRST), book.is_left(FIRST))
    assert Done(0, 1, 1) == book.contenders[0]
    book.note(FIRST, BROKEN)
    assert (False, [FIRST]) == (book.is_left(FIRST), book.failed())
    book.note(FIRST, WARM)
    assert (Done(1, 0, 1), []) == (book.contenders[0], book.failed())


def test_what_says_nothing_of_a_cell_does_not_count() -> None:
    """A server that was away, a stop, a process that died: as if it had not been asked."""
    book = Book(PLAN)
    for ended in (AWAY, Ended("cancelled"), Ended("interrupted")):
        book.note(FIRST, ended)
    assert (True, Done(0, 0, 1)) == (book.is_new(FIRST), book.contenders[0])


def test_a_cell_that_stays_open_has_its_reason() -> None:
    """A cell that was asked while its server was away says so until it is answered, or has failed for good."""
    book = Book(PLAN)
    assert book.away is None
    book.note(FIRST, AWAY)
    assert AWAY.fault == book.away
    book.note(FIRST, WARM)
    assert book.away is None
    book = Book(PLAN)
    for ended in (AWAY, BROKEN, BROKEN):
        book.note(FIRST, ended)
    assert book.away is None


def test_what_is_lost_takes_no_time() -> None:
    """A cell that failed for good is not waited for, nor is the one that would have repeated its request."""
    plan = plan_of(replace(SETUP, cache="measure"), Facts())
    timed = [cell for cell in plan.cells if cell.kind == "timed"]
    book = Book(plan)
    for cell in timed:
        if cell.contender == 0:
            book.note(cell.number, BROKEN)
            book.note(cell.number, BROKEN)
            assert (True, False) == (book.is_lost(cell.number), book.is_left(cell.number))
        else:
            book.note(cell.number, WARM)
            book.note(cell.number + 1, WARM)
    assert 0.0 == book.remaining_s()


def test_the_record_says_the_same() -> None:
    """A book made of recorded attempts knows what one that was kept all along does."""
    endings, colds = [FAILED, STOPPED, ANSWERED, FAILED], [-1, -1, 1, -1]
    other = next(cell.number for cell in PLAN.cells if cell.contender == 1)
    count = len(endings)
    columns = Columns(
        cell=np.array([FIRST, FIRST, FIRST, other], np.int32),
        ending=np.array(endings, np.int8),
        cold=np.array(colds, np.int8),
        as_asked=np.ones(count, np.bool_),
        estimated=np.zeros(count, np.bool_),
        finish=np.array(["stop"] * count, np.object_),
        values={"total_ms": np.array([np.nan, np.nan, 2000.0, np.nan])},
        noted={},
    )
    book = Book.of(PLAN, columns)
    assert (True, 3, Done(1, 0, 1)) == (book.wants_warm(FIRST), book.begin(FIRST), book.contenders[0])
    assert (False, True, Done(0, 1, 1)) == (book.is_new(other), book.is_left(other), book.contenders[1])
    looked_at = Book.of(PLAN, columns, {other: 0})
    assert (True, Done(0, 0, 1)) == (looked_at.is_new(other), looked_at.contenders[1])


def test_what_is_left_takes_as_long_as_what_was() -> None:
    """From warm answers of this comparison; a contender without any takes what the others do."""
    book = Book(plan_of(Setup("benchmark", (Prompt("Why?"), Prompt("How?")), SETUP.contenders, warm_ups=0), Facts()))
    cells = [cell.number for cell in book.plan.cells if cell.contender == 0]
    assert book.remaining_s() is None
    book.note(cells[0], COLD)
    assert book.remaining_s() is None
    book.note(cells[0], WARM)
    assert 3 * 2.0 == book.remaining_s()
