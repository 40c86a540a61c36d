"""Chat completions of a simulated server: /v1, and /api/v0 with its measurements, streamed and not.

Sources: api notes 1.2, 1.6.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import closing
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from apehost_core.testing.answers import REFUSALS, Reply, error_event, refusal, script, whole
from apehost_core.testing.memory import (
    DEFAULT_TTL_S,
    Answering,
    Broken,
    LoadFailed,
    Loading,
    SimInstance,
)
from apehost_core.testing.models import SimModel
from apehost_core.testing.requests import complaint
from apehost_core.testing.state import Call, SimState

_AT_ONCE = 64  # frames of one write when no pace is set

T = TypeVar("T")


class Left(Exception):
    """The caller went away."""


class Completions:
    """The chat completions of one server."""

    def __init__(self, state: SimState) -> None:
        self._state = state

    def route(self, path: str) -> Route:
        """Return the route of one of the two endpoints."""
        return Route(path, self._chat, methods=["POST"])

    async def _chat(self, request: Request) -> Response:
        body = await read_object(request)
        if isinstance(body, Response):
            return body
        refused_for = complaint(body)
        if refused_for:
            return JSONResponse({"error": refused_for}, 400)
        call = Call(body, request.url.path)
        self._state.calls.append(call)
        model = self._state.resolve(str(body.get("model")))
        if isinstance(model, Response):
            return model
        call.model = model.key
        fault = self._state.next_fault()
        if fault in REFUSALS:
            return refusal(str(fault), model, request)
        forbidden = self._state.forbids_reasoning(model, body.get("reasoning_effort"))
        if forbidden is not None:
            return forbidden
        try:
            return await self._serve(request, call, model, fault)
        except LoadFailed as error:
            call.over()
            return JSONResponse({"error": _load_failure(model, error)}, 400)
        except Left:
            call.over()
            return Response(status_code=499)  # nobody reads it

    async def _serve(self, request: Request, call: Call, model: SimModel, fault: str | None) -> Response:
        """Load what is needed, and answer. Raises LoadFailed and Left."""
        name, ttl_s = str(call.body.get("model")), _ttl_s(call.body.get("ttl"))
        source = self._state.memory.for_request(model, "jit", name=name, ttl_s=ttl_s)
        streams = call.body.get("stream") is True
        if isinstance(source, Loading) and not (streams and self._state.headers_first):
            source = await unless_left(request, source.wait())
        if streams:
            frames = self._frames(source, model, call, fault)
            return StreamingResponse(frames, media_type="text/event-stream")
        instance = source if isinstance(source, SimInstance) else await source.wait()
        return await unless_left(request, self._body(instance, model, call, fault))

    def _reply(self, instance: SimInstance, model: SimModel, call: Call, fault: str | None) -> Reply:
        body = call.body
        call.instance = instance.id
        options: dict[str, Any] = body.get("stream_options") or {}
        return Reply(
            model,
            instance.id,
            context=instance.context,
            prompt_tokens=sum(len(str(message.get("content")).split()) for message in body["messages"]),
            limit=limit_of(body.get("max_tokens")),
            fault=fault,
            thinks=not model.reasoning_options or body.get("reasoning_effort") not in ("none", "off"),
            usage=bool(options.get("include_usage")),
            measured=call.path.startswith("/api/v0"),
        )

    async def _frames(
        self, source: SimInstance | Loading, model: SimModel, call: Call, fault: str | None
    ) -> AsyncIterator[bytes]:
        answering = None
        try:
            instance = await source.wait() if isinstance(source, Loading) else source
            plan, answering = script(self._reply(instance, model, call, fault)), instance.answer()
            await answering.pause(model.first_token_s)
            if plan.lead:
                yield plan.lead
            async for frames in paced(plan.tokens, model.tokens_per_s, answering, call):
                call.sent += len(frames)
                yield b"".join(frames)
            if plan.stops == "silence":
                await answering.for_ever()
            if plan.stops == "break":
                raise Broken
            if plan.tail:
                yield plan.tail
            call.end()
        except LoadFailed as error:
            yield error_event(_load_failure(model, error))
        finally:
            call.over()
            if answering is not None:
                answering.close()

    async def _body(self, instance: SimInstance, model: SimModel, call: Call, fault: str | None) -> Response:
        reply = self._reply(instance, model, call, fault)
        try:
            with closing(instance.answer()) as answering:
                await answering.pause(model.first_token_s)
                async for tokens in paced([b""] * reply.tokens, model.tokens_per_s, answering, call):
                    call.sent += len(tokens)
                if fault in ("silence", "stall"):
                    await answering.for_ever()
        except Broken:
            call.over()
            return JSONResponse({"error": "Model unloaded."}, 400)
        call.end()
        if reply.failure is not None:
            return JSONResponse({"error": reply.failure}, 400)
        return JSONResponse(whole(reply))


async def read_object(request: Request) -> dict[str, Any] | Response:
    """Return the JSON object that a request carries, or the refusal."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        return JSONResponse({"error": f"Received request for {request.url.path} with invalid JSON: {error}"}, 400)
    if not isinstance(body, dict):
        return JSONResponse({"error": "The request is no JSON object"}, 400)
    return {str(name): value for name, value in body.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType]


async def unless_left(request: Request, work: Awaitable[T]) -> T:
    """Return what comes of some work.

    Raises:
        Left: The caller went away first; the work is cancelled.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Left
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def paced(tokens: list[T], tokens_per_s: float, answering: Answering, call: Call) -> AsyncIterator[list[T]]:
    """Yield the tokens that are due, again and again; many at once when no pace is set or the call is hurried.

    Raises:
        Broken: The instance is not in memory any more.
    """
    if not tokens_per_s:
        for at in range(0, len(tokens), _AT_ONCE):
            await answering.pause(0)
            yield tokens[at : at + _AT_ONCE]
        return
    begun, sent = time.perf_counter(), 0
    while sent < len(tokens):
        due = len(tokens) if call.hurried else min(len(tokens), int((time.perf_counter() - begun) * tokens_per_s) + 1)
        if due > sent:
            yield tokens[sent:due]
            sent = due
        await answering.pause(0 if call.hurried else begun + sent / tokens_per_s - time.perf_counter())


def limit_of(given: object) -> int | None:
    """Return the most tokens to write; None for what sets no limit, as -1."""
    return given if isinstance(given, int) and not isinstance(given, bool) and given >= 0 else None


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _ttl_s(given: object) -> float:
    """Return the seconds of a `ttl`; nonsense silently becomes the default. Source: api notes 1.2.1."""
    if isinstance(given, int | float) and not isinstance(given, bool) and given > 0:
        return float(given)
    return DEFAULT_TTL_S


def _load_failure(model: SimModel, error: LoadFailed) -> str:
    return f'Failed to load model "{model.key}". Error: {error}'
