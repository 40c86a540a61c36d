"""The queue in front of a server."""

import asyncio

import pytest

from apehost_core.servers.lanes import Lane

pytestmark = pytest.mark.anyio


async def _hold(lane: Lane, places: list[int], entered: asyncio.Event, leave: asyncio.Event) -> None:
    async with lane.slot(places.append):
        entered.set()
        await leave.wait()


async def test_waits_in_order_and_says_its_place() -> None:
    """The one behind the limit waits, hears its place change, and goes in when a place is free."""
    lane = Lane(1)
    leave = [asyncio.Event() for _ in range(3)]
    entered = [asyncio.Event() for _ in range(3)]
    places: list[list[int]] = [[], [], []]
    tasks = [asyncio.create_task(_hold(lane, places[i], entered[i], leave[i])) for i in range(3)]
    await entered[0].wait()
    while lane.waiting < 2:
        await asyncio.sleep(0)
    leave[0].set()
    await entered[1].wait()
    assert not entered[2].is_set()
    assert places == [[], [1], [2, 1]]
    leave[1].set()
    leave[2].set()
    await asyncio.gather(*tasks)
    assert entered[2].is_set()


async def test_cancelled_waiter_leaves_the_queue() -> None:
    """Who gives up waiting neither holds a place nor loses one for the others."""
    lane = Lane(1)
    leave, first, second, third = (asyncio.Event() for _ in range(4))
    holder = asyncio.create_task(_hold(lane, [], first, leave))
    await first.wait()
    quitter = asyncio.create_task(_hold(lane, [], second, leave))
    waiter = asyncio.create_task(_hold(lane, [], third, leave))
    while lane.waiting < 2:
        await asyncio.sleep(0)
    quitter.cancel()
    await asyncio.wait([quitter])
    leave.set()
    await asyncio.gather(holder, waiter)
    assert third.is_set()
    assert not second.is_set()
    entered = asyncio.Event()
    await _hold(lane, [], entered, leave)
    assert entered.is_set()


async def test_place_given_to_a_cancelled_waiter_is_passed_on() -> None:
    """A place that is freed in the moment its next holder is cancelled is not lost."""
    lane = Lane(1)
    leave, first, second = (asyncio.Event() for _ in range(3))
    holder = asyncio.create_task(_hold(lane, [], first, leave))
    await first.wait()
    waiter = asyncio.create_task(_hold(lane, [], second, leave))
    while lane.waiting < 1:
        await asyncio.sleep(0)
    waiter.cancel()
    leave.set()
    await asyncio.wait([holder, waiter])
    entered = asyncio.Event()
    await _hold(lane, [], entered, leave)
    assert entered.is_set()
