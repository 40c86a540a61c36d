"""The native chat of a simulated server: what it refuses, and its answers. Keys are strict. Source: api notes 1.8."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from apehost_core.testing.answers import REFUSALS, refusal
from apehost_core.testing.completions import Left, limit_of, unless_left
from apehost_core.testing.memory import Broken, LoadFailed, Loading, SimInstance
from apehost_core.testing.native import load_failure, not_found, read_strictly
from apehost_core.testing.native_events import Turn, events, written
from apehost_core.testing.state import Call, SimState, native_error

_KEYS = frozenset(
    (
        "model",
        "input",
        "system_prompt",
        "integrations",
        "stream",
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "repeat_penalty",
        "max_output_tokens",
        "reasoning",
        "context_length",
        "store",
        "previous_response_id",
    )
)
_ITEMS = ("text", "image")


class NativeChat:
    """The native chat of one server."""

    def __init__(self, state: SimState) -> None:
        self._state = state
        self._stored: set[str] = set()
        self._numbers = itertools.count(1)
        self.route = Route("/api/v1/chat", self._chat, methods=["POST"])

    async def _chat(self, request: Request) -> Response:
        body = await read_strictly(request, _KEYS)
        if isinstance(body, Response):
            return body
        complaint = self._complaint(body)
        if complaint is not None:
            return JSONResponse(complaint, 400)
        call = Call(body, request.url.path)
        self._state.calls.append(call)
        name = str(body.get("model"))
        model = self._state.known(name)
        if model is None or not (self._state.jit or self._state.memory.of(model.key)):
            return not_found(name)
        call.model = model.key
        forbidden = self._state.forbids_reasoning(model, body.get("reasoning"))
        if forbidden is not None:
            return forbidden
        fault = self._state.next_fault()
        if fault in REFUSALS:
            return refusal(str(fault), model, request)
        turn = Turn(model, call, fault, self._store() if body.get("store", True) else None)
        if body.get("stream") is True:
            return StreamingResponse(self._stream(turn), media_type="text/event-stream")
        return await self._whole(request, turn)

    def _complaint(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """Return what is said about a request that is refused with status 400."""
        given = body.get("input")
        items = cast("list[Any]", given) if isinstance(given, list) else []
        if not isinstance(given, str | list):
            return native_error("'input' is required", "missing_required_parameter", param="input")
        if any(not isinstance(item, dict) or cast("Any", item).get("type") not in _ITEMS for item in items):
            message = "Invalid discriminator value. Expected 'text' | 'image'"
            return native_error(message, "invalid_union", param="input")
        previous = body.get("previous_response_id")
        if previous is not None and previous not in self._stored:
            message = f"Unknown previous_response_id: '{previous}'"
            return native_error(message, "invalid_value", param="previous_response_id")
        return None

    def _store(self) -> str:
        response_id = f"resp_{next(self._numbers):048x}"
        self._stored.add(response_id)
        return response_id

    def _source(self, turn: Turn) -> SimInstance | Loading | LoadFailed:
        body, loads = turn.call.body, len(self._state.loads)
        name, context = str(body.get("model")), limit_of(body.get("context_length"))
        try:
            return self._state.memory.for_request(turn.model, "native", name=name, context=context)
        except LoadFailed as error:
            return error
        finally:
            turn.begins_load = len(self._state.loads) > loads

    async def _whole(self, request: Request, turn: Turn) -> Response:
        try:
            return await unless_left(request, self._answer(turn))
        except LoadFailed as error:
            return JSONResponse(load_failure(turn.model.key, error), 500)
        except Broken:
            return JSONResponse(native_error("Model unloaded.", "unknown", kind="internal_error"), 500)
        except Left:
            return Response(status_code=499)  # nobody reads it
        finally:
            turn.call.over()

    async def _answer(self, turn: Turn) -> Response:
        source = self._source(turn)
        if isinstance(source, LoadFailed):
            raise source
        instance = await turn.loaded(source) if isinstance(source, Loading) else source
        reply = turn.answered_by(instance)
        with closing(instance.answer()) as answering:
            await answering.pause(turn.model.first_token_s)
            async for _ in written(turn, reply, answering):
                pass
            if turn.fault in ("silence", "stall"):
                await answering.for_ever()
        if reply.failure is not None:
            return JSONResponse(native_error(reply.failure, "unknown", kind="internal_error"), 500)
        turn.call.end()
        return JSONResponse(turn.result())

    async def _stream(self, turn: Turn) -> AsyncIterator[bytes]:
        try:
            async for event in events(turn, self._source(turn)):
                yield event
            turn.call.end()
            await asyncio.sleep(self._state.linger_s)
        finally:
            turn.call.over()
