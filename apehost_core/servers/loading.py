"""The loads of one server: one at a time, each model once, shared by all who wait for it.

Before anything is loaded the server's listing is read, so that a model that is there already (somebody else loaded it)
is taken as it is; afterwards it is read again, and a second copy that came about in a race is let go. A load goes on
when those who waited for it leave: the server would go on too.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from apehost_core.errors import Fault, ModelNotFound, ServerError, ServerProtocolError, ServerTimeout
from apehost_core.lmstudio import LmStudioClient
from apehost_core.model import ModelInfo
from apehost_core.servers.views import LoadView

OnProgress = Callable[[float | None], None]
"""Told the fraction, 0-1; None when the server does not tell it."""
Listing = Callable[[], Awaitable[tuple[ModelInfo, ...]]]


@dataclass(frozen=True, slots=True)
class Ready:
    """A model that can answer now.

    Attributes:
        waited_ms: For the load; None when the model was there.
        context: Tokens it was loaded with; None when not told.
    """

    waited_ms: float | None = None
    context: int | None = None


class GaveUp(Exception):
    """The request that was to make the server load a model ended before it had."""


@dataclass(slots=True, eq=False)
class _Job:
    """A load under way."""

    key: str
    context: int | None
    usual_s: float | None
    done: asyncio.Future[Ready]
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    fraction: float | None = None
    listeners: list[OnProgress] = field(default_factory=list[OnProgress])
    work: asyncio.Task[None] | None = None
    begun: bool = False

    def progress(self, fraction: float) -> None:
        """Tell everybody who waits how far it is."""
        self.fraction = fraction
        for listener in tuple(self.listeners):
            listener(fraction)

    def view(self) -> LoadView:
        return LoadView(self.key, self.context, self.started_at, self.fraction, self.usual_s)


class Loads:
    """Loads and unloads models of one server. Lives on the event loop; views may be read from any thread.

    Attributes:
        client: The server's client; another one may take its place at any time.
    """

    def __init__(self, client: LmStudioClient, listing: Listing, on_end: Callable[[], None]) -> None:
        """Make the loads of a server.

        Args:
            client: Its client.
            listing: Reads what it has now; raises ServerError.
            on_end: Told whenever a load has ended, well or not.
        """
        self.client = client
        self._listing = listing
        self._on_end = on_end
        self._one_at_a_time = asyncio.Lock()
        self._jobs: dict[str, _Job] = {}
        self._failed: dict[str, LoadView] = {}
        self._took_s: dict[str, float] = {}
        self._kept: set[str] = set()

    @property
    def views(self) -> tuple[LoadView, ...]:
        """What is being loaded, and what could not be loaded last."""
        return (*(job.view() for job in tuple(self._jobs.values())), *tuple(self._failed.values()))

    @property
    def keys(self) -> frozenset[str]:
        """The models that are being loaded."""
        return frozenset(tuple(self._jobs))

    def stays(self, model: ModelInfo) -> bool:
        """Whether the server keeps a loaded model when it loads another: it was loaded on purpose, not by a request."""
        return any(instance.id in self._kept for instance in model.instances)

    async def ensure(self, key: str, context: int | None, on_progress: OnProgress, *, on_purpose: bool) -> Ready:
        """Return once the model can answer; loads it unless it is there or being loaded.

        Args:
            key: The model.
            context: Tokens to load it with; None leaves them to the server. A loaded model stays as it is.
            on_progress: See OnProgress; called at least once. It must not raise.
            on_purpose: Load it to stay, as the server's own load button does; else as a request does, so that the
                server may unload it when it is idle.

        Raises:
            ServerError: It cannot be loaded.
            GaveUp: It was being loaded by a request that has ended; ask again.
        """
        job = self._jobs.get(key) or self._begin(key, context, on_purpose=on_purpose)
        job.listeners.append(on_progress)
        on_progress(job.fraction)
        try:
            return await asyncio.shield(job.done)
        finally:
            job.listeners.remove(on_progress)
            if not job.listeners and not job.begun and job.work is not None:
                self._jobs.pop(key, None)
                job.work.cancel()  # nobody wants it any more, and the server knows nothing of it yet

    def claim(self, key: str) -> Callable[[bool], None] | None:
        """Let the caller's own request make the server load the model; None when it is being loaded already.

        The caller calls what it gets exactly once, with whether the model was loaded.
        """
        if key in self._jobs:
            return None
        self._failed.pop(key, None)
        job = self._jobs[key] = self._job(key, None)

        def settle(loaded: bool) -> None:
            self._end(job)
            if loaded:
                self._took_s[key] = time.monotonic() - job.began
                job.done.set_result(Ready((time.monotonic() - job.began) * 1000))
            else:
                _fail(job, GaveUp())

        return settle

    async def unload(self, instance: str) -> None:
        """Let an instance go.

        Raises:
            ServerError: The server refused.
        """
        await self.client.native.unload(instance)
        self._kept.discard(instance)
        await self._listing()

    def forget_failure(self, key: str) -> None:
        """Stop showing that a load failed."""
        self._failed.pop(key, None)

    async def close(self) -> None:
        """Stop waiting for the loads under way."""
        works = [job.work for job in self._jobs.values() if job.work is not None]
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)

    def _begin(self, key: str, context: int | None, *, on_purpose: bool) -> _Job:
        self._failed.pop(key, None)
        job = self._jobs[key] = self._job(key, context)
        job.work = asyncio.create_task(self._work(job, on_purpose=on_purpose), name=f"load of {key}")
        return job

    def _job(self, key: str, context: int | None) -> _Job:
        return _Job(key, context, self._took_s.get(key), asyncio.get_running_loop().create_future())

    async def _work(self, job: _Job, *, on_purpose: bool) -> None:
        try:
            async with self._one_at_a_time:
                job.begun = True
                ready = await self._load(job, on_purpose=on_purpose)
        except ServerError as error:
            self._failed[job.key] = _failure(job, error.fault)
            _fail(job, error)
        except asyncio.CancelledError:
            job.done.cancel()
            raise
        except Exception as error:
            _fail(job, error)  # a defect: those who wait hear of it, too
            raise
        else:
            job.done.set_result(ready)
        finally:
            self._end(job)

    def _end(self, job: _Job) -> None:
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]
        self._on_end()

    async def _load(self, job: _Job, *, on_purpose: bool) -> Ready:
        found = _loaded(await self._listing(), job.key)
        if found is not None:
            return Ready(None, found.loaded_context)
        instance: str | None = None
        try:
            if on_purpose:
                instance = await self._load_to_stay(job)
            else:
                instance = await self._load_as_requests_do(job)
        except (ServerTimeout, ServerProtocolError):
            if _loaded(await self._listing(), job.key) is None:  # a second try would make a second copy
                raise
        self._took_s[job.key] = time.monotonic() - job.began
        found = _loaded(await self._listing(), job.key)
        if found is not None and instance is not None:
            await self._no_second(found, instance)
        waited_ms = (time.monotonic() - job.began) * 1000
        return Ready(waited_ms, found.loaded_context if found else job.context)

    async def _load_to_stay(self, job: _Job) -> str:
        loaded = await self.client.native.load(job.key, context_length=job.context)
        self._kept.add(loaded.instance_id)
        return loaded.instance_id

    async def _load_as_requests_do(self, job: _Job) -> str | None:
        """Have the server load the model just in time, which tells its progress; to stay where it does not do that."""
        try:
            await self.client.native.preload(job.key, context_length=job.context, on_progress=job.progress)
        except ModelNotFound:
            return await self._load_to_stay(job)
        return None

    async def _no_second(self, model: ModelInfo, ours: str) -> None:
        """Unload our copy of a model that somebody else has loaded meanwhile."""
        if len(model.instances) > 1 and any(instance.id != ours for instance in model.instances):
            await self.unload(ours)


def _loaded(models: tuple[ModelInfo, ...], key: str) -> ModelInfo | None:
    return next((m for m in models if m.key.casefold() == key.casefold() and m.state == "loaded"), None)


def _fail(job: _Job, error: Exception) -> None:
    job.done.set_exception(error)
    job.done.exception()  # taken here, too: nobody may be left who waits


def _failure(job: _Job, fault: Fault) -> LoadView:
    return LoadView(job.key, job.context, job.started_at, None, job.usual_s, fault=fault)
