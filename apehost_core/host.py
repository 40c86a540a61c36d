"""The wired parts, with the verbs that the pages and the API use. The only file that knows every part.

`open_host` is an async context manager: what it opens is closed in reverse order, live runs included. All
coroutines run on the loop that opened the host; properties may be read from any thread.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from apehost_core.chat.exchange import Choice, Exchange, Sent
from apehost_core.compare.lab import Lab
from apehost_core.demo import PARALLEL, Address, DemoEngine, demo_available
from apehost_core.errors import ApeHostError, ConfigError, Fault, StoreError
from apehost_core.lmstudio import (
    Endpoint,
    Http,
    LmStudioClient,
    RequestLog,
    RequestRecord,
    Watchdogs,
    normalise_base_url,
    open_http,
)
from apehost_core.model import ModelInfo, Preferences
from apehost_core.runs.hub import Hub
from apehost_core.runs.live_run import LiveRun
from apehost_core.runs.run import Generation
from apehost_core.servers import (
    Dispatcher,
    Manners,
    Pool,
    Registry,
    Server,
    ServerConfig,
    ServerFile,
    ServerView,
)
from apehost_core.servers.facts import LabServers
from apehost_core.servers.profiles import Effective, effective
from apehost_core.settings import ServerEntry, Settings
from apehost_core.store.archive import History, open_history
from apehost_core.store.audit import record_change
from apehost_core.store.backup import backup
from apehost_core.store.care_rules import empty_trash
from apehost_core.store.care_swap import settle_swap
from apehost_core.store.comparisons import Comparisons
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.history import CallKind, GenerationRow, count_generations, recent_generations
from apehost_core.store.interrupted import close_interrupted
from apehost_core.store.lab import LabStore
from apehost_core.store.library import Library
from apehost_core.store.profiles import Profiles
from apehost_core.store.recorder import DuckRecorder
from apehost_core.store.requests import CallRow, Inspection, calls_of, generations_on, inspect

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
    http: Http
    watchdogs: Watchdogs
    settings: Settings
    demo: DemoEngine
    history: History

    def connect(self, config: ServerConfig, log: RequestLog | None = None) -> LmStudioClient:
        """Return a client of a server, on the shared connections."""
        endpoint = Endpoint(config.name, config.base_url.get_secret_value(), config.token)
        return LmStudioClient(endpoint, self.http, self.watchdogs, log)

    def server(self, config: ServerConfig, *, runtime: str | None = None, parallel: int | None = None) -> Server:
        """Return a server."""
        log = RequestLog()
        host = urlsplit(config.base_url.get_secret_value()).netloc if self.settings.show_hosts else None
        manners = Manners(self.settings.refresh_s, parallel or self.settings.parallel_per_server, runtime, host)
        return Server(config, self.connect(config, log), log, manners)


class Host:
    """Everything that lives as long as the process. Made by `open_host`."""

    def __init__(self, settings: Settings, parts: "Parts") -> None:
        self.settings = settings
        self.pool = Pool()
        audit = partial(record_change, parts.database)
        file = ServerFile(settings.data_dir)
        self.registry = Registry(self.pool, file, parts.server, parts.connect, audit, reserved=(DEMO_NAME,))
        self.hub = Hub(DuckRecorder(parts.database))
        self.conversations = Conversations(parts.database)
        self.library = Library(parts.database, self.conversations.listed_anew)
        self.profiles = Profiles(parts.database)
        self.control_key = SecretStr(secrets.token_urlsafe(32))
        self.demo = parts.demo
        self.history = parts.history
        self._parts = parts
        self._dispatcher = Dispatcher(self.pool)
        self._exchange = Exchange(
            self.conversations,
            self.hub,
            self._dispatcher.call,
            prefer=lambda choice, own: self.effective(choice, own).preferences,
            max_prompt_bytes=settings.max_prompt_bytes,
            names_chats=self._may_name,
        )
        self.lab = Lab(LabStore(parts.database), LabServers(self.pool, self._dispatcher), self.hub)

    @property
    def servers(self) -> tuple[ServerView, ...]:
        """What is known of every server, from memory."""
        return self.pool.views

    async def send(
        self, text: str, choice: Choice, conversation_id: str | None = None, settings: Preferences | None = None
    ) -> Sent:
        """Store a message and start its answer; see `Exchange.send`."""
        return await self._exchange.send(text, choice, conversation_id, settings)

    async def retry(self, choice: Choice, conversation_id: str) -> Sent:
        """Answer the last question once more; see `Exchange.retry`."""
        return await self._exchange.retry(choice, conversation_id)

    def effective(self, choice: Choice, own: Preferences) -> Effective:
        """Return what an answer in a chat with such settings would use, and where each value comes from."""
        return effective(own, self.profiles.list(), choice.model, self.listed(choice))

    def listed(self, choice: Choice) -> ModelInfo | None:
        """Return the chosen model as the first server that it may be asked of lists it; None when none does."""
        able = [view for view in self.servers if choice.server in (view.name, None)]
        return next(filter(None, (view.model(choice.model) for view in able)), None)

    async def go_on(self, choice: Choice, conversation_id: str) -> Sent:
        """Have the last answer continued where it broke off; see `Exchange.go_on`."""
        return await self._exchange.go_on(choice, conversation_id)

    async def cancel(self, run_id: str) -> bool:
        """Stop a run. False when it is not live."""
        return self.hub.cancel(run_id)

    def live_answer(self, conversation_id: str) -> LiveRun | None:
        """Return the answer that is being written in a conversation, or that could not be saved."""
        runs = [run for run in self.hub.live_in(conversation_id) if run.spec.kind == "chat"]
        return runs[-1] if runs else None

    def recent_generations(self, limit: int, kind: CallKind | None = None) -> list[GenerationRow]:
        """Return the latest model calls of one kind or (None) of all, newest first. Blocks; call it off the loop."""
        return recent_generations(self._parts.database, limit, kind)

    def count_generations(self) -> dict[CallKind, int]:
        """Return how many model calls there are of each kind. Blocks; call it off the loop."""
        return count_generations(self._parts.database)

    def inspect(self, generation_id: str) -> Inspection | None:
        """Return how a model call came to be; None when there is none of that id. Blocks; call it off the loop."""
        return inspect(self._parts.database, generation_id)

    def calls_of(self, run_id: str) -> tuple[Generation, ...]:
        """Return the model calls of a run that has ended, in order. Blocks; call it off the loop."""
        return calls_of(self._parts.database, run_id)

    def generations_on(self, server: str, limit: int) -> list[CallRow]:
        """Return the latest model calls of a server, newest first. Blocks; call it off the loop."""
        return generations_on(self._parts.database, server, limit)

    async def look_at_servers(self) -> None:
        """Look at all servers now."""
        await self.pool.look_at_all()

    async def look_at(self, server: str) -> None:
        """Look at one server now. Raises ServerError when there is none, or it is off; so do the verbs below."""
        await self.pool.get_enabled(server).look()

    async def load_model(self, server: str, key: str, context: int | None = None) -> None:
        """Have a server load a model to stay; how far it is stands in the server's view."""
        self.pool.get_enabled(server).load(key, context)

    async def forget_load(self, server: str, key: str) -> None:
        """Stop showing that a load failed."""
        self.pool.get(server).loads.forget_failure(key)

    async def forget_download(self, server: str, model: str) -> None:
        """Stop showing a download."""
        self.pool.get(server).downloads.forget(model)

    async def unload_model(self, server: str, instance: str) -> None:
        """Unload a loaded copy of a model.

        Raises:
            InputRefused: It is answering.
            ServerError: The server refused.
        """
        await self.pool.get_enabled(server).unload(instance)

    async def download_model(self, server: str, model: str, quantisation: str | None = None) -> None:
        """Have a server download a model; how far it is stands in the server's view.

        Raises:
            ServerError: The server refused.
        """
        await self.pool.get_enabled(server).downloads.start(model, quantisation)

    def requests_to(self, server: str) -> tuple[RequestRecord, ...]:
        """Return the last requests to a server, newest first; none when there is no such server."""
        found = self.pool.find(server)
        return found.log.records if found else ()

    async def start_demo(self) -> None:
        """Start the demo engine and take it in as a server; at once when it is already there.

        Raises:
            EngineError: It cannot start; the fault says what is missing.
        """
        await self.demo.start(self._demo_moved)

    async def _demo_moved(self, address: Address | None) -> None:
        """Take the demo engine in where it now listens; None: it has died, and its view shall say so."""
        if address is not None:
            config = ServerConfig(DEMO_NAME, SecretStr(address.base_url), address.key, "demo")
            self.pool.add(self._parts.server(config, runtime=address.runtime, parallel=PARALLEL))
        await self.pool.get(DEMO_NAME).look()

    def health(self) -> HealthReport:
        """Report on the store and the servers, from memory.

        The address that is tried because none is configured counts only while somebody answers there; a server that
        is switched off does not count.
        """
        expected = (v for v in self.servers if v.state != "disabled" and (v.configured or v.state != "offline"))
        servers = tuple(ServerHealth(view.name, view.state, view.since, view.fault) for view in expected)
        return HealthReport(self._parts.database.healthy, self._parts.database.last_fault, servers)

    async def backup(self, destination: Path) -> None:
        """Write a consistent copy of the database while the app runs.

        Raises:
            StoreError: The destination exists or cannot be written.
        """
        await asyncio.to_thread(backup, self._parts.database, destination)

    def _may_name(self, server: str, model: str) -> bool:
        """Whether a model may be asked for a title: where it is loaded, and where nobody has to wait for it."""
        view = next((view for view in self.servers if view.name == server and not view.demo), None)
        known = view.model(model) if view else None
        if view is None or (known is not None and known.state in ("not_loaded", "loading")):
            return False
        return not view.traffic.queued and view.traffic.in_flight < view.traffic.width

    async def settle(self) -> None:
        """Look at all servers for the first time, and start the demo engine where the settings want it."""
        await self.look_at_servers()
        found = any(view.state not in ("offline", "unknown") for view in self.servers)
        if self.settings.demo == "auto" and not self.settings.servers and not found and demo_available():
            try:
                await self.start_demo()
            except ApeHostError as error:
                _log.warning("the demo engine did not start: %s", error)

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
        await self.lab.close()
        await self._exchange.close()
        await self.hub.close()
        await self.pool.close()


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
        await asyncio.to_thread(_tidy, database)
        http = await stack.enter_async_context(open_http(watchdogs))
        demo = DemoEngine(threads=settings.demo_threads)
        stack.push_async_callback(demo.stop)
        opening = open_history(database, settings.data_dir, watched=settings.lmstudio_folder)
        history = await asyncio.to_thread(opening.__enter__)
        stack.push_async_callback(asyncio.to_thread, opening.__exit__, None, None, None)
        host = Host(settings, Parts(database, http, watchdogs, settings, demo, history))
        stack.push_async_callback(host.close)
        await host.registry.open(*_named(settings))
        with contextlib.suppress(StoreError):  # whoever needs them is told; chats and history do without
            await asyncio.to_thread(host.profiles.list)
        for work in (host.settle(), host.keep_saving()):
            _run_until_closed(stack, work)
        yield host


def _open_database(settings: Settings) -> Database:
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    settle_swap(settings.database_path, memory_limit=settings.database_memory)
    return Database.open(settings.database_path, memory_limit=settings.database_memory)


def _tidy(database: Database) -> None:
    """Empty the trash, and call those comparisons paused that the last process was working on."""
    try:
        empty_trash(database)
    except StoreError as error:  # rules that cannot be read delete nothing
        _log.warning("the trash was not emptied: %s", error)
    Comparisons(database).close_running()


def _named(settings: Settings) -> tuple[list[ServerConfig], ServerConfig]:
    """Return the servers of the settings, and what is tried when there are none: LM Studio's default address here."""
    named = [ServerConfig(entry.name, SecretStr(_root(entry)), entry.token) for entry in settings.servers]
    return named, ServerConfig(DEFAULT_NAME, SecretStr(_DEFAULT_URL), settings.default_token, "default")


def _root(entry: ServerEntry) -> str:
    try:
        return normalise_base_url(entry.url.get_secret_value())
    except ValueError as error:
        title = f"The address of server {entry.name!r} cannot be understood"
        advice = f"{str(error).capitalize()}. Mend it in APEHOST_SERVERS or LMSTUDIO_SERVERS."
        raise ConfigError(Fault(kind="config", title=title, advice=advice)) from None


def _run_until_closed(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)
