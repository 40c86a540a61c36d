"""How long things are kept: the rules in the file, what they would touch, and applying them in small transactions."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from apehost_core.errors import Fault, InputRefused, StoreError
from apehost_core.history.care import MOST_DAYS, Preview, RuleName, Rules, Touched
from apehost_core.store.comparisons import Comparisons
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.library import Library
from apehost_core.store.request_rows import UNUSED_MESSAGES
from apehost_core.store.transaction import Transaction

_NAME = "care_rules"
_PORTION = 500
# Runs of comparisons keep theirs: the comparison is drawn from them, and goes as a whole.
_ENDED = "SELECT id FROM runs WHERE finished_at < ? AND outcome IS NOT NULL AND comparison_id IS NULL"
_LOGS = (
    "SELECT count(DISTINCT run_id), coalesce(sum(coalesce(strlen(text), 0) + coalesce(strlen(data), 0)), 0) "
    f"FROM run_events WHERE run_id IN ({_ENDED})"
)
_BODIES = f"SELECT count(*), coalesce(sum(strlen(body)), 0) FROM requests WHERE run_id IN ({_ENDED})"
_LOG_RUNS = f"SELECT DISTINCT run_id::VARCHAR FROM run_events WHERE run_id IN ({_ENDED})"
_BODY_RUNS = f"SELECT DISTINCT run_id::VARCHAR FROM requests WHERE run_id IN ({_ENDED})"
_IDLE = {
    "archive": "SELECT id::VARCHAR FROM conversations "
    "WHERE archived_at IS NULL AND trashed_at IS NULL AND leaf_id IS NOT NULL AND updated_at < ?",
    "trash": "SELECT id::VARCHAR FROM conversations "
    "WHERE trashed_at IS NULL AND leaf_id IS NOT NULL AND updated_at < ?",
}
_EMPTIED = (
    "SELECT (SELECT count(*) FROM conversations WHERE trashed_at < $1) + "
    "(SELECT count(*) FROM comparisons WHERE trashed_at < $1), "
    "(SELECT coalesce(sum(strlen(parts) + strlen(text)), 0) FROM messages WHERE conversation_id IN "
    "(SELECT id FROM conversations WHERE trashed_at < $1))"
)


def rules_of(database: Database) -> Rules:
    """Return the rules that a person set, else those that keep everything.

    Raises:
        StoreError: They cannot be read.
    """
    with database.read() as cursor:
        row = cursor.execute("SELECT value FROM kept_settings WHERE name = ?", [_NAME]).fetchone()
    if row is None:
        return Rules()
    try:
        said: dict[str, Any] = orjson.loads(row[0])
        return checked(Rules(**said))
    except (ValueError, TypeError, InputRefused) as error:
        title = "The rules of how long things are kept cannot be read"
        advice = "Set them anew under History, Data. Until then nothing is deleted."
        raise StoreError(Fault(kind="store", title=title, advice=advice)) from error


def set_rules(database: Database, rules: Rules) -> None:
    """Keep other rules in place of those that were there.

    Raises:
        InputRefused: A number of days is out of its range.
        StoreError: Nothing was changed.
    """
    value = orjson.dumps(asdict(checked(rules))).decode()

    def work(transaction: Transaction) -> None:
        transaction.execute("DELETE FROM kept_settings WHERE name = ?", [_NAME])
        sql = "INSERT INTO kept_settings (name, value, updated_at) VALUES (?, ?, ?)"
        transaction.execute(sql, [_NAME, value, datetime.now(UTC)])

    database.write(work)


def checked(rules: Rules) -> Rules:
    """Return rules whose numbers are in their range: 1 to 3,650 days.

    Raises:
        InputRefused: One is not.
    """
    for days in (rules.log_days, rules.body_days, rules.idle_days, rules.trash_days):
        if days is not None and not 1 <= days <= MOST_DAYS:
            title = f"A number of days is from 1 to {MOST_DAYS:,}"
            raise InputRefused(Fault(kind="bad_request", title=title, advice="Mend it and try again."))
    if rules.idle_action not in _IDLE:
        raise InputRefused(Fault(kind="bad_request", title="Chats can be archived or put in the trash"))
    return rules


def empty_trash(database: Database) -> int:
    """Delete what has been in the trash for as long as the rules say; returns how many chats and comparisons.

    Raises:
        StoreError: The rules or the trash cannot be read, or not be written.
    """
    kept = timedelta(days=rules_of(database).trash_days)
    return Conversations(database).empty_trash(kept) + Comparisons(database).empty_trash(kept)


def preview(database: Database, rules: Rules) -> Preview:
    """Return what rules would touch now.

    Raises:
        InputRefused: A number of days is out of its range.
        StoreError: It could not be read.
    """
    checked(rules)
    touched: list[Touched] = []
    with database.read() as cursor:
        deleting: tuple[tuple[RuleName, int | None, str], ...] = (
            ("logs", rules.log_days, _LOGS),
            ("bodies", rules.body_days, _BODIES),
        )
        for rule, days, sql in deleting:
            if days is not None:
                count, size = cursor.execute(sql, [_before(days)]).fetchall()[0]
                touched.append(Touched(rule, int(count), int(size)))
        if rules.idle_days is not None:
            idle = cursor.execute(_IDLE[rules.idle_action], [_before(rules.idle_days)]).fetchall()
            touched.append(Touched(rules.idle_action, len(idle), 0))
        count, size = cursor.execute(_EMPTIED, [_before(rules.trash_days)]).fetchall()[0]
        touched.append(Touched("emptied", int(count), int(size)))
    return Preview(rules, tuple(touched))


def apply(
    database: Database, library: Library, rules: Rules, going_on: Callable[[RuleName, float], bool]
) -> tuple[Touched, ...]:
    """Do what the rules say, in transactions of some hundred runs or chats each; answers go on meanwhile.

    Args:
        database: The record.
        library: Archives and trashes.
        rules: What to do.
        going_on: Told the rule and how far it is, 0 to 1; returns whether to go on.

    Raises:
        StoreError: A part could not be written; what was done before it stays done.
    """
    expected = {each.rule: each for each in preview(database, rules).touched}
    done: list[Touched] = []

    def portions(rule: RuleName, ids: Sequence[str], work: Callable[[Sequence[str]], object]) -> None:
        count = 0
        for first in range(0, len(ids), _PORTION):
            if not going_on(rule, first / len(ids)):
                break
            work(ids[first : first + _PORTION])
            count += len(ids[first : first + _PORTION])
        whole = count == len(ids)
        done.append(Touched(rule, expected[rule].count if whole else count, expected[rule].size if whole else 0))

    if rules.log_days is not None:
        portions("logs", _ids(database, _LOG_RUNS, rules.log_days), lambda ids: _delete(database, "run_events", ids))
    if rules.body_days is not None:
        portions("bodies", _ids(database, _BODY_RUNS, rules.body_days), lambda ids: _delete(database, "requests", ids))
        database.write(lambda transaction: transaction.execute(UNUSED_MESSAGES, []))
    if rules.idle_days is not None:
        verb = library.archive if rules.idle_action == "archive" else library.trash
        portions(rules.idle_action, _ids(database, _IDLE[rules.idle_action], rules.idle_days), verb)
    if going_on("emptied", 0.0):
        empty_trash(database)
        done.append(expected["emptied"])
    return tuple(done)


def _ids(database: Database, sql: str, days: int) -> list[str]:
    with database.read() as cursor:
        return [row[0] for row in cursor.execute(sql, [_before(days)]).fetchall()]


def _delete(database: Database, table: str, run_ids: Sequence[str]) -> None:
    sql = f"DELETE FROM {table} WHERE run_id IN (SELECT unnest(?::UUID[]))"
    database.write(lambda transaction: transaction.execute(sql, [list(run_ids)]))


def _before(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)
