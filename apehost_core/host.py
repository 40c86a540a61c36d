"""The wired parts, with the verbs that the pages and the API use. The only file that knows every part.

`open_host` is an async context manager: what it opens is closed in reverse order, live runs included. All
coroutines run on the loop that opened the host; properties may be read from any thread.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from apehost_core.chat.exchange import Choice, Exchange, Sent
from apehost_core.chat.turn import Route, opening, run_turn
from apehost_core.demo import PARALLEL, Address, DemoEngine, demo_available
from apehost_core.errors import ApeHostError, Fault, StoreError
from apehost_core.events import Outcome, Progress
from apehost_core.lmstudio import Endpoint, LmStudioClient, Watchdogs, normalise_base_url, open_http
from apehost_core.model import ModelRequest
from apehost_core.runs.hub import Emit, Hub
from apehost_core.runs.live_run import LiveRun
from apehost_core.servers import Pool, Server, ServerView
from apehost_core.settings import Settings
from apehost_core.store.backup import backup
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.history import GenerationRow, recent_generations
from apehost_core.store.interrupted import close_interrupted
from apehost_core.store.recorder import DuckRecorder

_log = logging.getLogger(__name__)

DEMO_NAME = "Demo engine"
DEFAULT_NAME = "This computer"
_DEFAULT_URL = "http://localhost:1234"
_UNSAVED_RETRY_S = 5.0


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """A server in the health report; fields as in ServerView."""

    name: str
    state: str
    since: datetime | None
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Whether the process can do its work.

    Attributes:
        store_ok: The last write succeeded.
        store_fault: Why it did not; None when it did.
        servers: The servers that are expected to answer, in the order of the settings.
    """

    store_ok: bool
    store_fault: Fault | None
    servers: tuple[ServerHealth, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a host is made of; opened and closed by `open_host`."""

    database: Database
    connect: Callable[[Endpoint], LmStudioClient]
    pool: Pool
    demo: DemoEngine

    def server(self, endpoint: Endpoint, view: ServerView, *, parallel: int) -> Server:
        """Return a server on the shared connection pool."""
        return Server(self.connect(endpoint), view, parallel=parallel, has_token=endpoint.token is not None)


class Host:
    """Everything that lives as long as the process. Made by `open_host`."""

    def __init__(self, settings: Settings, parts: "Parts") -> None:
        self.settings = settings
        self.pool = parts.pool
        self.hub = Hub(DuckRecorder(parts.database))
        self.conversations = Conversations(parts.database)
        self.control_key = SecretStr(secrets.token_urlsafe(32))
        self.demo = parts.demo
        self._parts = parts
        self._exchange = Exchange(
            self.conversations,
            self.hub,
            self._call,
            max_prompt_bytes=settings.max_prompt_bytes,
            names_chats=lambda name: name != DEMO_NAME,
        )

    @property
    def servers(self) -> tuple[ServerView, ...]:
        """What is known of every server, from memory."""
        return self.pool.views

    async def send(self, text: str, choice: Choice, conversation_id: str | None = None) -> Sent:
        """Store a message and start its answer; see `Exchange.send`."""
        return await self._exchange.send(text, choice, conversation_id)

    async def retry(self, choice: Choice, conversation_id: str) -> Sent:
        """Answer the last question once more; see `Exchange.retry`."""
        return await self._exchange.retry(choice, conversation_id)

    async def cancel(self, run_id: str) -> bool:
        """Stop a run. False when it is not live."""
        return self.hub.cancel(run_id)

    def live_answer(self, conversation_id: str) -> LiveRun | None:
        """Return the answer that is being written in a conversation, or that could not be saved."""
        runs = [run for run in self.hub.live_in(conversation_id) if run.spec.kind == "chat"]
        return runs[-1] if runs else None

    def recent_generations(self, limit: int) -> list[GenerationRow]:
        """Return the latest model calls, newest first. Blocks; call it off the loop."""
        return recent_generations(self._parts.database, limit)

    async def look_at_servers(self) -> None:
        """Look at all servers now."""
        await self.pool.look_at_all()

    async def start_demo(self) -> None:
        """Start the demo engine and take it in as a server; at once when it is already there.

        Raises:
            EngineError: It cannot start; the fault says what is missing.
        """
        await self.demo.start(self._demo_moved)

    async def _demo_moved(self, address: Address | None) -> None:
        """Take the demo engine in where it now listens; None: it has died, and its view shall say so."""
        if address is not None:
            endpoint = Endpoint(name=DEMO_NAME, base_url=address.base_url, token=address.key)
            view = ServerView(name=DEMO_NAME, demo=True, runtime=address.runtime)
            self.pool.add(self._parts.server(endpoint, view, parallel=PARALLEL))
        await self.pool.get(DEMO_NAME).look()

    def health(self) -> HealthReport:
        """Report on the store and the servers, from memory.

        The address that is tried because none is configured counts only while somebody answers there.
        """
        expected = (view for view in self.servers if view.configured or view.state != "offline")
        servers = tuple(ServerHealth(view.name, view.state, view.since, view.fault) for view in expected)
        return HealthReport(self._parts.database.healthy, self._parts.database.last_fault, servers)

    async def backup(self, destination: Path) -> None:
        """Write a consistent copy of the database while the app runs.

        Raises:
            StoreError: The destination exists or cannot be written.
        """
        await asyncio.to_thread(backup, self._parts.database, destination)

    async def _call(self, request: ModelRequest, choice: Choice, emit: Emit) -> Outcome:
        server = self.pool.get(choice.server)
        model = server.view.model(request.model)
        cold = {"loaded": False, "not_loaded": True}.get(model.state) if model else None
        route = Route(
            server.view.name,
            model.quantisation if model else None,
            server.view.runtime or server.view.kind or None,
            cold,
        )
        emit(opening(request, route))
        async with (
            server.lane.slot(lambda place: emit(Progress("queued", position=place))),
            server.watch_load(request.model, emit),
        ):
            return await run_turn(server.client, request, emit)

    async def settle(self) -> None:
        """Look at all servers for the first time, and start the demo engine where the settings want it."""
        await self.look_at_servers()
        found = any(view.state != "offline" for view in self.servers)
        if self.settings.demo == "auto" and not self.settings.servers and not found and demo_available():
            try:
                await self.start_demo()
            except ApeHostError as error:
                _log.warning("the demo engine did not start: %s", error)

    async def keep_looking(self) -> None:
        """Look at the servers again and again, until cancelled."""
        while True:
            await asyncio.sleep(self.settings.refresh_s)
            await self.look_at_servers()

    async def keep_saving(self) -> None:
        """Record endings that a failing store refused as soon as it takes writes again, until cancelled."""
        while True:
            await asyncio.sleep(_UNSAVED_RETRY_S)
            await self.hub.record_unsaved()
            if not self._parts.database.healthy:
                with contextlib.suppress(StoreError):
                    await asyncio.to_thread(self._parts.database.probe)

    async def close(self) -> None:
        """Stop the live runs and wait until their endings are durable."""
        await self._exchange.close()
        await self.hub.close()


@asynccontextmanager
async def open_host(settings: Settings) -> AsyncGenerator[Host, None]:
    """Open the store, the servers and the demo engine, and close them in reverse order.

    Raises:
        StoreError: The database cannot be opened; the fault says what to do.
    """
    async with AsyncExitStack() as stack:
        database = await asyncio.to_thread(_open_database, settings)
        stack.push_async_callback(asyncio.to_thread, database.close)
        interrupted = await asyncio.to_thread(close_interrupted, database)
        if interrupted:
            _log.info("%d runs of the last process were closed as interrupted", interrupted)
        watchdogs = Watchdogs(
            connect_s=settings.connect_timeout_s,
            first_byte_s=settings.first_byte_timeout_s,
            between_chunks_s=settings.stall_timeout_s,
        )
        await asyncio.to_thread(Conversations(database).empty_trash)
        http = await stack.enter_async_context(open_http(watchdogs))
        demo = DemoEngine(threads=settings.demo_threads)
        stack.push_async_callback(demo.stop)
        parts = Parts(database, lambda endpoint: LmStudioClient(endpoint, http, watchdogs), Pool(), demo)
        for server in _configured(settings, parts):
            parts.pool.add(server)
        host = Host(settings, parts)
        stack.push_async_callback(host.close)
        for work in (host.settle(), host.keep_looking(), host.keep_saving()):
            _run_until_closed(stack, work)
        yield host


def _open_database(settings: Settings) -> Database:
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Database.open(settings.database_path, memory_limit=settings.database_memory)


def _configured(settings: Settings, parts: Parts) -> list[Server]:
    """Return the servers of the settings; without any, LM Studio's default address on this computer."""
    servers: list[Server] = []
    for entry in settings.servers:
        endpoint = Endpoint(entry.name, normalise_base_url(entry.url.get_secret_value()), entry.token)
        servers.append(parts.server(endpoint, ServerView(entry.name), parallel=settings.parallel_per_server))
    if not servers:
        view = ServerView(DEFAULT_NAME, configured=False)
        endpoint = Endpoint(DEFAULT_NAME, _DEFAULT_URL, settings.default_token)
        servers.append(parts.server(endpoint, view, parallel=settings.parallel_per_server))
    return servers


def _run_until_closed(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)
