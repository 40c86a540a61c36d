"""What the tests of comparisons share: setups, and waiting for their ends."""

import asyncio
from collections.abc import Sequence
from typing import Any

from apehost_core.compare.comparison import Comparison, Contender, Prompt, Setup, State
from apehost_core.compare.measures import ANSWERED, Columns
from apehost_core.compare.plan import Plan
from apehost_core.model import Preferences, Sampling
from apehost_core.testing.simulator import Call, SimModel
from tests.integration.network import Network, until

SHORT = tuple(f"w{number} " for number in range(12))


def quick(key: str, **others: Any) -> SimModel:
    """A model that writes twelve words as fast as it goes, unless said otherwise."""
    return SimModel(key, **{"words": SHORT, **others})


def contender(server: str, model: str, **preferences: Any) -> Contender:
    """A contender with Q4_K_M, as simulated models have."""
    return Contender(server, model, "Q4_K_M", Preferences(sampling=Sampling(temperature=0), **preferences))


def prompts(count: int) -> tuple[Prompt, ...]:
    """That many prompts."""
    return tuple(Prompt(f"Question number {number}: what is it about?") for number in range(count))


def benchmark(contenders: Sequence[Contender], *, prompt_count: int = 2, **others: Any) -> Setup:
    """A benchmark of simulated servers, which share a host name and no machine."""
    return Setup("benchmark", prompts(prompt_count), tuple(contenders), **{"same_machine": False, **others})


async def made(net: Network, setup: Setup) -> Comparison:
    """A comparison that is kept and not started."""
    return await net.host.lab.create(setup)


async def state(net: Network, comparison_id: str) -> State:
    """How far a comparison is, as it is kept."""
    found = await asyncio.to_thread(net.host.lab.get, comparison_id)
    assert found is not None
    return found.state


async def ended(net: Network, comparison_id: str, timeout_s: float = 60) -> Comparison:
    """A comparison that nobody works on any more."""
    async with asyncio.timeout(timeout_s):
        while await state(net, comparison_id) in ("planned", "running", "pausing"):
            await asyncio.sleep(0.02)
    found = await asyncio.to_thread(net.host.lab.get, comparison_id)
    assert found is not None
    return found


async def carried_out(net: Network, setup: Setup) -> Comparison:
    """A comparison after its end."""
    comparison = await made(net, setup)
    await net.host.lab.start(comparison.id)
    return await ended(net, comparison.id)


async def measured(net: Network, comparison_id: str) -> tuple[Plan, Columns]:
    """The plan and what was measured."""
    plan = await asyncio.to_thread(net.host.lab.plan, comparison_id)
    return plan, await asyncio.to_thread(net.host.lab.columns, comparison_id)


def answered(plan: Plan, columns: Columns, *kinds: str) -> list[int]:
    """The cells of these kinds that were answered, once for each answer."""
    cells = columns.cell[columns.ending == ANSWERED].tolist()
    return [number for number in cells if plan.cells[number].kind in kinds]


def chats(calls: Sequence[Call]) -> list[Call]:
    """The calls that ask for an answer, without those that load a model."""
    return [call for call in calls if call.path == "/v1/chat/completions"]


def at_once(calls: Sequence[Call]) -> int:
    """How many calls a server had at the same time, at most."""
    moments = [(call.at_ns, 1) for call in calls] + [(call.ended_ns or call.left_ns or 0, -1) for call in calls]
    busy = most = 0
    for _, change in sorted(moments):
        busy += change
        most = max(most, busy)
    return most


async def asked(net: Network, server: str, count: int) -> None:
    """Return once a server was asked so often."""
    await until(lambda: len(chats(net.simulator(server).calls)) >= count)
