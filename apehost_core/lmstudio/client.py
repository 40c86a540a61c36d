"""One server on the shared connection pool: streams answers, lists models, says what it is.

Nothing is remembered between calls but which of the server's addresses and which of its listings answered. Timeouts
are ours: a model may be silent for minutes while it loads, so httpx has no read timeout and two watchdogs of their
own patience serve.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import orjson

from apehost_core.errors import ServerError, ServerProtocolError, ServerRejected, ServerTimeout
from apehost_core.events import Milestone, ModelEvent, Progress, RequestSent, ResponseHead, Retried
from apehost_core.lmstudio.body import Body
from apehost_core.lmstudio.decoding import StreamDecoder
from apehost_core.lmstudio.encoding import encode_request
from apehost_core.lmstudio.endpoint import Endpoint
from apehost_core.lmstudio.faults import engine_was_starting, fault_of, rejected
from apehost_core.lmstudio.headers import shown
from apehost_core.lmstudio.listing import parse_native, parse_openai, parse_v0
from apehost_core.lmstudio.native import NativeApi
from apehost_core.lmstudio.request_log import Entry, RequestLog
from apehost_core.lmstudio.transport import Http, Watchdogs, closed_unasked, refused, server_error
from apehost_core.lmstudio.wire import STREAMING, Wire
from apehost_core.model import ModelInfo, ModelRequest

_LISTINGS = {"/api/v1/models": parse_native, "/api/v0/models": parse_v0, "/v1/models": parse_openai}
_RICHEST = "/api/v1/models"
_CHAT = "/v1/chat/completions"
_ENGINE_PAUSE_S = 0.5

Look = Literal["check", "test"]
"""Who looks: ApeHost by itself, or a person who wants to know."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What answers at an address."""

    kind: Literal["lm_studio", "llama.cpp", "ollama", "openai_compatible"]


class LmStudioClient:
    """A server that speaks LM Studio's API, or the part of it that llama.cpp and others share.

    Attributes:
        native: What only LM Studio can: load, unload, download.
    """

    def __init__(self, endpoint: Endpoint, http: Http, watchdogs: Watchdogs, log: RequestLog | None = None) -> None:
        self._wire = Wire(endpoint, http, watchdogs, log or RequestLog())
        self._listing = _RICHEST
        self._afresh = True
        self._streams = 0
        self.native = NativeApi(self._wire)

    @property
    def is_native(self) -> bool:
        """Whether it listed its models last as LM Studio's own API does, which can load and unload too."""
        return self._listing == _RICHEST

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[ModelEvent], None]:
        """Open one call; see `Model.stream`. Leaving the context closes the connection at once."""
        self._streams += 1
        try:
            with self._wire.log.entry("chat", model=request.model, call_id=request.call_id) as entry:
                async with AsyncExitStack() as stack:
                    yield self._events(request, stack, entry)
        finally:
            self._streams -= 1

    async def models(self, *, kind: Look = "check") -> tuple[ModelInfo, ...]:
        """Return what the server lists, from the richest listing that it has; the one that was found is asked first.

        Args:
            kind: As what the request log counts it.

        Raises:
            ServerError: No listing could be read.
        """
        first = () if self._afresh else (self._listing,)
        for path in dict.fromkeys((*first, *_LISTINGS)):
            body = await self._wire.get(path, kind)
            if body is not None:
                self._listing, self._afresh = path, False
                return _LISTINGS[path](body)
        raise ServerError(fault_of("not_lm_studio", self._wire.endpoint, cause="It lists no models."))

    async def identify(self, *, kind: Look = "check") -> Identity:
        """Return what answers there. No look loads a model or spends a token.

        Args:
            kind: As what the request log counts it.

        Raises:
            ServerError: Nothing answers, or it answers with an error; not_lm_studio when it is no model server.
        """
        self._afresh = True
        try:
            return await self._identified(kind)
        except ServerProtocolError as error:
            if error.fault.kind != "not_a_stream" or (error.fault.status or 0) >= 500:
                raise  # a proxy in front of the server has failed: that says nothing about the server
            cause = error.fault.cause
        raise ServerError(fault_of("not_lm_studio", self._wire.endpoint, cause=cause))

    async def _identified(self, kind: Look) -> Identity:
        greeting = await self._wire.get("/lmstudio-greeting", kind)
        if isinstance(greeting, dict) and "lmstudio" in greeting:
            return Identity("lm_studio")
        listing = await self._wire.get("/v1/models", kind)
        if listing is not None and b'"llamacpp"' in orjson.dumps(listing):
            return Identity("llama.cpp")
        if await self._wire.get("/api/version", kind) is not None:
            return Identity("ollama")
        if greeting is None and listing is None:
            await self.models(kind=kind)
        return Identity("openai_compatible")

    async def _events(self, request: ModelRequest, stack: AsyncExitStack, entry: Entry) -> AsyncIterator[ModelEvent]:
        content = encode_request(request)
        sent = RequestSent(_CHAT, content.decode())
        attempt: _Attempt | None = self._first_attempt()
        while attempt is not None:
            yield sent
            yield Milestone("sent", time.perf_counter_ns())
            try:
                async for event in self._attempt(content, stack, attempt, entry):
                    yield event
                attempt = None
            except _Again as again:
                entry.status = None
                yield Retried(again.reason)
                await asyncio.sleep(again.pause_s)
                attempt = _Attempt(again.base, self._wire.http.fresh, last=True)
            except ServerError as error:
                entry.end(error.fault.title)
                raise
        entry.end()

    def _first_attempt(self) -> "_Attempt":
        """Return how a stream is asked for: over a kept connection, or, while others run, over a new one.

        httpcore looks at every kept connection for every request that begins or ends: fifty streams that begin at
        once pay 40 % more for that than for new connections. A TLS handshake would cost more than it saves.
        """
        base = self._wire.bases[0]
        kept = self._streams == 1 or base.startswith("https:")
        return _Attempt(base, self._wire.http.pooled if kept else self._wire.http.fresh)

    async def _attempt(
        self, content: bytes, stack: AsyncExitStack, attempt: "_Attempt", entry: Entry
    ) -> AsyncIterator[ModelEvent]:
        """Send the request and yield the answer's events.

        Raises:
            _Again: Nothing of an answer came, and the request may be sent once more.
        """
        answered = False
        marks: list[Milestone] = []
        try:
            body = await self._open(content, stack, marks, attempt)
            status, headers = body.response.status_code, body.response.headers
            entry.status = status
            for mark in marks:
                yield mark
            yield ResponseHead(status, shown(headers, self._wire.endpoint))
            if status != 200:
                raise rejected(status, await body.whole(), headers, self._wire.endpoint)
            async for event in self._decoded(body) if body.is_stream else self._unstreamed(body):
                answered = answered or not isinstance(event, Milestone | Progress)
                yield event
        except ServerRejected as error:
            if attempt.last or answered or not engine_was_starting(error):
                raise
            raise _Again("the engine was not ready", attempt.base, pause_s=_ENGINE_PAUSE_S) from None

    async def _decoded(self, body: Body) -> AsyncIterator[ModelEvent]:
        decoder = StreamDecoder(self._wire.endpoint)
        chunk = await body.chunk()
        yield Milestone("first_byte", time.perf_counter_ns())
        while chunk is not None:
            for event in decoder.feed(chunk):
                yield event
            if decoder.done or decoder.failure is not None:
                break
            chunk = await body.chunk()
        if decoder.done:
            await body.read_out()
        for event in decoder.finish():
            yield event
        if decoder.failure is not None:
            raise decoder.failure

    async def _open(self, content: bytes, stack: AsyncExitStack, marks: list[Milestone], attempt: "_Attempt") -> Body:
        """Send the request and return the answer's body once its headers are here.

        Raises:
            _Again: Not one byte came back and the request may be sent once more.
        """

        async def trace(name: str, _info: dict[str, Any]) -> None:
            if name == "connection.connect_tcp.complete":
                marks.append(Milestone("connected", time.perf_counter_ns()))

        request = attempt.client.build_request(
            "POST",
            attempt.base + _CHAT,
            content=content,
            headers={**STREAMING, **self._wire.headers},
            extensions={"trace": trace},
        )
        try:
            async with asyncio.timeout(self._wire.watchdogs.first_byte_s):
                response = await attempt.client.send(request, stream=True)
        except TimeoutError:
            raise ServerTimeout(fault_of("silent", self._wire.endpoint)) from None
        except httpx.HTTPError as error:
            if not attempt.last and closed_unasked(error):
                raise _Again("the server had closed the connection", attempt.base) from None
            if not attempt.last and refused(error):
                raise _Again("the connection was refused", self._wire.bases[-1]) from None
            raise server_error(error, self._wire.endpoint) from None
        body = Body(response, self._wire.endpoint, self._wire.watchdogs)
        stack.push_async_callback(body.aclose)
        marks.append(Milestone("headers", time.perf_counter_ns()))
        return body

    async def _unstreamed(self, body: Body) -> AsyncIterator[ModelEvent]:
        """Yield the events of a 200 that is no stream: a whole completion, or an error body."""
        content = await body.whole()
        try:
            parsed: Any = orjson.loads(content)
        except orjson.JSONDecodeError:
            parsed = None
        if not isinstance(parsed, dict) or "choices" not in parsed:
            raise rejected(200, content, body.response.headers, self._wire.endpoint)
        decoder = StreamDecoder(self._wire.endpoint)
        events = decoder.feed(b"data: " + orjson.dumps(parsed) + b"\n\ndata: [DONE]\n\n")
        events += decoder.finish()
        if decoder.failure is not None:
            raise decoder.failure
        yield Milestone("first_byte", time.perf_counter_ns())
        for event in events:
            yield event


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try to send a request: where to, over which connections, and whether it is the last."""

    base: str
    client: httpx.AsyncClient
    last: bool = False


class _Again(Exception):
    """The request may be sent once more, to that base after a pause."""

    def __init__(self, reason: str, base: str, *, pause_s: float = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.base = base
        self.pause_s = pause_s
