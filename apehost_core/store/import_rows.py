"""Conversations of other programs as rows of ours. Nothing here reads or writes the database.

What another program measured stands in the columns for what servers say of themselves, and every row names its import:
so it is never taken for a measurement of ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apehost_core.chat.titles import title_from_prompt
from apehost_core.formats import ImportedConversation, ImportedGeneration, ImportedMessage, ImportedToolCall
from apehost_core.formats.apehost import OTHER_GENERATIONS
from apehost_core.formats.lenient import mappings
from apehost_core.history.listing import as_tag
from apehost_core.ids import new_id
from apehost_core.messages import parts_to_json
from apehost_core.store.import_columns import generation_columns, tool_call_columns
from apehost_core.store.preference_rows import preferences_column
from apehost_core.store.transaction import Transaction

UNKNOWN_MODEL = "unknown"
"""Stands where a call's model must be named and the file does not name it."""

_COLUMNS = {
    "conversations": (
        "id", "title", "title_source", "created_at", "updated_at", "leaf_id", "origin", "settings", "archived_at",
        "origin_id", "origin_hash", "import_id",
    ),
    "messages": (
        "id", "conversation_id", "parent_id", "role", "parts", "text", "created_at", "origin_id", "import_id",
        "time_source", "hidden", "rating",
    ),
    "generations": (
        "id", "message_id", "conversation_id", "started_at", "server", "model_asked", "model_answered",
        "quantisation", "runtime", "sampling", "prompt_parts", "prompt_hash", "tool_schema_hash", "prompt_tokens",
        "prompt_tokens_estimated", "completion_tokens", "completion_tokens_estimated", "reasoning_tokens",
        "cached_tokens", "cold", "finish_reason", "outcome", "fault", "total_ms", "warnings", "visible_chars",
        "server_ttft_ms", "server_prompt_tok_s", "server_decode_tok_s", "server_load_ms", "import_id",
    ),
    "tool_calls": (
        "id", "generation_id", "message_id", "call_id", "tool", "source", "arguments", "result", "error_kind",
        "approval", "started_at", "duration_ms", "import_id",
    ),
    "tags": ("conversation_id", "tag", "created_at"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Placed:
    """A message of a file with its place among ours.

    Attributes:
        id: The id that it gets here.
        parent_id: Of the message before it here; None for a first one.
        found: What the file says.
    """

    id: str
    parent_id: str | None
    found: ImportedMessage


@dataclass(slots=True)
class ImportRows:
    """Rows of one import, gathered for one transaction.

    Attributes:
        import_id: Named in every row.
        at: UTC, the time of the import; stands where a file gives no time at all.
    """

    import_id: str
    at: datetime
    _rows: dict[str, list[tuple[object, ...]]] = field(default_factory=dict[str, list[tuple[object, ...]]])

    def add_conversation(self, conversation: ImportedConversation) -> str:
        """Add a conversation that is not here yet, with everything in it; returns the id that it gets."""
        conversation_id, placed = new_id(), place(conversation.messages, {})
        ids = {message.found.source_id: message.id for message in placed}
        leaf = ids.get(conversation.selected or "") or (placed[-1].id if placed else None)
        created_at = self.began(conversation)
        self._add(
            "conversations",
            {
                "id": conversation_id,
                "title": title_of(conversation),
                "title_source": "import" if conversation.title else "prompt",
                "created_at": created_at,
                "updated_at": ended(conversation) or created_at,
                "leaf_id": leaf,
                "origin": conversation.format,
                "settings": preferences_column(conversation.settings),
                "archived_at": self.at if conversation.archived else None,
                "origin_id": conversation.source_id,
                "origin_hash": conversation.digest,
            },
        )
        for tag in conversation.tags:
            row = {"conversation_id": conversation_id, "tag": as_tag(tag), "created_at": self.at}
            self._add("tags", row)
        self.add_messages(conversation, conversation_id, placed)
        for row in mappings(conversation.columns.get(OTHER_GENERATIONS)):
            self._add_generation(conversation, conversation_id, None, ImportedGeneration(columns=row), created_at)
        return conversation_id

    def add_messages(self, conversation: ImportedConversation, conversation_id: str, placed: Sequence[Placed]) -> None:
        """Add messages of a conversation, with the model calls and tool calls of each."""
        otherwise = self.began(conversation)
        for message in placed:
            found = message.found
            at = found.created_at or otherwise
            self._add(
                "messages",
                {
                    "id": message.id,
                    "conversation_id": conversation_id,
                    "parent_id": message.parent_id,
                    "role": found.message.role,
                    "parts": parts_to_json(found.message.parts),
                    "text": found.message.text,
                    "created_at": at,
                    "origin_id": found.source_id,
                    "time_source": found.time_source if found.created_at else "unknown",
                    "hidden": found.hidden or None,
                    "rating": found.rating,
                },
            )
            called = [
                self._add_generation(conversation, conversation_id, message, generation, at)
                for generation in found.generations
            ]
            for call in found.tool_calls:
                self._add_tool_call(conversation.format, message, call, called[-1] if called else None)

    def began(self, conversation: ImportedConversation) -> datetime:
        """Return when a conversation began: as stated, else with its first message, else now."""
        times = (message.created_at for message in conversation.messages if message.created_at)
        return conversation.created_at or min(times, default=None) or self.at

    def write(self, transaction: Transaction) -> None:
        """Insert all rows."""
        for table, rows in self._rows.items():
            transaction.insert_many(table, _COLUMNS[table], rows)

    def _add(self, table: str, row: Mapping[str, object]) -> None:
        whole = {**row, "import_id": self.import_id}
        self._rows.setdefault(table, []).append(tuple(whole.get(name) for name in _COLUMNS[table]))

    def _add_generation(
        self,
        conversation: ImportedConversation,
        conversation_id: str,
        message: Placed | None,
        generation: ImportedGeneration,
        at: datetime,
    ) -> str:
        generation_id = new_id()
        alone = message is not None and len(message.found.generations) == 1
        row = {
            "id": generation_id,
            "message_id": message.id if message else None,
            "conversation_id": conversation_id,
            "started_at": at,
            "server": generation.server or conversation.format,
            "model_asked": generation.model or UNKNOWN_MODEL,
            "model_answered": generation.model,
            "quantisation": generation.quantisation,
            "runtime": generation.runtime,
            "sampling": "{}",
            "prompt_parts": "[]",
            "prompt_hash": "",
            "prompt_tokens": generation.prompt_tokens,
            "prompt_tokens_estimated": False,
            "completion_tokens": generation.completion_tokens,
            "completion_tokens_estimated": False,
            "reasoning_tokens": generation.reasoning_tokens,
            "finish_reason": generation.finish_reason,
            "outcome": "completed",
            "total_ms": generation.total_ms,
            "warnings": "[]",
            "visible_chars": len(message.found.message.text) if message and alone else None,
            "server_ttft_ms": generation.ttft_ms,
            "server_decode_tok_s": generation.decode_tok_s,
        }
        self._add("generations", row | generation_columns(generation.columns))
        return generation_id

    def _add_tool_call(
        self, format_name: str, message: Placed, call: ImportedToolCall, generation_id: str | None
    ) -> None:
        refused = "denied" if call.approval == "denied" else None
        row = {
            "id": new_id(),
            "generation_id": generation_id,
            "message_id": message.id,
            "call_id": call.call_id,
            "tool": call.tool,
            "source": format_name,
            "arguments": call.arguments,
            "result": call.result,
            "error_kind": "failed" if call.succeeded is False else refused,
            "approval": call.approval,
            "started_at": message.found.created_at if message.found.time_source == "stated" else None,
            "duration_ms": call.duration_ms,
        }
        self._add("tool_calls", row | tool_call_columns(call.columns))


def place(messages: Sequence[ImportedMessage], known: Mapping[str, str]) -> list[Placed]:
    """Return messages that are not here yet with their places.

    Args:
        messages: Parents before their children.
        known: Ids here of those that are here, by their ids in the file; they are passed over.
    """
    ids, placed = dict(known), list[Placed]()
    for found in messages:
        if found.source_id not in known:
            ids[found.source_id] = new_id()
            placed.append(Placed(ids[found.source_id], ids.get(found.parent_source_id or ""), found))
    return placed


def title_of(conversation: ImportedConversation) -> str:
    """Return the title; where the file has none, one from the first question."""
    if conversation.title:
        return conversation.title
    asked = (message.message.text for message in conversation.messages if message.message.role == "user")
    return title_from_prompt(next(filter(None, asked), ""))


def ended(conversation: ImportedConversation) -> datetime | None:
    """Return when a conversation was last written in; None where the file gives no time at all."""
    times = (message.created_at for message in conversation.messages if message.created_at)
    return conversation.updated_at or max(times, default=None) or conversation.created_at
