"""One server: its client, its lane, its loads, and what is known of it. Pages get a composed, immutable view.

Looks happen behind, each server on its own, so a dead one slows nothing; a request that fails or succeeds where the
opposite was expected causes a look at once.
"""

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from apehost_core.errors import Fault, InputRefused, ServerError
from apehost_core.lmstudio import Identity, LmStudioClient, RequestLog
from apehost_core.model import ModelInfo
from apehost_core.servers.breaker import UNREACHABLE, Breaker
from apehost_core.servers.catalog import find_model
from apehost_core.servers.config import ServerConfig
from apehost_core.servers.downloads import Downloads
from apehost_core.servers.health import Condition, next_look_s, told, unwell, well
from apehost_core.servers.lanes import Lane, Rules
from apehost_core.servers.loading import GaveUp, Loads
from apehost_core.servers.views import LoadView, ServerState, ServerView

DEFAULT_PARALLEL = 4  # what LM Studio gives an instance (api notes 1.9)
_KINDS = {
    "lm_studio": "LM Studio",
    "llama.cpp": "llama.cpp",
    "ollama": "Ollama",
    "openai_compatible": "OpenAI-compatible",
}


@dataclass(frozen=True, slots=True)
class Manners:
    """How a server is treated, beside what its configuration says.

    Attributes:
        interval_s: Between two looks while it is well.
        parallel: Requests it is given at a time; None learns it from the server.
        runtime: Engine name and version where it is known beforehand.
        host: What may be shown of its address; None shows nothing.
    """

    interval_s: float = 10.0
    parallel: int | None = None
    runtime: str | None = None
    host: str | None = None


class Server:
    """One server. Lives on the event loop; `view` may be read from any thread."""

    def __init__(self, config: ServerConfig, client: LmStudioClient, log: RequestLog, manners: Manners) -> None:
        self.config = config
        self.client = client
        self.log = log
        self.breaker = Breaker()
        self.loads = Loads(client, self.listing, self._load_ended)
        self.downloads = Downloads(client, self.listing)
        rules = Rules(self._is_ready, self._stays, lambda: self.loads.keys)
        self.lane = Lane(config.parallel or manners.parallel or DEFAULT_PARALLEL, rules)
        self.lane.swaps = config.swaps
        self._manners = manners
        self._condition = Condition()
        self._identity: Identity | None = None
        self._models: tuple[ModelInfo, ...] = ()
        self._looking: asyncio.Task[None] | None = None
        self._next_look_at: datetime | None = None
        self._wake = asyncio.Event()
        self._held_until = 0.0
        self._learned = DEFAULT_PARALLEL
        self._queued_loads: dict[str, LoadView] = {}
        self._background: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """What people call it."""
        return self.config.name

    @property
    def kind(self) -> str:
        """What answers there, in words; empty when unknown."""
        return _KINDS.get(self._identity.kind, "") if self._identity else ""

    @property
    def runtime(self) -> str | None:
        """What is known beforehand of what runs its models: engine and version, else what answers there."""
        return self._manners.runtime or self.kind or None

    @property
    def _width(self) -> int:
        return self.config.parallel or self._manners.parallel or self._learned

    @property
    def view(self) -> ServerView:
        """What is known of it."""
        condition, config, traffic = self._condition, self.config, self.lane.traffic
        resting_s = self.breaker.resting_s
        loading = self.loads.keys
        return ServerView(
            name=config.name,
            state=self._state(),
            since=condition.since,
            checked_at=condition.checked_at,
            next_check_at=self._next_look_at if config.enabled else None,
            latency_ms=condition.latency_ms,
            latencies=condition.latencies,
            kind=self.kind,
            runtime=self._manners.runtime,
            models=tuple(replace(m, state="loading") if m.key in loading else m for m in self._models),
            fault=condition.fault,
            origin=config.origin,
            host=self._manners.host,
            has_token=config.token is not None,
            swaps=config.swaps,
            traffic=traffic,
            resting_until=datetime.now(UTC) + timedelta(seconds=resting_s) if resting_s else None,
            loads=(*tuple(self._queued_loads.values()), *self.loads.views),
            downloads=self.downloads.views,
        )

    def model(self, key: str) -> ModelInfo | None:
        """Return what it lists under a key or an instance's id; None when it lists neither."""
        return find_model(self._models, key)

    def reconfigure(self, config: ServerConfig, client: LmStudioClient) -> None:
        """Go on under another configuration of the same address: who waits, loads or answers is not disturbed."""
        self.config = config
        self.client = self.loads.client = self.downloads.client = client
        self.lane.swaps = config.swaps
        self.lane.widen(config.parallel or self._manners.parallel or self._learned)
        self._wake.set()

    async def look(self) -> None:
        """Ask the server what it is and what it has; the answer, or the fault, becomes its condition."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name=f"look at {self.name}")
        await asyncio.shield(self._looking)

    async def keep_looking(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            pause_s = next_look_s(self._condition, datetime.now(UTC), self._manners.interval_s, random.random())
            await self._pause(pause_s)
            while (held_s := self._held_until - time.monotonic()) > 0:
                await self._pause(held_s)

    async def _pause(self, seconds: float) -> None:
        """Wait until the next look, or until something makes it worth while."""
        self._next_look_at = datetime.now(UTC) + timedelta(seconds=seconds)
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._next_look_at = None

    async def listing(self) -> tuple[ModelInfo, ...]:
        """Read what it has now.

        Raises:
            ServerError: It did not say.
        """
        models = await self.client.models()
        self._take(models)
        return models

    def reached(self) -> None:
        """Take note that it has begun to answer a request; where that is news, it is looked at."""
        if self._condition.state != "online":
            self._wake.set()

    def succeeded(self) -> None:
        """Take note that it has answered a request to the end."""
        self.breaker.succeeded()

    def failed(self, fault: Fault) -> None:
        """Take note that a request failed; what that says about the server is known at once."""
        self.breaker.failed(fault.kind)
        if fault.kind in UNREACHABLE or fault.kind in ("rate_limited", "unauthorized", "forbidden"):
            self._condition = told(self._condition, datetime.now(UTC), fault, has_token=self.config.token is not None)
        if fault.kind == "rate_limited":
            self._held_until = time.monotonic() + (fault.retry_after_s or 0)
        else:
            self._wake.set()

    def load(self, key: str, context: int | None) -> None:
        """Have a model loaded to stay; goes on by itself, and is seen in the view.

        It takes its turn in the lane, so it never throws out a model that answers, unless swaps are allowed.
        """
        if key in self._queued_loads or key in self.loads.keys:
            return
        self.loads.forget_failure(key)
        self._queued_loads[key] = LoadView(key, context, datetime.now(UTC))
        task = asyncio.create_task(self._load(key, context), name=f"load of {key} on {self.name}")
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def unload(self, instance: str) -> None:
        """Let a loaded copy of a model go.

        Raises:
            InputRefused: It is answering.
            ServerError: The server refused.
        """
        model = self.model(instance)
        answering = self.lane.answering(model.key) if model else 0
        if answering:
            title = f"{instance} is writing {answering} answer{'s' if answering > 1 else ''}"
            raise InputRefused(Fault(kind="busy", title=title, advice="Stop them or wait, then unload it."))
        await self.loads.unload(instance)

    async def retire(self) -> None:
        """Let those finish who are answered or wait, and end."""
        await self.downloads.close()
        await self.lane.idle.wait()
        await self.close()

    async def close(self) -> None:
        """End what goes on behind."""
        tasks = (*self._background, *([self._looking] if self._looking else []))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loads.close()
        await self.downloads.close()

    async def _look(self) -> None:
        begun = time.perf_counter()
        now_or_before = self._condition
        try:
            if self._identity is None or now_or_before.state != "online":
                self._identity = await self.client.identify()
            models = await self.client.models()
        except ServerError as error:
            has_token = self.config.token is not None
            self._condition = unwell(self._condition, datetime.now(UTC), error.fault, has_token=has_token)
            return
        self._condition = well(self._condition, datetime.now(UTC), (time.perf_counter() - begun) * 1000)
        self.breaker.reachable()
        self._take(models)

    def _take(self, models: tuple[ModelInfo, ...]) -> None:
        self._models = models
        told_by_server = [i.parallel for model in models for i in model.instances if i.parallel]
        self._learned = max(told_by_server, default=DEFAULT_PARALLEL)
        self.lane.widen(self._width)
        self.lane.look_again()

    async def _load(self, key: str, context: int | None) -> None:
        def moved_up(position: int) -> None:
            self._queued_loads[key] = replace(self._queued_loads[key], position=position)

        try:
            async with self.lane.place(key, moved_up, load_only=True) as place:
                self._queued_loads.pop(key, None)
                await self._ensured(key, context)
                place.loaded()
        finally:
            self._queued_loads.pop(key, None)

    async def _ensured(self, key: str, context: int | None) -> None:
        with suppress(ServerError):  # kept, and shown, by the loads
            while True:
                try:
                    await self.loads.ensure(key, context, lambda _fraction: None, on_purpose=True)
                except GaveUp:  # a request was loading it, and has ended
                    continue
                return

    def _load_ended(self) -> None:
        self.lane.look_again()

    def _state(self) -> ServerState:
        if not self.config.enabled:
            return "disabled"
        if self._condition.state != "online":
            return self._condition.state
        if self.loads.keys:
            return "loading"
        traffic = self.lane.traffic
        return "busy" if traffic.in_flight >= traffic.width else "online"

    def _is_ready(self, key: str) -> bool:
        model = self.model(key)
        return model is None or model.state != "not_loaded"

    def _stays(self, key: str) -> bool:
        model = self.model(key)
        return model is not None and self.loads.stays(model)
