"""What a reader makes of other programs' files: one conversation with its tree, or why there is none.

Pure values. Whatever a file does not say is None; nothing is guessed but the times, and those are marked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from apehost_core.messages import Message
from apehost_core.model import Preferences

TimeSource = Literal["stated", "interpolated", "unknown"]
"""Whether the file gives a message's time, only times before and after it, or neither."""
Columns = Mapping[str, object]
"""The columns of a row in ApeHost's own export (`docs/formats.md`), as JSON values; empty for other programs."""


@dataclass(frozen=True, slots=True)
class ImportedGeneration:
    """One model call as another program recorded it. None where it does not say.

    Attributes:
        model: Its id or name.
        server: Name of what served it, never an address.
        quantisation: For example "Q4_K_M".
        runtime: For example "llama.cpp".
        prompt_tokens: Counted by the other program.
        completion_tokens: Counted by the other program, reasoning included.
        ttft_ms: From the request to the first token of any kind, as stated.
        total_ms: From the request to the end, as stated.
        decode_tok_s: Tokens a second while writing, as stated.
        finish_reason: The other program's word; "stop", "length" and "tool_calls" where the meaning is theirs.
        reasoning_tokens: Part of the completion tokens.
        columns: The row in ApeHost's own export.
    """

    model: str | None = None
    server: str | None = None
    quantisation: str | None = None
    runtime: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    ttft_ms: float | None = None
    total_ms: float | None = None
    decode_tok_s: float | None = None
    finish_reason: str | None = None
    reasoning_tokens: int | None = None
    columns: Columns = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class ImportedToolCall:
    """One use of a tool. It stands at the message whose model asked for it.

    Attributes:
        call_id: The id that the message's ToolCallPart has; unique only within its message.
        tool: The tool's name.
        arguments: JSON text as it came.
        result: What the tool gave back; None when the file does not hold it.
        succeeded: None when not said.
        duration_ms: None when not said.
        approval: "allowed", "denied"; None when not said.
        columns: The row in ApeHost's own export.
    """

    call_id: str
    tool: str
    arguments: str
    result: str | None = None
    succeeded: bool | None = None
    duration_ms: float | None = None
    approval: str | None = None
    columns: Columns = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class ImportedMessage:
    """One message of the tree.

    Attributes:
        source_id: Its id in the other program, or one made from its place; unique in its conversation, and the same
            each time the file is read.
        parent_source_id: None for a root.
        message: Role and parts; a "system" message never stands in the tree.
        created_at: With a time zone; None when unknown.
        time_source: Where `created_at` comes from.
        hidden: The other program did not show it.
        generations: The model calls that wrote it, in order.
        tool_calls: The tools that it asked for, in order.
        rating: 1 or -1 where the person voted; else None.
        columns: The row in ApeHost's own export.
    """

    source_id: str
    parent_source_id: str | None
    message: Message
    created_at: datetime | None = None
    time_source: TimeSource = "unknown"
    hidden: bool = False
    generations: tuple[ImportedGeneration, ...] = ()
    tool_calls: tuple[ImportedToolCall, ...] = ()
    rating: int | None = None
    columns: Columns = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class ImportedConversation:
    """One conversation as another program kept it.

    Attributes:
        format: Name of the format, as in `FORMATS`.
        source_id: Its id in the other program, or one made from its content; the same each time the file is read.
        title: Empty when there is none.
        created_at: With a time zone; None when unknown.
        updated_at: With a time zone; None when unknown.
        messages: Parents before their children; at least one.
        selected: `source_id` of the leaf that was shown; the newest leaf where the file names none.
        tags: Without repetition, in the file's order.
        archived: It was out of the way there.
        settings: System prompt, sampling.
        digest: sha256 of all that is meant by it, hex: the same for the same meaning, however the file was written.
        notes: What was left out and why, each a sentence for people.
        columns: The row in ApeHost's own export.
    """

    format: str
    source_id: str
    title: str
    created_at: datetime | None
    updated_at: datetime | None
    messages: tuple[ImportedMessage, ...]
    selected: str | None
    tags: tuple[str, ...]
    archived: bool
    settings: Preferences
    digest: str
    notes: tuple[str, ...] = ()
    columns: Columns = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something in a file of which no conversation could be made.

    Attributes:
        where: The file, and the place inside it: "export.zip, conversations.json, number 12".
        why: For people, and what they can do where they can.
    """

    where: str
    why: str
