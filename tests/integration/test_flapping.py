"""A server that comes and goes."""

import asyncio
from pathlib import Path

import pytest

from apehost_core.runs.live_run import LiveRun
from apehost_core.testing.simulator import Simulator
from tests.integration.network import Network, finished, model, network, text, until

pytestmark = pytest.mark.anyio

_TIMES = 10


async def test_nothing_is_lost_and_the_state_follows(tmp_path: Path) -> None:
    """Whatever the moment, each question is kept with an ending and with all that was shown of its answer.

    And the state is right after the next look that begins: one may have been under way when the server changed.
    """
    async with network(tmp_path, {"PC": Simulator(model(tokens_per_s=400))}, refresh_s=0.2) as net:
        stop = asyncio.Event()
        asking = asyncio.create_task(_ask_again_and_again(net, stop))
        for _ in range(_TIMES):
            await net.kill("PC")
            await _seen_within_two_looks(net, online=False)
            await net.start("PC")
            await _seen_within_two_looks(net, online=True)
        stop.set()
        runs = await asking
        await asyncio.gather(*(finished(run) for run in runs))
        assert len(runs) > _TIMES // 2
        for run in runs:
            _is_kept(net, run)
        assert {"completed", "failed"} <= {run.transcript.finished.outcome for run in runs if run.transcript.finished}


async def _seen_within_two_looks(net: Network, *, online: bool) -> None:
    looks = len(net.view("PC").latencies)
    await until(lambda: net.view("PC").answers is online)
    assert len(net.view("PC").latencies) - looks <= 2


async def _ask_again_and_again(net: Network, stop: asyncio.Event) -> list[LiveRun]:
    runs: list[LiveRun] = []
    while not stop.is_set():
        runs.append(await net.send())
        await asyncio.wait((asyncio.ensure_future(runs[-1].finished.wait()),), timeout=0.05)
    return runs


def _is_kept(net: Network, run: LiveRun) -> None:
    branch = net.host.conversations.branch(run.spec.conversation_id or "")
    assert ["hello", *filter(None, (text(run),))] == [entry.message.text for entry in branch]
    last = net.host.conversations.last_run(branch[0].id)
    assert last is not None
    assert last.outcome == (run.transcript.finished.outcome if run.transcript.finished else None)
