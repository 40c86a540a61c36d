"""The guard in front of every route: requests."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apehost_core.api.guard import SECURITY_HEADERS, Guard, KnownHosts, parse_authority
from apehost_core.errors import ConfigError

LIMIT = 1_000


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the length of the request's body."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await _answer(send, str(length).encode())


async def _answer(send: Send, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": headers or []})
    await send({"type": "http.response.body", "body": body})


def _guard(app: ASGIApp = _echo, *allowed: str) -> Guard:
    return Guard(app, hosts=KnownHosts.of(allowed), max_body_bytes=LIMIT)


async def _request(
    guard: ASGIApp,
    method: str = "GET",
    *,
    host: str | None = "localhost:8501",
    headers: dict[str, str] | None = None,
    content: bytes | AsyncIterator[bytes] | None = None,
) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://localhost:8501") as client:
        request = client.build_request(method, "/page", headers=headers, content=content)
        del request.headers["host"]
        if host is not None:
            request.headers["host"] = host
        return await client.send(request)


async def _chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 100


def _security_headers(answer: httpx.Response) -> dict[str, str]:
    return {name: ", ".join(answer.headers.get_list(name)) for name in SECURITY_HEADERS}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:8501", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8501", "[0:0:0:0:0:0:0:1]:8501"],
)
async def test_loopback_names_pass_with_any_port(host: str) -> None:
    """Every spelling of this computer is let in without a setting."""
    answer = await _request(_guard(), host=host)
    assert answer.status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["rebind.example", "rebind.example:8501", "192.0.2.10:8501", "[2001:db8::1]:8501"])
async def test_a_rebound_name_is_refused_on_a_plain_get(host: str) -> None:
    """A name that an attacker points at loopback reads nothing, not even with a safe method."""
    answer = await _request(_guard(), host=host)
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert host not in answer.text


@pytest.mark.anyio
async def test_a_rebound_name_is_refused_where_origin_and_host_agree() -> None:
    """The page of a rebound name is same-origin with itself, so the Host list has to stop it."""
    answer = await _request(
        _guard(), "POST", host="rebind.example", headers={"Origin": "http://rebind.example"}, content=b"x"
    )
    assert answer.status_code == 421


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        ":8501",
        "localhost:",
        "localhost:x",
        "localhost:80:80",
        "localhost:123456",
        "user@localhost",
        "localhost/",
        "localhost ",
        "localhost,localhost",
        "localhost.rebind.example",
        ".localhost",
        "::1",
        "[::1",
        "[::1]x",
        "[localhost]",
        "[127.0.0.1]",
        "[:::]",
        "2130706433",
        "l\xf6calhost",
        "x" * 10_000,
    ],
)
async def test_a_missing_or_garbled_host_is_refused(host: str | None) -> None:
    """What is not exactly a name or address with an optional port is no known host."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [] if host is None else [(b"host", host.encode("latin-1"))]
    await _guard()({"type": "http", "method": "GET", "headers": headers}, receive, send)
    assert sent[0]["status"] == 421


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        ("apehost.lan", "apehost.lan", 200),
        ("ApeHost.lan:8501", "APEHOST.lan:443", 200),
        ("apehost.lan", "other.lan", 421),
        ("apehost.lan", "evil-apehost.lan", 421),
        ("*.lan", "apehost.lan:8501", 200),
        ("*.lan", "a.b.lan", 200),
        ("*.lan", "lan", 421),
        ("*.lan", ".lan", 421),
        ("*.lan", "apehost.lan.example", 421),
        ("*.lan", "evillan", 421),
        ("192.0.2.10", "192.0.2.10:8501", 200),
        ("fd00::1", "[fd00:0::1]:8501", 200),
        ("[fd00::1]:8501", "[fd00::1]", 200),
    ],
)
async def test_allowed_hosts_pass_and_their_neighbours_do_not(allowed: str, host: str, status: int) -> None:
    """An allowed name stands for itself on every port, `*.` for every name with that ending."""
    answer = await _request(_guard(_echo, allowed), host=host)
    assert answer.status_code == status


@pytest.mark.parametrize("entry", ["*", "*.", "http://apehost.lan", "a b", "*.*", "a*.lan"])
def test_an_allowed_host_that_is_none_stops_the_start(entry: str) -> None:
    """A setting that can never match, or matches everything, is an error and not ignored."""
    with pytest.raises(ConfigError, match="is not a host name"):
        KnownHosts.of((entry,))


def test_loopback_stays_known_beside_allowed_hosts() -> None:
    """A host list adds names and takes none away."""
    hosts = KnownHosts.of(("apehost.lan",))
    assert "localhost" in hosts
    assert "apehost.lan" in hosts


def test_an_authority_is_parsed_into_its_normal_form() -> None:
    """Case and the length of an IPv6 address make no difference."""
    assert parse_authority("[2001:DB8:0:0::1]:80") == ("2001:db8::1", "80")


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "UNKNOWN"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:3000",
        "http://localhost",
        "null",
        "",
        "localhost:8501",
        "file://localhost:8501",
        "http://localhost:8501/",
        "http://localhost:8501@evil.example",
        "http://localhost:8501.evil.example",
        "http://127.0.0.1:8501",
    ],
)
async def test_another_origin_may_not_change_anything(method: str, origin: str) -> None:
    """Every method that is not known to be safe is refused to pages of other origins, other ports included."""
    answer = await _request(_guard(), method, headers={"Origin": origin})
    assert answer.status_code == 403


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_safe_method_of_another_origin_passes(method: str) -> None:
    """Links and images on other sites work; the browser keeps the answer from the other site's scripts."""
    answer = await _request(_guard(), method, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8501", "localhost:8501"),
        ("HTTP://LOCALHOST:8501", "localhost:8501"),
        ("http://[::1]:8501", "[::1]:8501"),
        ("https://apehost.lan", "apehost.lan"),
        ("https://apehost.lan", "apehost.lan:443"),
        ("http://apehost.lan", "apehost.lan:80"),
    ],
)
async def test_the_same_origin_may_post(origin: str, host: str) -> None:
    """Our own pages pass, behind a proxy that ends TLS too."""
    answer = await _request(_guard(_echo, "*.lan"), "POST", host=host, headers={"Origin": origin}, content=b"abc")
    assert (answer.status_code, answer.text) == (200, "3")


@pytest.mark.anyio
async def test_a_client_without_origin_may_post() -> None:
    """Command-line clients send no Origin; they are no way for another site to get in."""
    answer = await _request(_guard(), "POST", content=b"abc")
    assert answer.status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-origin", 200), ("none", 200)])
async def test_a_cross_site_post_without_origin_is_refused(site: str, status: int) -> None:
    """The browser's own word for where a request comes from counts as well."""
    answer = await _request(_guard(), "POST", headers={"Sec-Fetch-Site": site})
    assert answer.status_code == status


@pytest.mark.anyio
async def test_a_body_up_to_the_limit_passes() -> None:
    """The limit itself is allowed, announced or chunked."""
    announced = await _request(_guard(), "POST", content=b"x" * LIMIT)
    chunked = await _request(_guard(), "POST", content=_chunks(10))
    assert (announced.text, chunked.text) == ("1000", "1000")


@pytest.mark.anyio
@pytest.mark.parametrize("length", [str(LIMIT + 1), "9" * 5_000])
async def test_an_announced_body_above_the_limit_is_refused_unread(length: str) -> None:
    """The length alone refuses it; the app is never called and the connection ends."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("called")

    answer = await _request(_guard(app), "POST", headers={"Content-Length": length}, content=b"x")
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


@pytest.mark.anyio
@pytest.mark.parametrize("length", ["-1", "1e3", "", "+5"])
async def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    """What cannot be compared to the limit does not pass it."""
    answer = await _request(_guard(), "POST", headers={"Content-Length": length}, content=b"x")
    assert answer.status_code == 400


@pytest.mark.anyio
async def test_a_chunked_body_above_the_limit_is_refused_while_it_comes() -> None:
    """A body without a length is counted, and reading stops at the limit."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 100

    answer = await _request(_guard(), "POST", content=endless())
    assert (answer.status_code, read) == (413, 11)
    assert _security_headers(answer) == SECURITY_HEADERS


@pytest.mark.anyio
async def test_an_app_that_swallows_the_end_of_the_body_does_not_hide_the_413() -> None:
    """What the app answers after the limit was passed is not sent."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            while True:
                await receive()
        except Exception:  # noqa: BLE001 -- as upload handlers do
            await _answer(send, b"all well")

    answer = await _request(_guard(app), "POST", content=_chunks(20))
    assert answer.status_code == 413


@pytest.mark.anyio
async def test_a_started_answer_is_not_replaced() -> None:
    """Once the answer began its status stands; the body is cut off all the same."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await receive()
        except Exception:  # noqa: BLE001 -- as upload handlers do
            await send({"type": "http.response.body", "body": b"cut"})

    answer = await _request(_guard(app), "POST", content=_chunks(20))
    assert (answer.status_code, answer.text) == (200, "cut")


@pytest.mark.anyio
async def test_an_error_of_the_app_is_not_taken_for_a_large_body() -> None:
    """The guard ends no exception but its own."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await _request(_guard(app))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "host", "headers", "status"),
    [
        ("GET", "localhost", {}, 200),
        ("GET", "rebind.example", {}, 421),
        ("POST", "localhost", {"Origin": "null"}, 403),
        ("POST", "localhost", {"Content-Length": "2000"}, 413),
        ("POST", "localhost", {"Content-Length": "x"}, 400),
    ],
)
async def test_every_answer_carries_the_security_headers(
    method: str, host: str, headers: dict[str, str], status: int
) -> None:
    """Answers of the app and refusals have the same policy."""
    answer = await _request(_guard(), method, host=host, headers=headers, content=b"x")
    assert (answer.status_code, _security_headers(answer)) == (status, SECURITY_HEADERS)


@pytest.mark.anyio
async def test_the_guards_headers_replace_those_of_the_app() -> None:
    """A route cannot loosen the policy, and no header comes twice."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _answer(send, b"", [(b"Content-Security-Policy", b"default-src *"), (b"x-kept", b"1")])

    answer = await _request(_guard(app))
    assert _security_headers(answer) == SECURITY_HEADERS
    assert answer.headers["x-kept"] == "1"


@pytest.mark.anyio
async def test_the_lifespan_passes_untouched() -> None:
    """Start and stop of the server are no requests."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await _guard(app)({"type": "lifespan"}, receive, send)
    assert seen == ["lifespan"]
