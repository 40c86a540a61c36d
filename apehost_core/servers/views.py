"""A server as pages see it: an immutable snapshot without address and token, composed from memory."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from apehost_core.errors import Fault
from apehost_core.model import ModelInfo
from apehost_core.servers.catalog import find_model

ServerState = Literal[
    "unknown",
    "online",
    "busy",
    "loading",
    "offline",
    "needs_token",
    "token_refused",
    "rate_limited",
    "not_lm_studio",
    "failing",
    "disabled",
]
Origin = Literal["environment", "page", "default", "demo"]
ANSWERING: frozenset[ServerState] = frozenset(("online", "busy", "loading"))
"""The states in which a server takes requests."""


@dataclass(frozen=True, slots=True)
class LoadView:
    """A model that is being loaded, or the last attempt that failed.

    Attributes:
        key: The model.
        context: Tokens it is loaded with; None leaves them to the server.
        started_at: UTC.
        fraction: 0-1; None when the server does not tell.
        usual_s: How long this model took here the last time; None when it never did.
        position: Place in the lane's queue (1 = next) while it waits for its turn; None once it loads.
        fault: Why it failed; None while it goes on.
    """

    key: str
    context: int | None
    started_at: datetime
    fraction: float | None = None
    usual_s: float | None = None
    position: int | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class DownloadView:
    """A download that a server was asked for.

    Attributes:
        model: As it was asked for: catalogue id or Hugging Face address.
        status: In the server's words: downloading, paused, completed, failed, already_downloaded.
        downloaded_bytes: None when not told.
        total_bytes: None when not told.
        bytes_per_second: None when not told.
        fault: Why it is no longer followed; None while it is, and when it is complete.
    """

    model: str
    status: str
    downloaded_bytes: int | None = None
    total_bytes: int | None = None
    bytes_per_second: int | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What goes on in a server's lane.

    Attributes:
        width: Requests that it is given at a time; 1 while one has it alone.
        in_flight: Requests that it has.
        queued: Requests that wait.
        stalled_s: Seconds without a sign of life while requests wait; None unless that is suspiciously long.
    """

    width: int = 0
    in_flight: int = 0
    queued: int = 0
    stalled_s: float | None = None


@dataclass(frozen=True, slots=True)
class ServerView:
    """What is known of a server.

    Attributes:
        name: As configured.
        state: unknown until the first look.
        since: UTC, when it entered the state (busy and loading count as online); None while unknown.
        checked_at: UTC, end of the last look; None before the first.
        next_check_at: UTC, of the next look; None while one is under way or none is planned.
        latency_ms: How long the last successful look took; None before one.
        latencies: The last looks, oldest first, in ms; None for one that failed.
        kind: What answers there (LM Studio, llama.cpp, Ollama, OpenAI-compatible); empty when unknown.
        runtime: Engine name and version where it is known beforehand; None otherwise.
        models: Last known models; kept while the server is away.
        fault: Why it is not online; None when it is.
        origin: Who named it.
        host: Host and port of its address, only where the settings allow to show them; None otherwise.
        has_token: A token is kept for it.
        swaps: Models may be loaded while another one answers.
        traffic: What goes on in its lane.
        resting_until: UTC; after several failures it is chosen by itself only then; None when it is well.
        loads: Loads under way and those that failed last.
        downloads: Downloads it was asked for, oldest first.
    """

    name: str
    state: ServerState = "unknown"
    since: datetime | None = None
    checked_at: datetime | None = None
    next_check_at: datetime | None = None
    latency_ms: float | None = None
    latencies: tuple[float | None, ...] = ()
    kind: str = ""
    runtime: str | None = None
    models: tuple[ModelInfo, ...] = ()
    fault: Fault | None = None
    origin: Origin = "environment"
    host: str | None = None
    has_token: bool = False
    swaps: bool = False
    traffic: Traffic = Traffic()
    resting_until: datetime | None = None
    loads: tuple[LoadView, ...] = ()
    downloads: tuple[DownloadView, ...] = ()

    @property
    def demo(self) -> bool:
        """It is the embedded demo engine."""
        return self.origin == "demo"

    @property
    def configured(self) -> bool:
        """False for the address that is tried because no server is configured."""
        return self.origin != "default"

    @property
    def answers(self) -> bool:
        """Whether it takes requests, as far as is known."""
        return self.state in ANSWERING

    @property
    def chat_models(self) -> tuple[ModelInfo, ...]:
        """The models that can chat: all but embedding models."""
        return tuple(model for model in self.models if model.type != "embedding")

    def model(self, key: str) -> ModelInfo | None:
        """Return the model of that key, or that has an instance of that id; None when the server lists neither."""
        return find_model(self.models, key)
