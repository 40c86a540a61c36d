"""The latest model calls as a table."""

from apehost_core.store import GenerationRow
from apehost_ui.components.grid import grid
from apehost_ui.words import ending


def history_table(rows: list[GenerationRow]) -> None:
    """Draw one row a call; missing numbers stay empty, estimated ones are marked."""
    grid([_row(row) for row in rows])


def _row(row: GenerationRow) -> dict[str, object]:
    about = "≈" if row.completion_tokens_estimated else ""
    return {
        "When": row.started_at.astimezone().replace(tzinfo=None, microsecond=0),  # the table shows a zone as +00:00
        "Server": row.server,
        "Model": row.model_answered or row.model_asked,
        "Tokens": f"{about}{row.completion_tokens:,}" if row.completion_tokens else None,
        "First token (ms)": round(row.ttft_ms) if row.ttft_ms is not None else None,
        "tok/s": round(row.decode_tok_s, 1) if row.decode_tok_s is not None else None,
        "End": ending(row.outcome, row.finish_reason),
        "Conversation": row.conversation_title,
    }
