"""How a run's ending is written: its message, its generations and its outcome, in one transaction."""

from dataclasses import asdict

import duckdb
import orjson

from apehost_core.errors import Fault
from apehost_core.messages import Message, parts_to_json
from apehost_core.runs.run import Generation, RunEnding, RunSpec, Timing

TIMINGS = (
    "queued",
    "connect",
    "headers",
    "first_byte",
    "first_reasoning",
    "first_visible",
    "last_token",
    "total",
)


def write_ending(connection: duckdb.DuckDBPyConnection, spec: RunSpec, ending: RunEnding) -> None:
    """Write an ending inside the current transaction."""
    message_id = None
    if ending.message is not None and spec.conversation_id is not None and spec.message_id is not None:
        message_id = spec.message_id
        _write_answer(connection, spec, ending, ending.message)
    for generation in ending.generations:
        _write_generation(connection, spec, generation, message_id)
    connection.execute(
        "UPDATE runs SET outcome = ?, finished_at = ?, fault = ?, message_id = ? WHERE id = ?",
        [ending.outcome, ending.finished_at, fault_json(ending.fault), message_id, spec.run_id],
    )


def fault_json(fault: Fault | None) -> str | None:
    """Return a fault as JSON; None when there is none."""
    return None if fault is None else orjson.dumps(asdict(fault)).decode()


def _write_answer(connection: duckdb.DuckDBPyConnection, spec: RunSpec, ending: RunEnding, message: Message) -> None:
    """Append the answer and select it, unless another branch was selected meanwhile."""
    connection.execute(
        "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            spec.message_id,
            spec.conversation_id,
            spec.parent_message_id,
            message.role,
            parts_to_json(message.parts),
            message.text,
            ending.finished_at,
            spec.run_id,
        ],
    )
    connection.execute(
        "UPDATE conversations SET leaf_id = CASE WHEN leaf_id = ? THEN ? ELSE leaf_id END, updated_at = ? WHERE id = ?",
        [spec.parent_message_id, spec.message_id, ending.finished_at, spec.conversation_id],
    )


def _write_generation(
    connection: duckdb.DuckDBPyConnection, spec: RunSpec, generation: Generation, message_id: str | None
) -> None:
    row = {
        "id": generation.generation_id,
        "run_id": generation.run_id,
        "message_id": message_id,
        "conversation_id": spec.conversation_id,
        "started_at": generation.started_at,
        "server": generation.server,
        "model_asked": generation.model_asked,
        "model_answered": generation.model_answered,
        "quantisation": generation.quantisation,
        "runtime": generation.runtime,
        "sampling": generation.sampling_json,
        "prompt_parts": generation.prompt_parts_json,
        "prompt_hash": generation.prompt_hash,
        "tool_schema_hash": generation.tool_schema_hash,
        "prompt_tokens": generation.prompt_tokens,
        "prompt_tokens_estimated": generation.prompt_tokens_estimated,
        "completion_tokens": generation.completion_tokens,
        "completion_tokens_estimated": generation.completion_tokens_estimated,
        "reasoning_tokens": generation.reasoning_tokens,
        "cached_tokens": generation.cached_tokens,
        "cold": generation.cold,
        "finish_reason": generation.finish_reason,
        "outcome": generation.outcome,
        "fault": fault_json(generation.fault),
        **_timing_columns(generation.timing),
        "warnings": orjson.dumps(generation.warnings).decode(),
    }
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO generations ({columns}) VALUES ({marks})", list(row.values()))


def _timing_columns(timing: Timing) -> dict[str, float | None]:
    return {f"{name}_ms": getattr(timing, name) for name in TIMINGS}
