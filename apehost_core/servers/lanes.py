"""Who waits for whom on one server: its places, and which model may be loaded when.

First come, first served, with two rules: a server has `width` places, and a model that must be loaded first waits
until no other model is being answered by, because loading it may throw that one out in mid-answer. Requests that
need no load may overtake one that waits for its load, but not for longer than it takes to lose patience with it.

A request that is timed has the server alone: it waits until nobody is answered and nothing is loaded, under the same
rule of patience, and nobody else goes in before it has left.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from apehost_core.servers.views import Traffic

_PATIENCE_S = 10.0
_STALL_S = 60.0

OnWait = Callable[[int], None]
"""Told the place in the queue (1 = next) on joining it and whenever it changes."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a lane asks about models.

    Attributes:
        ready: Whether a model can answer without being loaded first.
        safe: Whether a loaded model stays where another one is loaded.
        loading: The models that the server is loading now, whoever waits for them.
    """

    ready: Callable[[str], bool] = lambda _model: True
    safe: Callable[[str], bool] = lambda _model: False
    loading: Callable[[], Collection[str]] = frozenset


@dataclass(slots=True, eq=False)
class _Waiter:
    model: str
    turn: asyncio.Future[None]
    on_wait: OnWait
    since: float
    place: int = 0
    must_load: bool = False
    load_only: bool = False
    alone: bool = False


class Place:
    """A place on a server, held while its request lasts.

    Attributes:
        must_load: The model is not there yet: whoever holds the place sees to it, then calls `loaded`.
    """

    def __init__(self, *, must_load: bool, end_load: Callable[[], None]) -> None:
        self.must_load = must_load
        self._end_load = end_load
        self._loading = must_load

    def loaded(self) -> None:
        """Say that the model is there (or will not be); others may go on."""
        if self._loading:
            self._loading = False
            self._end_load()


class Lane:
    """The queue in front of one server. Lives on the event loop; counts may be read from any thread.

    Attributes:
        swaps: Models may be loaded while others are being answered by.
        last_sign: Monotonic seconds of the last sign of life.
        idle: Set while nobody is answered and nobody waits.
    """

    def __init__(self, width: int, rules: Rules | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Open the lane.

        Args:
            width: Requests that the server is given at a time.
            rules: What is asked about models; None takes all for loaded.
            clock: Monotonic seconds.
        """
        self._clock = clock
        self.swaps = False
        self.idle = asyncio.Event()
        self.idle.set()
        self.last_sign = self._clock()
        self._width = width
        self._rules = rules or Rules()
        self._running: Counter[str] = Counter()
        self._loads: Counter[str] = Counter()
        self._loads_only: Counter[str] = Counter()
        self._held_alone = False
        self._waiting: list[_Waiter] = []

    @property
    def traffic(self) -> Traffic:
        """What goes on."""
        queued = sum(not waiter.load_only for waiter in tuple(self._waiting))
        silent_s = self._clock() - self.last_sign
        stalled_s = silent_s if queued and silent_s > _STALL_S else None
        width = 1 if self._held_alone else self._width
        return Traffic(width, self._running.total() - self._loads_only.total(), queued, stalled_s)

    @property
    def loading(self) -> bool:
        """Whether a model is being loaded, or a request is about to have one loaded."""
        return self._loads.total() > 0 or len(self._rules.loading()) > 0

    def answering(self, model: str) -> int:
        """Return how many requests a model has; a load that no request waits for is none."""
        return self._running[model] - self._loads_only[model]

    def widen(self, width: int) -> None:
        """Give the server another number of requests at a time."""
        if width != self._width:
            self._width = width
            self.look_again()

    @asynccontextmanager
    async def place(
        self, model: str, on_wait: OnWait, *, load_only: bool = False, alone: bool = False
    ) -> AsyncGenerator[Place, None]:
        """Hold a place while the context lasts; entered when it is this request's turn.

        Args:
            model: The model that it is for.
            on_wait: See OnWait.
            load_only: It is for a load that no request waits for; it takes its turn, and counts as no traffic.
            alone: Nobody else has a place meanwhile.
        """
        waiter = _Waiter(model, asyncio.get_running_loop().create_future(), on_wait, self._clock())
        waiter.load_only, waiter.alone = load_only, alone
        await self._enter(waiter)
        self._loads_only[model] += load_only
        place = Place(must_load=waiter.must_load, end_load=partial(self._end_load, model))
        try:
            yield place
        finally:
            self._leave(waiter)
            self._loads_only[model] -= load_only
            place.loaded()
            self.look_again()

    def look_again(self) -> None:
        """Let through whoever may go now."""
        now = self._clock()
        for waiter in tuple(self._waiting):
            if waiter.turn.done():  # it was cancelled, and its task has not come round to leaving
                self._waiting.remove(waiter)
                continue
            if self._running.total() >= self._width:
                break
            if not self._may_go(waiter):
                if now - waiter.since > _PATIENCE_S:
                    break
                continue
            self._waiting.remove(waiter)
            self._admit(waiter)
            waiter.turn.set_result(None)
        if not self._waiting and not self._running.total():
            self.idle.set()
        self._tell_places()

    async def _enter(self, waiter: _Waiter) -> None:
        """Wait for a place."""
        if not self._waiting and self._running.total() < self._width and self._may_go(waiter):
            self._admit(waiter)
            return
        if not self._waiting and not self._running:
            self.last_sign = self._clock()
        self._waiting.append(waiter)
        self.idle.clear()
        try:
            self.look_again()
            await waiter.turn
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif not waiter.turn.cancelled():  # it was given in the moment in which the request was cancelled
                self._leave(waiter)
                self._loads[waiter.model] -= waiter.must_load
            self.look_again()
            raise

    def _admit(self, waiter: _Waiter) -> None:
        """Give a place."""
        if not self._running.total():
            self.last_sign = self._clock()
        self.idle.clear()
        self._held_alone = waiter.alone
        self._running[waiter.model] += 1
        waiter.must_load = self._loads_now(waiter.model) or not self._rules.ready(waiter.model)
        self._loads[waiter.model] += waiter.must_load

    def _leave(self, waiter: _Waiter) -> None:
        self._running[waiter.model] -= 1
        if waiter.alone:
            self._held_alone = False

    def sign_of_life(self) -> None:
        """Say that the server does something for one of its requests."""
        self.last_sign = self._clock()

    def _may_go(self, waiter: _Waiter) -> bool:
        """Whether a request that has a place would disturb nobody, and nobody it."""
        model = waiter.model
        if self._held_alone or (waiter.alone and self._disturbed(model)):
            return False
        if self.swaps or self._loads_now(model):
            return True
        if self.loading:
            return self._rules.safe(model)  # another model is being loaded, and may throw this one out
        if self._rules.ready(model):
            return True
        return all(self._rules.safe(other) for other, count in self._running.items() if count and other != model)

    def _disturbed(self, model: str) -> bool:
        """Whether the server does anything else than to load that model."""
        return self._running.total() > 0 or any(other != model for other in self._rules.loading())

    def _loads_now(self, model: str) -> bool:
        return self._loads[model] > 0 or model in self._rules.loading()

    def _end_load(self, model: str) -> None:
        self._loads[model] -= 1
        self.look_again()

    def _tell_places(self) -> None:
        for number, waiter in enumerate(self._waiting, start=1):
            if waiter.place != number:
                waiter.place = number
                waiter.on_wait(number)
