"""Owns what may come in and what a page may load: the first middleware, in front of Streamlit's routes and ours.

It checks the Host header (against DNS rebinding), the Origin of websockets and of methods that change something
(against other sites), and the size of the body, and puts the Content Security Policy on every answer, its own
refusals included. Clients that are no browser send no Origin and pass; keys guard what they may do.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apehost_core.api.problems import problem
from apehost_core.errors import ConfigError, Fault

CSP = (
    "default-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; "
    "media-src 'self' data: blob:; "
    "font-src 'self' data:; "
    "connect-src 'self'; "
    "worker-src 'self' blob:; "
    "frame-src 'self'; "
    "object-src 'none'; "
    "base-uri 'self'; "
    "form-action 'self'; "
    "frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_OURS = frozenset(name for name, _ in _RAW_HEADERS)
_STARTS = frozenset({"http.response.start", "websocket.http.response.start"})
_WANTED = frozenset({b"host", b"origin", b"sec-fetch-site", b"content-length"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_-]+(?:\.[a-z0-9_-]+)*))(?::([0-9]{1,5}))?")
_SUFFIX = re.compile(r"\*(\.[a-z0-9_-]+)+")
_CLOSE: Message = {"type": "websocket.close", "code": 1008, "reason": ""}  # before accept: the server answers 403
_LONGEST_AUTHORITY = 261
_LONGEST_LENGTH = 15


class Authority(NamedTuple):
    """The name and port of a Host or Origin header.

    Attributes:
        name: In small letters; an IPv6 address without brackets in its shortest form.
        port: Empty when not given.
    """

    name: str
    port: str


def parse_authority(text: str) -> Authority | None:
    """Return the parts of `name[:port]`; None when it is anything else."""
    if len(text) > _LONGEST_AUTHORITY:
        return None
    match = _AUTHORITY.fullmatch(text.lower())
    if match is None:
        return None
    address, name, port = match.groups(default="")
    if address:
        name = _shortest_address(address)
    return Authority(name, port) if name else None


def is_same_origin(origin: str, host: Authority) -> bool:
    """Tell whether an Origin header names the host; the scheme may differ, a proxy may end TLS."""
    scheme, _, rest = origin.lower().partition("://")
    default = _DEFAULT_PORTS.get(scheme)
    there = parse_authority(rest)
    if default is None or there is None:
        return False
    return there.name == host.name and (there.port or default) == (host.port or default)


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """The names under which ApeHost may be opened.

    Attributes:
        names: Exact names, in small letters; loopback is always among them.
        suffixes: Endings such as ".lan".
    """

    names: frozenset[str]
    suffixes: tuple[str, ...]

    @classmethod
    def of(cls, allowed: Iterable[str]) -> "KnownHosts":
        """Return loopback and the allowed hosts; a port among them is ignored.

        Raises:
            ConfigError: An entry is neither a host name nor `*.` and a suffix.
        """
        names, suffixes = set(_LOOPBACK), set[str]()
        for entry in allowed:
            text = entry.strip().lower()
            if _SUFFIX.fullmatch(text):
                suffixes.add(text.removeprefix("*"))
                continue
            name = _shortest_address(text) or getattr(parse_authority(text), "name", "")
            if not name:
                raise _not_a_host(entry)
            names.add(name)
        return cls(frozenset(names), tuple(sorted(suffixes)))

    def __contains__(self, name: str) -> bool:
        return name in self.names or (name.endswith(self.suffixes) and not name.startswith("."))


class Guard:
    """The first middleware."""

    def __init__(self, app: ASGIApp, *, hosts: KnownHosts, max_body_bytes: int) -> None:
        self._app = app
        self._hosts = hosts
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        send = _with_security_headers(send)
        headers = _wanted_headers(scope)
        refusal = self._refuse_host(headers) or self._refuse_origin(scope, headers)
        if kind == "websocket":
            if refusal:
                await send(_CLOSE)
            else:
                await self._app(scope, receive, send)
            return
        refusal = refusal or self._refuse_length(headers)
        if refusal:
            await refusal(scope, receive, send)
        else:
            await self._pass_capped(scope, receive, send)

    def _refuse_host(self, headers: dict[bytes, str]) -> Response | None:
        host = parse_authority(headers.get(b"host", ""))
        if host is not None and host.name in self._hosts:
            return None
        return problem(
            421,
            "This host name is not allowed",
            "Open ApeHost as localhost, or add the name to APEHOST_ALLOWED_HOSTS and start it again.",
        )

    def _refuse_origin(self, scope: Scope, headers: dict[bytes, str]) -> Response | None:
        websocket = scope["type"] == "websocket"
        if not websocket and scope["method"] in _SAFE_METHODS:
            return None
        origin = headers.get(b"origin")
        host = parse_authority(headers.get(b"host", ""))
        foreign = origin is not None and (host is None or not is_same_origin(origin, host))
        if foreign or (not websocket and "cross-site" in headers.get(b"sec-fetch-site", "").lower()):
            return problem(403, "Another site may not do this", "Only ApeHost's own pages and local clients may.")
        return None

    def _refuse_length(self, headers: dict[bytes, str]) -> Response | None:
        length = headers.get(b"content-length")
        if length is None:
            return None
        if not (length.isascii() and length.isdigit()):
            return problem(400, "The length of the body is not a number", headers={"Connection": "close"})
        if len(length) > _LONGEST_LENGTH or int(length) > self._max_body_bytes:
            return self._too_large()
        return None

    async def _pass_capped(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _CountedBody(receive, send, self._max_body_bytes)
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            if not body.exceeded:
                raise
        if body.exceeded and not body.answered:
            await self._too_large()(scope, receive, send)

    def _too_large(self) -> Response:
        detail = f"The limit is {self._max_body_bytes} bytes (APEHOST_MAX_BODY_BYTES)."
        return problem(413, "The body is too large", detail, {"Connection": "close"})


class _BodyTooLarge(HTTPException):
    """Ends the reading of a body above the limit."""

    def __init__(self) -> None:
        super().__init__(413)


class _CountedBody:
    """Counts a body while it is received, and holds back an answer that begins after it went over the limit."""

    __slots__ = ("_left", "_receive", "_send", "answered", "exceeded")

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._left = limit
        self.exceeded = False
        self.answered = False

    async def receive(self) -> Message:
        if self.exceeded:
            raise _BodyTooLarge
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self.exceeded = True
                raise _BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        if self.exceeded and not self.answered:
            return
        self.answered = True
        await self._send(message)


def _with_security_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] in _STARTS:
            others = [pair for pair in message.get("headers", ()) if bytes(pair[0]).lower() not in _OURS]
            message = {**message, "headers": others + _RAW_HEADERS}
        await send(message)

    return guarded


def _wanted_headers(scope: Scope) -> dict[bytes, str]:
    """Return the headers that the guard reads. One that comes twice is joined by a comma, which no check passes."""
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name in _WANTED:
            text = value.decode("latin-1")
            found[name] = f"{found[name]},{text}" if name in found else text
    return found


def _shortest_address(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text.strip("[]")))
    except ValueError:
        return ""


def _not_a_host(entry: str) -> ConfigError:
    return ConfigError(
        Fault(
            kind="config",
            title=f"APEHOST_ALLOWED_HOSTS: {entry!r} is not a host name",
            advice="Write names such as apehost.lan or *.lan, separated by commas.",
        )
    )
