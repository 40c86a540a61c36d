"""Owns the route table, the middleware and the exception handlers that `app.py` hands to Streamlit.

Everything below `/api` and `/v1` is answered here, with a JSON 404 where there is nothing: Streamlit would
answer with its page and status 200.
"""

from collections.abc import Callable
from importlib import metadata
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ExceptionHandler, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from apehost_core.api.backup import backup_endpoint
from apehost_core.api.guard import Guard, KnownHosts
from apehost_core.api.health import health_endpoint
from apehost_core.api.problems import ErrorBoundary, on_apehost_error, on_defect, on_http_exception, problem
from apehost_core.errors import ApeHostError

if TYPE_CHECKING:
    from apehost_core.host import Host

_DISTRIBUTION = "apehost"


class _Nothing:
    """ASGI app of the paths that do not exist, for every method."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = WebSocketClose() if scope["type"] == "websocket" else problem(404, "There is nothing at this path")
        await answer(scope, receive, send)


def routes(current: Callable[[], "Host | None"]) -> list[BaseRoute]:
    """Return the routes.

    Args:
        current: Returns the host; None while it is not open.
    """
    api = [
        Route("/health", health_endpoint(current, _version()), methods=["GET"]),
        Route("/backup", backup_endpoint(current), methods=["POST"]),
    ]
    return [*_tree("/api", api), *_tree("/v1", [])]


def middleware(*, allowed_hosts: tuple[str, ...], max_body_bytes: int) -> list[Middleware]:
    """Return the middleware, first the guard.

    Args:
        allowed_hosts: Host names beside loopback; `*.lan` stands for all names with that ending.
        max_body_bytes: Largest body of a request.

    Raises:
        ConfigError: An allowed host is not a host name.
    """
    guard = Middleware(Guard, hosts=KnownHosts.of(allowed_hosts), max_body_bytes=max_body_bytes)
    return [guard, Middleware(ErrorBoundary)]


def exception_handlers() -> dict[Any, ExceptionHandler]:
    """Return the handlers by exception class."""
    return {HTTPException: on_http_exception, ApeHostError: on_apehost_error, Exception: on_defect}


def _tree(path: str, below: list[Route]) -> list[BaseRoute]:
    """Return the routes of a path and of everything below it."""
    nothing = _Nothing()
    return [Mount(path, app=Router(below, redirect_slashes=False, default=nothing)), Route(path, nothing)]


def _version() -> str:
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unknown"
