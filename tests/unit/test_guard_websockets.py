"""The guard in front of websockets."""

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apehost_core.api.guard import CSP, Guard, KnownHosts

REFUSED: list[Message] = [{"type": "websocket.close", "code": 1008, "reason": ""}]


async def _accept(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept every websocket."""
    await send({"type": "websocket.accept"})


def _guard(app: ASGIApp = _accept) -> Guard:
    return Guard(app, hosts=KnownHosts.of(()), max_body_bytes=1_000)


async def _handshake(guard: ASGIApp, *headers: tuple[bytes, bytes]) -> list[Message]:
    """Return what the guard and the app send in answer to a websocket handshake."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await guard({"type": "websocket", "headers": list(headers)}, receive, send)
    return sent


@pytest.mark.anyio
async def test_two_host_headers_are_refused() -> None:
    """Two answers to the question who is meant are none."""
    sent = await _handshake(_guard(), (b"host", b"localhost"), (b"host", b"localhost"))
    assert sent == REFUSED


@pytest.mark.anyio
@pytest.mark.parametrize("origin", [b"http://evil.example", b"http://localhost:3000", b"null", b""])
async def test_another_origin_gets_no_websocket(origin: bytes) -> None:
    """The handshake of a foreign page is closed before the app sees it; the server makes a 403 of that."""
    sent = await _handshake(_guard(), (b"host", b"localhost:8501"), (b"origin", origin))
    assert sent == REFUSED


@pytest.mark.anyio
async def test_a_rebound_name_gets_no_websocket() -> None:
    """Host and Origin agree under DNS rebinding; the Host list refuses."""
    sent = await _handshake(_guard(), (b"host", b"rebind.example"), (b"origin", b"http://rebind.example"))
    assert sent == REFUSED


@pytest.mark.anyio
async def test_a_websocket_that_the_app_denies_carries_the_security_headers() -> None:
    """An answer in place of a handshake is an answer like any other."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})

    sent = await _handshake(_guard(app), (b"host", b"localhost"))
    assert (b"content-security-policy", CSP.encode()) in sent[0]["headers"]


@pytest.mark.anyio
@pytest.mark.parametrize("headers", [(), ((b"origin", b"http://localhost:8501"),)])
async def test_a_websocket_of_our_pages_or_of_no_browser_is_accepted(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    """The same origin and clients without an Origin reach the app."""
    sent = await _handshake(_guard(), (b"host", b"localhost:8501"), *headers)
    assert sent == [{"type": "websocket.accept"}]
