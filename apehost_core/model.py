"""What a model is to the rest of the core: one method that streams, and the values around it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from apehost_core.events import ModelEvent
from apehost_core.messages import Message


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling settings of one request; None leaves a value to the server.

    Attributes:
        temperature: 0 is greedy; servers accept up to 2.
        top_p: Nucleus, 0-1.
        top_k: Candidates kept; 0 switches it off.
        min_p: Relative floor, 0-1; sent only when set (not documented on chat/completions).
        repeat_penalty: 1 is off.
        presence_penalty: OpenAI's meaning, -2 to 2.
        frequency_penalty: OpenAI's meaning, -2 to 2.
        seed: Asks for the same draw; servers do not promise it.
        max_tokens: Upper bound on completion tokens, reasoning included.
        stop: Strings that end the answer.
        reasoning_effort: Open set ("none", "low", "medium", "high", ...); servers clamp or refuse.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    reasoning_effort: str | None = None


ToolMode = Literal["native", "prompted", "off"]
"""How tools are offered: in the request's own field, described in the system prompt, or not at all."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What was chosen for answers, beside the model. None (or an unset sampling value) leaves it to the next in line.

    In line are: the chat, the profiles of the model, the server's own defaults.

    Attributes:
        system_prompt: Sent as the first message; an empty one says that none is wanted.
        sampling: Sampling, token limit, stop strings and reasoning setting.
        context_length: Tokens to load the model with.
        tool_mode: How tools are offered.
        ttl_s: Idle seconds after which a model that was loaded for a call is unloaded.
    """

    system_prompt: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    context_length: int | None = None
    tool_mode: ToolMode | None = None
    ttl_s: int | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One model call.

    Attributes:
        model: The id to ask the server for.
        messages: Oldest first; a system message, if any, comes first.
        sampling: What to sample with.
        tools: Tool definitions in OpenAI's JSON form; empty when none are offered.
        tool_choice: Strings only: LM Studio refuses OpenAI's object form. None is sent when no tools are.
        ttl_s: Seconds of idleness after which a model that this call makes the server load is unloaded; None leaves
            it to the server. No effect on a model that is loaded already.
        context_length: Tokens to load the model with where this call is what it is loaded for; never sent itself.
        may_load: Whether a model that is not loaded may be loaded for this call; else the call fails.
        call_id: Under which the call is recorded; never sent. None for calls that are not.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: Literal["none", "auto", "required"] | None = None
    ttl_s: int | None = None
    context_length: int | None = None
    may_load: bool = True
    call_id: str | None = None


class Model(Protocol):
    """Something that answers a request with events."""

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[ModelEvent]]:
        """Open one call; its events end with exactly one ModelResponse.

        Leaving the context closes the call at once, wherever it is.

        Raises:
            ServerError: From entering or from the iterator; the events that came before it stand.
        """
        ...


ModelType = Literal["llm", "vlm", "embedding", "unknown"]
LoadState = Literal["loaded", "loading", "not_loaded", "unknown"]


@dataclass(frozen=True, slots=True)
class Instance:
    """A loaded copy of a model.

    Attributes:
        id: What to unload it by; "key", "key:2" ...
        context: Tokens it was loaded with; None when not told.
        parallel: Requests that it serves at a time; None when not told.
    """

    id: str
    context: int | None = None
    parallel: int | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model that a server has.

    Attributes:
        key: The id to ask for.
        name: For people; the key where the server gives none.
        type: "unknown" where the server does not say.
        state: "unknown" where the listing does not say (plain /v1/models); "loading" is known of loads of ours only.
        publisher: None when not told.
        architecture: For example "gemma4"; None when not told.
        quantisation: For example "Q4_K_M"; None when not told.
        format: "gguf", "mlx"; None when not told.
        params: Parameters as told, "26B-A4B"; None when not told.
        size_bytes: Size on disk; None when not told.
        max_context: Tokens the model was made for; None when not told.
        loaded_context: Tokens of the first loaded instance; None when not loaded or not told.
        vision: None when not told.
        tools: Trained for tool use; None when not told. False does not mean that tools fail.
        reasoning_options: Open set of settings; empty when there are none or not told.
        reasoning_default: The setting that applies when none is sent; None when not told.
        instances: The loaded copies.
    """

    key: str
    name: str
    type: ModelType = "unknown"
    state: LoadState = "unknown"
    publisher: str | None = None
    architecture: str | None = None
    quantisation: str | None = None
    format: str | None = None
    params: str | None = None
    size_bytes: int | None = None
    max_context: int | None = None
    loaded_context: int | None = None
    vision: bool | None = None
    tools: bool | None = None
    reasoning_options: tuple[str, ...] = ()
    reasoning_default: str | None = None
    instances: tuple[Instance, ...] = ()

    @property
    def identity(self) -> tuple[str, str | None]:
        """What makes two servers' models the same: key and quantisation."""
        return self.key.casefold(), self.quantisation
