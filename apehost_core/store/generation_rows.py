"""Recorded model calls as `Generation` values."""

from collections.abc import Sequence
from typing import Any

import duckdb
import orjson

from apehost_core.errors import Fault
from apehost_core.events import ServerTiming
from apehost_core.runs.run import Generation, Timing
from apehost_core.store.endings import TIMINGS

_FIELDS = {
    "generation_id": "id::VARCHAR",
    "run_id": "coalesce(run_id::VARCHAR, '')",
    "started_at": "started_at",
    "server": "server",
    "model_asked": "model_asked",
    "model_answered": "model_answered",
    "quantisation": "quantisation",
    "runtime": "runtime",
    "sampling_json": "sampling",
    "prompt_parts_json": "prompt_parts",
    "prompt_hash": "prompt_hash",
    "tool_schema_hash": "tool_schema_hash",
    "prompt_tokens": "prompt_tokens",
    "prompt_tokens_estimated": "prompt_tokens_estimated",
    "completion_tokens": "completion_tokens",
    "completion_tokens_estimated": "completion_tokens_estimated",
    "reasoning_tokens": "reasoning_tokens",
    "cached_tokens": "cached_tokens",
    "cold": "cold",
    "finish_reason": "finish_reason",
    "outcome": "outcome",
    "visible_chars": "visible_chars",
    "imported": "import_id IS NOT NULL",
}
_SERVER_TIMINGS = tuple(ServerTiming.__dataclass_fields__)
_COLUMNS = ", ".join(
    [
        "message_id::VARCHAR",
        "fault",
        "warnings",
        *(f"{name}_ms" for name in TIMINGS),
        *(f"server_{name}" for name in _SERVER_TIMINGS),
        *_FIELDS.values(),
    ]
)
_TIMINGS_END = len(TIMINGS) + len(_SERVER_TIMINGS)


def generations_by_message(
    cursor: duckdb.DuckDBPyConnection, message_ids: Sequence[str]
) -> dict[str, list[Generation]]:
    """Return the model calls behind each of the messages, oldest first; messages without any are left out."""
    if not message_ids:
        return {}
    rows = cursor.execute(
        f"SELECT {_COLUMNS} FROM generations WHERE message_id IN (SELECT unnest(?::UUID[])) ORDER BY id",
        [list(message_ids)],
    ).fetchall()
    found: dict[str, list[Generation]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(_generation(row[1:]))
    return found


def generation_of(cursor: duckdb.DuckDBPyConnection, generation_id: str) -> Generation | None:
    """Return a recorded model call; None when there is none of that id."""
    found = _where(cursor, "id = TRY_CAST(? AS UUID)", generation_id)
    return found[0] if found else None


def generations_of_run(cursor: duckdb.DuckDBPyConnection, run_id: str) -> tuple[Generation, ...]:
    """Return the recorded model calls of a run, oldest first."""
    return _where(cursor, "run_id = TRY_CAST(? AS UUID)", run_id)


def generations_by_run(
    cursor: duckdb.DuckDBPyConnection, comparison_id: str, cells: Sequence[int] | None
) -> dict[str, Generation]:
    """Return the last model call of each attempt at a comparison's cells, by run; None takes all cells."""
    runs, values = attempt_runs(comparison_id, cells)
    rows = cursor.execute(
        f"SELECT {_COLUMNS} FROM generations WHERE run_id IN (SELECT id FROM runs WHERE {runs}) ORDER BY id", values
    ).fetchall()
    found = map(_generation, (row[1:] for row in rows))
    return {generation.run_id: generation for generation in found}


def attempt_runs(comparison_id: str, cells: Sequence[int] | None) -> tuple[str, list[object]]:
    """Return the condition on `runs` that finds the attempts at a comparison's cells, and its values."""
    condition, values = "comparison_id = TRY_CAST(? AS UUID)", list[object]([comparison_id])
    if cells is not None:
        condition += " AND cell IN (SELECT unnest(?::INTEGER[]))"
        values.append(list(cells))
    return condition, values


def _where(cursor: duckdb.DuckDBPyConnection, condition: str, value: str) -> tuple[Generation, ...]:
    rows = cursor.execute(f"SELECT {_COLUMNS} FROM generations WHERE {condition} ORDER BY id", [value]).fetchall()
    return tuple(_generation(row[1:]) for row in rows)


def fault_from_json(text: str | None) -> Fault | None:
    """Return the fault of a JSON object; None for None."""
    return None if text is None else Fault(**orjson.loads(text))


def _generation(row: tuple[Any, ...]) -> Generation:
    fault, warnings, *rest = row
    timings, server_timings, fields = rest[: len(TIMINGS)], rest[len(TIMINGS) : _TIMINGS_END], rest[_TIMINGS_END:]
    return Generation(
        **dict(zip(_FIELDS, fields, strict=True)),
        fault=fault_from_json(fault),
        timing=Timing(**dict(zip(TIMINGS, timings, strict=True))),
        warnings=tuple(orjson.loads(warnings)),
        server_timing=ServerTiming(*server_timings),
    )
