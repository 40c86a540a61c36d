"""One server on the shared connection pool: streams answers, lists models, says what it is.

Nothing is remembered between calls but which of the server's addresses answered. Timeouts are ours: a model may be
silent for minutes while it loads, so httpx has no read timeout and two watchdogs of their own patience serve.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import orjson

from apehost_core.errors import ServerError, ServerRejected, ServerTimeout
from apehost_core.events import Milestone, ModelEvent, Progress, Retried
from apehost_core.lmstudio.body import Body
from apehost_core.lmstudio.decoding import StreamDecoder
from apehost_core.lmstudio.encoding import encode_request
from apehost_core.lmstudio.endpoint import Endpoint
from apehost_core.lmstudio.faults import engine_was_starting, error_text, fault_of, rejected
from apehost_core.lmstudio.listing import parse_native, parse_openai, parse_v0
from apehost_core.lmstudio.transport import Http, Watchdogs, closed_unasked, refused, server_error, translated
from apehost_core.model import ModelInfo, ModelRequest

_LISTINGS = (("/api/v1/models", parse_native), ("/api/v0/models", parse_v0), ("/v1/models", parse_openai))
_ENGINE_PAUSE_S = 0.5
_STREAMING = {"Content-Type": "application/json", "Accept": "text/event-stream", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Identity:
    """What answers at an address."""

    kind: Literal["lm_studio", "llama.cpp", "ollama", "openai_compatible"]


class LmStudioClient:
    """A server that speaks LM Studio's API, or the part of it that llama.cpp and others share."""

    def __init__(self, endpoint: Endpoint, http: Http, watchdogs: Watchdogs) -> None:
        self._endpoint = endpoint
        self._http = http
        self._watchdogs = watchdogs
        self._bases = endpoint.candidates
        self._streams = 0

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[ModelEvent], None]:
        """Open one call; see `Model.stream`. Leaving the context closes the connection at once."""
        self._streams += 1
        try:
            async with AsyncExitStack() as stack:
                yield self._events(request, stack)
        finally:
            self._streams -= 1

    async def models(self) -> tuple[ModelInfo, ...]:
        """Return what the server lists, from the richest listing that it has.

        Raises:
            ServerError: No listing could be read.
        """
        for path, parse in _LISTINGS:
            body = await self._get(path)
            if body is not None:
                return parse(body)
        raise ServerError(fault_of("not_lm_studio", self._endpoint, cause="It lists no models."))

    async def identify(self) -> Identity:
        """Return what answers there. No look loads a model or spends a token.

        Raises:
            ServerError: Nothing answers, or it answers with an error.
        """
        greeting = await self._get("/lmstudio-greeting")
        if isinstance(greeting, dict) and "lmstudio" in greeting:
            return Identity("lm_studio")
        listing = await self._get("/v1/models")
        owners = orjson.dumps(listing) if listing is not None else b""
        if b'"llamacpp"' in owners:
            return Identity("llama.cpp")
        return Identity("ollama" if await self._get("/api/version") is not None else "openai_compatible")

    async def _get(self, path: str) -> object | None:
        """Return a JSON body; None where the server does not know the path."""
        error: Exception | None = None
        for base in self._bases:
            try:
                async with asyncio.timeout(self._watchdogs.listing_s):
                    response = await self._fetch(base + path)
                self._bases = (base, *(other for other in self._bases if other != base))
                return self._listing_body(response)
            except TimeoutError:
                raise ServerTimeout(fault_of("silent", self._endpoint)) from None
            except httpx.HTTPError as failure:
                error = failure
        with translated(self._endpoint):
            raise error or httpx.InvalidURL("no address")

    async def _fetch(self, url: str) -> httpx.Response:
        try:
            return await self._http.pooled.get(url, headers=self._headers())
        except httpx.HTTPError as error:
            if not closed_unasked(error):
                raise
        return await self._http.fresh.get(url, headers=self._headers())

    def _listing_body(self, response: httpx.Response) -> object | None:
        if response.status_code in (404, 405):
            return None
        try:
            body: Any = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            body = None
        unknown = "Unexpected endpoint" in (error_text(body) or "")
        if unknown or (body is None and response.status_code == 200):
            return None
        if response.status_code != 200 or error_text(body):
            raise rejected(response.status_code, response.content, response.headers, self._endpoint)
        return body

    def _headers(self) -> dict[str, str]:
        token = self._endpoint.token
        return {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}

    async def _events(self, request: ModelRequest, stack: AsyncExitStack) -> AsyncIterator[ModelEvent]:
        content = encode_request(request)
        yield Milestone("sent", time.perf_counter_ns())
        try:
            async for event in self._attempt(content, stack, self._first_attempt()):
                yield event
        except _Again as caught:
            again = caught
        else:
            return
        yield Retried(again.reason)
        await asyncio.sleep(again.pause_s)
        yield Milestone("sent", time.perf_counter_ns())
        async for event in self._attempt(content, stack, _Attempt(again.base, self._http.fresh, last=True)):
            yield event

    def _first_attempt(self) -> "_Attempt":
        """Return how a stream is asked for: over a kept connection, or, while others run, over a new one.

        httpcore looks at every kept connection for every request that begins or ends: fifty streams that begin at
        once pay 40 % more for that than for new connections. A TLS handshake would cost more than it saves.
        """
        base = self._bases[0]
        kept = self._streams == 1 or base.startswith("https:")
        return _Attempt(base, self._http.pooled if kept else self._http.fresh)

    async def _attempt(self, content: bytes, stack: AsyncExitStack, attempt: "_Attempt") -> AsyncIterator[ModelEvent]:
        """Send the request and yield the answer's events.

        Raises:
            _Again: Nothing of an answer came, and the request may be sent once more.
        """
        answered = False
        marks: list[Milestone] = []
        try:
            body = await self._open(content, stack, marks, attempt)
            for mark in marks:
                yield mark
            async for event in self._decoded(body) if body.is_stream else self._unstreamed(body):
                answered = answered or not isinstance(event, Milestone | Progress)
                yield event
        except ServerRejected as error:
            if attempt.last or answered or not engine_was_starting(error):
                raise
            raise _Again("the engine was not ready", attempt.base, pause_s=_ENGINE_PAUSE_S) from None

    async def _decoded(self, body: Body) -> AsyncIterator[ModelEvent]:
        decoder = StreamDecoder(self._endpoint)
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
            f"{attempt.base}/v1/chat/completions",
            content=content,
            headers={**_STREAMING, **self._headers()},
            extensions={"trace": trace},
        )
        try:
            async with asyncio.timeout(self._watchdogs.first_byte_s):
                response = await attempt.client.send(request, stream=True)
        except TimeoutError:
            raise ServerTimeout(fault_of("silent", self._endpoint)) from None
        except httpx.HTTPError as error:
            if not attempt.last and closed_unasked(error):
                raise _Again("the server had closed the connection", attempt.base) from None
            if not attempt.last and refused(error):
                raise _Again("the connection was refused", self._bases[-1]) from None
            raise server_error(error, self._endpoint) from None
        body = Body(response, self._endpoint, self._watchdogs)
        stack.push_async_callback(body.aclose)
        marks.append(Milestone("headers", time.perf_counter_ns()))
        if response.status_code != 200:
            raise rejected(response.status_code, await body.whole(), response.headers, self._endpoint)
        return body

    async def _unstreamed(self, body: Body) -> AsyncIterator[ModelEvent]:
        """Yield the events of a 200 that is no stream: a whole completion, or an error body."""
        content = await body.whole()
        try:
            parsed: Any = orjson.loads(content)
        except orjson.JSONDecodeError:
            parsed = None
        if not isinstance(parsed, dict) or "choices" not in parsed:
            raise rejected(200, content, body.response.headers, self._endpoint)
        decoder = StreamDecoder(self._endpoint)
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
