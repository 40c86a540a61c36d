"""Simulated computers: unplugged, started again, in trouble, and many at once."""

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from apehost_core.testing import simulator as command
from apehost_core.testing.simulator import Machine, SimModel, Simulator, Trouble, machines, serve
from tests.integration.simulated import USER, chat, client_of, read, real_client, until

pytestmark = pytest.mark.anyio

SLOW = SimModel(words=("word ",) * 10_000, tokens_per_s=200)


async def test_pulling_the_plug() -> None:
    """Streams break at once, the port refuses, and after the start the same address answers again."""
    with Machine(Simulator(SLOW)) as machine:
        async with real_client(machine.url) as client:
            body = {"model": "sim-model", "messages": [USER], "stream": True}
            async with client.stream("POST", "/v1/chat/completions", json=body) as stream:
                text = stream.aiter_text()
                await anext(text)
                await asyncio.to_thread(machine.kill)
                with pytest.raises(httpx.TransportError):
                    await read(text)
            assert not machine.running
            with pytest.raises(httpx.ConnectError):
                await client.get("/v1/models")
            machine.start()
            assert machine.running
            assert 200 == (await client.get("/v1/models")).status_code


async def test_kept_connections_break_too() -> None:
    """A connection that was waiting for its next request does not outlive the plug."""
    with Machine(Simulator()) as machine:
        host = httpx.URL(machine.url)
        reader, writer = await asyncio.open_connection(host.host, host.port)
        writer.write(b"GET /v1/models HTTP/1.1\r\nHost: mini\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        machine.kill()
        async with asyncio.timeout(5):
            with pytest.raises(ConnectionResetError):
                await reader.read()
        writer.close()


@pytest.mark.parametrize(("forget", "there"), [(False, ["warm"]), (True, [])])
async def test_what_is_in_memory_after_the_plug(forget: bool, there: list[str]) -> None:
    """What requests loaded is lost; what was there at the start comes back unless it is to be forgotten."""
    simulator = Simulator(SimModel("warm"), SimModel("cold", load_s=0.01))
    with Machine(simulator) as machine:
        async with real_client(machine.url) as client:
            await chat(client, "cold")
            assert ["warm", "cold"] == list(simulator.instances)
            machine.kill(forget=forget)
            machine.start()
            listed = (await client.get("/api/v1/models")).json()["models"]
    assert there == [model["key"] for model in listed if model["loaded_instances"]]
    assert 1 == len(simulator.loads)


async def test_the_plug_ends_loads() -> None:
    """A load under way at that moment never makes an instance; the next request begins another."""
    simulator = Simulator(SimModel(load_s=0.1))
    with Machine(simulator) as machine:
        async with real_client(machine.url) as client:
            asked = asyncio.create_task(chat(client))
            await until(lambda: simulator.loads)
            await asyncio.to_thread(machine.kill)
            with pytest.raises(httpx.TransportError):
                await asked
            machine.start()
            assert 200 == (await chat(client)).status_code
    assert ["Operation canceled.", None] == [load.failed for load in simulator.loads]


async def test_memory_can_be_looked_at_afterwards() -> None:
    """Leaving the context is no pulled plug: what was in memory is still there to be counted."""
    simulator = Simulator(SimModel("cold", load_s=0.01))
    with serve(simulator) as url:
        async with real_client(url) as client:
            await chat(client, "cold")
    assert ["cold"] == list(simulator.instances)


def test_flapping() -> None:
    """Up and down twenty times keeps the port; a second start or kill changes nothing."""
    with Machine(Simulator()) as machine:
        port = machine.port
        for _ in range(20):
            machine.kill()
            machine.kill()
            machine.start()
            machine.start()
        assert (port, True) == (machine.port, machine.running)
        assert 200 == httpx.get(f"{machine.url}/v1/models", trust_env=False).status_code


def test_a_port_that_is_taken() -> None:
    """It is said, not waited for."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RuntimeError, match=str(port)), serve(Simulator(), port=port):
            pass


async def test_many_at_once() -> None:
    """Fifty machines answer from one thread, each for itself, and one can be unplugged from any thread."""
    running = [Simulator(SimModel(f"m{number}")) for number in range(50)]
    with machines(*running) as up:
        async with httpx.AsyncClient(trust_env=False) as client:
            answers = await asyncio.gather(*(client.get(f"{machine.url}/v1/models") for machine in up))
            assert [f"m{number}" for number in range(50)] == [a.json()["data"][0]["id"] for a in answers]
            with ThreadPoolExecutor() as threads:
                list(threads.map(lambda machine: machine.kill(), up[:10]))
            assert [False] * 10 + [True] * 40 == [machine.running for machine in up]
            assert 200 == (await client.get(f"{up[10].url}/v1/models")).status_code
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{up[9].url}/v1/models")
    assert [1] + [1] * 9 + [2] + [1] * 39 == [len(simulator.requests) for simulator in running]


@pytest.mark.parametrize(
    ("trouble", "status", "words"), [("busy", 503, "Loading model"), ("rate_limited", 429, "Too many requests")]
)
async def test_a_server_that_refuses_everything(trouble: Trouble, status: int, words: str) -> None:
    """Listings and answers alike, until the trouble is over."""
    simulator = Simulator()
    simulator.trouble, simulator.retry_after_s = trouble, 3
    async with client_of(simulator) as client:
        refused = [await client.get("/lmstudio-greeting"), await client.get("/v1/models"), await chat(client)]
        simulator.trouble = None
        after = await chat(client)
    assert [status] * 3 == [answer.status_code for answer in refused]
    assert all(words in answer.text for answer in refused)
    assert ("3" if status == 429 else None) == refused[0].headers.get("retry-after")
    assert (200, 1) == (after.status_code, len(simulator.calls))


async def test_a_black_hole() -> None:
    """Every request is taken and none answered, until its caller gives up."""
    simulator = Simulator()
    simulator.trouble = "hang"
    with serve(simulator) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=0.1) as client:
            for ask in (client.get("/lmstudio-greeting"), chat(client)):
                with pytest.raises(httpx.ReadTimeout):
                    await ask
    assert [("GET", "/lmstudio-greeting"), ("POST", "/v1/chat/completions")] == simulator.requests
    assert [] == simulator.calls


async def test_a_slow_server() -> None:
    """Every request waits first, and then is answered."""
    simulator = Simulator()
    simulator.trouble, simulator.slow_s = "slow", 0.05
    async with client_of(simulator) as client:
        begun = time.perf_counter()
        assert 200 == (await client.get("/v1/models")).status_code
    assert time.perf_counter() - begun >= 0.05


async def test_everything_that_is_asked_is_noted() -> None:
    """Requests are noted with method and path in order, what is unknown too; questions to the simulator are not."""
    simulator = Simulator()
    async with client_of(simulator) as client:
        await client.get("/lmstudio-greeting")
        await client.get("/nowhere")
        await client.get("/simulator/calls")
        await chat(client)
    assert [
        ("GET", "/lmstudio-greeting"),
        ("GET", "/nowhere"),
        ("POST", "/v1/chat/completions"),
    ] == simulator.requests


def test_the_command_line() -> None:
    """It makes a simulator for each port, with the models that are said, whose keys may have colons."""
    models = [argument for given in ("small", "large:q4:2.5", "x:y") for argument in ("--model", given)]
    flags = ["--port", "1", "--port", "2", "--load-s", "1", "--no-jit", "--auto-evict"]
    parsed = command.parser().parse_args([*models, *flags])
    one, other = command.simulators(parsed)
    assert [("small", 1), ("large:q4", 2.5), ("x:y", 1)] == [(model.key, model.load_s) for model in one.models]
    assert (False, True) == (other.jit, other.memory.auto_evict)


def test_the_command_line_says_nothing() -> None:
    """Without arguments it is one server with one model that is loaded."""
    (one,) = command.simulators(command.parser().parse_args([]))
    assert (["sim-model"], True) == (list(one.instances), one.jit)
