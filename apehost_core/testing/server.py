"""One simulated LM Studio: its state, and the endpoints in front of it. What an endpoint does is its own module's."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Unpack

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from apehost_core.testing import listings
from apehost_core.testing.completions import Completions
from apehost_core.testing.gate import Gate, without_token
from apehost_core.testing.models import SimModel
from apehost_core.testing.native import NativeModels
from apehost_core.testing.native_chat import NativeChat
from apehost_core.testing.state import Setup, SimState, native_error, unexpected

Endpoint = Callable[[Request], Awaitable[Response]]


class Simulator(SimState):
    """One simulated server.

    Attributes:
        app: The ASGI app.
    """

    def __init__(self, *models: SimModel, **setup: Unpack[Setup]) -> None:
        """Make a server.

        Args:
            models: What it has; one plain model when none is given.
            setup: See `Setup`.
        """
        super().__init__(*models, **setup)
        native = setup.get("native", True)
        routes = [
            *(self._native_routes() if native else []),
            *(self._v0_routes() if native and setup.get("v0", True) else []),
            *self._guarded([Route("/v1/models", self._openai_models)]),
            *self._guarded([Completions(self).route("/v1/chat/completions")]),
            Route("/simulator/calls", self._seen),
            Route("/{path:path}", _unknown, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
        ]
        self.app: ASGIApp = Gate(self, Starlette(routes=routes))

    def _native_routes(self) -> list[Route]:
        guarded = [Route("/api/v1/models", self._native_models), *NativeModels(self).routes, NativeChat(self).route]
        return [Route("/lmstudio-greeting", _greeting), *self._guarded(guarded)]

    def _v0_routes(self) -> list[Route]:
        return self._guarded(
            [
                Route("/api/v0/models", self._v0_models),
                Route("/api/v0/models/{name:path}", self._v0_model),
                Completions(self).route("/api/v0/chat/completions"),
            ]
        )

    def _guarded(self, routes: list[Route]) -> list[Route]:
        """Return the routes with the token asked for."""
        return [Route(route.path, self._guard(route.endpoint), methods=route.methods) for route in routes]

    def _guard(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            return without_token(self, request) or await endpoint(request)

        return guarded

    async def _seen(self, _request: Request) -> Response:
        return Response(orjson.dumps([asdict(call) for call in self.calls]), media_type="application/json")

    async def _native_models(self, _request: Request) -> Response:
        return JSONResponse(listings.native(self.held()))

    async def _v0_models(self, _request: Request) -> Response:
        return JSONResponse(listings.v0(self.held()))

    async def _v0_model(self, request: Request) -> Response:
        name: str = request.path_params["name"]
        found = [entry for entry in listings.v0_entries(self.held()) if entry["id"] == name]
        if not found:
            return JSONResponse(native_error(f"Model '{name}' not found", "model_not_found", param="model"), 404)
        return JSONResponse(found[0])

    async def _openai_models(self, _request: Request) -> Response:
        return JSONResponse(listings.openai(self.held(), jit=self.jit))


async def _greeting(_request: Request) -> Response:
    return JSONResponse({"lmstudio": True})


async def _unknown(request: Request) -> Response:
    return unexpected(request)
