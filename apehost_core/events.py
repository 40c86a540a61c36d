"""What happens while a model answers and while a run runs: two closed unions, one frozen type each.

Times are nanoseconds of this process's monotonic clock (`time.perf_counter_ns`), never wall time.
"""

from dataclasses import dataclass, field
from typing import Literal

from apehost_core.errors import Fault
from apehost_core.messages import Part

Outcome = Literal["completed", "length", "failed", "cancelled", "limit", "paused", "interrupted"]
RunKind = Literal["chat", "title", "agent", "compare", "replay"]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Visible text that arrived together.

    Attributes:
        text: One or more upstream deltas, joined when one network read brought several.
        count: How many upstream deltas it joins; an estimate of tokens when a server sends no usage.
    """

    text: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """Reasoning text that arrived together; fields as in TextDelta."""

    text: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call.

    Attributes:
        index: Position of the call within the answer, from 0, already disentangled from the wire's quirks.
        call_id: The server's id; empty on continuations.
        name: The tool's name; empty on continuations.
        arguments: The next piece of JSON text.
    """

    index: int
    call_id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being waited for before the first token.

    Attributes:
        stage: queued (behind other requests), waiting (as long as the server asked to), loading (the model),
            prompt (the prompt is being read).
        fraction: 0-1; None when the server does not tell.
        position: Place in the queue, 1 = next; None outside a queue.
        seconds: How long a wait will last from now on; None when unknown.
    """

    stage: Literal["queued", "waiting", "loading", "prompt"]
    fraction: float | None = None
    position: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Milestone:
    """A point of the request's way over the wire.

    Attributes:
        name: sent (request handed to the client), connected (a new TCP connection stands; absent when one
            was reused), headers (status line and headers are here), first_byte (of the body).
        at_ns: When, on the monotonic clock.
    """

    name: Literal["sent", "connected", "headers", "first_byte"]
    at_ns: int


@dataclass(frozen=True, slots=True)
class Retried:
    """The request was sent a second time; nothing had been shown yet.

    Attributes:
        reason: Why, in words: "the kept-alive connection was closed by the server".
    """

    reason: str


@dataclass(frozen=True, slots=True)
class RequestSent:
    """The exact request, as it goes out; a retry sends it once more and is one of its own.

    Attributes:
        path: Below the server's address: "/v1/chat/completions".
        body: The JSON text that is sent, byte for byte. Header fields (the token) are no part of it.
    """

    path: str
    body: str


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """Status and header fields of the answer.

    Attributes:
        status: HTTP status.
        headers: Name and value in the order they came, scrubbed: no address, no token, no cookie.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Admitted:
    """The server's lane let the call through: what waiting for its turn and its model has come to.

    Attributes:
        cold: The model was loaded for this call; False when it was there; None when the server does not tell.
        load_ms: Milliseconds of waiting for the load; None when nothing was loaded, or the call itself loads.
        context: Tokens the model was loaded with; None when not told.
    """

    cold: bool | None = None
    load_ms: float | None = None
    context: int | None = None


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """A call failed before its first token, and the run goes on with another call: elsewhere, or later.

    Attributes:
        fault: Why it failed.
    """

    fault: Fault


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the server gave them; None where it gave none or zero (zero means unknown)."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ServerTiming:
    """What a server says of its own speed; None where it says nothing.

    Attributes:
        ttft_ms: Its time to first token.
        prompt_tok_s: Prompt tokens a second.
        decode_tok_s: Completion tokens a second.
        load_ms: Time of the model's load for this call.
    """

    ttft_ms: float | None = None
    prompt_tok_s: float | None = None
    decode_tok_s: float | None = None
    load_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """The end of a model call that ended well.

    Attributes:
        parts: Everything that was streamed, folded: reasoning, text, tool calls.
        finish_reason: stop, length, tool_calls or what else the server said; None when it said nothing.
        model: The model that answered; None when the server did not say.
        usage: Last non-null counts of the stream.
        warnings: Oddities that were tolerated ("2 garbage frames skipped"), in words.
        runtime: Engine name and version when the server told it; None otherwise.
        timing: What the server says of its speed.
    """

    parts: tuple[Part, ...]
    finish_reason: str | None
    model: str | None
    usage: Usage = field(default_factory=Usage)
    warnings: tuple[str, ...] = ()
    runtime: str | None = None
    timing: ServerTiming = field(default_factory=ServerTiming)


ModelEvent = (
    TextDelta
    | ReasoningDelta
    | ToolCallDelta
    | Progress
    | Milestone
    | Retried
    | RequestSent
    | ResponseHead
    | ModelResponse
)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """First event of every run."""

    kind: RunKind


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A model call begins. What is known about it beforehand; the rest comes with its events.

    Attributes:
        generation_id: Id of the generation that this call becomes.
        server: Name of the server.
        model: The model asked for.
        quantisation: As the server lists it; None when not told.
        runtime: Engine name and version when known beforehand.
        sampling_json: Sampling settings as a JSON object, only what was set.
        prompt_hash: SHA-256 of the canonical JSON of all messages sent, hex.
        prompt_parts_json: JSON array, one object a message: role, characters, hash.
        tool_schema_hash: SHA-256 of the canonical JSON of the tools; None without tools.
        prompt_tokens_estimate: Estimated count, for servers that send no usage.
        cold: True when the model was not loaded as the call began; None when unknown.
    """

    generation_id: str
    server: str
    model: str
    quantisation: str | None = None
    runtime: str | None = None
    sampling_json: str = "{}"
    prompt_hash: str = ""
    prompt_parts_json: str = "[]"
    tool_schema_hash: str | None = None
    prompt_tokens_estimate: int | None = None
    cold: bool | None = None


@dataclass(frozen=True, slots=True)
class RunFinished:
    """Last event of every run.

    Attributes:
        outcome: How it ended.
        fault: What went wrong when the outcome is failed; None otherwise.
    """

    outcome: Outcome
    fault: Fault | None = None


RunEvent = RunStarted | TurnStarted | Admitted | TurnFailed | ModelEvent | RunFinished


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as it stands in a run's log.

    Attributes:
        seq: From 1, without gaps.
        at_ns: When the hub took it, on the monotonic clock.
        event: The event itself.
    """

    seq: int
    at_ns: int
    event: RunEvent
