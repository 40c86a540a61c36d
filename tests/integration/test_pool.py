"""Requests on several simulated computers: turns, moves, and what is remembered of failures."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apehost_core.chat.exchange import Choice
from apehost_core.events import Progress
from apehost_core.testing.simulator import Simulator
from tests.integration.network import (
    Network,
    events,
    failures,
    finished,
    model,
    network,
    servers_asked,
    text,
    until,
)

_A_MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.anyio


async def test_moves_before_the_first_token(tmp_path: Path) -> None:
    """A server that cannot answer is replaced by the next that has the model, and the log says why."""
    async with network(tmp_path, {"PC": Simulator(model()), "Mini": Simulator(model(tokens_per_s=0))}) as net:
        await net.kill("PC")
        run = await net.send()
        assert "completed" == (await finished(run)).outcome
        assert (["PC", "Mini"], ["refused"]) == (servers_asked(run), failures(run))
        assert "offline" == net.view("PC").state
        second = await net.send()
        assert "completed" == (await finished(second)).outcome
        assert ["Mini"] == servers_asked(second)
        calls = net.host.calls_of(run.spec.run_id)
        assert [("PC", "failed"), ("Mini", "completed")] == [(call.server, call.outcome) for call in calls]


async def test_never_moves_after_the_first_token(tmp_path: Path) -> None:
    """An answer that was begun is kept as far as it came, and nothing is asked a second time."""
    async with network(tmp_path, {"PC": Simulator(model()), "Mini": Simulator(model())}) as net:
        run = await net.writing()
        await net.kill("PC")
        ended = await finished(run)
        assert ("failed", "cut") == (ended.outcome, ended.fault.kind if ended.fault else None)
        assert ["PC"] == servers_asked(run)
        assert [] == net.simulator("Mini").calls
        kept = net.host.conversations.branch(run.spec.conversation_id or "")[-1].message.text
        assert text(run) == kept != ""


async def test_a_chosen_server_is_not_left(tmp_path: Path) -> None:
    """Who picks a server hears what is wrong with it; nothing is sent elsewhere."""
    async with network(tmp_path, {"PC": Simulator(model()), "Mini": Simulator(model())}) as net:
        await net.kill("PC")
        ended = await finished(await net.send(server="PC"))
        assert ("failed", "refused") == (ended.outcome, ended.fault.kind if ended.fault else None)
        assert [] == net.simulator("Mini").calls


async def test_what_lies_in_the_request_goes_nowhere(tmp_path: Path) -> None:
    """A request that no server could answer is not tried on all of them."""
    pc = Simulator(model())
    pc.fault = "overflow_refused"
    async with network(tmp_path, {"PC": pc, "Mini": Simulator(model())}) as net:
        ended = await finished(await net.send())
        assert "overflow" == (ended.fault.kind if ended.fault else None)
        assert [] == net.simulator("Mini").calls


async def test_a_conversation_stays_with_its_server(tmp_path: Path) -> None:
    """Later questions go where the first was answered, though another server comes first in the order."""
    quick = model(tokens_per_s=0)
    async with network(tmp_path, {"PC": Simulator(quick), "Mini": Simulator(quick)}) as net:
        await net.host.registry.move("Mini", -1)
        first = await net.send()
        await finished(first)
        assert ["Mini"] == servers_asked(first)
        await net.host.registry.move("Mini", 1)
        second = await net.send(conversation=first.spec.conversation_id)
        await finished(second)
        fresh = await net.send()
        await finished(fresh)
        assert (["Mini"], ["PC"]) == (servers_asked(second), servers_asked(fresh))


async def test_a_server_that_asks_to_wait_is_waited_for(tmp_path: Path) -> None:
    """429 with Retry-After: the request waits that long, says so, and is then answered; nobody looks meanwhile."""
    simulator = Simulator(model(tokens_per_s=0))
    async with network(tmp_path, {"PC": simulator}) as net:
        simulator.trouble, simulator.retry_after_s = "rate_limited", 1
        run = await net.send()
        await until(lambda: any(p.stage == "waiting" for p in events(run, Progress)))
        assert "rate_limited" == net.view("PC").state
        simulator.trouble = None
        assert "completed" == (await finished(run)).outcome
        assert (["rate_limited"], [1.0]) == (
            failures(run),
            [p.seconds for p in events(run, Progress) if p.stage == "waiting"],
        )
        await until(lambda: net.view("PC").state == "online")


async def test_nobody_looks_at_a_server_that_asks_to_wait(tmp_path: Path) -> None:
    """A Retry-After that a request was told holds for looks, too, whatever their interval."""
    simulator = Simulator(model(tokens_per_s=0))
    async with network(tmp_path, {"PC": simulator}, refresh_s=0.1) as net:
        simulator.trouble, simulator.retry_after_s = "rate_limited", 100
        ended = await finished(await net.send())
        assert "rate_limited" == (ended.fault.kind if ended.fault else None)
        simulator.trouble = None
        await until(lambda: (net.view("PC").next_check_at or datetime.now(UTC)) - datetime.now(UTC) > _A_MINUTE)
        looks = len(simulator.requests)
        await net.host.look_at("PC")
        assert looks < len(simulator.requests)
        assert "online" == net.view("PC").state


async def test_a_rate_limit_moves_where_it_can(tmp_path: Path) -> None:
    """With another server at hand nobody waits."""
    async with network(tmp_path, {"PC": Simulator(model()), "Mini": Simulator(model(tokens_per_s=0))}) as net:
        net.simulator("PC").trouble = "rate_limited"
        run = await net.send()
        assert "completed" == (await finished(run)).outcome
        assert (["PC", "Mini"], ["rate_limited"]) == (servers_asked(run), failures(run))


async def test_the_breaker_opens_and_closes(tmp_path: Path) -> None:
    """A server whose answers fail three times in a row rests, though it can be reached; a trial closes it."""
    async with network(
        tmp_path, {"PC": Simulator(model(tokens_per_s=0)), "Mini": Simulator(model(tokens_per_s=0))}
    ) as net:
        net.simulator("PC").fault = "server_error"
        for _ in range(3):
            assert ["PC", "Mini"] == await _asked(net)
        assert net.view("PC").resting_until is not None
        await net.host.look_at("PC")
        assert ("online", ["Mini"]) == (net.view("PC").state, await _asked(net))
        net.simulator("PC").fault = None
        assert "completed" == (await finished(await net.send(server="PC"))).outcome
        assert (None, ["PC"]) == (net.view("PC").resting_until, await _asked(net))


async def _asked(net: Network) -> list[str]:
    run = await net.send()
    await finished(run)
    return servers_asked(run)


async def test_a_queue_is_fair_and_can_be_left(tmp_path: Path) -> None:
    """More requests than a server serves wait in order; one that is cancelled there asks the server nothing."""
    simulator = Simulator(model(parallel=1))
    async with network(tmp_path, {"PC": simulator}) as net:
        await until(lambda: net.view("PC").traffic.width == 1)
        first = await net.writing()
        second, third = await net.send(), await net.send()
        await until(lambda: net.view("PC").traffic.queued == 2)
        assert ("busy", 1) == (net.view("PC").state, net.view("PC").traffic.in_flight)
        net.host.hub.cancel(second.spec.run_id)
        assert "cancelled" == (await finished(second)).outcome
        await until(lambda: events(third, Progress)[-1].position == 1)
        net.host.hub.cancel(first.spec.run_id)
        await until(lambda: text(third))
        assert 2 == len(simulator.calls)


async def test_ten_dead_servers_slow_nothing(tmp_path: Path) -> None:
    """Servers that take every request and never answer are known as nothing, and the one that answers does so."""
    dead = {f"dead {number}": Simulator(model()) for number in range(10)}
    for simulator in dead.values():
        simulator.trouble = "hang"
    async with network(tmp_path, {**dead, "PC": Simulator(model(tokens_per_s=0))}) as net:
        assert {"unknown"} == {net.view(name).state for name in dead}
        run = await net.send()
        assert "completed" == (await finished(run)).outcome
        assert ["PC"] == servers_asked(run)


async def test_looks_load_nothing(tmp_path: Path) -> None:
    """However often a server is looked at, it is asked for greeting and listings only."""
    simulator = Simulator(model(load_s=0.01))
    async with network(tmp_path, {"PC": simulator}) as net:
        await asyncio.gather(*(net.host.look_at_servers() for _ in range(5)))
        await net.host.look_at("PC")
        assert [] == simulator.loads
        assert {"GET"} == {method for method, _ in simulator.requests}
        assert {"/lmstudio-greeting", "/api/v1/models"} == {path for _, path in simulator.requests}


async def test_a_cut_answer_goes_on_elsewhere(tmp_path: Path) -> None:
    """Only when asked: the partial answer stays, and another server is given it and asked to go on."""
    async with network(
        tmp_path, {"PC": Simulator(model()), "Mini": Simulator(model(words=("and", " so", " on.")))}
    ) as net:
        first = await net.writing()
        await net.kill("PC")
        await finished(first)
        conversation = first.spec.conversation_id or ""
        second = net.run(await net.host.go_on(Choice(None, "gemma"), conversation))
        assert "completed" == (await finished(second)).outcome
        assert ["Mini"] == servers_asked(second)
        said = [(entry.message.role, entry.message.text) for entry in net.host.conversations.branch(conversation)]
        assert [("user", "hello"), ("assistant", text(first)), ("assistant", "and so on.")] == said
        (call,) = net.simulator("Mini").calls
        assert ["user", "assistant", "user"] == [message["role"] for message in call.body["messages"]]
        assert text(first) == call.body["messages"][1]["content"]
        third = await net.send(conversation=conversation)
        await finished(third)
        roles = [message["role"] for message in net.simulator("Mini").calls[-1].body["messages"]]
        assert ["user", "assistant", "user"] == roles


async def test_a_wait_of_centuries_is_no_wait(tmp_path: Path) -> None:
    """A Retry-After that makes no sense neither ends the watch over a server nor puts it off for long."""
    simulator = Simulator(model(tokens_per_s=0))
    simulator.trouble, simulator.retry_after_s = "rate_limited", 1_753_000_000_000
    async with network(tmp_path, {"PC": simulator}) as net:
        fault = net.view("PC").fault
        assert 3600 == (fault.retry_after_s if fault else None)
        await until(lambda: net.view("PC").next_check_at)
        simulator.trouble = None
        assert "completed" == (await finished(await net.send(server="PC"))).outcome
        await until(lambda: net.view("PC").state == "online")
