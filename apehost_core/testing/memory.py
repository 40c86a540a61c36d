"""What a simulated server has in memory: instances, the loads that make them, and what they push out.

Every load that is begun is recorded, also one that fails at once. A load is a task of the server's own: nobody who
goes away stops it. Sources: api notes 1.2.7, 1.7, 1.9.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from apehost_core.testing.models import SimModel

InstanceHow = Literal["jit", "explicit"]
"""Who wanted an instance: a request for an answer, or a load (also the loads before the start)."""

LoadHow = Literal["jit", "explicit", "native"]
"""What began a load: a chat completion, the load endpoint, or the native chat."""

DEFAULT_TTL_S = 3600.0
GUARDRAIL = (
    "Model loading was stopped due to insufficient system resources. "
    "Loading it is likely to overload your system and cause it to freeze."
)
CANCELLED = "Operation canceled."


class LoadFailed(Exception):
    """A load that came to nothing; its text is the server's."""


class Broken(Exception):
    """Raised on purpose to break a connection in the middle of an answer."""


@dataclass(slots=True, eq=False)
class SimInstance:
    """A model in memory.

    Attributes:
        id: What it can be asked for by: the key, then `key:2` and so on.
        key: The model's.
        context: Tokens that fit.
        how: Who wanted it; only "jit" ones are evicted.
        parallel: Answers at once, as it says.
        ttl_s: Seconds of idleness that it was loaded for; None for ever. It is kept anyway.
        peak: The most answers it ever wrote at once.
        gone: It is not in memory any more.
    """

    id: str
    key: str
    context: int
    how: InstanceHow
    parallel: int
    ttl_s: float | None = None
    peak: int = 0
    gone: bool = False
    _answers: set[asyncio.Future[None]] = field(default_factory=set[asyncio.Future[None]], repr=False)

    @property
    def answering(self) -> int:
        """How many answers it writes now."""
        return len(self._answers)

    def answer(self) -> "Answering":
        """Begin to write one answer; it is to be closed."""
        dropped = asyncio.get_running_loop().create_future()
        self._answers.add(dropped)
        self.peak = max(self.peak, len(self._answers))
        return Answering(self, dropped)

    def ends(self, dropped: asyncio.Future[None]) -> None:
        """Have written an answer."""
        self._answers.discard(dropped)

    def drop(self) -> None:
        """Take it out of memory; its answers break off."""
        self.gone = True
        for dropped in self._answers:
            if not dropped.done():
                dropped.set_result(None)


@dataclass(frozen=True, slots=True)
class Answering:
    """One answer of an instance."""

    instance: SimInstance
    _dropped: asyncio.Future[None]

    async def pause(self, seconds: float) -> None:
        """Wait; 0 lets others go on.

        Raises:
            Broken: The instance is not in memory any more.
        """
        if seconds > 0 and not self.instance.gone:
            await asyncio.wait({self._dropped}, timeout=seconds)
        else:
            await asyncio.sleep(0)
        if self.instance.gone:
            raise Broken

    async def for_ever(self) -> None:
        """Wait until the instance is dropped, and break."""
        if not self.instance.gone:
            await asyncio.wait({self._dropped})
        raise Broken

    def close(self) -> None:
        """Have written it, or not: nothing more comes."""
        self.instance.ends(self._dropped)


@dataclass(slots=True, eq=False)
class SimLoad:
    """A load that was begun; times on the monotonic clock.

    Attributes:
        key: The model's.
        instance: Id of the instance that it makes.
        how: What began it.
        context: Tokens that are to fit.
        at_ns: When it began.
        ended_ns: When it ended, well or not; None while it lasts.
        failed: What was said when it failed.
    """

    key: str
    instance: str
    how: LoadHow
    context: int
    at_ns: int = field(default_factory=time.perf_counter_ns)
    ended_ns: int | None = None
    failed: str | None = None

    @property
    def seconds(self) -> float:
        """How long it took, or takes until now."""
        return ((self.ended_ns or time.perf_counter_ns()) - self.at_ns) / 1e9

    def end(self, failed: str | None = None) -> None:
        """Note how it ended."""
        self.ended_ns, self.failed = time.perf_counter_ns(), failed


@dataclass(frozen=True, slots=True)
class Loading:
    """A load under way. Several may wait for it.

    Attributes:
        record: What is known about it.
        task: Gives the instance, or what was said when it failed.
        superseded: Done when something took the place that it loads into.
    """

    record: SimLoad
    task: asyncio.Task[SimInstance | str]
    superseded: asyncio.Future[None]

    async def wait(self) -> SimInstance:
        """Return the instance; who stops waiting does not stop the load.

        Raises:
            LoadFailed: It came to nothing.
        """
        outcome = await asyncio.shield(self.task)
        if isinstance(outcome, str):
            raise LoadFailed(outcome)
        return outcome


class Memory:
    """The instances of one server.

    Attributes:
        instances: What is in memory, by id.
        loads: Every load that was begun, oldest first.
        auto_evict: Loading for a request drops what was loaded for other requests, in mid-answer too.
        fits: Most instances at once; None: any number.
        races: Requests that come while their model loads begin loads of their own, instead of waiting.
    """

    def __init__(self, *, auto_evict: bool = False, fits: int | None = None, races: bool = False) -> None:
        self.instances: dict[str, SimInstance] = {}
        self.loads: list[SimLoad] = []
        self.auto_evict = auto_evict
        self.fits = fits
        self.races = races
        self._underway: list[Loading] = []

    def restart(self, models: Iterable[SimModel]) -> None:
        """Lose everything and every load under way, then hold one instance of each of these, without a load."""
        self._free(keep=None, how=("jit", "explicit", "native"))
        for model in models:
            self.instances[model.key] = SimInstance(model.key, model.key, model.context, "explicit", model.parallel)

    def of(self, key: str) -> list[SimInstance]:
        """Return the instances of a model, oldest first."""
        return [instance for instance in list(self.instances.values()) if instance.key == key]

    def for_request(
        self,
        model: SimModel,
        how: LoadHow,
        *,
        name: str,
        context: int | None = None,
        ttl_s: float = DEFAULT_TTL_S,
    ) -> SimInstance | Loading:
        """Return the instance that serves a request, or the load that makes it.

        Args:
            model: The one that is asked for.
            how: "jit" or "native".
            name: What it was asked for by: where this is an instance's id, that one serves.
            context: Tokens that are to fit if it is loaded; None takes the model's. One in memory stays as it is.
            ttl_s: Kept on the instance if it is loaded.

        Raises:
            LoadFailed: It does not fit.
        """
        held = self.of(model.key)
        if held:
            return next((instance for instance in held if instance.id == name), held[0])
        same = [loading for loading in self._waitable() if loading.record.key == model.key]
        return same[0] if same and not self.races else self.begin(model, how, context=context, ttl_s=ttl_s)

    def begin(
        self, model: SimModel, how: LoadHow, *, context: int | None = None, ttl_s: float | None = None
    ) -> Loading:
        """Begin a load of one more instance.

        Raises:
            LoadFailed: It does not fit.
        """
        if self.auto_evict and how != "explicit":
            self._free(keep=model.key, how=("jit", "native"))
        record = SimLoad(model.key, self._next_id(model.key), how, context or model.context)
        self.loads.append(record)
        if self.fits is not None and len(self.instances) + len(self._waitable()) >= self.fits:
            record.end(GUARDRAIL)
            raise LoadFailed(GUARDRAIL)
        superseded = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._load(model, record, superseded, ttl_s))
        loading = Loading(record, task, superseded)
        self._underway.append(loading)
        return loading

    def unload(self, instance_id: str) -> bool:
        """Take an instance out of memory; returns whether there was one."""
        instance = self.instances.pop(instance_id, None)
        if instance is not None:
            instance.drop()
        return instance is not None

    async def _load(
        self, model: SimModel, record: SimLoad, superseded: asyncio.Future[None], ttl_s: float | None
    ) -> SimInstance | str:
        try:
            await asyncio.wait({superseded}, timeout=model.load_s)
        finally:
            self._underway = [loading for loading in self._underway if loading.record is not record]
            record.end(CANCELLED)
        if superseded.done():
            return CANCELLED
        record.end(model.load_fails)
        if model.load_fails is not None:
            return model.load_fails
        how: InstanceHow = "explicit" if record.how == "explicit" else "jit"
        made = SimInstance(record.instance, model.key, record.context, how, model.parallel, ttl_s)
        self.instances[made.id] = made
        return made

    def _waitable(self) -> list[Loading]:
        return [loading for loading in self._underway if not loading.superseded.done()]

    def _free(self, *, keep: str | None, how: tuple[LoadHow, ...]) -> None:
        """Drop the instances that came in one of these ways, and end the loads, except those of one model."""
        for instance in list(self.instances.values()):
            if instance.key != keep and instance.how in how:
                self.unload(instance.id)
        for loading in self._waitable():
            if loading.record.key != keep and loading.record.how in how:
                loading.superseded.set_result(None)

    def _next_id(self, key: str) -> str:
        taken = {*self.instances, *(loading.record.instance for loading in self._waitable())}
        number = 1
        while (name := key if number == 1 else f"{key}:{number}") in taken:
            number += 1
        return name
