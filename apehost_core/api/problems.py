"""Owns how the HTTP side says that something went wrong: RFC 9457 problem documents, and the last catch of all.

A problem holds a fixed title or the words of a fault; never a URL, a token or the text of an exception. What
nobody expected is logged by its class and its place in the code, because its message may quote a secret.
"""

import contextlib
import http
import json
import logging
import math
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from apehost_core.errors import (
    ApeHostError,
    Fault,
    InputRefused,
    ModelNotFound,
    ServerProtocolError,
    ServerRejected,
    ServerTimeout,
)

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_GONE = (ClientDisconnect, WebSocketDisconnect)
_STATUS: dict[type[ApeHostError], int] = {
    InputRefused: 422,
    ModelNotFound: 404,
    ServerRejected: 502,
    ServerProtocolError: 502,
    ServerTimeout: 504,
}
_STATUS_OF_ANY_OTHER = 503


def problem(status: int, title: str, detail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem document.

    Args:
        status: HTTP status, 400 or above.
        title: What went wrong, the same for every such problem.
        detail: What to do about it; left out when empty.
        headers: Further headers.
    """
    content: dict[str, str | int] = {"title": title, "status": status}
    if detail:
        content["detail"] = detail
    body = json.dumps(content, ensure_ascii=False).encode()
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


def fault_problem(status: int, fault: Fault) -> Response:
    """Return a problem document with the words of a fault."""
    detail = " ".join(part for part in (fault.cause, fault.advice) if part)
    wait = fault.retry_after_s
    return problem(status, fault.title, detail, None if wait is None else {"Retry-After": str(math.ceil(wait))})


def starting_problem() -> Response:
    """Return the answer of every route that needs the host while there is none yet."""
    return problem(503, "ApeHost is starting", "Try again in a moment.", {"Retry-After": "1"})


async def on_http_exception(_request: Request, error: Exception) -> Response:
    """Answer with the status that the framework or a route raised, in the standard's words for it."""
    if not isinstance(error, HTTPException):
        return await on_defect(_request, error)
    if error.status_code in {204, 304}:
        return Response(status_code=error.status_code, headers=error.headers)
    return problem(error.status_code, _phrase(error.status_code), headers=error.headers)


async def on_apehost_error(_request: Request, error: Exception) -> Response:
    """Answer with the words of the fault."""
    if not isinstance(error, ApeHostError):
        return await on_defect(_request, error)
    kinds = (_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    return fault_problem(next(kinds, _STATUS_OF_ANY_OTHER), error.fault)


async def on_defect(_request: Request, error: Exception) -> Response:
    """Log what nobody expected and answer without its details."""
    _log_defect(error)
    return _internal_error()


class ErrorBoundary:
    """Middleware that ends every exception nobody handled, inside the guard so that its headers are set.

    Nothing is raised further: the server would log the message of the exception.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; end what it raises."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except _GONE:
            return
        except Exception as error:  # noqa: BLE001 -- the boundary of a request
            _log_defect(error)
            if scope["type"] == "websocket":
                with contextlib.suppress(RuntimeError, OSError):  # closed already
                    await send({"type": "websocket.close", "code": 1011, "reason": ""})
            elif not started:
                await _internal_error()(scope, receive, send)


def _internal_error() -> Response:
    return problem(500, "Internal error", "The log of this moment says where.")


def _log_defect(error: Exception) -> None:
    bare = RuntimeError(type(error).__name__).with_traceback(error.__traceback__)
    _log.error("a request failed by a defect", exc_info=bare)


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"
