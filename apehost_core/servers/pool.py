"""All servers of this process: their clients, their lanes and what was last seen of them.

Pages read `Pool.views`, an immutable snapshot; looks at the servers happen behind, each on its own, so a dead
server slows nothing. No look ever loads a model or spends a token.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from apehost_core.errors import Fault, FaultKind, ServerError
from apehost_core.events import Progress
from apehost_core.lmstudio import Identity, LmStudioClient
from apehost_core.runs.hub import Emit
from apehost_core.servers.lanes import Lane
from apehost_core.servers.views import ServerState, ServerView

_LOAD_POLL_S = 1.0
_KINDS = {
    "lm_studio": "LM Studio",
    "llama.cpp": "llama.cpp",
    "ollama": "Ollama",
    "openai_compatible": "OpenAI-compatible",
}
_STATES: dict[FaultKind, ServerState] = {
    "refused": "offline",
    "dns": "offline",
    "connect_timeout": "offline",
    "silent": "offline",
    "cut": "offline",
    "forbidden": "token_refused",
    "rate_limited": "rate_limited",
}


class Server:
    """One server: its client, its lane, and the latest view of it."""

    def __init__(self, client: LmStudioClient, view: ServerView, *, parallel: int, has_token: bool = False) -> None:
        self.client = client
        self.view = view
        self.lane = Lane(parallel)
        self._has_token = has_token
        self._identity: Identity | None = None

    async def look(self) -> None:
        """Ask the server what it is and what it has; the answer, or the fault, becomes the view."""
        begun = time.perf_counter()
        try:
            if self._identity is None:
                self._identity = await self.client.identify()
            models = await self.client.models()
        except ServerError as error:
            self._identity = None
            self._enter(_state_of(error.fault, has_token=self._has_token), fault=error.fault)
            return
        kind = _KINDS.get(self._identity.kind, "")
        latency_ms = (time.perf_counter() - begun) * 1000
        self._enter("online", fault=None)
        self.view = replace(self.view, kind=kind, models=models, latency_ms=latency_ms)

    def _enter(self, state: ServerState, *, fault: Fault | None) -> None:
        now = datetime.now(UTC)
        since = self.view.since if state == self.view.state else now
        self.view = replace(self.view, state=state, since=since, checked_at=now, fault=fault)

    @asynccontextmanager
    async def watch_load(self, key: str, emit: Emit) -> AsyncGenerator[None, None]:
        """Report that the server loads the model, until it lists it as loaded or the context is left."""
        model = self.view.model(key)
        if model is None or model.state != "not_loaded":
            yield
            return
        emit(Progress("loading"))
        watcher = asyncio.create_task(self._poll_until_loaded(key, emit))
        try:
            yield
        finally:
            watcher.cancel()

    async def _poll_until_loaded(self, key: str, emit: Emit) -> None:
        while True:
            await asyncio.sleep(_LOAD_POLL_S)
            await self.look()
            model = self.view.model(key)
            if model is not None and model.state == "loaded":
                emit(Progress("prompt"))
                return


class Pool:
    """The servers by name, in the order they were configured."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}

    def add(self, server: Server) -> None:
        """Take a server in; one of the same name is replaced."""
        self._servers[server.view.name] = server

    def remove(self, name: str) -> None:
        """Let a server go; unknown names are ignored."""
        self._servers.pop(name, None)

    @property
    def views(self) -> tuple[ServerView, ...]:
        """What is known of all servers. Safe from any thread."""
        return tuple(server.view for server in tuple(self._servers.values()))

    def get(self, name: str) -> Server:
        """Return a server.

        Raises:
            ServerError: There is none of that name.
        """
        server = self._servers.get(name)
        if server is None:
            raise ServerError(
                Fault(
                    kind="no_server",
                    title=f"There is no server named {name!r}",
                    advice="Choose a model of another server; servers are set in APEHOST_SERVERS.",
                )
            )
        return server

    async def look_at_all(self) -> None:
        """Look at every server at once; a failing one becomes a view like any other."""
        await asyncio.gather(*(server.look() for server in tuple(self._servers.values())))


def _state_of(fault: Fault, *, has_token: bool) -> ServerState:
    if fault.kind == "unauthorized":
        return "token_refused" if has_token else "needs_token"
    return _STATES.get(fault.kind, "failing")
