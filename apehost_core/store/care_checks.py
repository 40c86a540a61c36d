"""Whether the record is sound: what each check reads, and what it calls wrong. Nothing is changed here.

Every check is one or a few statements with a limit of time; one that has not come to its end says so.
"""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import duckdb

from apehost_core.errors import StoreError
from apehost_core.history.care import Check, Integrity, Problem, Remedy, Tell
from apehost_core.store.care_index import index_check
from apehost_core.store.care_tree import circles
from apehost_core.store.database import Database
from apehost_core.store.search import Search

_SAMPLE: Final = 100
_NAMED: Final = 5
_KEYED: Final = ("conversations", "messages", "runs", "generations")
_LOOK_UP: Final = "SELECT hash(rows) FROM {table} AS rows WHERE id = ?::UUID"
_DIFFERENT: Final = "Rows that a look-up by id finds otherwise than a scan"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold.

    Attributes:
        what: What is wrong with those that break it.
        sql: Returns the titles or ids of those that do.
        remedy: What can be done.
    """

    what: str
    sql: str
    remedy: Remedy = "restore"


_TITLED = "JOIN conversations c ON c.id = m.conversation_id"
_TREE: Final = (
    Rule(
        "Messages of a chat that does not exist",
        "SELECT m.id::VARCHAR FROM messages m ANTI JOIN conversations c ON c.id = m.conversation_id",
    ),
    Rule(
        "Messages that answer one that does not exist",
        f"SELECT DISTINCT c.title FROM messages m {_TITLED} "
        "WHERE m.parent_id IS NOT NULL AND m.parent_id NOT IN (SELECT id FROM messages)",
    ),
    Rule(
        "Messages that answer one of another chat",
        f"SELECT DISTINCT c.title FROM messages m {_TITLED} JOIN messages p ON p.id = m.parent_id "
        "WHERE p.conversation_id <> m.conversation_id",
    ),
    Rule(
        "Messages that are there twice",
        f"SELECT DISTINCT c.title FROM (SELECT id, any_value(conversation_id) AS conversation_id FROM messages "
        f"GROUP BY id HAVING count(*) > 1) m {_TITLED}",
    ),
    Rule(
        "Chats whose selected message does not exist, so that they seem empty",
        "SELECT c.title FROM conversations c SEMI JOIN messages m ON m.conversation_id = c.id "
        "WHERE NOT EXISTS (SELECT 1 FROM messages l WHERE l.id = c.leaf_id AND l.conversation_id = c.id)",
        "select_newest",
    ),
    Rule(
        "Empty chats whose selected message does not exist",
        "SELECT c.title FROM conversations c ANTI JOIN messages m ON m.conversation_id = c.id "
        "WHERE c.leaf_id IS NOT NULL",
    ),
)
_LINKS: Final = (
    Rule(
        "Model calls of a run that does not exist",
        "SELECT g.id::VARCHAR FROM generations g ANTI JOIN runs r ON r.id = g.run_id WHERE g.run_id IS NOT NULL",
    ),
    # A chat that was deleted for good leaves its measurements, so only calls of a chat that is there have a message.
    Rule(
        "Model calls of a message that does not exist",
        "SELECT DISTINCT c.title FROM generations g JOIN conversations c ON c.id = g.conversation_id "
        "WHERE g.message_id IS NOT NULL AND g.message_id NOT IN (SELECT id FROM messages)",
    ),
    Rule(
        "Model calls of a message in another chat",
        "SELECT DISTINCT c.title FROM generations g JOIN conversations c ON c.id = g.conversation_id "
        "JOIN messages m ON m.id = g.message_id WHERE m.conversation_id <> g.conversation_id",
    ),
    Rule(
        "Tool calls of a run that does not exist",
        "SELECT t.id::VARCHAR FROM tool_calls t ANTI JOIN runs r ON r.id = t.run_id WHERE t.run_id IS NOT NULL",
    ),
    Rule(
        "Tool calls of a model call that does not exist",
        "SELECT t.id::VARCHAR FROM tool_calls t ANTI JOIN generations g ON g.id = t.generation_id "
        "WHERE t.generation_id IS NOT NULL",
    ),
    Rule(
        "Tool calls of a message that does not exist",
        "SELECT t.id::VARCHAR FROM tool_calls t ANTI JOIN messages m ON m.id = t.message_id "
        "WHERE t.message_id IS NOT NULL",
    ),
    Rule(
        "Event logs of runs that do not exist",
        "SELECT DISTINCT e.run_id::VARCHAR FROM run_events e ANTI JOIN runs r ON r.id = e.run_id",
    ),
    Rule(
        "Tags of chats that do not exist",
        "SELECT DISTINCT t.tag FROM tags t ANTI JOIN conversations c ON c.id = t.conversation_id",
    ),
)


def examine(database: Database, search: Search, *, seconds: float, tell: Tell, ending: threading.Event) -> Integrity:
    """Check everything, for so many seconds at most.

    Args:
        database: The record.
        search: Its search index.
        seconds: For all checks together.
        tell: Told which check goes on.
        ending: Ends the check early.

    Raises:
        StoreError: The record cannot be read at all.
    """
    begun = time.monotonic()
    checks: list[Check] = []
    parts: tuple[tuple[str, Callable[[duckdb.DuckDBPyConnection], Check]], ...] = (
        ("Look-ups against scans", _look_ups),
        ("Chats and their messages", _tree),
        ("Model calls, tool calls and logs", _links),
        ("The search index", lambda cursor: index_check(cursor, search)),
    )
    for number, (title, part) in enumerate(parts):
        tell(number / len(parts), title)
        left = seconds - (time.monotonic() - begun)
        checks.append(_in_time(database, title, part, left, ending))
    return Integrity(datetime.now(UTC), time.monotonic() - begun, tuple(checks))


def _in_time(
    database: Database,
    title: str,
    part: Callable[[duckdb.DuckDBPyConnection], Check],
    seconds: float,
    ending: threading.Event,
) -> Check:
    if seconds <= 0 or ending.is_set():
        return Check(title, 0, unfinished=True)
    try:
        with database.read() as cursor, _interrupted(cursor, seconds, ending):
            return part(cursor)
    except StoreError as error:
        if isinstance(error.__cause__, duckdb.InterruptException):
            return Check(title, 0, unfinished=True)
        raise


@contextmanager
def _interrupted(
    cursor: duckdb.DuckDBPyConnection, seconds: float, ending: threading.Event
) -> Generator[None, None, None]:
    """Interrupt the cursor's statements after some seconds, or at the end of the program."""
    done, until = threading.Event(), time.monotonic() + seconds

    def watch() -> None:
        while not done.wait(0.05):
            if ending.is_set() or time.monotonic() >= until:
                cursor.interrupt()

    watching = threading.Thread(target=watch, name="apehost-care-watch", daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()


def _look_ups(cursor: duckdb.DuckDBPyConnection) -> Check:
    """Compare what a look-up by id, which skips parts of the file, finds with what reading all of it does."""
    looked_at, parted = 0, list[str]()
    cursor.begin()  # one state of the record for both
    for table in _KEYED:
        scanned = cursor.execute(
            f"SELECT id::VARCHAR, hash(rows) FROM {table} AS rows WHERE id::VARCHAR IN "
            f"(SELECT id::VARCHAR FROM {table} USING SAMPLE reservoir({_SAMPLE} ROWS)) ORDER BY 1"
        ).fetchall()
        for row_id, digest in scanned:
            found = cursor.execute(_LOOK_UP.format(table=table), [row_id]).fetchall()
            looked_at += 1
            if (digest,) not in found:
                parted.append(f"{table} {row_id}")
    cursor.rollback()
    return Check("Look-ups against scans", looked_at, _problem(_DIFFERENT, parted, "restore"))


def _tree(cursor: duckdb.DuckDBPyConnection) -> Check:
    problems = _broken(cursor, _TREE)
    problems += _problem("Messages that answer each other in a circle", circles(cursor), "restore")
    return Check("Chats and their messages", _count(cursor, ("messages", "conversations")), problems)


def _links(cursor: duckdb.DuckDBPyConnection) -> Check:
    looked_at = _count(cursor, ("generations", "tool_calls", "run_events", "tags"))
    return Check("Model calls, tool calls and logs", looked_at, _broken(cursor, _LINKS))


def _broken(cursor: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> tuple[Problem, ...]:
    problems: tuple[Problem, ...] = ()
    for rule in rules:
        found = cursor.execute(f"SELECT *, count(*) OVER () FROM ({rule.sql}) LIMIT {_NAMED}").fetchall()
        if found:
            problems += (Problem(rule.what, tuple(str(row[0]) for row in found), int(found[0][1]), rule.remedy),)
    return problems


def _problem(what: str, where: Sequence[str], remedy: Remedy) -> tuple[Problem, ...]:
    return (Problem(what, tuple(where[:_NAMED]), len(where), remedy),) if where else ()


def _count(cursor: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> int:
    counts: list[Any] = [cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in tables]
    return sum(map(int, counts))
