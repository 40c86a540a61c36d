"""Statements that are allowed and never end, or want all memory: stopped in bounds, while the app goes on."""

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from apehost_core.errors import InputRefused
from apehost_core.history.console import Limits, Result
from apehost_core.messages import user_message
from apehost_core.store import console_parser
from apehost_core.store.console import Console
from apehost_core.store.console_runs import Runs
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from tests.integration.console_samples import fill

ENDLESS = [
    "SELECT max(length(m.text) + a.range) FROM range(1000000000000) a, v_messages m",
    "WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r) SELECT max(x) FROM r",
    "SELECT sum(random()) FROM range(1000000000000) a, v_generations",
]
HUNGRY = [
    "WITH RECURSIVE r AS (SELECT 'xxxxxxxx' AS t UNION ALL SELECT t || t FROM r) SELECT max(length(t)) FROM r",
    "SELECT list(a.text) FROM v_messages a, v_messages b, v_messages c",
    "SELECT string_agg(a.text, '') FROM v_messages a, v_messages b, v_messages c",
    "SELECT histogram(a.id::VARCHAR || b.id::VARCHAR) FROM v_messages a, v_messages b",
    "SELECT row_number() OVER (ORDER BY a.text, b.id) FROM v_messages a, v_messages b, v_messages c",
]
FOREVER = ENDLESS[1]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Generator[Database, None, None]:
    """An open database with little memory that has something in it."""
    database = Database.open(tmp_path_factory.mktemp("data") / "apehost.duckdb", memory_limit="300MB")
    fill(database)
    yield database
    database.close()


@pytest.fixture
def console(kept: Database) -> Generator[Console, None, None]:
    """The console over it."""
    with closing(Console(kept)) as console:
        yield console


@pytest.fixture
def behind() -> Generator[ThreadPoolExecutor, None, None]:
    """A thread to run a statement in."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def writes_meanwhile(kept: Database, running: "Future[Any]", most: int) -> int:
    """Write messages one after the other until something has ended; returns how many were committed by then."""
    conversations, written = Conversations(kept), 0
    conversation = conversations.create("meanwhile")
    while not running.done() and written < most:
        conversations.add_message(conversation, None, user_message("hello"))
        written += 1
    return written


@pytest.mark.parametrize("sql", ENDLESS)
def test_an_endless_statement_is_stopped(console: Console, sql: str) -> None:
    """After its time a statement ends, and the fault says so."""
    with pytest.raises(InputRefused, match="took longer than"):
        console.run(sql, {}, seconds=0.3)


@pytest.mark.parametrize("sql", HUNGRY)
def test_a_hungry_statement_is_stopped(console: Console, kept: Database, behind: ThreadPoolExecutor, sql: str) -> None:
    """A statement that wants more memory than its share ends; meanwhile and afterwards the writer is well."""
    running = behind.submit(console.run, sql, {}, seconds=60.0)
    writes_meanwhile(kept, running, 10_000)
    with pytest.raises(InputRefused, match="too much memory"):
        running.result()
    assert kept.healthy
    assert 1 == len(console.run("SELECT 1 AS x", {}).frame)


def test_the_writer_is_not_blocked(console: Console, kept: Database, behind: ThreadPoolExecutor) -> None:
    """While a statement uses all processors, writes are committed one after the other; then it is cancelled."""
    cancelled = threading.Event()
    running = behind.submit(console.run, FOREVER, {}, cancelled=cancelled)
    assert 50 == writes_meanwhile(kept, running, 50)
    assert not running.done()
    cancelled.set()
    with pytest.raises(InputRefused, match="cancelled"):
        running.result()


def test_rows_come_from_an_endless_result(console: Console) -> None:
    """Only the rows that are shown are made, and the result says that there are more."""
    result = console.run("SELECT * FROM range(1000000000000) t(x)", {}, rows=7)
    assert (7, True) == (len(result.frame), result.truncated)


def test_a_file_that_grows_too_big_is_not_written(kept: Database) -> None:
    """The writing ends at the limit, and nothing is left behind."""
    with closing(Console(kept, Limits(export_bytes=100_000))) as console:
        for ending in ("csv", "parquet"):
            with pytest.raises(InputRefused, match="bigger than"):
                console.export("SELECT random() AS x FROM range(3000000000)", {}, ending)
    assert not list(kept.outbox.iterdir())


def test_a_run_behind_the_page_is_cancelled(console: Console) -> None:
    """Cancel ends a run; its state and its fault say so."""
    runs = Runs(console)
    run_id = runs.start(FOREVER, {})
    until(lambda: state_of(runs, run_id) == "running")
    runs.cancel(run_id)
    until(lambda: state_of(runs, run_id) == "cancelled")
    runs.close()


def test_the_app_closes_while_a_statement_runs(console: Console) -> None:
    """Closing ends what runs and what waits, and comes back."""
    runs = Runs(console)
    ids = [runs.start(FOREVER, {}) for _ in range(4)]
    until(lambda: state_of(runs, ids[1]) == "running")
    runs.close()
    assert {"cancelled"} == {state_of(runs, run_id) for run_id in ids[:2]}


def test_too_many_runs_are_refused(console: Console) -> None:
    """Where many statements wait already, one more is refused, and says so."""
    runs = Runs(console)
    for _ in range(24):
        runs.start(FOREVER, {})
    with pytest.raises(InputRefused, match="run or wait already"):
        runs.start(FOREVER, {})
    runs.close()


@pytest.mark.parametrize(
    "sql",
    [
        "WITH a AS (" * 12 + "SELECT 1",
        "SELECT * FROM v_messages WHERE id IN (" + "WITH a AS (" * 12 + "SELECT 1",
    ],
)
def test_a_text_that_the_parser_never_ends_with(console: Console, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, at once when it is asked again, and the next statement is read."""
    console.check("SELECT 1")  # the parser is there
    with monkeypatch.context() as patched:
        patched.setattr(console_parser, "_PATIENCE_S", 0.1)
        for _ in range(2):
            with pytest.raises(InputRefused, match="cannot be read in a reasonable time"):
                console.check(sql)
    assert 1 == len(console.run("SELECT 1 AS x", {}).frame)


def test_the_parser_is_started_anew(console: Console) -> None:
    """After its end the next statement starts it again; what was read before is still known."""
    console.check("SELECT 1")
    console.close()
    assert ("x",) == console.check("SELECT $x").parameters


def test_many_runs_are_forgotten(console: Console) -> None:
    """The oldest ended runs go as new ones come; the last one is there."""
    runs = Runs(console)
    ids: list[str] = []
    for _ in range(30):
        ids.append(runs.start("SELECT 1 AS x", {}))
        runs.wait(ids[-1], 60)
    last = runs.start("SELECT 2 AS x", {})
    until(lambda: state_of(runs, last) == "done")
    assert runs.look(ids[0]) is None
    seen = runs.look(last)
    assert seen is not None
    assert isinstance(seen.result, Result)
    assert [2] == list(seen.result.frame["x"])
    runs.close()


def until(holds: Callable[[], bool]) -> None:
    """Return once it holds; fails when it does not for a minute."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.002)


def state_of(runs: Runs, run_id: str) -> str | None:
    """How far a run is; None when it is not known."""
    seen = runs.look(run_id)
    return seen.state if seen else None
