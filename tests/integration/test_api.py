"""The routes, the middleware and the exception handlers as one app, over a host that is a fake."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from apehost_core.api.app import exception_handlers, middleware, routes
from apehost_core.api.guard import SECURITY_HEADERS
from apehost_core.errors import (
    ApeHostError,
    ConfigError,
    EngineError,
    Fault,
    InputRefused,
    ModelNotFound,
    ServerProtocolError,
    ServerRejected,
    ServerTimeout,
    ServerUnreachable,
    StoreDamaged,
)

pytestmark = pytest.mark.anyio

SECRET = "http://192.0.2.10:1234 sk-lm-secret"
SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AWAY = Fault("refused", 'Server "mini" refused the connection', advice="Start it.", server="mini")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@dataclass(frozen=True)
class FakeServer:
    """A server in the report of the fake host."""

    name: str
    state: str
    since: datetime | None = SINCE
    fault: Fault | None = None


@dataclass
class FakeReport:
    """The report of the fake host."""

    store_ok: bool = True
    store_fault: Fault | None = None
    servers: tuple[FakeServer, ...] = (FakeServer("mini", "online"),)


@dataclass
class FakeHost:
    """As much of the host as these routes use."""

    report: FakeReport = field(default_factory=FakeReport)

    def health(self) -> FakeReport:
        """Return the report."""
        return self.report


def _app(host: Any, *more: Route | WebSocketRoute) -> Starlette:
    return Starlette(
        routes=[*more, *routes(lambda: host)],
        middleware=middleware(allowed_hosts=("*.lan",), max_body_bytes=10_000),
        exception_handlers=exception_handlers(),
    )


@asynccontextmanager
async def _client(host: FakeHost | None, *more: Route | WebSocketRoute) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(_app(host, *more))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8501") as client:
        yield client


async def _get(host: FakeHost | None, path: str, *more: Route) -> httpx.Response:
    async with _client(host, *more) as client:
        return await client.get(path)


async def _raising(error: Exception) -> httpx.Response:
    async def endpoint(_request: Request) -> Response:
        raise error

    return await _get(FakeHost(), "/raising", Route("/raising", endpoint))


def _security_headers(answer: httpx.Response) -> dict[str, str]:
    return {name: ", ".join(answer.headers.get_list(name)) for name in SECURITY_HEADERS}


async def test_a_process_that_serves_is_live_before_the_host_is_open() -> None:
    """The live probe asks for nothing but an answer."""
    answer = await _get(None, "/api/health?probe=live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})
    assert answer.headers["cache-control"] == "no-store"


async def test_health_is_starting_until_the_host_is_open() -> None:
    """Without a host there is no readiness."""
    answer = await _get(None, "/api/health")
    assert (answer.status_code, answer.json()["status"], answer.json()["servers"]) == (503, "starting", [])
    assert answer.json()["store"]["ok"] is False


async def test_health_is_ok_when_store_and_servers_are() -> None:
    """The whole report, as monitoring reads it."""
    answer = await _get(FakeHost(), "/api/health")
    content = answer.json()
    assert content.pop("version")
    assert answer.status_code == 200
    assert content == {
        "status": "ok",
        "store": {"ok": True, "problem": None},
        "servers": [{"name": "mini", "state": "online", "since": "2026-01-02T03:04:05+00:00", "problem": None}],
    }
    assert answer.headers["cache-control"] == "no-store"


async def test_a_server_that_is_away_degrades_and_does_not_fail() -> None:
    """Restarting ApeHost would not bring a server back, so the status stays 200."""
    servers = (FakeServer("mini", "offline", fault=AWAY), FakeServer("big", "online"))
    answer = await _get(FakeHost(FakeReport(servers=servers)), "/api/health")
    content = answer.json()
    assert (answer.status_code, content["status"]) == (200, "degraded")
    assert content["servers"][0]["state"] == "offline"
    assert content["servers"][0]["problem"] == 'Server "mini" refused the connection. Start it.'


async def test_a_server_not_looked_at_yet_is_no_trouble() -> None:
    """Before the first look nothing is known to be wrong."""
    answer = await _get(FakeHost(FakeReport(servers=(FakeServer("mini", "unknown", since=None),))), "/api/health")
    assert (answer.json()["status"], answer.json()["servers"][0]["since"]) == ("ok", None)


async def test_a_failing_store_is_not_ready() -> None:
    """Answers could not be saved, so nobody should be sent here."""
    fault = Fault("store", "The disk is full", advice="Make room.")
    answer = await _get(FakeHost(FakeReport(store_ok=False, store_fault=fault)), "/api/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
    assert answer.json()["store"] == {"ok": False, "problem": "The disk is full. Make room."}


@pytest.mark.parametrize("query", ["probe=dead", "probe=", "probe=live&probe=live", "probe=live&x=1", "x=1"])
async def test_an_unknown_health_query_is_refused(query: str) -> None:
    """A probe with a typing error must not look healthy."""
    answer = await _get(FakeHost(), f"/api/health?{query}")
    assert (answer.status_code, answer.json()["title"]) == (400, "Unknown query")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nope", "/api/health/", "/v1", "/v1/", "/v1/a/b"])
async def test_a_path_that_does_not_exist_ends_in_a_json_404(method: str, path: str) -> None:
    """No method below /api and /v1 falls through to a page."""
    async with _client(FakeHost()) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert method == "HEAD" or answer.json() == {"title": "There is nothing at this path", "status": 404}


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("POST", "/api/health", {"GET", "HEAD"}), ("GET", "/api/backup", {"POST"})]
)
async def test_a_wrong_method_ends_in_a_json_405(method: str, path: str, allowed: set[str]) -> None:
    """A route that exists says which methods it has."""
    async with _client(FakeHost()) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.json()) == (405, {"title": "Method Not Allowed", "status": 405})
    assert set(answer.headers["allow"].split(", ")) == allowed


async def test_an_unexpected_exception_leaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The message stays out of the answer and of the log; class and place are logged."""
    caplog.set_level(logging.DEBUG)
    answer = await _raising(LookupError(SECRET))
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal error")
    assert _security_headers(answer) == SECURITY_HEADERS
    assert SECRET not in answer.text
    assert SECRET not in caplog.text
    assert "LookupError" in caplog.text
    assert "in endpoint" in caplog.text


async def test_an_exception_outside_the_boundary_leaks_nothing_either(caplog: pytest.LogCaptureFixture) -> None:
    """The handler for every exception, as the framework calls it where no middleware stands before it."""

    async def endpoint(_request: Request) -> Response:
        raise LookupError(SECRET)

    app = Starlette(routes=[Route("/", endpoint)], exception_handlers=exception_handlers())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal error")
    assert SECRET not in answer.text + caplog.text


async def test_the_detail_of_an_http_exception_is_not_sent() -> None:
    """Whatever a library wrote into it, the client reads the standard's words."""
    answer = await _raising(HTTPException(400, SECRET, {"X-Kept": "1"}))
    assert (answer.json(), answer.headers["x-kept"]) == ({"title": "Bad Request", "status": 400}, "1")


async def test_an_http_exception_without_a_body_has_none() -> None:
    """Not Modified is no problem document."""
    answer = await _raising(HTTPException(304))
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (InputRefused, 422),
        (ModelNotFound, 404),
        (ServerRejected, 502),
        (ServerProtocolError, 502),
        (ServerTimeout, 504),
        (ServerUnreachable, 503),
        (EngineError, 503),
        (StoreDamaged, 503),
        (ConfigError, 503),
    ],
)
async def test_our_own_errors_answer_with_the_words_of_their_fault(kind: type[ApeHostError], status: int) -> None:
    """The status says who has to act, the fault says how."""
    answer = await _raising(kind(Fault("busy", "It is busy", cause="Too much.", advice="Wait.", retry_after_s=1.2)))
    assert answer.json() == {"title": "It is busy", "status": status, "detail": "Too much. Wait."}
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "2")


async def test_an_answer_that_fails_half_way_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    """No second answer follows the first, and the message is not logged."""

    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        raise LookupError(SECRET)

    async def endpoint(_request: Request) -> Response:
        return StreamingResponse(body())

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/half",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    await _app(FakeHost(), Route("/half", endpoint))({**scope, "asgi": {"spec_version": "2.4"}}, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert SECRET not in caplog.text


async def _open_websocket(path: str, *more: WebSocketRoute) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": path, "query_string": b"", "headers": [(b"host", b"localhost")]}
    await _app(FakeHost(), *more)(scope, receive, send)
    return sent


async def test_a_websocket_below_api_is_refused() -> None:
    """There are none, and none reaches Streamlit's catch-all."""
    assert [message["type"] for message in await _open_websocket("/api/nope")] == ["websocket.close"]


async def test_a_websocket_that_fails_is_closed_as_a_server_error(caplog: pytest.LogCaptureFixture) -> None:
    """The client learns that it was not its doing, and nothing else."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        raise LookupError(SECRET)

    sent = await _open_websocket("/live", WebSocketRoute("/live", endpoint))
    assert [message.get("code") for message in sent] == [None, 1011]
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/health", {}, 200),
        ("/api/health?x=1", {}, 400),
        ("/api/nope", {}, 404),
        ("/elsewhere", {}, 404),
        ("/api/health", {"Host": "rebind.example"}, 421),
        ("/api/health", {"Content-Length": "20000"}, 413),
        ("/api/health", {"Host": "apehost.lan"}, 200),
    ],
)
async def test_every_answer_carries_the_security_headers(path: str, headers: dict[str, str], status: int) -> None:
    """Answers, refusals and missing paths have the same policy."""
    async with _client(FakeHost()) as client:
        answer = await client.get(path, headers=headers)
    assert (answer.status_code, _security_headers(answer)) == (status, SECURITY_HEADERS)


def test_a_wrong_allowed_host_is_found_when_the_app_is_made() -> None:
    """Not at the first request."""
    with pytest.raises(ConfigError, match="APEHOST_ALLOWED_HOSTS"):
        middleware(allowed_hosts=("*",), max_body_bytes=10_000)
