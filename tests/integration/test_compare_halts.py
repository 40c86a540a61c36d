"""Comparisons that are paused, stopped, killed, or find nobody at home: nothing is lost, and nothing doubled."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from apehost_core.compare.measures import ANSWERED, STOPPED
from apehost_core.compare.progress import Done
from apehost_core.compare.track import Track
from apehost_core.errors import InputRefused
from apehost_core.testing.simulator import Machine, Simulator, machines
from tests.integration.comparing import (
    SHORT,
    answered,
    asked,
    benchmark,
    carried_out,
    chats,
    contender,
    ended,
    made,
    measured,
    quick,
    state,
)
from tests.integration.network import finished, model, network, until

pytestmark = pytest.mark.anyio

KILLS = 4


async def test_pause_lets_the_answer_end(tmp_path: Path) -> None:
    """After a pause nothing is broken off; going on asks what is left, and nothing twice."""
    async with network(tmp_path, {"PC": Simulator(quick("alpha", tokens_per_s=100), quick("beta"))}) as net:
        lab = net.host.lab
        comparison = await made(net, benchmark([contender("PC", "alpha"), contender("PC", "beta")], prompt_count=5))
        await lab.start(comparison.id)
        await asked(net, "PC", 5)
        await lab.pause(comparison.id)
        assert "paused" == (await ended(net, comparison.id)).state
        plan, columns = await measured(net, comparison.id)
        assert {ANSWERED} == set(columns.ending.tolist())
        assert len(answered(plan, columns, "timed")) < 10
        await lab.start(comparison.id)
        await until(lambda: lab.progress(comparison.id).remaining_s)
        assert "finished" == (await ended(net, comparison.id)).state
        plan, columns = await measured(net, comparison.id)
        timed = answered(plan, columns, "timed")
        assert (10, 10) == (len(timed), len(set(timed)))


async def test_going_on_at_once_after_a_pause(tmp_path: Path) -> None:
    """Who goes on while the last answer is still being written waits for it, and the work goes on."""
    async with network(tmp_path, {"PC": Simulator(quick("alpha", tokens_per_s=50), quick("beta"))}) as net:
        comparison = await made(net, benchmark([contender("PC", "alpha"), contender("PC", "beta")]))
        await net.host.lab.start(comparison.id)
        await asked(net, "PC", 1)
        await net.host.lab.pause(comparison.id)
        assert "pausing" == net.host.lab.progress(comparison.id).state
        await net.host.lab.start(comparison.id)
        assert "running" == net.host.lab.progress(comparison.id).state
        assert "finished" == (await ended(net, comparison.id)).state


async def test_stop_ends_the_answer(tmp_path: Path) -> None:
    """What is being written is ended at once, does not count, and is asked again on going on."""
    simulator = Simulator(quick("alpha", first_token_s=30), quick("beta"))
    async with network(tmp_path, {"PC": simulator}) as net:
        comparison = await made(
            net, benchmark([contender("PC", "alpha"), contender("PC", "beta")], prompt_count=1, warm_ups=0)
        )
        await net.host.lab.start(comparison.id)
        await until(lambda: any(call.model == "alpha" for call in chats(simulator.calls)))
        await net.host.lab.stop(comparison.id)
        assert "paused" == await state(net, comparison.id)
        _, columns = await measured(net, comparison.id)
        assert 1 == columns.ending.tolist().count(STOPPED)
        await until(lambda: all(call.left_ns or call.ended_ns for call in simulator.calls))
        await net.host.lab.start(comparison.id)
        await until(lambda: 2 == len([call for call in chats(simulator.calls) if call.model == "alpha"]))
        await net.host.lab.delete(comparison.id)
        with pytest.raises(InputRefused, match="no such comparison"):
            await net.host.lab.start(comparison.id)
        await net.host.lab.restore(comparison.id)
        assert "paused" == await state(net, comparison.id)


async def test_a_server_that_stays_away_pauses_it(tmp_path: Path) -> None:
    """The other machine goes on to its end, no cell is used up, and the pause says why; going on finishes it."""
    servers = {"PC": Simulator(quick("alpha")), "Mini": Simulator(quick("alpha"))}
    async with network(tmp_path, servers) as net:
        net.host.lab.patience_s = (0.05, 0.05)
        setup = benchmark([contender("PC", "alpha"), contender("Mini", "alpha")], prompt_count=10)
        await net.kill("Mini")
        comparison = await carried_out(net, setup)
        assert comparison.fault is not None
        assert ("paused", "refused", "Mini") == (comparison.state, comparison.fault.kind, comparison.fault.server)
        progress = await asyncio.to_thread(net.host.lab.progress, comparison.id)
        assert Done(10, 0, 10) == progress.contenders[0]
        await net.start("Mini")
        net.host.lab.patience_s = (0.05,) * 200  # the last fault may still be what is known of it
        await net.host.lab.start(comparison.id)
        assert ("finished", None) == ((done := await ended(net, comparison.id)).state, done.fault)
        plan, columns = await measured(net, comparison.id)
        timed = answered(plan, columns, "timed")
        assert (20, 20) == (len(timed), len(set(timed)))
        assert 3 >= len(columns.ending) - len(timed) - 2 > 0


async def test_nothing_is_left_out_in_silence(tmp_path: Path) -> None:
    """A cell whose server was away at the end, however seldom it was asked, pauses the comparison and says why."""
    servers = {"PC": Simulator(quick("alpha")), "Mini": Simulator(quick("alpha"))}
    async with network(tmp_path, servers) as net:
        contenders = [contender("PC", "alpha"), contender("Mini", "alpha")]
        await net.kill("Mini")
        comparison = await carried_out(net, benchmark(contenders, prompt_count=1, warm_ups=0))
        assert comparison.fault is not None
        assert ("paused", "refused") == (comparison.state, comparison.fault.kind)
        await net.start("Mini")
        await net.host.lab.start(comparison.id)
        assert "finished" == (await ended(net, comparison.id)).state


async def test_nothing_is_timed_with_the_wrong_context(tmp_path: Path) -> None:
    """A model that is loaded with another context and answers somebody is left alone, and the pause says so."""
    async with network(tmp_path, {"PC": Simulator(model("alpha"), quick("beta"))}) as net:
        chat = await net.writing("alpha", server="PC")
        net.host.lab.patience_s = (0.01,)
        contenders = [contender("PC", "alpha", context_length=8192), contender("PC", "alpha", context_length=6000)]
        comparison = await carried_out(net, benchmark(contenders, prompt_count=1))
        assert comparison.fault is not None
        assert ("paused", "busy", "PC") == (comparison.state, comparison.fault.kind, comparison.fault.server)
        assert 1 == len(chats(net.simulator("PC").calls))
        assert "completed" == (await finished(chat)).outcome
        net.host.lab.patience_s = (0.05,) * 200
        await net.host.lab.start(comparison.id)
        done = await ended(net, comparison.id)
        assert ("finished", None) == (done.state, done.fault)


async def test_a_server_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    """Nobody has to press anything: the work goes on when the server does."""
    servers = {"PC": Simulator(quick("alpha"), quick("beta"))}
    async with network(tmp_path, servers) as net:
        net.host.lab.patience_s = (0.05,) * 200
        setup = benchmark([contender("PC", "alpha"), contender("PC", "beta")], prompt_count=10)
        comparison = await made(net, setup)
        await net.host.lab.start(comparison.id)
        await asked(net, "PC", 6)
        await net.kill("PC")
        await until(lambda: net.host.lab.progress(comparison.id).waiting != ())
        (waiting,) = net.host.lab.progress(comparison.id).waiting
        assert ("PC", "refused") == (waiting.server, waiting.fault.kind)
        await net.start("PC")
        assert "finished" == (await ended(net, comparison.id)).state
        assert () == (await asyncio.to_thread(net.host.lab.progress, comparison.id)).waiting
        plan, columns = await measured(net, comparison.id)
        timed = answered(plan, columns, "timed")
        assert (20, 20) == (len(timed), len(set(timed)))


async def test_closing_leaves_it_paused(tmp_path: Path) -> None:
    """A host that closes ends what is written as interrupted; the next one says paused, and goes on from there."""
    setup = benchmark([contender("PC", "alpha"), contender("PC", "beta")], prompt_count=5)
    async with network(tmp_path, {"PC": Simulator(quick("alpha", tokens_per_s=50), quick("beta"))}) as net:
        comparison = await made(net, setup)
        await net.host.lab.start(comparison.id)
        await asked(net, "PC", 4)
    async with network(tmp_path, {"PC": Simulator(quick("alpha"), quick("beta"))}) as net:
        assert "paused" == await state(net, comparison.id)
        attempts = await asyncio.to_thread(net.host.lab.attempts, comparison.id)
        assert {"completed", "interrupted"} >= {attempt.outcome for attempt in attempts}
        await net.host.lab.start(comparison.id)
        assert "finished" == (await ended(net, comparison.id)).state
        plan, columns = await measured(net, comparison.id)
        timed = answered(plan, columns, "timed")
        assert (10, 10) == (len(timed), len(set(timed)))


async def test_a_defect_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours in the work ends the comparison as failed, with a fault, and no answer goes on alone."""
    servers = {"PC": Simulator(quick("alpha")), "Mini": Simulator(quick("alpha", first_token_s=30))}
    entered = Track._enter

    async def broken(track: Track, server: str, group: Any) -> None:
        if server == "PC":
            await until(lambda: chats(servers["Mini"].calls))
            raise ValueError("http://192.0.2.1/secret")
        await entered(track, server, group)

    async with network(tmp_path, servers) as net:
        monkeypatch.setattr(Track, "_enter", broken)
        comparison = await carried_out(net, benchmark([contender("PC", "alpha"), contender("Mini", "alpha")]))
        assert comparison.fault is not None
        assert ("failed", "internal", "ValueError") == (
            comparison.state,
            comparison.fault.kind,
            comparison.fault.cause,
        )
        assert 0 == net.host.hub.active


async def test_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """Killed in the middle, again and again: in the end each cell has exactly one answer, and none was asked in vain.

    What a server answered and no file holds was answered in the moment of a kill: at most one a server and kill.
    """
    servers = {name: Simulator(quick("alpha", tokens_per_s=500), quick("beta")) for name in ("PC", "Mini")}
    async with network(tmp_path, servers) as net:
        contenders = [contender(server, key) for server in servers for key in ("alpha", "beta")]
        comparison = await made(net, benchmark(contenders, prompt_count=8, repeats=3))
    with machines(*servers.values()) as running:
        named = dict(zip(servers, running, strict=True))
        for _ in range(KILLS):
            await asyncio.to_thread(killed, tmp_path, named)
        assert 0 == await asyncio.to_thread(worked, tmp_path, named)
    async with network(tmp_path, servers) as net:
        assert ("finished", None) == ((done := await ended(net, comparison.id)).state, done.fault)
        plan, columns = await measured(net, comparison.id)
    timed = answered(plan, columns, "timed")
    assert (96, set(timed)) == (len(timed), {cell.number for cell in plan.cells if cell.kind == "timed"})
    kept, calls = int((columns.ending == ANSWERED).sum()), [call for one in servers.values() for call in one.calls]
    complete = len([call for call in chats(calls) if call.sent == len(SHORT)])
    assert kept <= complete <= kept + KILLS * len(servers)


def worker(folder: Path, named: dict[str, Machine]) -> subprocess.Popen[bytes]:
    """A process that works on the comparison."""
    addresses = [f"{name}={machine.url}" for name, machine in named.items()]
    return subprocess.Popen([sys.executable, "-m", "tests.comparison_to_kill", str(folder), *addresses])


def worked(folder: Path, named: dict[str, Machine]) -> int:
    """Let the comparison come to its end; returns what the process did."""
    with worker(folder, named) as process:
        return process.wait(60)


def killed(folder: Path, named: dict[str, Machine]) -> None:
    """Let a process work on the comparison until some more answers were asked for, and kill it."""
    calls = [machine.simulator.calls for machine in named.values() if isinstance(machine.simulator, Simulator)]
    wanted = sum(map(len, calls)) + 20
    with worker(folder, named) as process:
        while sum(map(len, calls)) < wanted and process.poll() is None:
            time.sleep(0.002)
        process.kill()
        assert -signal.SIGKILL == process.wait()
