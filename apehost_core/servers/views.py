"""A server as pages see it: an immutable snapshot without URL and token."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from apehost_core.errors import Fault
from apehost_core.model import ModelInfo

ServerState = Literal["unknown", "online", "offline", "needs_token", "token_refused", "rate_limited", "failing"]


@dataclass(frozen=True, slots=True)
class ServerView:
    """What is known of a server.

    Attributes:
        name: As configured.
        state: unknown until the first look.
        since: UTC, when it entered the state; None while unknown.
        checked_at: UTC, end of the last look; None before the first.
        latency_ms: How long the last successful look took; None before one.
        kind: What answers there (LM Studio, llama.cpp, Ollama, OpenAI-compatible); empty when unknown.
        runtime: Engine name and version where it is known beforehand; None otherwise.
        models: Last known models; kept while the server is away.
        fault: Why it is not online; None when it is.
        demo: It is the embedded demo engine.
        configured: False for the address that is tried because no server is configured.
    """

    name: str
    state: ServerState = "unknown"
    since: datetime | None = None
    checked_at: datetime | None = None
    latency_ms: float | None = None
    kind: str = ""
    runtime: str | None = None
    models: tuple[ModelInfo, ...] = ()
    fault: Fault | None = None
    demo: bool = False
    configured: bool = True

    @property
    def chat_models(self) -> tuple[ModelInfo, ...]:
        """The models that can chat: all but embedding models."""
        return tuple(model for model in self.models if model.type != "embedding")

    def model(self, key: str) -> ModelInfo | None:
        """Return the model of that key; None when the server does not list it."""
        return next((model for model in self.models if model.key == key), None)
