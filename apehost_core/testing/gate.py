"""What stands before every route of a simulated server: it notes the request, makes trouble, and asks for the token."""

import asyncio
from typing import assert_never

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from apehost_core.testing.state import SimState

_UNAUTHORIZED = {
    "error": {
        "type": "invalid_request",
        "code": "invalid_api_key",
        "message": "An LM Studio API token is required to make requests to this server, but none was provided.",
    }
}


class Gate:
    """The outermost part of the app. What is asked about the simulator itself passes unseen."""

    def __init__(self, state: SimState, app: ASGIApp) -> None:
        self._state = state
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] == "http" and not scope["path"].startswith("/simulator/"):
            self._state.requests.append((scope["method"], scope["path"]))
            refused = await self._trouble(receive)
            if refused is not None:
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _trouble(self, receive: Receive) -> Response | None:
        trouble = self._state.trouble
        match trouble:
            case None:
                return None
            case "hang":
                while (await receive())["type"] != "http.disconnect":
                    pass
                return Response(status_code=499)  # nobody reads it
            case "slow":
                await asyncio.sleep(self._state.slow_s)
                return None
            case "busy":
                return JSONResponse({"error": {"message": "Loading model", "type": "unavailable_error"}}, 503)
            case "rate_limited":
                headers = {"Retry-After": str(self._state.retry_after_s)}
                return JSONResponse({"error": "Too many requests"}, 429, headers)
            case _:
                assert_never(trouble)


def without_token(state: SimState, request: Request) -> Response | None:
    """Return the refusal of a request that lacks the server's token; None when it may pass. Source: api notes 0.4."""
    if state.token is None or request.headers.get("authorization") == f"Bearer {state.token}":
        return None
    return JSONResponse(_UNAUTHORIZED, 401)
