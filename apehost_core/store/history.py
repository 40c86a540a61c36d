"""What was measured, as lists: read models over the recorded generations. Blocking reads, never live objects."""

from dataclasses import dataclass
from datetime import datetime

from apehost_core.events import Outcome
from apehost_core.store.database import Database


@dataclass(frozen=True, slots=True)
class GenerationRow:
    """One model call in a list; times in ms, rates in tokens a second, None where unknown."""

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


def recent_generations(database: Database, limit: int) -> list[GenerationRow]:
    """Return the latest model calls of conversations, newest first; calls that only name a chat are left out.

    Raises:
        StoreError: They could not be read.
    """
    columns = ", ".join(GenerationRow.__dataclass_fields__)
    with database.read() as cursor:
        rows = cursor.execute(
            f"SELECT {columns} FROM v_generations WHERE run_kind <> 'title' ORDER BY id DESC LIMIT ?", [limit]
        ).fetchall()
    return [GenerationRow(*row) for row in rows]
