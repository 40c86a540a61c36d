"""What a simulated server has, was asked and is told to do wrong. The routes share it; tests read and set it."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, Unpack

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from apehost_core.testing.answers import Fault, error_object
from apehost_core.testing.downloads import Downloads
from apehost_core.testing.listings import Held
from apehost_core.testing.memory import Memory, SimInstance, SimLoad
from apehost_core.testing.models import SimModel

Trouble = Literal[
    "hang",  # every request is taken and never answered
    "slow",  # every request waits for `slow_s` first
    "busy",  # 503, as llama.cpp says while it loads
    "rate_limited",  # 429 with Retry-After of `retry_after_s`
]
"""What is wrong with the whole server."""


class Setup(TypedDict, total=False):
    """How a simulated server is set up. What is left out is as LM Studio comes.

    Attributes:
        token: Asked for with every request; None (default) lets everybody in.
        native: Whether it has LM Studio's own endpoints (default), or only the OpenAI-like ones.
        v0: Whether it has the superseded /api/v0 (default).
        jit: Whether a request loads its model (default).
        auto_evict: Whether loading for a request drops what was loaded for others (default: no).
        fits: Most instances in memory; None (default) for any number.
        load_races: Whether requests that come while their model loads load it once more each (default: no).
        headers_first: Whether the headers of a stream come before the load (default: after it).
        download_s: Seconds that a download takes (default 1).
    """

    token: str | None
    native: bool
    v0: bool
    jit: bool
    auto_evict: bool
    fits: int | None
    load_races: bool
    headers_first: bool
    download_s: float


@dataclass(slots=True)
class Call:
    """One answer that was asked for; times on the monotonic clock.

    Attributes:
        body: The request.
        path: Where it was sent.
        model: Key of the model that it went to; None when it went to none.
        instance: Id of the instance that answers; None before one does.
        at_ns: When it came.
        sent: Tokens written so far.
        hurried: Set by who has seen enough of the pace: what is left of the answer is written at once.
        ended_ns: When the answer was complete; None when it never was.
        left_ns: When it was over without being complete: the caller went away, or the answer was broken off.
    """

    body: dict[str, Any]
    path: str = "/v1/chat/completions"
    model: str | None = None
    instance: str | None = None
    at_ns: int = field(default_factory=time.perf_counter_ns)
    sent: int = 0
    hurried: bool = False
    ended_ns: int | None = None
    left_ns: int | None = None

    def end(self) -> None:
        """Note that the answer is complete."""
        self.ended_ns = time.perf_counter_ns()

    def over(self) -> None:
        """Note that nothing more comes."""
        if self.ended_ns is None:
            self.left_ns = time.perf_counter_ns()


class SimState:
    """One simulated server, without its routes.

    Attributes:
        models: What it has or can download.
        calls: The answers that were asked for, oldest first.
        requests: Everything that was asked for, as (method, path), oldest first.
        fault: What goes wrong with every answer; None when nothing does.
        faults: What goes wrong with the next answers, one entry each, before `fault` counts.
        trouble: What goes wrong with every request from now on; None when nothing does. A request that hangs
            goes on hanging.
        slow_s: Seconds that a request waits under the trouble "slow".
        retry_after_s: What the trouble "rate_limited" asks for.
        linger_s: Seconds that a native stream stays open after its end.
        token: As in `Setup`; may be changed, as `jit`.
        jit: As in `Setup`.
        memory: What is loaded.
        downloads: What is downloaded.
    """

    def __init__(self, *models: SimModel, **setup: Unpack[Setup]) -> None:
        self.models: tuple[SimModel, ...] = models or (SimModel(),)
        self.calls: list[Call] = []
        self.requests: list[tuple[str, str]] = []
        self.fault: Fault | None = None
        self.faults: deque[Fault | None] = deque()
        self.trouble: Trouble | None = None
        self.slow_s = 0.5
        self.retry_after_s = 7
        self.linger_s = 0.3
        self.token = setup.get("token")
        self.jit = setup.get("jit", True)
        self.headers_first = setup.get("headers_first", False)
        self.downloads = Downloads(setup.get("download_s", 1.0))
        self.memory = Memory(
            auto_evict=setup.get("auto_evict", False),
            fits=setup.get("fits"),
            races=setup.get("load_races", False),
        )
        self.restart()

    @property
    def instances(self) -> dict[str, SimInstance]:
        """What is in memory, by id."""
        return self.memory.instances

    @property
    def loads(self) -> list[SimLoad]:
        """Every load that was begun, oldest first."""
        return self.memory.loads

    def restart(self, *, forget: bool = False) -> None:
        """Hold in memory what was there at the start, without a load; nothing when it is to forget."""
        self.memory.restart(() if forget else [model for model in self.models if model.at_start])

    def held(self) -> Held:
        """Return the models on the disk with their instances."""
        return [(model, self.memory.of(model.key)) for model in self.models if self.downloads.has(model)]

    def known(self, name: str) -> SimModel | None:
        """Return the model on the disk with that key, in whatever case, or with an instance of exactly that id."""
        held = self.held()
        by_id = (model for model, instances in held for instance in instances if instance.id == name)
        by_key = (model for model, _ in held if model.key.casefold() == name.casefold())
        return next(by_id, None) or next(by_key, None)

    def next_fault(self) -> Fault | None:
        """Take what goes wrong with the next answer."""
        return self.faults.popleft() if self.faults else self.fault

    def resolve(self, name: str) -> SimModel | Response:
        """Return the model that a chat completion goes to, or the refusal.

        LM Studio answers an unknown name with the one chat model that is loaded. Source: api notes 1.2.7.
        """
        known = self.known(name)
        if known is not None and (self.jit or self.memory.of(known.key)):
            return known
        chat = [model for model, instances in self.held() if instances and not model.embedding]
        if known is None and len(chat) == 1:
            return chat[0]
        if not chat:
            message = "No models loaded. Please load a model in the developer page or use the 'lms load' command."
            return JSONResponse(error_object(message, "model_not_found"), 404)
        have = ", ".join(model.key for model, _ in self.held())
        message = f'Invalid model identifier "{name}". Please specify a valid downloaded model (e.g., {have}).'
        return JSONResponse(error_object(message, "model_not_found"), 400)

    def forbids_reasoning(self, model: SimModel, setting: object) -> Response | None:
        """Return the refusal of a reasoning setting; None when it is allowed. Source: api notes 3."""
        options = model.reasoning_options
        if setting is None or not options or ("off" if setting == "none" else setting) in options:
            return None
        supported = ", ".join(f"'{option}'" for option in options)
        message = (
            f"Reasoning setting '{setting}' is not supported by model '{model.key}'. Supported settings: {supported}."
        )
        return JSONResponse(native_error(message, "invalid_value", param="reasoning"), 400)


def native_error(message: str, code: str, *, param: str | None = None, kind: str = "invalid_request") -> dict[str, Any]:
    """Return an error body of /api/v1. Source: api notes 0.7, 1.7, 1.8."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def unexpected(request: Request) -> Response:
    """Return what LM Studio says about a path that it does not have: 200 with an error. Source: api notes 0.3."""
    return JSONResponse({"error": f"Unexpected endpoint or method. ({request.method} {request.url.path})"})
