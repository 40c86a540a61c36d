"""No address and no token leaves the process in what a comparison exports."""

import asyncio
from pathlib import Path
from typing import get_args

import pytest

from apehost_core.compare.measures import ANSWERED, FAILED
from apehost_core.compare.reading import Format
from apehost_core.testing.simulator import Simulator
from tests.integration.comparing import benchmark, contender, ended, measured, quick
from tests.integration.leaks import TOKEN, WRONG, leaked, words_of
from tests.integration.network import Network, network

pytestmark = pytest.mark.anyio


async def test_no_export_names_an_address_or_a_token(tmp_path: Path) -> None:
    """Answers and the refusals of a wrong token are exported without either."""
    tokens = {"Mini": TOKEN, "PC": WRONG}
    simulators = {name: Simulator(quick("gemma"), token=TOKEN) for name in tokens}
    async with network(tmp_path, simulators, tokens=tokens) as net:
        lab = net.host.lab
        comparison = await lab.create(benchmark([contender("Mini", "gemma"), contender("PC", "gemma")]))
        await lab.start(comparison.id)
        await _answered_and_failed(net, comparison.id)
        await lab.stop(comparison.id)
        await ended(net, comparison.id)
        files = {kind: await asyncio.to_thread(lab.export, comparison.id, kind) for kind in get_args(Format)}
    said = {kind: words_of(content, tmp_path / "out.parquet") for kind, content in files.items()}
    assert {"csv", "parquet", "markdown"} == set(said)
    for words in said.values():
        assert "w11" in words or "gemma" in words
        assert [] == leaked(net, words)
    assert "PC" in said["csv"]
    assert "failed" in said["csv"]


async def _answered_and_failed(net: Network, comparison_id: str) -> None:
    """Return once an answer and a failure are on record."""
    endings: set[int] = set()
    async with asyncio.timeout(30):
        while not {ANSWERED, FAILED} <= endings:
            endings = set((await measured(net, comparison_id))[1].ending.tolist())
            await asyncio.sleep(0.02)
