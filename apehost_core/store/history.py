"""What was measured, as lists: read models over the recorded generations. Blocking reads, never live objects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from apehost_core.events import Outcome, RunKind
from apehost_core.store.database import Database

CallKind = RunKind | Literal["imported"]
"""What a call was for; those that other programs have made are a kind of their own."""
_KIND = "CASE source WHEN 'imported' THEN 'imported' ELSE coalesce(run_kind, 'chat') END"


@dataclass(frozen=True, slots=True)
class GenerationRow:
    """One model call in a list; times in ms, rates in tokens a second, None where unknown."""

    kind: CallKind
    started_at: datetime
    conversation_title: str | None
    server: str
    model_asked: str
    model_answered: str | None
    completion_tokens: int | None
    completion_tokens_estimated: bool
    ttft_ms: float | None
    decode_tok_s: float | None
    outcome: Outcome
    finish_reason: str | None


def recent_generations(database: Database, limit: int, kind: CallKind | None = None) -> list[GenerationRow]:
    """Return the latest model calls, newest first; of one kind, or (None) of all.

    Raises:
        StoreError: They could not be read.
    """
    return list(database.kept.get(("calls", limit, kind), lambda: _recent(database, limit, kind)))


def _recent(database: Database, limit: int, kind: CallKind | None) -> tuple[GenerationRow, ...]:
    columns = ", ".join(name for name in GenerationRow.__dataclass_fields__ if name != "kind")
    with database.read() as cursor:
        rows = cursor.execute(
            f"SELECT {_KIND} AS kind, {columns} FROM v_generations WHERE $kind IS NULL OR kind = $kind "
            "ORDER BY started_at DESC, id DESC LIMIT $limit",
            {"kind": kind, "limit": limit},
        ).fetchall()
    return tuple(GenerationRow(*row) for row in rows)


def count_generations(database: Database) -> dict[CallKind, int]:
    """Return how many model calls there are of each kind, the most frequent first; kinds without any are left out.

    Raises:
        StoreError: They could not be read.
    """
    return dict(database.kept.get("calls counted", lambda: _count(database)))


def _count(database: Database) -> dict[CallKind, int]:
    with database.read() as cursor:
        rows = cursor.execute(
            f"SELECT {_KIND} AS kind, count(*) FROM v_generations GROUP BY kind ORDER BY count(*) DESC, kind"
        ).fetchall()
    return dict(rows)
