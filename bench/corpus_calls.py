"""Model calls of the corpus: times as models and servers of different speed would show them, some cold, some failed."""

from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

_Array = np.ndarray[Any, Any]

SERVERS: Final = ("This computer", "mini", "workstation")
MODELS: Final = (
    "qwen/qwen3-4b",
    "qwen/qwen3-30b-a3b",
    "google/gemma-3-12b",
    "openai/gpt-oss-20b",
    "meta/llama-3.3-70b",
    "mistralai/devstral-small",
)
QUANTISATIONS: Final = ("Q4_K_M", "Q8_0", "MLX 4bit")
_SPEEDS = np.array([90.0, 60.0, 45.0, 55.0, 12.0, 35.0])  # decode tokens a second; prompts are read 12 times faster
_POWER = np.array([1.0, 0.7, 1.8])
_FAULTS = ("refused", "stalled", "overflow", "model_crashed")

_RUNS = """
INSERT INTO runs (id, kind, conversation_id, message_id, server, model, started_at, finished_at, outcome, fault)
SELECT run, kind, conversation, message, server, model, started, started + to_milliseconds(total), outcome, fault
FROM drawn"""
_GENERATIONS = """
INSERT INTO generations (
    id, run_id, message_id, conversation_id, started_at, server, model_asked, model_answered, quantisation, runtime,
    sampling, prompt_parts, prompt_hash, prompt_tokens, prompt_tokens_estimated, completion_tokens,
    completion_tokens_estimated, cached_tokens, cold, finish_reason, outcome, fault, queued_ms, connect_ms, headers_ms,
    first_byte_ms, first_visible_ms, last_token_ms, total_ms, load_ms, warnings, visible_chars)
SELECT generation_id::UUID, run, message, conversation, started, server, model, model, quantisation, 'llama.cpp 1.52',
    '{}', '[]', '', prompt_tokens, false, tokens, random() < 0.1, 0, cold,
    CASE WHEN outcome = 'completed' THEN CASE WHEN tokens > 900 THEN 'length' ELSE 'stop' END END, outcome, fault,
    1.0 + load, 0.4, 2.0, 2.5, CASE WHEN outcome = 'completed' THEN ttft END,
    CASE WHEN outcome = 'completed' THEN ttft + decode END, total, CASE WHEN cold THEN load END, '[]', tokens * 4
FROM drawn"""
_TOOLS = """
INSERT INTO tool_calls (
    id, run_id, message_id, call_id, tool, source, arguments, result, error_kind, approval, started_at, duration_ms)
SELECT uuidv7(), run, message, 'call', tool, 'builtin', arguments, result,
    CASE WHEN random() < 0.06 THEN 'failed' END, 'automatic', started, 40 + 400 * random()
FROM drawn WHERE tool <> ''"""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls as columns.

    Attributes:
        columns: One element a call.
        place: Index of the call's message within its chunk; -1 for calls that left none.
    """

    columns: dict[str, Any]
    place: _Array


def uuids(random: np.random.Generator, at_ms: _Array) -> list[str]:
    """Return a UUIDv7 of each time."""
    high = (at_ms.astype(np.uint64) << np.uint64(16)) | np.uint64(0x7000)
    high |= random.integers(1 << 12, size=len(at_ms), dtype=np.uint64)
    low = random.integers(1 << 62, size=len(at_ms), dtype=np.uint64) | np.uint64(1 << 63)
    return [f"{a >> 16:012x}{a & 0xFFFF:04x}{b:016x}" for a, b in zip(high.tolist(), low.tolist(), strict=True)]


def calls_of(random: np.random.Generator, at_ms: _Array, answers: _Array, chunk: _Array) -> Calls:
    """Return a call for each answer and for each question one of a comparison, as many as messages."""
    count = len(chunk)
    model = random.choice(len(MODELS), size=count, p=[0.35, 0.2, 0.15, 0.15, 0.05, 0.1])
    server = random.choice(len(SERVERS), size=count, p=[0.5, 0.2, 0.3])
    speed = _SPEEDS[model] * _POWER[server] * random.lognormal(0, 0.15, count)
    prompt_tokens = np.minimum(random.lognormal(6.2, 1.2, count) + 10, 60_000).astype(np.int64)
    tokens = np.minimum(random.lognormal(4.6, 0.9, count) + 2, 4_000).astype(np.int64)
    cold = random.random(count) < 0.02
    failed = random.random(count) < 0.015
    ttft = 25 + prompt_tokens / (speed * 12) * 1000 * random.lognormal(0, 0.2, count)
    decode, load = (tokens - 1) / speed * 1000, np.where(cold, random.lognormal(8.8, 0.4, count), 0)
    columns = {
        "run_id": uuids(random, at_ms),
        "generation_id": uuids(random, at_ms),
        "at_ms": at_ms,
        "kind": np.where(answers, "chat", "compare"),
        "server": np.array(SERVERS)[server],
        "model": np.array(MODELS)[model],
        "quantisation": np.array(QUANTISATIONS)[(model + server) % 3],
        "prompt_tokens": prompt_tokens,
        "tokens": tokens,
        "cold": cold,
        "outcome": np.where(failed, "failed", "completed"),
        "fault_kind": np.where(failed, random.choice(_FAULTS, size=count), ""),
        "ttft": ttft,
        "decode": decode,
        "load": load,
        "total": load + ttft + decode,
    }
    return Calls(columns, np.where(answers, np.arange(count), -1))


def insert_calls(connection: duckdb.DuckDBPyConnection, calls: Calls, said: dict[str, list[str]]) -> None:
    """Write the calls with their runs and their tool calls."""
    made = [each >= 0 for each in calls.place]
    rows = pa.table({
        **{name: pa.array(list(values)) for name, values in calls.columns.items()},
        "message_id": [name if has else None for name, has in zip(said["id"], made, strict=True)],
        "conversation_id": [name if has else None for name, has in zip(said["conversation"], made, strict=True)],
        **{name: [text if has else "" for text, has in zip(said[name], made, strict=True)]
           for name in ("tool", "arguments", "result")},
    })  # fmt: skip
    connection.register("rows", rows)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE drawn AS
        SELECT *, run_id::UUID AS run, message_id::UUID AS message, conversation_id::UUID AS conversation,
            epoch_ms(at_ms)::TIMESTAMPTZ AS started,
            CASE WHEN fault_kind <> '' THEN json_object(
                'kind', fault_kind, 'title', 'Server "' || server || '" did not answer', 'cause', '', 'advice', '',
                'server', server, 'status', NULL, 'retry_after_s', NULL, 'retryable', true) END AS fault
        FROM rows""")
    for statement in (_RUNS, _GENERATIONS, _TOOLS):
        connection.execute(statement)
    connection.execute("DROP TABLE drawn")
    connection.unregister("rows")
