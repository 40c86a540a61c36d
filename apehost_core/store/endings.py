"""How a run's ending is written: its message, its generations and its outcome, in one transaction."""

from dataclasses import asdict

import orjson

from apehost_core.errors import Fault
from apehost_core.runs.run import Generation, RunEnding, RunSpec, Timing
from apehost_core.store.message_rows import StoredMessage
from apehost_core.store.search.changes import message_added
from apehost_core.store.transaction import Transaction

TIMINGS = (
    "queued",
    "load",
    "connect",
    "headers",
    "first_byte",
    "first_reasoning",
    "first_visible",
    "last_token",
    "total",
)


def write_ending(transaction: Transaction, spec: RunSpec, ending: RunEnding) -> None:
    """Write an ending with a transaction."""
    answer = _answer(spec, ending)
    if answer is not None:
        _write_answer(transaction, answer)
    elif ending.fault is not None and spec.parent_message_id is not None:
        message_added(transaction, spec.parent_message_id)  # a question that failed is found by has:error
    message_id = answer.id if answer else None
    for generation in ending.generations:
        _write_generation(transaction, spec, generation, message_id)
    row = {
        "id": spec.run_id,
        "outcome": ending.outcome,
        "finished_at": ending.finished_at,
        "fault": fault_json(ending.fault),
        "message_id": message_id,
    }
    transaction.update("runs", row, key="id")


def fault_json(fault: Fault | None) -> str | None:
    """Return a fault as JSON; None when there is none."""
    return None if fault is None else orjson.dumps(asdict(fault)).decode()


def _answer(spec: RunSpec, ending: RunEnding) -> StoredMessage | None:
    """Return the message that a run leaves; None when nothing was shown or it belongs to no conversation."""
    if ending.message is None or spec.message_id is None or spec.conversation_id is None:
        return None
    return StoredMessage(
        id=spec.message_id,
        conversation_id=spec.conversation_id,
        parent_id=spec.parent_message_id,
        message=ending.message,
        created_at=ending.finished_at,
        run_id=spec.run_id,
    )


def _write_answer(transaction: Transaction, answer: StoredMessage) -> None:
    """Append the answer and select it, unless another branch was selected meanwhile."""
    transaction.insert("messages", answer.row())
    message_added(transaction, answer.id)
    transaction.execute(
        "UPDATE conversations SET leaf_id = CASE WHEN leaf_id = ? THEN ? ELSE leaf_id END, updated_at = ? WHERE id = ?",
        [answer.parent_id, answer.id, answer.created_at, answer.conversation_id],
    )


def _write_generation(transaction: Transaction, spec: RunSpec, generation: Generation, message_id: str | None) -> None:
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
        "visible_chars": generation.visible_chars,
        **{f"server_{name}": value for name, value in asdict(generation.server_timing).items()},
    }
    transaction.insert("generations", row)


def _timing_columns(timing: Timing) -> dict[str, float | None]:
    return {f"{name}_ms": getattr(timing, name) for name in TIMINGS}
