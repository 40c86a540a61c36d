"""An LM Studio that can be run anywhere and fails in all the real ways: for tests, benches and trying things out.

    python -m apehost_core.testing.simulator --port 1234 --tokens-per-s 40

In tests it is an ASGI app (`Simulator().app`) or a real server on loopback (`with serve(simulator) as url`). What it
was asked, and when callers went away, is in `Simulator.calls`, and for other processes at GET /simulator/calls.
"""

import argparse
import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from apehost_core.testing.answers import (
    REFUSALS,
    Ending,
    Fault,
    Refusal,
    Script,
    SimModel,
    error_object,
    refusal,
    script,
)
from apehost_core.testing.requests import complaint

_AT_ONCE = 64  # frames of one write when no pace is set
_UNAUTHORIZED = {
    "error": {
        "type": "invalid_request",
        "code": "invalid_api_key",
        "message": "An LM Studio API token is required to make requests to this server, but none was provided.",
    }
}


@dataclass(slots=True)
class Call:
    """One chat completion that was asked for; times on the monotonic clock.

    Attributes:
        body: The request.
        at_ns: When it came.
        sent: Tokens written so far.
        ended_ns: When the answer was complete; None when it never was.
        left_ns: When the caller went away before the end; None when it did not.
    """

    body: dict[str, Any]
    at_ns: int = field(default_factory=time.perf_counter_ns)
    sent: int = 0
    ended_ns: int | None = None
    left_ns: int | None = None


class Broken(Exception):
    """Raised on purpose to break a connection in the middle of an answer."""


class Simulator:
    """One simulated server.

    Attributes:
        app: The ASGI app.
        calls: The chat completions that were asked for, oldest first.
        fault: What goes wrong with every answer; None when nothing does.
        faults: What goes wrong with the next answers, one entry each, before `fault` counts.
    """

    def __init__(self, *models: SimModel, token: str | None = None, native: bool = True) -> None:
        """Make a server.

        Args:
            models: What it has; one plain model when none is given.
            token: Asked for with every request; None lets everybody in.
            native: Whether it has LM Studio's own listings, or only /v1/models.
        """
        self.models = models or (SimModel(),)
        self.calls: list[Call] = []
        self.fault: Fault | None = None
        self.faults: deque[Fault | None] = deque()
        self._token = token
        self._native = native
        self._loaded = {model.key for model in self.models if not model.load_s}
        self._loading: dict[str, asyncio.Lock] = {}
        self.app = Starlette(
            routes=[
                Route("/lmstudio-greeting", self._greeting),
                Route("/api/v1/models", self._native_models),
                Route("/api/v0/models", self._v0_models),
                Route("/v1/models", self._openai_models),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/simulator/calls", self._seen),
                Route("/{path:path}", self._unknown, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
            ]
        )

    async def _greeting(self, request: Request) -> Response:
        return JSONResponse({"lmstudio": True}) if self._native else await self._unknown(request)

    async def _unknown(self, request: Request) -> Response:
        path = f"{request.method} {request.url.path}"
        return JSONResponse({"error": f"Unexpected endpoint or method. ({path})"})

    async def _seen(self, _request: Request) -> Response:
        return Response(orjson.dumps([asdict(call) for call in self.calls]), media_type="application/json")

    async def _native_models(self, request: Request) -> Response:
        if not self._native:
            return await self._unknown(request)
        models = [_native_entry(model, loaded=model.key in self._loaded) for model in self.models]
        return self._refused(request) or JSONResponse({"models": models})

    async def _v0_models(self, request: Request) -> Response:
        if not self._native:
            return await self._unknown(request)
        states = {True: "loaded", False: "not-loaded"}
        data = [
            {"id": model.key, "object": "model", "state": states[model.key in self._loaded]} for model in self.models
        ]
        return self._refused(request) or JSONResponse({"object": "list", "data": data})

    async def _openai_models(self, request: Request) -> Response:
        data = [{"id": model.key, "object": "model", "owned_by": "organization_owner"} for model in self.models]
        return self._refused(request) or JSONResponse({"object": "list", "data": data})

    def _refused(self, request: Request) -> Response | None:
        if self._token is None or request.headers.get("authorization") == f"Bearer {self._token}":
            return None
        return JSONResponse(_UNAUTHORIZED, 401)

    async def _chat(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        try:
            body: dict[str, Any] = orjson.loads(await request.body())
        except orjson.JSONDecodeError as error:
            return JSONResponse({"error": f"Received request for {request.url.path} with invalid JSON: {error}"}, 400)
        refused_for = complaint(body)
        if refused_for:
            return JSONResponse({"error": refused_for}, 400)
        call = Call(body)
        self.calls.append(call)
        model = self._resolve(str(body.get("model")))
        if model is None:
            return self._no_such_model(str(body.get("model")), request)
        fault = self.faults.popleft() if self.faults else self.fault
        if fault in REFUSALS:
            return refusal(fault, model, request)
        words = sum(len(str(message.get("content")).split()) for message in body["messages"])
        limit = body.get("max_tokens")
        plan = script(model, model.key, prompt_tokens=words, limit=limit, fault=fault)
        return StreamingResponse(self._answer(plan, model, call), media_type="text/event-stream")

    def _resolve(self, key: str) -> SimModel | None:
        """Return the model of that id; LM Studio answers an unknown id with the one model that is loaded."""
        known = next((model for model in self.models if model.key.casefold() == key.casefold()), None)
        loaded = [model for model in self.models if model.key in self._loaded and not model.embedding]
        return known or (loaded[0] if len(loaded) == 1 else None)

    def _no_such_model(self, key: str, request: Request) -> Response:
        """Refuse: with the choice where several models are loaded, else as one that has none loaded."""
        if not any(model.key in self._loaded and not model.embedding for model in self.models):
            return refusal("no_models", self.models[0], request)
        have = ", ".join(model.key for model in self.models)
        message = f'Invalid model identifier "{key}". Please specify a valid downloaded model (e.g., {have}).'
        return JSONResponse(error_object(message, "model_not_found"), 400)

    async def _answer(self, plan: Script, model: SimModel, call: Call) -> AsyncIterator[bytes]:
        try:
            await self._load(model)
            if model.first_token_s:
                await asyncio.sleep(model.first_token_s)
            if plan.lead:
                yield plan.lead
            async for frames in _paced(plan.tokens, model.tokens_per_s):
                call.sent += len(frames)
                yield b"".join(frames)
            if plan.stops == "silence":
                await asyncio.Event().wait()
            if plan.stops == "break":
                raise Broken
            if plan.tail:
                yield plan.tail
            call.ended_ns = time.perf_counter_ns()
        finally:
            if call.ended_ns is None:
                call.left_ns = time.perf_counter_ns()

    async def _load(self, model: SimModel) -> None:
        async with self._loading.setdefault(model.key, asyncio.Lock()):
            if model.key not in self._loaded:
                await asyncio.sleep(model.load_s)
                self._loaded.add(model.key)


async def _paced(tokens: list[bytes], tokens_per_s: float) -> AsyncIterator[list[bytes]]:
    """Yield the frames that are due, again and again; many at once when no pace is set."""
    if not tokens_per_s:
        for at in range(0, len(tokens), _AT_ONCE):
            yield tokens[at : at + _AT_ONCE]
        return
    begun, sent = time.perf_counter(), 0
    while sent < len(tokens):
        due = min(len(tokens), int((time.perf_counter() - begun) * tokens_per_s) + 1)
        if due > sent:
            yield tokens[sent:due]
            sent = due
        await asyncio.sleep(max(0.0, begun + sent / tokens_per_s - time.perf_counter()))


def _native_entry(model: SimModel, *, loaded: bool) -> dict[str, Any]:
    instance = {"id": model.key, "config": {"context_length": model.context}}
    return {
        "type": "embedding" if model.embedding else "llm",
        "publisher": "simulator",
        "key": model.key,
        "display_name": model.key.replace("-", " ").title(),
        "architecture": "sim",
        "quantization": {"name": model.quantisation, "bits_per_weight": 4},
        "size_bytes": 1_000_000_000,
        "loaded_instances": [instance] if loaded else [],
        "max_context_length": model.context * 4,
        "format": "gguf",
        "capabilities": {"vision": False, "trained_for_tool_use": True},
    }


@contextmanager
def serve(simulator: Simulator, *, port: int = 0) -> Generator[str, None, None]:
    """Serve on loopback from a thread while the context lasts; gives the base URL.

    Args:
        simulator: What to serve.
        port: 0 takes a free one.
    """
    server = uvicorn.Server(_config(simulator, port))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError(f"port {port} could not be opened")
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def _config(simulator: Simulator, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        simulator.app,
        host="127.0.0.1",
        port=port,
        log_level="critical",
        lifespan="off",
        timeout_keep_alive=5,
    )


def main() -> None:
    """Serve until interrupted, as the arguments say."""
    faults = [*get_args(Refusal), *get_args(Ending)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=1234)
    parser.add_argument("--tokens-per-s", type=float, default=40, help="0: as fast as it goes")
    parser.add_argument("--tokens", type=int, default=200, help="length of an answer")
    parser.add_argument("--first-token-s", type=float, default=0.2)
    parser.add_argument("--load-s", type=float, default=0, help="the first request waits for the model")
    parser.add_argument("--token", help="ask for this API token")
    parser.add_argument("--fault", choices=faults, help="what goes wrong with every answer")
    asked = parser.parse_args()
    words = tuple(f"word{number} " if number % 12 else f"word{number}.\n\n" for number in range(1, asked.tokens + 1))
    model = SimModel(
        words=words, tokens_per_s=asked.tokens_per_s, first_token_s=asked.first_token_s, load_s=asked.load_s
    )
    simulator = Simulator(model, token=asked.token)
    simulator.fault = asked.fault
    uvicorn.Server(_config(simulator, asked.port)).run()


if __name__ == "__main__":
    main()
