"""The record: one DuckDB file, one writer thread, a cursor for every read."""

from apehost_core.store.conversations import (
    Conversations,
    ConversationSummary,
    Page,
    RunRow,
    StoredMessage,
)
from apehost_core.store.history import GenerationRow

__all__ = ["ConversationSummary", "Conversations", "GenerationRow", "Page", "RunRow", "StoredMessage"]
