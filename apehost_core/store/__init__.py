"""The record: one DuckDB file, one writer thread, a cursor for every read."""

from apehost_core.store.conversations import (
    Conversations,
    ConversationSummary,
    Page,
    RunRow,
)
from apehost_core.store.history import GenerationRow
from apehost_core.store.message_rows import StoredMessage

__all__ = ["ConversationSummary", "Conversations", "GenerationRow", "Page", "RunRow", "StoredMessage"]
