"""httpx as this package uses it: the shared connection pool, and its exceptions as errors of ours."""

import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import cache

import httpx

from apehost_core.errors import (
    FaultKind,
    ServerError,
    ServerProtocolError,
    ServerTimeout,
    ServerUnreachable,
)
from apehost_core.lmstudio.endpoint import Endpoint
from apehost_core.lmstudio.faults import fault_of

_KEEPALIVE_S = 3.0  # below the 5 s after which LM Studio and llama.cpp close an idle connection
_MAX_CONNECTIONS = 1_000
_MAX_IDLE = 8  # httpcore looks at every idle connection for every request: fifty cost more than new ones
_WRITE_S = 30.0
FOREIGN = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)
_PLAIN = "Give its address with http:// in place of https://."
_SAYS_NOTHING = ("All connection attempts failed", "Server disconnected without sending a response.")
_DNS_WORDS = (
    "name or service not known",
    "temporary failure in name resolution",
    "nodename nor servname",
    "getaddrinfo",
)


@dataclass(frozen=True, slots=True)
class Watchdogs:
    """How long a server may be silent, in seconds.

    Attributes:
        connect_s: To connect.
        first_byte_s: From the sending of a request to the first byte of its answer's body.
        between_chunks_s: Between two chunks of an answer.
        listing_s: For a whole listing of models.
    """

    connect_s: float = 5.0
    first_byte_s: float = 900.0
    between_chunks_s: float = 300.0
    listing_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Http:
    """The connections to all servers.

    Attributes:
        pooled: Keeps connections alive and uses them again.
        fresh: Makes a new connection for every request.
    """

    pooled: httpx.AsyncClient
    fresh: httpx.AsyncClient


@asynccontextmanager
async def open_http(watchdogs: Watchdogs) -> AsyncGenerator[Http, None]:
    """Open the connections for all servers: no read timeout (watchdogs serve), no proxies, no redirects."""
    async with _client(watchdogs, _MAX_IDLE) as pooled, _client(watchdogs, 0) as fresh:
        yield Http(pooled, fresh)


def _client(watchdogs: Watchdogs, keepalive: int) -> httpx.AsyncClient:
    limits = httpx.Limits(
        max_connections=_MAX_CONNECTIONS, max_keepalive_connections=keepalive, keepalive_expiry=_KEEPALIVE_S
    )
    timeout = httpx.Timeout(connect=watchdogs.connect_s, read=None, write=_WRITE_S, pool=None)
    return httpx.AsyncClient(verify=_trusted(), timeout=timeout, limits=limits, trust_env=False, follow_redirects=False)


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once: that takes 50 ms, and each client would do it for itself."""
    return httpx.create_ssl_context(trust_env=False)


@contextmanager
def translated(endpoint: Endpoint) -> Generator[None, None, None]:
    """Turn httpx's exceptions into ServerErrors."""
    try:
        yield
    except FOREIGN as error:
        raise server_error(error, endpoint) from None


def closed_unasked(error: Exception) -> bool:
    """Whether the server closed the connection before it answered, so that the request may be sent again.

    llama.cpp closes after every streamed answer without saying so; the next request on the pooled connection
    then fails (engines notes, the connection trap).
    """
    return isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError | httpx.CloseError)


def refused(error: Exception) -> bool:
    """Whether no connection could be made."""
    return isinstance(error, httpx.ConnectError) and not _is_dns(error)


def server_error(error: Exception, endpoint: Endpoint) -> ServerError:
    """Return the error of ours for one of `FOREIGN`."""
    kind: FaultKind
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            kind, make = "connect_timeout", ServerUnreachable
        case httpx.ConnectError():
            kind, make = ("dns" if _is_dns(error) else "refused"), ServerUnreachable
        case httpx.TimeoutException():
            kind, make = "silent", ServerTimeout
        case httpx.RemoteProtocolError() if str(error).startswith("illegal"):
            kind, make = "not_a_stream", ServerProtocolError
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            kind, make = "cut", ServerProtocolError
        case _:
            kind, make = "not_a_stream", ServerProtocolError
    if "WRONG_VERSION_NUMBER" in str(error):
        return ServerUnreachable(
            replace(fault_of("refused", endpoint), title=f"{endpoint.name} speaks no https", advice=_PLAIN)
        )
    cause = "" if str(error) in _SAYS_NOTHING else str(error)
    return make(fault_of(kind, endpoint, cause=cause))


def _is_dns(error: BaseException) -> bool:
    words = str(error).casefold()
    return any(word in words for word in _DNS_WORDS)
