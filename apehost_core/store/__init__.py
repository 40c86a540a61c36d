"""The record: one DuckDB file, one writer thread, a cursor for every read."""

from apehost_core.store.conversations import (
    Conversations,
    ConversationSummary,
    Page,
    RunRow,
)
from apehost_core.store.history import GenerationRow
from apehost_core.store.message_rows import StoredMessage
from apehost_core.store.profiles import Profiles
from apehost_core.store.requests import CallRow, Inspection, SentRequest

__all__ = [
    "CallRow",
    "ConversationSummary",
    "Conversations",
    "GenerationRow",
    "Inspection",
    "Page",
    "Profiles",
    "RunRow",
    "SentRequest",
    "StoredMessage",
]
