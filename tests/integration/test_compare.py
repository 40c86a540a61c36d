"""Comparisons on simulated computers: what is asked in which order, and what is left when something goes wrong."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from apehost_core.compare.comparison import Judge, Setup
from apehost_core.compare.measures import ANSWERED, FAILED
from apehost_core.compare.progress import Done
from apehost_core.errors import InputRefused
from apehost_core.servers import Server
from apehost_core.testing.simulator import SimModel, Simulator
from tests.integration.comparing import (
    SHORT,
    answered,
    at_once,
    benchmark,
    carried_out,
    chats,
    contender,
    ended,
    made,
    measured,
    prompts,
    quick,
    state,
)
from tests.integration.network import finished, network, until
from tests.integration.simulated import chat

pytestmark = pytest.mark.anyio

MODELS = ("alpha", "beta", "gamma", "delta")


async def test_each_model_is_loaded_once_on_each_server(tmp_path: Path) -> None:
    """4 models x 2 servers x 10 prompts x 3 repeats: one load a server and model, one timed request at a time there."""
    servers = {
        name: Simulator(*(quick(key, loaded=False, load_s=0.05) for key in MODELS), auto_evict=True)
        for name in ("PC", "Mini")
    }
    setup = benchmark(
        [contender(server, key) for server in servers for key in MODELS], prompt_count=10, repeats=3, cache="defeat"
    )
    async with network(tmp_path, servers) as net:
        comparison = await carried_out(net, setup)
        assert ("finished", None) == (comparison.state, comparison.fault)
        plan, columns = await measured(net, comparison.id)
        timed = answered(plan, columns, "timed")
        assert (240, 240) == (len(timed), len(set(timed)))
        for simulator in servers.values():
            assert sorted(MODELS) == sorted(load.key for load in simulator.loads)
            assert 1 == at_once(chats(simulator.calls))
            assert 4 + 120 == len(chats(simulator.calls))


async def test_models_that_are_there_take_turns(tmp_path: Path) -> None:
    """Loaded models are asked in blocks of one prompt, every second block in reverse, and nothing is loaded."""
    async with network(tmp_path, {"PC": Simulator(quick("alpha"), quick("beta"))}) as net:
        setup = benchmark([contender("PC", "alpha"), contender("PC", "beta")], prompt_count=4)
        comparison = await carried_out(net, setup)
        simulator = net.simulator("PC")
        order = [str(call.model) for call in chats(simulator.calls)]
        assert ["alpha", "beta"] == order[:2]
        blocks = list(zip(order[2::2], order[3::2], strict=True))
        assert all({"alpha", "beta"} == set(block) for block in blocks)
        assert [block[::-1] for block in blocks[::2]] == blocks[1::2]
        assert [] == simulator.loads
        assert "finished" == comparison.state


async def test_no_prompt_is_asked_twice_word_for_word(tmp_path: Path) -> None:
    """Each request has a first line of its own, before the system prompt where there is one; cached ones repeat it."""
    async with network(tmp_path, {"PC": Simulator(quick("alpha"))}) as net:
        setup = benchmark(
            [contender("PC", "alpha"), contender("PC", "alpha", system_prompt="Be brief.")], cache="measure"
        )
        comparison = await carried_out(net, setup)
        plan, columns = await measured(net, comparison.id)
        bodies = [call.body["messages"] for call in chats(net.simulator("PC").calls)]
        kinds = [plan.cells[number].kind for number in columns.cell.tolist()]
        timed = [str(body) for body, kind in zip(bodies, kinds, strict=True) if kind != "cached"]
        assert (1 + 4, 5) == (len(timed), len(set(timed)))
        for number, kind in enumerate(kinds):
            assert (kind == "cached") == (number > 0 and bodies[number] == bodies[number - 1])
        first_lines = [body[0]["content"].split("\n\n", 1) for body in bodies]
        assert all(re.match(r"\([0-9a-f]{12} is the number of this request", line) for line, _ in first_lines)
        assert {"Be brief."} == {rest for (_, rest), body in zip(first_lines, bodies, strict=True) if len(body) == 2}


async def test_a_chat_that_throws_models_out_corrupts_nothing(tmp_path: Path) -> None:
    """Where only one model fits, calls that had to load theirs again are told apart, and asked once more while warm."""
    keys = ("alpha", "beta", "other")
    simulator = Simulator(*(quick(key, loaded=False, load_s=0.05) for key in keys), auto_evict=True, fits=1)
    async with network(tmp_path, {"PC": simulator}) as net:
        setup = benchmark([contender("PC", key) for key in keys[:2]], prompt_count=8)
        comparison = await made(net, setup)
        await net.host.lab.start(comparison.id)
        for _ in range(3):  # at least one call of theirs comes warm between two chats, so that none is cold twice
            count = sum(call.model != "other" for call in simulator.calls)
            await until(lambda count=count: sum(call.model != "other" for call in chats(simulator.calls)) >= count + 3)
            assert "completed" == (await finished(await net.send("other", server="PC"))).outcome
        assert "finished" == (await ended(net, comparison.id)).state
        plan, columns = await measured(net, comparison.id)
        warm = columns.cell[(columns.ending == ANSWERED) & (columns.cold == 0)].tolist()
        timed = [number for number in warm if plan.cells[number].kind == "timed"]
        assert (16, 16) == (len(timed), len(set(timed)))
        loads = [load for load in simulator.loads if load.key != "other"]
        assert len(loads) == int((columns.cold == 1).sum()) > 2
        assert [] == [load for load in loads if load.how == "jit"]


async def test_what_another_program_throws_out_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is read before each timed call, so that a model that went behind our back never passes for warm."""
    simulator = Simulator(quick("alpha", loaded=False, load_s=0.05), quick("other", loaded=False), auto_evict=True)
    async with network(tmp_path, {"PC": simulator}, refresh_s=3600) as net:
        looks, looked = 0, Server.look
        async with httpx.AsyncClient(base_url=net.machines["PC"].url, trust_env=False) as outside:

            async def look(server: Server) -> None:
                nonlocal looks
                looks += 1
                if looks in (5, 8):
                    await chat(outside, "other")
                await looked(server)

            monkeypatch.setattr(Server, "look", look)
            setup = benchmark(
                [contender("PC", "alpha"), contender("PC", "alpha", system_prompt="Be brief.")], prompt_count=4
            )
            comparison = await carried_out(net, setup)
        plan, columns = await measured(net, comparison.id)
        cold = [number for number in columns.cell[columns.cold == 1].tolist() if plan.cells[number].kind == "timed"]
        assert 2 == len(cold) == len(set(cold))
        assert 8 + 2 == len(answered(plan, columns, "timed"))
        assert ["alpha", "other"] * 2 + ["alpha"] == [load.key for load in simulator.loads]


async def test_another_model_is_flagged(tmp_path: Path) -> None:
    """Where a server answers with the model that happens to be loaded, that is no answer of the one that was asked."""
    async with network(tmp_path, {"PC": Simulator(quick("alpha"))}) as net:
        comparison = await carried_out(net, benchmark([contender("PC", "alpha"), contender("PC", "ghost")]))
        plan, columns = await measured(net, comparison.id)
        wrong = {plan.cells[number].contender for number in columns.cell[~columns.as_asked].tolist()}
        assert ("finished", {1}) == (comparison.state, wrong)
        counts = [one.counts for one in (await asyncio.to_thread(net.host.lab.summary, comparison.id)).contenders]
        assert [(2, 0), (0, 2)] == [(count.used, count.other_model) for count in counts]
        progress = await asyncio.to_thread(net.host.lab.progress, comparison.id)
        assert [Done(2, 0, 2), Done(2, 0, 2)] == list(progress.contenders)


async def test_what_fails_is_asked_once_more_at_the_end(tmp_path: Path) -> None:
    """A cell that failed is asked again when everything else is done; one that fails twice shows as failed."""
    pc, mini = Simulator(quick("alpha")), Simulator(quick("alpha"))
    pc.faults.extend([None, None, "server_error"])
    mini.fault = "server_error"
    async with network(tmp_path, {"PC": pc, "Mini": mini}) as net:
        setup = benchmark([contender("PC", "alpha"), contender("Mini", "alpha")], prompt_count=3)
        comparison = await carried_out(net, setup)
        plan, columns = await measured(net, comparison.id)
        assert "finished" == comparison.state
        of_pc = [number for number in columns.cell.tolist() if plan.cells[number].contender == 0]
        timed = [number for number in of_pc if plan.cells[number].kind == "timed"]
        assert (4, timed[1]) == (len(timed), timed[-1])
        progress = await asyncio.to_thread(net.host.lab.progress, comparison.id)
        assert [Done(3, 0, 3), Done(0, 3, 3)] == list(progress.contenders)
        failed: list[int] = columns.cell[columns.ending == FAILED].tolist()
        assert [2, 2, 2] == [failed.count(c.number) for c in plan.cells if c.contender == 1 and c.kind == "timed"]
        before = len(pc.calls) + len(mini.calls)
        await net.host.lab.start(comparison.id)
        assert "finished" == (await ended(net, comparison.id)).state
        assert before == len(pc.calls) + len(mini.calls)


async def test_a_model_that_cannot_be_loaded_stops_nobody(tmp_path: Path) -> None:
    """Its load is not tried for every cell; the others are asked, and the end says what was missing."""
    broken = quick("broken", loaded=False, load_s=0.01, load_fails="Not enough memory for broken.")
    simulator = Simulator(quick("alpha", loaded=False, load_s=0.01), broken)
    async with network(tmp_path, {"PC": simulator}) as net:
        setup = benchmark([contender("PC", "broken"), contender("PC", "alpha")], prompt_count=10)
        comparison = await carried_out(net, setup)
        assert "finished" == comparison.state
        assert comparison.fault is not None
        assert "load_failed" == comparison.fault.kind
        assert 4 == len([load for load in simulator.loads if load.key == "broken"])
        progress = await asyncio.to_thread(net.host.lab.progress, comparison.id)
        assert [0, 10] == [done.answered for done in progress.contenders]


async def test_a_context_of_its_own_is_a_load_of_its_own(tmp_path: Path) -> None:
    """The same model with two context lengths is loaded once with each, though it was there with a third."""
    async with network(tmp_path, {"PC": Simulator(quick("alpha"))}) as net:
        setup = benchmark([contender("PC", "alpha", context_length=size) for size in (2048, 8192)])
        seen = await asyncio.to_thread(net.host.lab.preview, setup)
        assert (2, True) == (seen.loads, any("4,096 tokens" in warning for warning in seen.warnings))
        comparison = await carried_out(net, setup)
        assert "finished" == comparison.state
        assert [2048, 8192] == [load.context for load in net.simulator("PC").loads]


async def test_all_at_once_is_asked_at_once(tmp_path: Path) -> None:
    """Side by side, all together: every answer is under way at the same time, and no order is kept."""
    slow = {"tokens_per_s": 20.0, "words": SHORT}
    async with network(tmp_path, {"PC": Simulator(SimModel("alpha", **slow), SimModel("beta", **slow))}) as net:
        both = (contender("PC", "alpha"), contender("PC", "beta"))
        comparison = await made(net, Setup("side_by_side", prompts(1), both, together=True))
        await net.host.lab.start(comparison.id)
        await until(lambda: 2 == len(net.host.lab.progress(comparison.id).working))
        assert "finished" == (await ended(net, comparison.id)).state
        assert 2 == at_once(chats(net.simulator("PC").calls))


async def test_a_judge_reads_both_orders(tmp_path: Path) -> None:
    """Every pair is judged twice, sides swapped; the vote is the judge's, and what contradicts itself is a tie."""
    judge = quick("judge", words=("VERDICT: A",))
    async with network(tmp_path, {"PC": Simulator(quick("alpha"), quick("beta"), judge)}) as net:
        setup = benchmark([contender("PC", "alpha"), contender("PC", "beta")], judge=Judge("PC", "judge"))
        comparison = await carried_out(net, setup)
        progress = await asyncio.to_thread(net.host.lab.progress, comparison.id)
        assert ("finished", 4, 4) == (comparison.state, progress.judged, progress.to_judge)
        votes = await asyncio.to_thread(net.host.lab.votes, comparison.id)
        assert [("tie", "judge", "judge")] * 2 == [(vote.verdict, vote.voter, vote.judge) for vote in votes]


async def test_a_judge_that_gives_no_verdict_is_said(tmp_path: Path) -> None:
    """Pairs of which the judge wrote something else have no vote, and the report counts them."""
    async with network(tmp_path, {"PC": Simulator(quick("alpha"), quick("beta"), quick("judge"))}) as net:
        both = [contender("PC", "alpha"), contender("PC", "beta")]
        setup = benchmark(both, prompt_count=2, judge=Judge("PC", "judge"))
        comparison = await carried_out(net, setup)
        assert [] == await asyncio.to_thread(net.host.lab.votes, comparison.id)
        report = await asyncio.to_thread(net.host.lab.export, comparison.id, "markdown")
        assert "2 pairs without a verdict" in report.decode()


async def test_a_vote_is_about_two_answers(tmp_path: Path) -> None:
    """It is kept with the models' identities; cells of one model, of two prompts, or without an answer are refused."""
    async with network(tmp_path, {"PC": Simulator(quick("alpha"), quick("beta"))}) as net:
        lab = net.host.lab
        comparison = await made(net, benchmark([contender("PC", "alpha"), contender("PC", "beta")]))
        plan = await asyncio.to_thread(lab.plan, comparison.id)
        cells = {(c.contender, c.prompt): c.number for c in plan.cells if c.kind == "timed"}
        left, right = cells[0, 0], cells[1, 0]
        with pytest.raises(InputRefused, match="no answer"):
            await lab.vote(comparison.id, left, right, "left", blind=True)
        await lab.start(comparison.id)
        await ended(net, comparison.id)
        for other in (left, cells[0, 1], cells[1, 1], 99):
            with pytest.raises(InputRefused, match="not two models"):
                await lab.vote(comparison.id, left, other, "left", blind=True)
        vote = await lab.vote(comparison.id, left, right, "tie", blind=True)
        assert (("alpha", "Q4_K_M"), ("beta", "Q4_K_M")) == (vote.left_identity, vote.right_identity)
        assert [vote] == await asyncio.to_thread(lab.votes, comparison.id)
        await lab.take_back(vote.id)
        assert [] == await asyncio.to_thread(lab.votes, comparison.id)
        again = await lab.vote(comparison.id, right, left, "tie", blind=True)
        assert not again.blind, "the vote that was taken back has told the names"
        with pytest.raises(InputRefused, match="voted on already"):
            await lab.vote(comparison.id, left, right, "left", blind=False)
        assert [again] == await asyncio.to_thread(lab.votes, comparison.id)


async def test_two_at_once_do_not_share_a_machine(tmp_path: Path) -> None:
    """A second comparison on the same machine is refused while one runs, and says which one."""
    async with network(tmp_path, {"PC": Simulator(quick("alpha", first_token_s=0.2), quick("beta"))}) as net:
        setup = benchmark([contender("PC", "alpha"), contender("PC", "beta")], prompt_count=50)
        first, second = await made(net, setup), await made(net, setup)
        await net.host.lab.start(first.id)
        with pytest.raises(InputRefused, match="running on the same machine"):
            await net.host.lab.start(second.id)
        await net.host.lab.stop(first.id)
        assert "paused" == await state(net, first.id)
        await net.host.lab.start(second.id)
        await net.host.lab.stop(second.id)


async def test_a_cached_prompt_is_asked_right_after_its_first_time(tmp_path: Path) -> None:
    """Where only the repetition failed, both are asked again: what came between may have emptied the cache."""
    simulator = Simulator(quick("alpha"), quick("beta"))
    simulator.faults.extend([None, None, None, "server_error"])
    async with network(tmp_path, {"PC": simulator}) as net:
        setup = benchmark([contender("PC", "alpha"), contender("PC", "beta")], cache="measure")
        comparison = await carried_out(net, setup)
        plan, columns = await measured(net, comparison.id)
        assert (5, 4) == (len(answered(plan, columns, "timed")), len(answered(plan, columns, "cached")))
        last, repeated = (call.body["messages"] for call in chats(simulator.calls)[-2:])
        assert last == repeated
        assert ("timed", "cached") == tuple(plan.cells[number].kind for number in columns.cell.tolist()[-2:])
