"""Runs that the last process left unfinished: closed at start-up, with what was shown kept as their answer."""

from datetime import timedelta
from functools import partial

import duckdb

from apehost_core.runs.run import RunSpec
from apehost_core.runs.transcript import Transcript, ending_of
from apehost_core.store.database import Database
from apehost_core.store.endings import write_ending
from apehost_core.store.event_rows import events_of
from apehost_core.store.transaction import Transaction


def close_interrupted(database: Database) -> int:
    """Close every unfinished run as interrupted and return how many there were.

    Call it before the first run of this process begins.

    Raises:
        StoreError: They could not be read or written.
    """
    with database.read() as cursor:
        specs = _unfinished(cursor)
    for spec in specs:
        database.write(partial(_close, spec=spec))
    return len(specs)


def _unfinished(cursor: duckdb.DuckDBPyConnection) -> list[RunSpec]:
    rows = cursor.execute(
        "SELECT id::VARCHAR, kind, started_at, conversation_id::VARCHAR, parent_message_id::VARCHAR, "
        "message_id::VARCHAR, parent_run_id::VARCHAR, server, model, comparison_id::VARCHAR, cell FROM runs "
        "WHERE outcome IS NULL ORDER BY id"
    ).fetchall()
    return [RunSpec(*row) for row in rows]


def _close(transaction: Transaction, *, spec: RunSpec) -> None:
    transcript = Transcript()
    for logged in events_of(transaction.connection, spec.run_id):
        transcript.add(logged)
    lived = timedelta(microseconds=(transcript.last_ns - (transcript.first_ns or transcript.last_ns)) // 1000)
    ending = ending_of(
        spec,
        transcript,
        outcome="interrupted",
        fault=None,
        end_ns=transcript.last_ns,
        finished_at=spec.started_at + lived,
    )
    write_ending(transaction, spec, ending)
