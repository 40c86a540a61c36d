"""The simulator's native endpoints: chat with its events, and downloads. Sources: api notes 1.7, 1.8."""

import asyncio
from typing import Any

import httpx
import pytest

from apehost_core.testing.answers import Fault
from apehost_core.testing.simulator import SimModel, Simulator, serve
from tests.integration.simulated import client_of, events, real_client, until

pytestmark = pytest.mark.anyio

THINKS = SimModel(reasoning=("let", " me"), words=("Yes", "."), reasoning_options=("off", "on"))


def simulated(*models: SimModel, **setup: Any) -> Simulator:
    """A simulator whose native streams close at their end."""
    simulator = Simulator(*models, **setup)
    simulator.linger_s = 0
    return simulator


async def ask(client: httpx.AsyncClient, **more: Any) -> httpx.Response:
    """The response to a native chat."""
    return await client.post("/api/v1/chat", json={"model": "sim-model", "input": "one two", **more})


async def test_an_answer_at_once() -> None:
    """It has reasoning and message apart, the server's own measurements, and a name to go on from."""
    async with client_of(simulated(THINKS)) as client:
        first = (await ask(client, system_prompt="be brief")).json()
        second = await ask(client, previous_response_id=first["response_id"])
    assert [{"type": "reasoning", "content": "let me"}, {"type": "message", "content": "Yes."}] == first["output"]
    stats = first["stats"]
    assert (4, 4, 2) == (stats["input_tokens"], stats["total_output_tokens"], stats["reasoning_output_tokens"])
    assert stats["tokens_per_second"] > 0
    assert "model_load_time_seconds" not in stats
    assert ("sim-model", "resp_") == (first["model_instance_id"], first["response_id"][:5])
    assert 200 == second.status_code


async def test_what_can_be_asked_for() -> None:
    """The limit, the context of a load, the setting of reasoning and not being stored are honoured."""
    simulator = simulated(SimModel(reasoning=("hm",), reasoning_options=("off", "on"), load_s=0.01))
    async with client_of(simulator) as client:
        answer = (await ask(client, max_output_tokens=2, context_length=1234, reasoning="off", store=False)).json()
    assert [{"type": "message", "content": "Hello from"}] == answer["output"]
    assert (1234, "jit") == (simulator.instances["sim-model"].context, simulator.instances["sim-model"].how)
    assert answer["stats"]["model_load_time_seconds"] >= 0.01
    assert "response_id" not in answer
    assert ["native"] == [load.how for load in simulator.loads]


async def test_every_event_of_a_cold_answer() -> None:
    """Load, prompt, reasoning, message and result come in order, the end of the prompt twice, and no [DONE]."""
    simulator = simulated(SimModel(reasoning=("let", " me"), words=("Yes",), load_s=0.02))
    async with client_of(simulator) as client:
        answer = await ask(client, stream=True)
    came = events(answer.text)
    kinds = [kind for kind, _ in came]
    assert kinds == [data["type"] for _, data in came]
    assert [
        "chat.start",
        "model_load.start",
        "model_load.progress",
        "model_load.end",
        "prompt_processing.start",
        "prompt_processing.progress",
        "prompt_processing.end",
        "reasoning.start",
        "reasoning.delta",
        "reasoning.end",
        "message.start",
        "message.delta",
        "message.end",
        "chat.end",
    ] == list(dict.fromkeys(kinds))
    assert 2 == kinds.count("prompt_processing.end")
    progress = [data["progress"] for kind, data in came if kind == "model_load.progress"]
    assert sorted(progress) == progress
    assert all(0 <= fraction <= 1 for fraction in progress)
    result = came[-1][1]["result"]
    assert result["stats"]["model_load_time_seconds"] >= 0.02
    assert "Yes" == result["output"][-1]["content"]
    assert "[DONE]" not in answer.text


async def test_a_warm_answer_loads_nothing() -> None:
    """Where the model is in memory, no event is about a load."""
    async with client_of(simulated()) as client:
        kinds = [kind for kind, _ in events((await ask(client, stream=True)).text)]
    assert [] == [kind for kind in kinds if kind.startswith("model_load")]
    assert "chat.end" == kinds[-1]


async def test_the_socket_stays_open_after_the_end() -> None:
    """The call is complete with "chat.end", though the connection is not closed yet."""
    simulator = Simulator()
    simulator.linger_s = 60
    with serve(simulator) as url:
        async with real_client(url) as client:
            body = {"model": "sim-model", "input": "hi", "stream": True}
            async with client.stream("POST", "/api/v1/chat", json=body) as stream:
                async for line in stream.aiter_lines():
                    if line == "event: chat.end":
                        break
                await until(lambda: simulator.calls[0].ended_ns)
    assert simulator.calls[0].left_ns is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"stop": ["x"], "seed": 1}, 400, "unrecognized_keys"),
        ({"ttl": 5}, 400, "unrecognized_keys"),
        ({"messages": []}, 400, "unrecognized_keys"),
        ({"model": "x"}, 404, "model_not_found"),
        ({"input": [{"type": "message", "content": "hi"}]}, 400, "invalid_union"),
        ({"input": None}, 400, "missing_required_parameter"),
        ({"previous_response_id": "resp_1"}, 400, "invalid_value"),
        ({"reasoning": "high"}, 400, "invalid_value"),
    ],
)
async def test_a_native_chat_that_is_refused(body: dict[str, Any], status: int, code: str) -> None:
    """Keys are strict, and an unknown model is never answered by another."""
    async with client_of(simulated(THINKS)) as client:
        answer = await ask(client, **body)
    assert (status, code) == (answer.status_code, answer.json()["error"]["code"])


async def test_a_native_load_that_fails() -> None:
    """At once it is a 500; in a stream an error event, and then the end."""
    async with client_of(simulated(SimModel(load_fails="Out of memory."))) as client:
        whole, stream = await ask(client), await ask(client, stream=True)
    assert (500, "model_load_failed") == (whole.status_code, whole.json()["error"]["type"])
    came = events(stream.text)
    assert ["error", "chat.end"] == [kind for kind, _ in came][-2:]
    assert "Out of memory." in came[-2][1]["error"]["message"]


async def test_a_native_load_that_does_not_fit() -> None:
    """The guardrail refuses it, inside the stream as well."""
    async with client_of(simulated(SimModel(loaded=False), SimModel("other"), fits=1)) as client:
        whole, stream = await ask(client), await ask(client, stream=True)
    assert (500, "model_load_failed") == (whole.status_code, whole.json()["error"]["type"])
    assert "insufficient system resources" in dict(events(stream.text))["error"]["error"]["message"]


@pytest.mark.parametrize(
    ("fault", "kinds", "text"),
    [
        ("error_midway", ["message.end", "error", "chat.end"], "Hello from"),
        ("error_event", ["prompt_processing.end", "error", "chat.end"], ""),
        ("eof", ["message.start", "message.delta", "message.delta"], "Hello from"),
    ],
)
async def test_native_streams_that_go_wrong(fault: Fault, kinds: list[str], text: str) -> None:
    """An error comes before the end, which has the part that was written; others just stop."""
    simulator = simulated()
    simulator.fault = fault
    async with client_of(simulator) as client:
        came = events((await ask(client, stream=True)).text)
    assert kinds == [kind for kind, _ in came][-3:]
    assert text == "".join(data["content"] for kind, data in came if kind == "message.delta")
    if kinds[-1] == "chat.end":
        assert text == "".join(part["content"] for part in came[-1][1]["result"]["output"])


async def test_native_overflow() -> None:
    """Without a stream it is a 500 of the native kind."""
    simulator = simulated()
    simulator.fault = "overflow_event"
    async with client_of(simulator) as client:
        answer = await ask(client)
    error = answer.json()["error"]
    assert (500, "internal_error", "unknown") == (answer.status_code, error["type"], error["code"])


async def test_leaving_during_the_load_and_after() -> None:
    """The load goes on without its caller; what is written after it stops when its caller goes."""
    simulator = Simulator(SimModel(load_s=0.4, words=("word ",) * 10_000, tokens_per_s=500))
    body = {"model": "sim-model", "input": "hi", "stream": True}
    with serve(simulator) as url:
        async with real_client(url) as client:
            async with client.stream("POST", "/api/v1/chat", json=body) as stream:
                await anext(stream.aiter_text())
                assert simulator.loads[0].ended_ns is None
            await until(lambda: simulator.calls[0].left_ns)
            await until(lambda: simulator.instances)
            async with client.stream("POST", "/api/v1/chat", json=body):
                await until(lambda: simulator.calls[1].sent > 3)
            await until(lambda: simulator.calls[1].left_ns)
            await until(lambda: simulator.instances["sim-model"].answering == 0)
    assert (1, 0) == (len(simulator.loads), simulator.calls[0].sent)
    assert simulator.calls[1].sent < 10_000


async def test_a_download() -> None:
    """It is counted until it is whole; then the model is listed and answers, and there is nothing to download."""
    simulator = Simulator(SimModel("far", downloaded=False, size_bytes=1000), download_s=0.1)
    async with client_of(simulator) as client:
        begun = (await client.post("/api/v1/models/download", json={"model": "far"})).json()
        again = (await client.post("/api/v1/models/download", json={"model": "far"})).json()
        seen: list[dict[str, Any]] = []
        async with asyncio.timeout(5):
            while not seen or seen[-1]["status"] == "downloading":
                seen.append((await client.get(f"/api/v1/models/download/status/{begun['job_id']}")).json())
                await asyncio.sleep(0.01)
        listed = (await client.get("/api/v1/models")).json()["models"]
        after = (await client.post("/api/v1/models/download", json={"model": "far"})).json()
    assert ("downloading", 1000, begun["job_id"]) == (begun["status"], begun["total_size_bytes"], again["job_id"])
    assert begun["job_id"].startswith("job_")
    counted = [status["downloaded_bytes"] for status in seen]
    assert (sorted(counted), 1000) == (counted, counted[-1])
    assert {"bytes_per_second", "estimated_completion"} <= seen[0].keys()
    assert ("completed", True) == (seen[-1]["status"], "completed_at" in seen[-1])
    assert ["far"] == [model["key"] for model in listed]
    assert {"status": "already_downloaded"} == after


async def test_a_download_that_fails() -> None:
    """It stops half-way, the model stays away, and the next attempt is a new job."""
    simulator = Simulator(SimModel("far", downloaded=False, size_bytes=1000), download_s=0)
    simulator.downloads.fail = True
    async with client_of(simulator) as client:
        begun = (await client.post("/api/v1/models/download", json={"model": "far"})).json()
        status = (await client.get(f"/api/v1/models/download/status/{begun['job_id']}")).json()
        simulator.downloads.fail = False
        again = (await client.post("/api/v1/models/download", json={"model": "far"})).json()
        listed = (await client.get("/api/v1/models")).json()["models"]
    assert ("failed", 500) == (status["status"], status["downloaded_bytes"])
    assert begun["job_id"] != again["job_id"]
    assert ["far"] == [model["key"] for model in listed]


async def test_downloads_that_make_no_sense() -> None:
    """Unknown models and jobs are not found, and keys are strict."""
    async with client_of(Simulator()) as client:
        unknown = await client.post("/api/v1/models/download", json={"model": "x"})
        strict = await client.post("/api/v1/models/download", json={"model": "x", "where": "y"})
        job = await client.get("/api/v1/models/download/status/job_1")
    assert (404, "model_not_found") == (unknown.status_code, unknown.json()["error"]["code"])
    assert (400, "unrecognized_keys") == (strict.status_code, strict.json()["error"]["code"])
    assert (404, "job_not_found") == (job.status_code, job.json()["error"]["type"])
