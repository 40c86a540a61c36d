"""The queue in front of a server: its places, its order, and which model may be loaded when."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apehost_core.servers.lanes import Lane, Place, Rules

pytestmark = pytest.mark.anyio


@dataclass
class Clock:
    """Seconds that pass when the test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@dataclass(eq=False)
class Caller:
    """Somebody who wants a place, and keeps it until told to leave."""

    lane: Lane
    model: str = "a"
    alone: bool = False
    places: list[int] = field(default_factory=list)
    place: Place | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    async def come(self) -> "Caller":
        """Queue; returns when the lane has decided."""
        self.task = asyncio.create_task(self._stay())
        await turns()
        return self

    async def _stay(self) -> None:
        async with self.lane.place(self.model, self.places.append, alone=self.alone) as self.place:
            await self.gone.wait()

    async def leave(self) -> None:
        """Give the place back."""
        self.gone.set()
        assert self.task is not None
        await self.task
        await turns()

    async def give_up(self) -> None:
        """Be cancelled."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait((self.task,))
        await turns()

    @property
    def inside(self) -> bool:
        """Whether it has got in."""
        return self.place is not None


async def turns() -> None:
    """Let everything that can go on go on."""
    for _ in range(6):
        await asyncio.sleep(0)


@asynccontextmanager
async def callers(lane: Lane, *models: str) -> AsyncGenerator[list[Caller], None]:
    """Callers that have come one after the other; all leave at the end."""
    async with AsyncExitStack() as stack:
        found: list[Caller] = []
        for model in models:
            caller = await Caller(lane, model).come()
            found.append(caller)
            stack.push_async_callback(_end, caller)
        yield found


@asynccontextmanager
async def alone(lane: Lane, model: str) -> AsyncGenerator[Caller, None]:
    """A caller that wants the server alone and has come; it leaves at the end."""
    caller = await Caller(lane, model, alone=True).come()
    try:
        yield caller
    finally:
        await _end(caller)


async def _end(caller: Caller) -> None:
    if caller.task is not None and not caller.task.done():
        await caller.give_up()


def loaded(*models: str) -> Rules:
    """Only these models are loaded; none stays where another one is loaded."""
    return Rules(ready=lambda model: model in models)


async def test_waits_in_order_and_says_its_place() -> None:
    """The one behind the limit waits, hears its place change, and goes in when a place is free."""
    lane = Lane(1)
    async with callers(lane, "a", "a", "a") as (first, second, third):
        assert [True, False, False] == [c.inside for c in (first, second, third)]
        assert (1, 2) == (lane.traffic.in_flight, lane.traffic.queued)
        await first.leave()
        assert (True, False) == (second.inside, third.inside)
        assert ([], [1], [2, 1]) == (first.places, second.places, third.places)
        await second.leave()
        assert third.inside


async def test_cancelled_waiter_leaves_the_queue() -> None:
    """Who gives up waiting neither holds a place nor loses one for the others."""
    lane = Lane(1)
    async with callers(lane, "a", "a", "a") as (first, quitter, third):
        await quitter.give_up()
        assert [2, 1] == third.places
        await first.leave()
        assert third.inside
        await third.leave()
        assert (0, 0) == (lane.traffic.in_flight, lane.traffic.queued)


async def test_place_given_to_a_cancelled_waiter_is_passed_on() -> None:
    """A place that is freed in the moment its next holder is cancelled is not lost, nor is its load."""
    lane = Lane(1, loaded("a"))
    async with callers(lane, "a", "b") as (first, waiter):
        assert waiter.task is not None
        waiter.task.cancel()
        first.gone.set()
        await turns()
        async with callers(lane, "a") as (third,):
            assert third.inside
        assert not lane.loading


async def test_leaving_and_giving_up_in_one_turn() -> None:
    """A waiter that is cancelled in the very turn in which a place is freed neither breaks the leaver nor takes it."""
    lane = Lane(1)
    async with callers(lane, "a", "a", "a") as (first, quitter, third):
        assert first.task is not None
        assert quitter.task is not None
        quitter.task.cancel()
        first.task.cancel()
        await turns()
        assert (True, True) == (first.task.cancelled(), third.inside)
        await third.leave()
        assert (0, 0, True) == (lane.traffic.in_flight, lane.traffic.queued, lane.idle.is_set())


async def test_a_load_nobody_waits_for_still_counts() -> None:
    """A model that goes on being loaded when its requests have left keeps others out, and lets its own in."""
    loading = {"b"}
    lane = Lane(4, Rules(ready=lambda model: model == "a", loading=lambda: loading))
    async with callers(lane, "a", "b") as (a, b):
        assert (False, True, True) == (a.inside, b.inside, lane.loading)
        await b.give_up()
        assert not a.inside
        loading.clear()
        lane.look_again()
        await turns()
        assert a.inside


async def test_a_load_waits_for_the_model_that_answers() -> None:
    """A model that must be loaded waits until no other one answers; one that is loaded does not wait."""
    lane = Lane(4, loaded("a", "c"))
    async with callers(lane, "a", "b", "c") as (a, b, c):
        assert (True, False, True) == (a.inside, b.inside, c.inside)
        await a.leave()
        assert not b.inside
        await c.leave()
        assert b.inside
        assert b.place is not None
        assert b.place.must_load


async def test_first_requests_share_one_load() -> None:
    """Requests for one unloaded model come in together; others wait until it is loaded."""
    ready = {"c"}
    lane = Lane(4, Rules(ready=ready.__contains__))
    async with callers(lane, "b", "b", "b", "c") as (first, second, third, other):
        assert [True, True, True, False] == [c.inside for c in (first, second, third, other)]
        assert all(c.place is not None and c.place.must_load for c in (first, second, third))
        ready.add("b")
        for caller in (first, second, third):
            assert caller.place is not None
            caller.place.loaded()
        await turns()
        assert other.inside
        assert not lane.loading


async def test_swaps_may_be_allowed() -> None:
    """Where a person allows it, a model is loaded while another one answers."""
    lane = Lane(4, loaded("a"))
    lane.swaps = True
    async with callers(lane, "a", "b") as (a, b):
        assert (True, True) == (a.inside, b.inside)


async def test_what_was_loaded_to_stay_is_not_in_the_way() -> None:
    """Models that no load throws out neither hold a load up nor wait for one."""
    lane = Lane(4, Rules(ready=lambda model: model in "ac", safe=lambda model: model in "ac"))
    async with callers(lane, "a", "b", "c") as (a, b, c):
        assert (True, True, True) == (a.inside, b.inside, c.inside)


async def test_overtaking_ends_when_patience_does() -> None:
    """Requests for the loaded model pass one that waits for a load, until it has waited ten seconds."""
    clock = Clock()
    lane = Lane(2, loaded("a"), clock=clock)
    async with callers(lane, "a", "b", "a") as (first, swap, passing):
        assert (False, True) == (swap.inside, passing.inside)
        clock.now += 11
        async with callers(lane, "a") as (late,):
            await passing.leave()
            assert (False, False) == (swap.inside, late.inside)
            await first.leave()
            assert (True, False) == (swap.inside, late.inside)
            await swap.leave()
            assert late.inside


async def test_a_load_is_no_traffic() -> None:
    """A place that is held for a load that nobody waits for is neither an answer nor a waiting request."""
    lane = Lane(1)
    async with lane.place("a", lambda _place: None, load_only=True), callers(lane, "a"):
        assert (0, 1, 0) == (lane.traffic.in_flight, lane.traffic.queued, lane.answering("a"))
    assert (0, 0, True) == (lane.traffic.in_flight, lane.traffic.queued, lane.idle.is_set())


async def test_a_timed_request_has_the_server_alone() -> None:
    """It waits until nobody is answered, nobody goes in while it runs, and then all who waited do."""
    lane = Lane(4)
    async with callers(lane, "a") as (first,), alone(lane, "a") as timed, callers(lane, "a", "b") as (passing, other):
        assert (True, False, True, True) == (first.inside, timed.inside, passing.inside, other.inside)
        for caller in (first, passing):
            await caller.leave()
        assert not timed.inside
        await other.leave()
        assert timed.inside
        async with callers(lane, "a", "b") as (third, fourth), alone(lane, "b") as second:
            assert (False, False, False) == (third.inside, fourth.inside, second.inside)
            assert (1, 1, 3) == (lane.traffic.width, lane.traffic.in_flight, lane.traffic.queued)
            await timed.leave()
            assert (True, True, False) == (third.inside, fourth.inside, second.inside)
            assert 4 == lane.traffic.width


async def test_a_timed_request_is_not_overtaken_for_ever() -> None:
    """After ten seconds nobody goes in before it."""
    clock = Clock()
    lane = Lane(2, clock=clock)
    async with callers(lane, "a") as (first,), alone(lane, "a") as timed, callers(lane, "a") as (passing,):
        clock.now += 11
        async with callers(lane, "a") as (late,):
            await passing.leave()
            assert (False, False) == (timed.inside, late.inside)
            await first.leave()
            assert (True, False) == (timed.inside, late.inside)
            await timed.leave()
            assert late.inside


async def test_a_timed_request_may_have_its_model_loaded() -> None:
    """Alone it is from the load on; where models may be loaded beside answers, it still is."""
    lane = Lane(4, loaded("a"))
    lane.swaps = True
    async with alone(lane, "b") as timed:
        assert timed.place is not None
        assert timed.place.must_load
        async with callers(lane, "a", "b") as waiting:
            timed.place.loaded()
            await turns()
            assert [False, False] == [caller.inside for caller in waiting]
            await timed.leave()
            assert [True, True] == [caller.inside for caller in waiting]


async def test_a_timed_request_waits_for_loads() -> None:
    """Neither another model's load that nobody waits for, nor one that a person asked for, runs beside it."""
    loading = {"b"}
    lane = Lane(4, Rules(loading=lambda: loading, safe=lambda _model: True))
    async with lane.place("b", lambda _place: None, load_only=True) as place:
        place.loaded()
        async with alone(lane, "a") as timed:
            loading.clear()
            lane.look_again()
            await turns()
            assert not timed.inside
    async with alone(lane, "a") as timed:
        assert timed.inside
    loading.add("b")
    async with alone(lane, "a") as timed:
        assert not timed.inside
        loading.clear()
        lane.look_again()
        await turns()
        assert timed.inside


async def test_a_timed_request_that_is_given_up_lets_others_in() -> None:
    """Whether it waits, runs, or is let in in the very moment: who gives up leaves the server to the others."""
    lane = Lane(2)
    async with alone(lane, "a") as running, alone(lane, "a") as waiting, callers(lane, "a", "a") as others:
        await waiting.give_up()
        assert [False, False] == [caller.inside for caller in others]
        await running.give_up()
        assert [True, True] == [caller.inside for caller in others]
        async with alone(lane, "a") as last, callers(lane, "a") as (after,):
            assert last.task is not None
            last.task.cancel()
            for caller in others:
                caller.gone.set()
            await turns()
            assert after.inside


async def test_a_wider_lane_lets_more_in() -> None:
    """A server that turns out to serve more at a time gets more at once."""
    lane = Lane(1)
    async with callers(lane, "a", "a", "a") as (_, second, third):
        lane.widen(2)
        await turns()
        assert (True, False) == (second.inside, third.inside)


async def test_a_lane_that_stalls_says_so() -> None:
    """Nothing heard for a minute while somebody waits is reported; a sign of life, or an empty queue, ends that."""
    clock = Clock()
    lane = Lane(1, clock=clock)
    async with callers(lane, "a") as (first,):
        clock.now += 100
        assert lane.traffic.stalled_s is None
        async with callers(lane, "a"):
            assert 100 == lane.traffic.stalled_s
            lane.sign_of_life()
            assert lane.traffic.stalled_s is None
            clock.now += 61
            assert 61 == lane.traffic.stalled_s
        assert lane.traffic.stalled_s is None
        assert first.inside


@given(
    width=st.integers(1, 4),
    steps=st.lists(
        st.tuples(st.sampled_from(("a", "b", "c")), st.sampled_from(("come", "time", "leave", "quit", "load")))
    ),
)
def test_no_order_of_events_breaks_the_rules(width: int, steps: list[tuple[str, str]]) -> None:
    """Never more than the width inside, never two loads, none beside another's answer, nobody beside a timed one."""
    asyncio.run(_play(width, steps))


async def _play(width: int, steps: list[tuple[str, str]]) -> None:
    ready = {"a"}
    lane = Lane(width, Rules(ready=ready.__contains__))
    everybody: list[Caller] = []
    for model, step in steps:
        mine = [c for c in everybody if c.model == model and c.task is not None and not c.task.done()]
        if step in ("come", "time"):
            everybody.append(await Caller(lane, model, alone=step == "time").come())
        elif step == "quit" and mine:
            await mine[0].give_up()
        elif step == "leave" and mine and mine[0].inside:
            await mine[0].leave()
        elif step == "load" and any(c.place is not None and c.place.must_load for c in mine):
            ready.clear()
            ready.add(model)  # it has thrown the others out
            for caller in mine:
                if caller.place is not None:
                    caller.place.loaded()
            await turns()
        _holds(lane, width, everybody, ready)
    while waiting := [c for c in everybody if c.task is not None and not c.task.done()]:
        await (waiting[0].leave() if waiting[0].inside else waiting[0].give_up())
    assert (0, 0, False) == (lane.traffic.in_flight, lane.traffic.queued, lane.loading)


def _holds(lane: Lane, width: int, everybody: list[Caller], ready: set[str]) -> None:
    inside = [c for c in everybody if c.inside and c.task is not None and not c.task.done()]
    assert len(inside) == lane.traffic.in_flight <= width
    assert len(inside) == 1 or not any(c.alone for c in inside)
    loading = {c.model for c in inside if c.model not in ready}
    assert len(loading) <= 1
    assert not loading or {c.model for c in inside} == loading
    if lane.traffic.queued and not inside:
        raise AssertionError("somebody waits for nobody")
