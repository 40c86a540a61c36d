"""A run and its ending as values: what the hub hands to the recorder before and after the events."""

from dataclasses import dataclass, field
from datetime import datetime

from apehost_core.errors import Fault
from apehost_core.events import Outcome, RunKind, ServerTiming
from apehost_core.messages import Message

SHORTEST_DECODE_MS = 1.0


@dataclass(frozen=True, slots=True)
class RunSpec:
    """A run before its first event.

    Attributes:
        run_id: UUIDv7.
        kind: What it is for.
        started_at: UTC wall time.
        conversation_id: The conversation that the answer joins; None for runs outside of one.
        parent_message_id: The message that is answered; None outside a conversation.
        message_id: The id that the answer gets when the run ends; None when it leaves no message.
        parent_run_id: The run that this one belongs to (a resumed agent); None at top.
        server: Name of the server that was chosen; empty where the pool chooses.
        model: The model asked for.
        comparison_id: The comparison that it belongs to; None outside of one.
        cell: Number of the comparison's cell that it is an attempt at; None outside of one.
    """

    run_id: str
    kind: RunKind
    started_at: datetime
    conversation_id: str | None = None
    parent_message_id: str | None = None
    message_id: str | None = None
    parent_run_id: str | None = None
    server: str = ""
    model: str = ""
    comparison_id: str | None = None
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """One model call on one monotonic clock. Milliseconds after the request was sent, unless said otherwise.

    Attributes:
        queued: From the start of the turn to the sending of the request.
        load: So long of it the call waited for its model to be loaded; None when nothing was loaded beforehand.
        connect: A new TCP connection stood; None when a pooled one was used.
        headers: Status line and headers were here.
        first_byte: First byte of the body.
        first_reasoning: First reasoning token; None when there was none.
        first_visible: First token of visible text or of a tool call; None when there was none.
        last_token: Last token of any kind; None when there was none.
        total: From the start of the turn to its end, whatever the end was.
    """

    queued: float | None = None
    load: float | None = None
    connect: float | None = None
    headers: float | None = None
    first_byte: float | None = None
    first_reasoning: float | None = None
    first_visible: float | None = None
    last_token: float | None = None
    total: float | None = None

    @property
    def ttft(self) -> float | None:
        """Time to first token of any kind, in ms after sending; None without a token."""
        seen = [ms for ms in (self.first_reasoning, self.first_visible) if ms is not None]
        return min(seen) if seen else None

    def decode_rate(self, tokens: int | None) -> float | None:
        """Return tokens a second between the first and the last token.

        None below two tokens, and where all came within a millisecond: that is one network read, not a speed.
        """
        if tokens is None or tokens < 2 or self.ttft is None or self.last_token is None:
            return None
        milliseconds = self.last_token - self.ttft
        return (tokens - 1) * 1000 / milliseconds if milliseconds >= SHORTEST_DECODE_MS else None


@dataclass(frozen=True, slots=True)
class Generation:
    """One model call as recorded.

    Attributes:
        generation_id: UUIDv7.
        run_id: The run that made the call.
        started_at: UTC wall time of the turn's start.
        server: Name of the server that was asked.
        model_asked: The id that was sent.
        model_answered: The id in the reply; None when the reply had none.
        quantisation: As the server lists it; None when not told.
        runtime: Engine name and version; None when not told.
        sampling_json: JSON object of the settings that were sent.
        prompt_parts_json: JSON array: role, characters and hash of each message sent.
        prompt_hash: SHA-256, hex, of the canonical JSON of all messages sent.
        tool_schema_hash: SHA-256, hex, of the tools offered; None without tools.
        prompt_tokens: Measured by the server, else estimated (see the flag); None when neither.
        prompt_tokens_estimated: True when the count is ours.
        completion_tokens: As above, reasoning included.
        completion_tokens_estimated: True when the count is ours (upstream deltas).
        reasoning_tokens: Measured only.
        cached_tokens: Measured only: prompt tokens taken from the server's cache.
        cold: The model was loaded for this call; None when unknown. Never mixed with warm ones.
        finish_reason: stop, length, tool_calls or the server's own word; None when it said none.
        outcome: How the call ended.
        fault: What went wrong; None when nothing did.
        timing: When what happened.
        warnings: Oddities that were tolerated, in words.
        visible_chars: Characters of the visible answer; None when it was recorded before this was.
        server_timing: What the server says of its speed.
        imported: Another program recorded it; counts and times are what that one says, and it belongs to no run here.
    """

    generation_id: str
    run_id: str
    started_at: datetime
    server: str
    model_asked: str
    model_answered: str | None
    quantisation: str | None
    runtime: str | None
    sampling_json: str
    prompt_parts_json: str
    prompt_hash: str
    tool_schema_hash: str | None
    prompt_tokens: int | None
    prompt_tokens_estimated: bool
    completion_tokens: int | None
    completion_tokens_estimated: bool
    reasoning_tokens: int | None
    cached_tokens: int | None
    cold: bool | None
    finish_reason: str | None
    outcome: Outcome
    fault: Fault | None
    timing: Timing
    warnings: tuple[str, ...] = ()
    visible_chars: int | None = None
    server_timing: ServerTiming = field(default_factory=ServerTiming)
    imported: bool = False

    @property
    def as_asked(self) -> bool:
        """Whether the model that was asked answered, as far as the reply tells."""
        return self.model_answered is None or _bare(self.model_asked) == _bare(self.model_answered)

    @property
    def decode_rate(self) -> float | None:
        """Decode tokens a second; None when it cannot be known."""
        return self.timing.decode_rate(self.completion_tokens)


@dataclass(frozen=True, slots=True)
class RunEnding:
    """A run after its last event.

    Attributes:
        run_id: The run.
        outcome: How it ended.
        finished_at: UTC wall time.
        fault: What went wrong; None when nothing did.
        message: The answer, partial or whole; None when nothing was shown.
        generations: The model calls it made, in order.
    """

    run_id: str
    outcome: Outcome
    finished_at: datetime
    fault: Fault | None
    message: Message | None
    generations: tuple[Generation, ...]


def _bare(model: str) -> str:
    """Return a model id without instance number (":2") and quantisation ("@q4_k_m")."""
    return model.split("@", 1)[0].split(":", 1)[0].casefold()
