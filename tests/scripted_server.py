"""A server that is only a script: it gives its answers in turn, with no socket, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
from pydantic import SecretStr

from apehost_core.lmstudio import Endpoint, Http, LmStudioClient, RequestLog, Watchdogs

QUICK = Watchdogs(connect_s=1, first_byte_s=0.2, between_chunks_s=0.2, listing_s=0.2)
ROOT = "http://192.0.2.10:1234"
UNEXPECTED = {"error": "Unexpected endpoint or method. (POST /x)"}
LLAMA_CPP = {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}

Answer = httpx.Response | Exception


def json_answer(body: object, status: int = 200) -> httpx.Response:
    """A JSON answer."""
    return httpx.Response(status, json=body)


class Events(httpx.AsyncByteStream):
    """A body of server-sent events that notes when it is closed; it hangs at its end when it is told to."""

    def __init__(self, *events: tuple[str, dict[str, Any]], hangs: bool = False) -> None:
        self.closed = False
        self.read = 0
        self._events = events
        self._hangs = hangs

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The events, each in a chunk."""
        for kind, fields in self._events:
            self.read += 1
            yield f"event: {kind}\n".encode() + b"data: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"
        if self._hangs:
            await never()

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True

    @property
    def response(self) -> httpx.Response:
        """The answer that has this body."""
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=self)


class Whole(httpx.AsyncByteStream):
    """A body that comes in one piece."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The piece."""
        yield self._content


def unread(answer: httpx.Response) -> httpx.Response:
    """The same answer as it comes from a socket: its body is still to be read."""
    return httpx.Response(answer.status_code, headers=answer.headers, stream=Whole(answer.content))


async def never() -> None:
    """Wait for good."""
    await asyncio.Event().wait()


class Server:
    """Answers in turn, and remembers what it was asked: connection, host, method, path, body."""

    def __init__(self, *answers: Answer | Callable[[httpx.Request], Answer]) -> None:
        self.asked: list[httpx.Request] = []
        self.kept: list[bool] = []
        self._answers = list(answers)

    def http(self) -> Http:
        """The connections that lead here: kept ones and new ones."""
        return Http(self._client(kept=True), self._client(kept=False))

    @property
    def bodies(self) -> list[Any]:
        """What was sent, parsed."""
        return [orjson.loads(request.content) for request in self.asked]

    def _client(self, *, kept: bool) -> httpx.AsyncClient:
        async def handle(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            self.kept.append(kept)
            if not self._answers:
                await never()
            answer = self._answers.pop(0)
            if callable(answer):
                answer = answer(request)
            if isinstance(answer, Exception):
                raise answer
            return answer if isinstance(answer.stream, Events) else unread(answer)

        return httpx.AsyncClient(transport=httpx.MockTransport(handle))


@asynccontextmanager
async def client_of(
    server: Server, *, url: str = ROOT, token: str | None = None, log: RequestLog | None = None
) -> AsyncGenerator[LmStudioClient, None]:
    """A client of that server."""
    http = server.http()
    async with http.pooled, http.fresh:
        yield LmStudioClient(Endpoint("mini", url, SecretStr(token) if token else None), http, QUICK, log)
