"""Events of runs as rows of `run_events`, and back. The JSON of an event is the JSON of its fields.

What a request said is no part of its row: that stands in tables of its own (`request_rows`), each message once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import duckdb
import orjson
from pydantic import TypeAdapter

from apehost_core.events import (
    Admitted,
    LoggedEvent,
    Milestone,
    ModelResponse,
    Progress,
    ReasoningDelta,
    RequestSent,
    ResponseHead,
    Retried,
    RunEvent,
    RunFinished,
    RunStarted,
    TextDelta,
    ToolCallDelta,
    TurnFailed,
    TurnStarted,
)
from apehost_core.store.request_rows import RequestRow, insert_requests
from apehost_core.store.transaction import Transaction

_TEXT, _REASONING = "text", "reasoning"
_COLUMNS = ("run_id", "seq", "through_seq", "at_ns", "through_ns", "kind", "text", "count", "data")
_KINDS: dict[type[RunEvent], str] = {
    RunStarted: "run_started",
    TurnStarted: "turn_started",
    ToolCallDelta: "tool_call",
    Progress: "progress",
    Milestone: "milestone",
    Retried: "retried",
    RequestSent: "request",
    ResponseHead: "response_head",
    Admitted: "admitted",
    TurnFailed: "turn_failed",
    ModelResponse: "response",
    RunFinished: "run_finished",
}
_ADAPTERS: dict[str, TypeAdapter[RunEvent]] = {kind: TypeAdapter(event) for event, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a run's log, on its way to the file."""

    run_id: str
    logged: LoggedEvent


@dataclass(slots=True)
class _Row:
    """A row while it may still grow."""

    run_id: str
    seq: int
    through_seq: int
    at_ns: int
    through_ns: int
    kind: str
    text: list[str]
    count: int
    data: str | None

    def values(self) -> tuple[object, ...]:
        """Return the columns in the order of the table."""
        delta = self.data is None
        return (
            self.run_id,
            self.seq,
            self.through_seq,
            self.at_ns,
            self.through_ns,
            self.kind,
            "".join(self.text) if delta else None,
            self.count if delta else None,
            self.data,
        )


def insert_events(transaction: Transaction, entries: Sequence[Entry]) -> None:
    """Append events to the log, and what requests said; neighbouring deltas of one run and kind become one row."""
    rows: list[_Row] = []
    requests: list[RequestRow] = []
    last: dict[str, _Row] = {}
    for entry in entries:
        row = _row(entry)
        before = last.get(row.run_id)
        if before is not None and row.data is None and before.kind == row.kind:
            before.through_seq, before.through_ns = row.seq, row.at_ns
            before.text += row.text
            before.count += row.count
        else:
            rows.append(row)
            last[row.run_id] = row
            if isinstance(entry.logged.event, RequestSent):
                requests.append(_request(entry, entry.logged.event))
    transaction.insert_many("run_events", _COLUMNS, [row.values() for row in rows])
    insert_requests(transaction, requests)


def events_of(connection: duckdb.DuckDBPyConnection, run_id: str) -> Iterator[LoggedEvent]:
    """Yield a run's recorded events in order, requests without their bodies.

    Deltas that share a row come as one event at the time of the first, and an empty one at the time of the last.
    """
    rows = connection.execute(
        "SELECT seq, through_seq, at_ns, through_ns, kind, text, count, data FROM run_events WHERE run_id = ? "
        "ORDER BY seq",
        [run_id],
    ).fetchall()
    for seq, through_seq, at_ns, through_ns, kind, text, count, data in rows:
        yield LoggedEvent(seq, at_ns, event_in(kind, text, count, data))
        if through_seq > seq:
            yield LoggedEvent(through_seq, through_ns, event_in(kind, "", 0, data))


def event_in(kind: str, text: str, count: int, data: str) -> RunEvent:
    """Return the event of a row with these columns; text and count mean something for deltas only, data for others."""
    if kind == _TEXT:
        return TextDelta(text, count)
    return ReasoningDelta(text, count) if kind == _REASONING else _ADAPTERS[kind].validate_json(data)


def _row(entry: Entry) -> _Row:
    logged, event = entry.logged, entry.logged.event
    row = _Row(entry.run_id, logged.seq, logged.seq, logged.at_ns, logged.at_ns, "", [], 0, None)
    if isinstance(event, TextDelta | ReasoningDelta):
        row.kind = _TEXT if isinstance(event, TextDelta) else _REASONING
        row.text.append(event.text)
        row.count = event.count
    else:
        row.kind = _KINDS[type(event)]
        kept = replace(event, body="") if isinstance(event, RequestSent) else event
        row.data = orjson.dumps(asdict(kept)).decode()
    return row


def _request(entry: Entry, event: RequestSent) -> RequestRow:
    return RequestRow(entry.run_id, entry.logged.seq, event.path, event.body)
