"""How a model call came to be: the exact requests it sent, what was answered, and what was tried before.

Read models over the log and the recorded generations, also of a run that is still live. Blocking reads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from apehost_core.errors import Fault
from apehost_core.events import (
    LoggedEvent,
    Outcome,
    ResponseHead,
    Retried,
    RunKind,
    TurnFailed,
    TurnStarted,
)
from apehost_core.runs.run import Generation
from apehost_core.store.database import Database
from apehost_core.store.event_rows import events_of
from apehost_core.store.generation_rows import fault_from_json, generation_of, generations_of_run
from apehost_core.store.request_rows import RequestRow, requests_of


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One sending of a request.

    Attributes:
        path: Below the server's address: "/v1/chat/completions".
        body: The JSON text that was sent.
        at: When, in ms after the turn's start.
        verified: The body is byte for byte what was sent: it has the hash that was taken then.
    """

    path: str
    body: str
    at: float
    verified: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """How one model call came to be.

    Attributes:
        generation_id: Id of the call.
        server: Name of the server that was asked.
        model: The model asked for.
        generation: What was measured; None while the run is live.
        calls: All calls of the run in order, this one among them; empty while the run is live.
        requests: Every sending in order, a retry is one more; empty when none went out or its words were deleted.
        head: Status and header fields of the answer; None when none came, or they were deleted with the words.
        retries: Why it was sent again, in words.
        fault: Why it failed; None when it did not.
    """

    generation_id: str
    server: str
    model: str
    generation: Generation | None
    calls: tuple[Generation, ...]
    requests: tuple[SentRequest, ...]
    head: ResponseHead | None
    retries: tuple[str, ...]
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class CallRow:
    """One model call in a server's log; times in ms, None where unknown.

    Attributes:
        id: Of the generation, for `inspect`.
        started_at: UTC.
        run_kind: What it was for.
        model: The model that answered, else the one asked for.
        outcome: How it ended.
        fault_title: What went wrong; None when nothing did.
        status: HTTP status of a refusal; None otherwise.
        completion_tokens: Measured or estimated, see the flag.
        completion_tokens_estimated: The count is ours.
        cold: The model was loaded for it.
        ttft_ms: From sending to the first token.
        total_ms: From the start, queueing included, to the end.
    """

    id: str
    started_at: datetime
    run_kind: RunKind
    model: str
    outcome: Outcome
    fault_title: str | None
    status: int | None
    completion_tokens: int | None
    completion_tokens_estimated: bool
    cold: bool | None
    ttft_ms: float | None
    total_ms: float | None


def inspect(database: Database, generation_id: str) -> Inspection | None:
    """Return how a model call came to be; None when there is none of that id, or another program made it.

    Raises:
        StoreError: It could not be read.
    """
    with database.read() as cursor:
        generation = generation_of(cursor, generation_id)
        run_id = generation.run_id if generation else _live_run(cursor, generation_id)
        if not run_id:
            return None
        turn = _turn(events_of(cursor, run_id), generation_id)
        calls = generations_of_run(cursor, run_id)
        requests = requests_of(cursor, run_id)
    server, model = _asked(generation, turn)
    events = [logged.event for logged in turn]
    failed = next((event.fault for event in events if isinstance(event, TurnFailed)), None)
    return Inspection(
        generation_id=generation_id,
        server=server,
        model=model,
        generation=generation,
        calls=calls,
        requests=_sent(turn, requests),
        head=next((event for event in reversed(events) if isinstance(event, ResponseHead)), None),
        retries=tuple(event.reason for event in events if isinstance(event, Retried)),
        fault=(generation.fault if generation else None) or failed,
    )


def calls_of(database: Database, run_id: str) -> tuple[Generation, ...]:
    """Return the recorded model calls of a run in order; none while it is live.

    Raises:
        StoreError: They could not be read.
    """
    with database.read() as cursor:
        return generations_of_run(cursor, run_id)


def generations_on(database: Database, server: str, limit: int) -> list[CallRow]:
    """Return the latest model calls of the server of that name, newest first, titles among them.

    Raises:
        StoreError: They could not be read.
    """
    with database.read() as cursor:
        rows = cursor.execute(
            "SELECT id::VARCHAR, started_at, run_kind, coalesce(model_answered, model_asked), outcome, fault, "
            "completion_tokens, completion_tokens_estimated, cold, ttft_ms, total_ms "
            "FROM v_generations WHERE server = ? AND source = 'measured' ORDER BY id DESC LIMIT ?",
            [server, limit],
        ).fetchall()
    return [_call(row) for row in rows]


def _live_run(cursor: duckdb.DuckDBPyConnection, generation_id: str) -> str | None:
    """Return the live run that makes a call; None when no live one does."""
    row = cursor.execute(
        "SELECT run_id::VARCHAR FROM run_events WHERE kind = 'turn_started' AND contains(data, ?) "
        "AND run_id IN (SELECT id FROM runs WHERE outcome IS NULL)",
        [f'"generation_id":"{generation_id}"'],
    ).fetchone()
    return row[0] if row else None


def _turn(events: Iterable[LoggedEvent], generation_id: str) -> list[LoggedEvent]:
    """Return the events of one call: its TurnStarted and what follows up to the next; none when it is not there."""
    turn: list[LoggedEvent] = []
    for logged in events:
        if isinstance(logged.event, TurnStarted):
            if turn:
                break
            if logged.event.generation_id == generation_id:
                turn.append(logged)
        elif turn:
            turn.append(logged)
    return turn


def _asked(generation: Generation | None, turn: Sequence[LoggedEvent]) -> tuple[str, str]:
    """Return the server and the model that were asked."""
    if generation is not None:
        return generation.server, generation.model_asked
    start = turn[0].event
    assert isinstance(start, TurnStarted)
    return start.server, start.model


def _sent(turn: Sequence[LoggedEvent], rows: Sequence[RequestRow]) -> tuple[SentRequest, ...]:
    by_seq = {row.seq: row for row in rows}
    found: list[SentRequest] = []
    for logged in turn:
        row = by_seq.get(logged.seq)
        if row is not None:
            at = (logged.at_ns - turn[0].at_ns) / 1e6
            found.append(SentRequest(row.path, row.body, at, row.verified))
    return tuple(found)


def _call(row: tuple[Any, ...]) -> CallRow:
    generation_id, started_at, run_kind, model, outcome, fault_json, *numbers = row
    fault = fault_from_json(fault_json)
    title, status = (fault.title, fault.status) if fault else (None, None)
    return CallRow(generation_id, started_at, run_kind, model, outcome, title, status, *numbers)
