"""The latest model calls as a table."""

from collections.abc import Sequence
from typing import Final

from apehost_core.compare.numbers import counted
from apehost_core.store import GenerationRow
from apehost_core.store.history import CallKind
from apehost_ui.components.grid import grid
from apehost_ui.components.history_chart_scope import KIND_WORDS
from apehost_ui.components.switch import url_switch
from apehost_ui.words import ending

_WORDS: Final = {**KIND_WORDS, "imported": "imported"}
_ALL: Final = "all"


def kind_switch(kinds: Sequence[CallKind]) -> CallKind | None:
    """Draw the switch between kinds of calls where there are several; returns None for all of them."""
    if len(kinds) < 2:
        return None
    names: dict[CallKind | str, str] = {_ALL: "All", **{kind: _WORDS[kind].capitalize() for kind in kinds}}
    picked = url_switch("What for", names, "calls_for")
    return next((kind for kind in kinds if kind == picked), None)


def listed_words(rows: Sequence[GenerationRow], total: int) -> str:
    """Return what is listed, out of how many, and what its numbers rest on."""
    listed = f"The latest {len(rows):,} of {total:,} model calls" if len(rows) < total else counted(total, "model call")
    imported = " Imported calls were not timed here." if any(row.kind == "imported" for row in rows) else ""
    return f"{listed}, newest first. Times are client-side; ≈ marks estimated counts.{imported}"


def history_table(rows: Sequence[GenerationRow]) -> None:
    """Draw one row a call; missing numbers stay empty, estimated ones are marked."""
    grid([_row(row) for row in rows])


def _row(row: GenerationRow) -> dict[str, object]:
    about = "≈" if row.completion_tokens_estimated else ""
    return {
        "When": row.started_at.astimezone().replace(tzinfo=None, microsecond=0),  # the table shows a zone as +00:00
        "What for": _WORDS[row.kind],
        "Server": row.server,
        "Model": row.model_answered or row.model_asked,
        "Tokens": f"{about}{row.completion_tokens:,}" if row.completion_tokens else None,
        "First token (ms)": round(row.ttft_ms) if row.ttft_ms is not None else None,
        "tok/s": round(row.decode_tok_s, 1) if row.decode_tok_s is not None else None,
        "End": ending(row.outcome, row.finish_reason),
        "Conversation": row.conversation_title,
    }
