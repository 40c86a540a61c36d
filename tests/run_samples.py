"""Runs and events as tests need them."""

from datetime import UTC, datetime

from apehost_core.events import (
    LoggedEvent,
    Milestone,
    ModelResponse,
    ReasoningDelta,
    RunEvent,
    RunStarted,
    TextDelta,
    TurnStarted,
    Usage,
)
from apehost_core.ids import new_id
from apehost_core.messages import TextPart
from apehost_core.runs.run import RunSpec

MS = 1_000_000

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
"""Well formed, and of nothing: years older than any that a test makes."""


def chat_spec(conversation_id: str | None = None, parent_message_id: str | None = None) -> RunSpec:
    """A chat run that answers a message."""
    return RunSpec(
        run_id=new_id(),
        kind="chat",
        started_at=datetime.now(UTC),
        conversation_id=conversation_id,
        parent_message_id=parent_message_id,
        message_id=new_id(),
        server="mini",
        model="a-model",
    )


def logged(*events: RunEvent, first_seq: int = 1, step_ns: int = MS) -> list[LoggedEvent]:
    """The events as the hub would log them, 1 ms apart."""
    return [LoggedEvent(seq, seq * step_ns, event) for seq, event in enumerate(events, start=first_seq)]


def answered(words: tuple[str, ...] = ("Hello", " world")) -> list[LoggedEvent]:
    """A whole run that ended well, without its RunFinished."""
    return logged(
        RunStarted("chat"),
        TurnStarted(new_id(), "mini", "a-model", quantisation="Q4_K_M", prompt_hash="ab", cold=False),
        Milestone("sent", 3 * MS),
        Milestone("first_byte", 4 * MS),
        ReasoningDelta("hm"),
        *(TextDelta(word) for word in words),
        ModelResponse((TextPart("".join(words)),), "stop", "a-model", Usage(7, len(words) + 1), runtime="llama.cpp 1"),
    )
