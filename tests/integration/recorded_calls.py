"""Model calls and tool calls in a database, as if they had been made: defaults, and what a test says otherwise."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from apehost_core.ids import new_id
from apehost_core.store.database import Database
from apehost_core.store.transaction import Transaction

BEGAN = datetime(2025, 3, 1, 12, tzinfo=UTC)
FAULT = '{"kind": "refused", "title": "Server refused"}'
_CALL: dict[str, Any] = {
    "server": "mini",
    "model_asked": "gemma",
    "quantisation": "Q4_K_M",
    "sampling": "{}",
    "prompt_parts": "[]",
    "prompt_hash": "",
    "prompt_tokens": 100,
    "prompt_tokens_estimated": False,
    "completion_tokens": 11,
    "completion_tokens_estimated": False,
    "cold": False,
    "outcome": "completed",
    "first_visible_ms": 200.0,
    "last_token_ms": 700.0,
    "total_ms": 710.0,
    "warnings": "[]",
}


def record_calls(database: Database, calls: list[dict[str, Any]]) -> list[str]:
    """Record model calls in one transaction and return their ids.

    Besides columns of `generations`, a call may say its `kind` (chat unless told) and its `comparison_id`; an imported
    one (`import_id`) belongs to no run. Calls begin a minute apart from BEGAN on.
    """
    rows: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    for number, call in enumerate(calls):
        told = dict(call)
        run = {"kind": told.pop("kind", "chat"), "comparison_id": told.pop("comparison_id", None)}
        row = _CALL | {"id": new_id(), "run_id": new_id(), "started_at": BEGAN + timedelta(minutes=number)} | told
        if row.get("import_id"):
            row["run_id"] = None
        else:
            runs.append(
                run
                | {
                    "id": row["run_id"],
                    "server": row["server"],
                    "model": row["model_asked"],
                    "started_at": row["started_at"],
                    "finished_at": row["started_at"],
                    "outcome": row["outcome"],
                }
            )
        rows.append(row)

    def write(transaction: Transaction) -> None:
        for row in runs:
            transaction.insert("runs", row)
        for row in rows:
            transaction.insert("generations", row)

    database.write(write)
    return [row["id"] for row in rows]


def record_tool_calls(database: Database, calls: list[dict[str, Any]]) -> None:
    """Record tool calls of the built-in calculator that ended well, unless told otherwise."""
    default: dict[str, Any] = {
        "tool": "calculator",
        "source": "builtin",
        "arguments": '{"expression": "1 + 1"}',
        "result": "2",
        "started_at": BEGAN,
        "duration_ms": 5.0,
    }

    def write(transaction: Transaction) -> None:
        for call in calls:
            row = default | {"id": new_id(), "run_id": new_id(), "call_id": "call_1"} | call
            transaction.insert("tool_calls", row)

    database.write(write)


def mixed_calls(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Return calls of all sorts by chance: of three models and two servers, cold, cached, failed, imported ones."""
    rng = np.random.default_rng(seed)
    conversations = [new_id() for _ in range(max(1, count // 5))]
    import_id = new_id()
    calls: list[dict[str, Any]] = []
    for number in range(count):
        tokens, ttft = int(rng.lognormal(7, 1.5)), float(rng.lognormal(6, 0.8))
        answered = str(rng.choice(["completed", "length", "failed", "cancelled"], p=[0.8, 0.08, 0.07, 0.05]))
        call: dict[str, Any] = {
            "model_asked": str(rng.choice(["gemma", "qwen", "Llama"])),
            "quantisation": [None, "Q4_K_M", "Q8_0"][int(rng.integers(3))],
            "server": str(rng.choice(["mini", "tower"])),
            "conversation_id": conversations[int(rng.integers(len(conversations)))],
            "started_at": BEGAN + timedelta(minutes=37 * number),
            "kind": str(rng.choice(["chat", "title"])),
            "prompt_tokens": tokens,
            "prompt_tokens_estimated": bool(rng.random() < 0.1),
            "completion_tokens": int(rng.integers(1, 500)),
            "completion_tokens_estimated": bool(rng.random() < 0.1),
            "cached_tokens": [None, 0, tokens // 2][int(rng.integers(3))],
            "cold": [None, False, False, True][int(rng.integers(4))],
            "outcome": answered,
            "first_visible_ms": None if answered == "failed" else ttft,
            "last_token_ms": None if answered == "failed" else ttft + float(rng.uniform(0, 9000)),
            "fault": FAULT if answered == "failed" else None,
        }
        if rng.random() < 0.15:
            call |= {"import_id": import_id, "kind": "chat", "first_visible_ms": None, "last_token_ms": None}
            call |= {"server_ttft_ms": ttft, "server_decode_tok_s": float(rng.uniform(5, 90)), "cold": None}
        calls.append(call)
    return calls
