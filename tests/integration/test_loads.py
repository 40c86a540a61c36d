"""Loads on simulated computers: each model once, one at a time, and never beside another model's answer."""

import asyncio
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from apehost_core.chat.exchange import Choice
from apehost_core.errors import Fault, StoreError
from apehost_core.events import Admitted, LoggedEvent, Progress
from apehost_core.model import Preferences
from apehost_core.store.database import Database
from apehost_core.testing.simulator import SimModel, Simulator
from tests.integration.network import (
    WORDS,
    events,
    finished,
    model,
    network,
    text,
    until,
)

pytestmark = pytest.mark.anyio


async def test_four_first_requests_cause_one_load(tmp_path: Path) -> None:
    """Requests that come while their model is not loaded share one load, also where the server would race."""
    simulator = Simulator(model(load_s=0.3, tokens_per_s=0), load_races=True)
    async with network(tmp_path, {"PC": simulator}) as net:
        runs = [await net.send() for _ in range(4)]
        assert ["completed"] * 4 == [(await finished(run)).outcome for run in runs]
        assert 1 == len(simulator.loads)
        assert ["gemma"] == list(simulator.instances)
        for run in runs:
            (admitted,) = events(run, Admitted)
            assert admitted.cold is True
            assert admitted.load_ms > 0
        fractions = [p.fraction for p in events(runs[0], Progress) if p.stage == "loading" and p.fraction is not None]
        assert fractions == sorted(fractions)
        assert len(fractions) > 0


async def test_nobody_is_thrown_out_in_mid_answer(tmp_path: Path) -> None:
    """A model that must be loaded waits for the answer that its load would end, and says so."""
    evictable = model("a", loaded=False, load_s=0.01)
    simulator = Simulator(evictable, model("b", load_s=0.05, tokens_per_s=0), auto_evict=True)
    async with network(tmp_path, {"PC": simulator}) as net:
        first = await net.writing("a")
        second = await net.send("b")
        await until(lambda: events(second, Progress))
        assert Progress("queued", position=1) == events(second, Progress)[0]
        assert ["a"] == [load.key for load in simulator.loads]
        assert "completed" == (await finished(first)).outcome
        assert "".join(WORDS) == text(first)
        assert "completed" == (await finished(second)).outcome
        assert (["a", "b"], ["b"]) == ([load.key for load in simulator.loads], list(simulator.instances))


async def test_swaps_are_allowed_by_the_person(tmp_path: Path) -> None:
    """Where swaps are allowed the load begins at once, and the answer that it ends says that it was cut."""
    simulator = Simulator(model("a", loaded=False, load_s=0.01), model("b", load_s=0.05), auto_evict=True)
    async with network(tmp_path, {"PC": simulator}) as net:
        net.host.pool.get("PC").lane.swaps = True
        first = await net.send("a")
        await until(lambda: text(first))
        second = await net.send("b")
        ended = await finished(first)
        assert ("failed", "cut") == (ended.outcome, ended.fault.kind if ended.fault else None)
        assert "".join(WORDS).startswith(text(first))
        net.host.hub.cancel(second.spec.run_id)


async def test_a_load_somebody_else_made_is_taken(tmp_path: Path) -> None:
    """The list is read before a load: what another client has loaded meanwhile is not loaded again."""
    simulator = Simulator(model(load_s=0.05, tokens_per_s=0))
    async with network(tmp_path, {"PC": simulator}, refresh_s=3600) as net:
        client = net.host.pool.get("PC").client
        await client.native.load("gemma")
        assert "not_loaded" == net.view("PC").models[0].state
        run = await net.send()
        assert "completed" == (await finished(run)).outcome
        assert 1 == len(simulator.loads)
        assert False is events(run, Admitted)[0].cold


async def test_no_second_copy_stays(tmp_path: Path) -> None:
    """Where somebody else has loaded the model while we did, our copy is let go and theirs is used."""
    simulator = Simulator(model(load_s=0.4, tokens_per_s=0), jit=False)
    async with network(tmp_path, {"PC": simulator}, refresh_s=3600) as net:
        theirs = asyncio.create_task(net.host.pool.get("PC").client.native.load("gemma"))
        await until(lambda: len(simulator.loads) == 1)
        run = await net.send()
        assert "completed" == (await finished(run)).outcome
        assert "gemma" == (await theirs).instance_id
        assert (2, ["gemma"]) == (len(simulator.loads), list(simulator.instances))


async def test_without_just_in_time_loading_it_is_loaded_all_the_same(tmp_path: Path) -> None:
    """Where requests load nothing, the load endpoint does."""
    simulator = Simulator(model(load_s=0.05, tokens_per_s=0), jit=False)
    async with network(tmp_path, {"PC": simulator}) as net:
        assert "completed" == (await finished(await net.send())).outcome
        assert ["explicit"] == [load.how for load in simulator.loads if not load.failed]


async def test_an_older_server_loads_by_the_request(tmp_path: Path) -> None:
    """A server without the load API gets one request; the others wait until that one is answered."""
    simulator = Simulator(model(load_s=0.3, tokens_per_s=0), load_races=True)
    simulator.app = _without_native(simulator)
    async with network(tmp_path, {"PC": simulator}) as net:
        assert not net.host.pool.get("PC").client.is_native
        runs = [await net.send() for _ in range(3)]
        assert ["completed"] * 3 == [(await finished(run)).outcome for run in runs]
        assert 1 == len(simulator.loads)


def _without_native(simulator: Simulator) -> ASGIApp:
    inner = simulator.app

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/v1/"):
            scope = {**scope, "path": "/nowhere", "raw_path": b"/nowhere"}
        await inner(scope, receive, send)

    return app


async def test_the_load_button_waits_its_turn(tmp_path: Path) -> None:
    """A load that a person asks for does not throw out what answers; it is seen waiting, loading, and there."""
    simulator = Simulator(model("a"), SimModel("b", load_s=1), auto_evict=True)
    async with network(tmp_path, {"PC": simulator}) as net:
        run = await net.writing("a")
        await net.host.load_model("PC", "b", 2048)
        await until(lambda: any(load.position == 1 for load in net.view("PC").loads))
        await finished(run)
        await until(lambda: net.view("PC").state == "loading")
        await until(lambda: net.view("PC").loads == () and len(simulator.instances) == 2)
        assert ["explicit"] == [load.how for load in simulator.loads]
        assert 2048 == simulator.instances["b"].context
        await net.host.unload_model("PC", "b")
        assert ["a"] == list(simulator.instances)


async def test_a_load_that_fails_says_why(tmp_path: Path) -> None:
    """The server's own words stand in its view until the next try, and the request fails with them."""
    simulator = Simulator(model(load_s=0.01, load_fails="Not enough memory for gemma."))
    async with network(tmp_path, {"PC": simulator}) as net:
        ended = await finished(await net.send())
        assert ended.fault is not None
        assert ("load_failed", True) == (ended.fault.kind, "Not enough memory" in ended.fault.cause)
        (load,) = net.view("PC").loads
        assert load.fault is not None
        assert "gemma" == load.key


async def test_a_stopped_wait_leaves_the_load_in_peace(tmp_path: Path) -> None:
    """Stop while a model loads: the load goes on, others wait for its end, and nothing is loaded twice."""
    simulator = Simulator(model("a", loaded=False, load_s=0.01), model("b", load_s=0.5), auto_evict=True)
    async with network(tmp_path, {"PC": simulator}) as net:
        first = await net.writing("a")
        net.host.hub.cancel(first.spec.run_id)
        await finished(first)
        stopped = await net.send("b")
        await until(lambda: len(simulator.loads) == 2)
        net.host.hub.cancel(stopped.spec.run_id)
        assert "cancelled" == (await finished(stopped)).outcome
        assert "loading" == net.view("PC").state
        again = await net.send("a")
        assert "completed" == (await finished(again)).outcome
        assert [("a", None), ("b", None), ("a", None)] == [(load.key, load.failed) for load in simulator.loads]


async def test_a_load_that_waits_for_nobody_is_not_begun(tmp_path: Path) -> None:
    """A load that waits behind another one, and whose requests were all stopped, never reaches the server."""
    simulator = Simulator(model("b", load_s=0.4), model("c", load_s=0.4))
    async with network(tmp_path, {"PC": simulator}) as net:
        net.host.pool.get("PC").lane.swaps = True
        first, second = await net.send("b"), await net.send("c")
        await until(lambda: len(net.host.pool.get("PC").loads.keys) == 2)
        net.host.hub.cancel(second.spec.run_id)
        await finished(second)
        assert "completed" == (await finished(first)).outcome
        assert ["b"] == [load.key for load in simulator.loads]


async def test_a_full_disk_holds_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that cannot be recorded any more while its model loads fails alone: whoever shares the load is answered."""
    simulator = Simulator(model(load_s=0.4, tokens_per_s=0))
    async with network(tmp_path, {"PC": simulator}) as net:
        first, second = await net.send(), await net.send()
        await until(lambda: net.host.pool.get("PC").loads.keys)
        taken = Database.append

        def refuses(database: Database, run_id: str, event: LoggedEvent) -> None:
            if run_id == first.spec.run_id:
                raise StoreError(Fault(kind="store", title="The disk is full"))
            taken(database, run_id, event)

        monkeypatch.setattr(Database, "append", refuses)
        assert ("failed", "completed") == ((await finished(first)).outcome, (await finished(second)).outcome)
        assert (0, False) == (net.view("PC").traffic.in_flight, net.host.pool.get("PC").lane.loading)


async def test_titles_load_nothing(tmp_path: Path) -> None:
    """A chat gets no title from a model that has been evicted meanwhile: nobody shall wait for a name."""
    cold = {"loaded": False, "load_s": 0.05, "tokens_per_s": 0}
    simulator = Simulator(model("a", **cold), model("b", **cold), auto_evict=True)
    async with network(tmp_path, {"PC": simulator}) as net:
        first, second = await net.send("a"), await net.send("b")
        assert ["completed"] * 2 == [(await finished(run)).outcome for run in (first, second)]
        await until(lambda: net.host.hub.active == 0)
        assert ["a", "b"] == [load.key for load in simulator.loads]


async def test_the_context_of_a_chat_counts(tmp_path: Path) -> None:
    """A model that is loaded for a chat gets the context that the chat, or a profile, says."""
    simulator = Simulator(model(load_s=0.05, tokens_per_s=0))
    async with network(tmp_path, {"PC": simulator}) as net:
        sent = await net.host.send("hello", Choice(None, "gemma"), None, Preferences(context_length=8192))
        assert "completed" == (await finished(net.run(sent))).outcome
        assert [8192] == [load.context for load in simulator.loads]
