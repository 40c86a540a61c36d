"""Loads of the simulator: what begins one, what it makes, what it pushes out. Sources: api notes 1.2.7, 1.7, 1.9."""

import asyncio
from typing import Any

import httpx
import pytest

from apehost_core.testing.simulator import SimModel, Simulator, serve
from tests.integration.simulated import USER, chat, client_of, read, real_client, until

pytestmark = pytest.mark.anyio

ENDLESS = ("word ",) * 10_000


def loads(simulator: Simulator) -> list[tuple[str, str, str]]:
    """(instance, way, failure) of each load that was begun."""
    return [(load.instance, load.how, load.failed or "") for load in simulator.loads]


async def load(client: httpx.AsyncClient, model: str, **more: Any) -> httpx.Response:
    """The response to a wish to load a model."""
    return await client.post("/api/v1/models/load", json={"model": model, **more})


async def test_first_requests_share_one_load() -> None:
    """Four requests that come while the model is not loaded cause one load, and all are answered by it."""
    simulator = Simulator(SimModel(load_s=0.05))
    async with client_of(simulator) as client:
        answers = await asyncio.gather(*(chat(client) for _ in range(4)))
    assert [200] * 4 == [answer.status_code for answer in answers]
    assert [("sim-model", "jit", "")] == loads(simulator)
    assert simulator.loads[0].seconds >= 0.05
    assert {"sim-model"} == {call.instance for call in simulator.calls}


async def test_first_requests_may_race() -> None:
    """As the flag says, each of them begins a load of its own, and memory holds an instance for each."""
    simulator = Simulator(SimModel(load_s=0.05), load_races=True)
    async with client_of(simulator) as client:
        await asyncio.gather(*(chat(client) for _ in range(3)))
        await chat(client)
    assert ["sim-model", "sim-model:2", "sim-model:3"] == list(simulator.instances)
    assert 3 == len(simulator.loads)
    assert ["sim-model", "sim-model:2", "sim-model:3", "sim-model"] == [call.instance for call in simulator.calls]


@pytest.mark.parametrize(
    ("model", "there"),
    [
        (SimModel(), True),
        (SimModel(load_s=1), False),
        (SimModel(loaded=False), False),
        (SimModel(load_s=1, loaded=True), True),
        (SimModel(load_fails="no"), False),
        (SimModel(downloaded=False), False),
    ],
)
def test_what_is_loaded_at_the_start(model: SimModel, there: bool) -> None:
    """Where a model does not say it, one whose load takes time or fails is not; no load is recorded for those."""
    simulator = Simulator(model)
    assert (there, []) == (model.key in simulator.instances, simulator.loads)


async def test_loading_twice_makes_a_second_instance() -> None:
    """The load endpoint is not idempotent: it makes `:2`, which answers to its own id."""
    simulator = Simulator(SimModel("m", loaded=False, load_s=0.01))
    async with client_of(simulator) as client:
        first = (await load(client, "m")).json()
        second = (await load(client, "m", context_length=99, echo_load_config=True)).json()
        answer = (await chat(client, "m:2", stream=False)).json()
    assert ("llm", "m", "loaded") == (first["type"], first["instance_id"], first["status"])
    assert first["load_time_seconds"] >= 0.01
    assert "load_config" not in first
    assert ("m:2", 99) == (second["instance_id"], second["load_config"]["context_length"])
    assert "m:2" == answer["model"]
    assert [("m", 4096, "explicit"), ("m:2", 99, "explicit")] == [
        (instance.id, instance.context, instance.how) for instance in simulator.instances.values()
    ]


async def test_a_freed_name_is_given_again() -> None:
    """After the first instance is unloaded, the next load takes its name."""
    simulator = Simulator(SimModel("m"))
    async with client_of(simulator) as client:
        await load(client, "m")
        assert {"instance_id": "m"} == (await client.post("/api/v1/models/unload", json={"instance_id": "m"})).json()
        await load(client, "m")
    assert ["m:2", "m"] == list(simulator.instances)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("load", {"model": "m", "ttl": 5}, 400, "unrecognized_keys"),
        ("load", {"model": "x"}, 404, "model_not_found"),
        ("unload", {"model": "m"}, 400, "unrecognized_keys"),
        ("unload", {"instance_id": "x"}, 404, "model_not_found"),
    ],
)
async def test_loads_that_make_no_sense(path: str, body: dict[str, Any], status: int, code: str) -> None:
    """Keys are strict, and what is not there is not found; no load begins."""
    simulator = Simulator(SimModel("m"))
    async with client_of(simulator) as client:
        answer = await client.post(f"/api/v1/models/{path}", json=body)
    assert (status, code) == (answer.status_code, answer.json()["error"]["code"])
    assert [] == simulator.loads


async def test_a_load_that_fails() -> None:
    """The endpoint answers 500, a chat 400 with the reason; every attempt is a load that was begun."""
    simulator = Simulator(SimModel("m", load_s=0.01, load_fails="Out of memory."))
    async with client_of(simulator) as client:
        loaded, asked = await load(client, "m"), await chat(client, "m", stream=True)
    assert (500, "model_load_failed") == (loaded.status_code, loaded.json()["error"]["type"])
    assert (400, 'Failed to load model "m". Error: Out of memory.') == (asked.status_code, asked.json()["error"])
    assert [("m", "explicit", "Out of memory."), ("m", "jit", "Out of memory.")] == loads(simulator)
    assert simulator.calls[0].left_ns is not None
    assert {} == simulator.instances


async def test_headers_before_the_load() -> None:
    """In the other variant a stream begins before the load, and its failure is an event in it."""
    simulator = Simulator(SimModel("m", load_fails="Out of memory."), headers_first=True)
    async with client_of(simulator) as client:
        answer = await chat(client, "m", stream=True)
    assert 200 == answer.status_code
    assert answer.text.startswith("event: error\n")
    assert "Out of memory." in answer.text


async def test_memory_is_full() -> None:
    """A load beyond what fits is refused by the guardrail, on both ways; a place that is freed is taken."""
    simulator = Simulator(SimModel("a"), SimModel("b", loaded=False), fits=1)
    async with client_of(simulator) as client:
        loaded, asked = await load(client, "b"), await chat(client, "b")
        await client.post("/api/v1/models/unload", json={"instance_id": "a"})
        after = await load(client, "b")
    assert (500, 400, 200) == (loaded.status_code, asked.status_code, after.status_code)
    assert "insufficient system resources" in loaded.json()["error"]["message"]
    assert "insufficient system resources" in asked.json()["error"]
    assert ["b"] == list(simulator.instances)


async def test_loads_under_way_take_their_place() -> None:
    """What is being loaded counts as well as what is loaded."""
    simulator = Simulator(SimModel("a", load_s=0.05), SimModel("b", load_s=0.05), fits=1)
    async with client_of(simulator) as client:
        answers = await asyncio.gather(chat(client, "a"), chat(client, "b"))
    assert [200, 400] == [answer.status_code for answer in answers]


async def test_eviction_makes_room() -> None:
    """With auto-evict, loading for a request drops what was loaded for others, and then it fits."""
    simulator = Simulator(SimModel("a", loaded=False), SimModel("b", loaded=False), auto_evict=True, fits=1)
    async with client_of(simulator) as client:
        answers = [await chat(client, name) for name in ("a", "b", "a")]
    assert [200] * 3 == [answer.status_code for answer in answers]
    assert (["a"], 3) == (list(simulator.instances), len(simulator.loads))


async def test_what_was_loaded_on_purpose_stays() -> None:
    """Neither instances from the load endpoint nor those of the start are evicted, and a load evicts nothing."""
    models = SimModel("start"), SimModel("a", loaded=False), SimModel("b", loaded=False), SimModel("c", loaded=False)
    simulator = Simulator(*models, auto_evict=True)
    async with client_of(simulator) as client:
        await load(client, "a")
        await chat(client, "b")
        await load(client, "a")
        assert "b" in simulator.instances
        await chat(client, "c")
    assert ["start", "a", "a:2", "c"] == list(simulator.instances)


async def test_eviction_in_mid_answer() -> None:
    """The stream of the model that is pushed out breaks off abruptly, with what came before it."""
    models = SimModel("a", words=ENDLESS, tokens_per_s=500, loaded=False), SimModel("b", loaded=False)
    simulator = Simulator(*models, auto_evict=True)
    with serve(simulator) as url:
        async with real_client(url) as client:
            body = {"model": "a", "messages": [USER], "stream": True}
            async with client.stream("POST", "/v1/chat/completions", json=body) as stream:
                text = stream.aiter_text()
                got = await anext(text)
                other = await chat(client, "b", stream=False)
                with pytest.raises(httpx.RemoteProtocolError):
                    await read(text)
    assert 200 == other.status_code
    assert '"content":"word "' in got
    assert simulator.calls[0].left_ns is not None
    assert ["b"] == list(simulator.instances)


async def test_an_answer_that_is_not_streamed_is_evicted() -> None:
    """It becomes a refusal."""
    models = SimModel("a", words=ENDLESS, tokens_per_s=500, loaded=False), SimModel("b", loaded=False)
    simulator = Simulator(*models, auto_evict=True)
    async with client_of(simulator) as client:
        asked = asyncio.create_task(chat(client, "a", stream=False))
        await until(lambda: simulator.calls and simulator.calls[0].sent)
        await chat(client, "b")
        answer = await asked
    assert (400, "Model unloaded.") == (answer.status_code, answer.json()["error"])


async def test_two_loads_that_fight() -> None:
    """With auto-evict, a load for one request ends that for another, which is refused."""
    simulator = Simulator(SimModel("a", load_s=0.2), SimModel("b", load_s=0.05), auto_evict=True)
    async with client_of(simulator) as client:
        first = asyncio.create_task(chat(client, "a"))
        await until(lambda: simulator.loads)
        second, lost = await chat(client, "b"), await first
    assert (200, 400) == (second.status_code, lost.status_code)
    assert "Operation canceled." in lost.json()["error"]
    assert [("a", "jit", "Operation canceled."), ("b", "jit", "")] == loads(simulator)
    assert ["b"] == list(simulator.instances)


@pytest.mark.parametrize(("others", "status"), [((), 404), ((SimModel("other"),), 400)], ids=["nothing", "another"])
async def test_without_jit(others: tuple[SimModel, ...], status: int) -> None:
    """A request loads nothing: it is refused in the words for what else is loaded."""
    simulator = Simulator(SimModel("cold", loaded=False), *others, jit=False)
    async with client_of(simulator) as client:
        answer = await chat(client, "cold")
        native = await client.post("/api/v1/chat", json={"model": "cold", "input": "hi"})
        loaded = await load(client, "cold")
        after = await chat(client, "cold")
    words = "Invalid model identifier" if others else "No models loaded"
    assert (status, "model_not_found") == (answer.status_code, answer.json()["error"]["code"])
    assert words in answer.json()["error"]["message"]
    assert (404, "model_not_found") == (native.status_code, native.json()["error"]["code"])
    assert (200, 200) == (loaded.status_code, after.status_code)
    assert [("cold", "explicit", "")] == loads(simulator)


async def test_an_instance_has_no_other_case() -> None:
    """Keys are found in any case, instance ids only in their own."""
    simulator = Simulator(SimModel("Mixed"), SimModel("other"))
    async with client_of(simulator) as client:
        await load(client, "Mixed")
        statuses = [(await chat(client, name)).status_code for name in ("mixed", "Mixed:2", "mixed:2")]
    assert [200, 200, 400] == statuses


@pytest.mark.parametrize(("given", "kept"), [(60, 60), (None, 3600), ("abc", 3600), (-5, 3600)])
async def test_how_long_it_is_kept(given: object, kept: float) -> None:
    """`ttl` of the request that loads is noted on the instance; nonsense is the default of an hour."""
    simulator = Simulator(SimModel("m", loaded=False))
    async with client_of(simulator) as client:
        await chat(client, "m", **({} if given is None else {"ttl": given}))
        await chat(client, "m", ttl=7)
    assert kept == simulator.instances["m"].ttl_s


async def test_who_leaves_does_not_stop_a_load() -> None:
    """The call is over at once, the load goes on, and the next request finds the model."""
    simulator = Simulator(SimModel(load_s=0.4))
    with serve(simulator) as url:
        async with real_client(url) as client:
            asked = asyncio.create_task(chat(client))
            await until(lambda: simulator.loads)
            asked.cancel()
            await until(lambda: simulator.calls[0].left_ns)
            assert simulator.loads[0].ended_ns is None
            await until(lambda: simulator.instances)
            assert 200 == (await chat(client)).status_code
    assert [("sim-model", "jit", "")] == loads(simulator)


async def test_the_most_answers_at_once() -> None:
    """An instance counts how many answers it writes, and wrote at most."""
    simulator = Simulator(SimModel(first_token_s=0.05))
    async with client_of(simulator) as client:
        await asyncio.gather(*(chat(client) for _ in range(3)))
    instance = simulator.instances["sim-model"]
    assert (0, 3) == (instance.answering, instance.peak)
