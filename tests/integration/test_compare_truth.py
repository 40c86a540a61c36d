"""What is true of simulated models is what a comparison of them says, and nothing else."""

import asyncio
from pathlib import Path

import pytest

from apehost_core.compare.measures import Measure
from apehost_core.compare.summary import Pair
from apehost_core.testing.simulator import Simulator
from tests.integration.comparing import benchmark, carried_out, contender, quick
from tests.integration.network import network

pytestmark = [pytest.mark.anyio, pytest.mark.alone]


TIMES: tuple[Measure, ...] = ("ttft_ms", "decode_tok_s", "total_ms")
BY_CHANCE = 0.001


async def test_injected_truth_is_found(tmp_path: Path) -> None:
    """100 against 130 ms to first token and 40 against 50 tokens a second are found; of equal models none is better."""
    servers = {
        "PC": Simulator(
            quick("early", first_token_s=0.100, tokens_per_s=40), quick("fast", first_token_s=0.130, tokens_per_s=50)
        ),
        "Mini": Simulator(*(quick(key, first_token_s=0.115, tokens_per_s=45) for key in ("same", "twin"))),
    }
    contenders = [contender(server, model.key) for server in servers for model in servers[server].models]
    async with network(tmp_path, servers) as net:
        comparison = await carried_out(net, benchmark(contenders, prompt_count=8, repeats=2))
        summary = await asyncio.to_thread(net.host.lab.summary, comparison.id)
    pairs = {(pair.a, pair.b, pair.measure): pair for pair in summary.pairs}
    ttft, rate = pairs[0, 1, "ttft_ms"], pairs[0, 1, "decode_tok_s"]
    assert ("a", "b") == (ttft.winner, rate.winner)
    assert holds(ttft, 100 / 130, 110 / 140)  # the wire adds the same few ms to both
    assert holds(rate, 0.98 * 40 / 50, 1.02 * 40 / 50)
    for measure in TIMES:
        equal = pairs[2, 3, measure]
        assert holds(equal, 0.98, 1.02)
        assert equal.p is None or equal.p > BY_CHANCE


def holds(pair: Pair, low: float, high: float) -> bool:
    """Whether a pair's interval holds a number of this range."""
    interval = pair.ratio.interval
    return interval is not None and interval.low <= high and interval.high >= low
