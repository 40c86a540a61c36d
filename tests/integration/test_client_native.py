"""What the client asks of LM Studio's own API, what it never asks twice, and how refusals are told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import orjson
import pytest

from apehost_core.errors import ModelNotFound, ServerError, ServerProtocolError, ServerTimeout, ServerUnreachable
from apehost_core.lmstudio import Download, Loaded, NativeApi, RequestLog
from tests.scripted_server import LLAMA_CPP, UNEXPECTED, Events, Server, client_of, json_answer

pytestmark = pytest.mark.anyio

TOKEN = "sk-lm-AbCdEfGh:01234567890123456789"
CLOSED = httpx.RemoteProtocolError("Server disconnected without sending a response.")
REFUSED = httpx.ConnectError("All connection attempts failed")
LOADED = {"type": "llm", "instance_id": "m:2", "load_time_seconds": 7.9, "status": "loaded"}
LOADING = [
    ("chat.start", {}),
    ("model_load.start", {}),
    ("model_load.progress", {"progress": 0.5}),
    ("model_load.end", {"load_time_seconds": 7.5}),
    ("prompt_processing.start", {}),
    ("message.delta", {"content": "Hi"}),
    ("chat.end", {"result": {}}),
]


def nothing(_fraction: float) -> None:
    """Look away."""


ACTIONS: dict[str, Callable[[NativeApi], Awaitable[Any]]] = {
    "load": lambda native: native.load("m"),
    "preload": lambda native: native.preload("m", on_progress=nothing),
    "unload": lambda native: native.unload("m:2"),
    "download": lambda native: native.download("m"),
    "download_state": lambda native: native.download_state("job_1"),
}


async def test_load() -> None:
    """What is asked for is the model, with a context only when one is wanted; the token goes along."""
    server = Server(json_answer(LOADED), json_answer({"load_time_seconds": "?"}))
    async with client_of(server, token=TOKEN) as client:
        assert Loaded("m:2", 7.9) == await client.native.load("m", context_length=8192)
        assert Loaded("m", None) == await client.native.load("m")
    assert [{"model": "m", "context_length": 8192}, {"model": "m"}] == server.bodies
    assert ["/api/v1/models/load"] * 2 == [request.url.path for request in server.asked]
    assert f"Bearer {TOKEN}" == server.asked[0].headers["authorization"]


@pytest.mark.parametrize("action", ["load", "preload", "download"])
@pytest.mark.parametrize("failure", [CLOSED, httpx.ReadError("reset"), httpx.WriteError("reset")])
async def test_what_would_count_twice_is_sent_once(action: str, failure: Exception) -> None:
    """A load whose answer was lost may have happened, so it goes out once, over a connection nobody used before."""
    server = Server(failure)
    async with client_of(server, url="http://localhost:1234") as client:
        with pytest.raises(ServerProtocolError):
            await ACTIONS[action](client.native)
    assert [False] == server.kept


async def test_an_unload_may_be_sent_again() -> None:
    """To unload twice does no harm; there is no third time."""
    server = Server(CLOSED, json_answer({"instance_id": "m:2"}), CLOSED, CLOSED)
    async with client_of(server) as client:
        await client.native.unload("m:2")
        with pytest.raises(ServerProtocolError):
            await client.native.unload("m:2")
    assert [{"instance_id": "m:2"}] * 4 == server.bodies


@pytest.mark.parametrize("action", ["load", "unload"])
async def test_localhost_is_asked_under_both_addresses(action: str) -> None:
    """Where nothing could be sent, the other address is asked; both refusing is said without either."""
    server = Server(REFUSED, json_answer(LOADED), json_answer(LOADED), REFUSED, REFUSED)
    async with client_of(server, url="http://localhost:1234") as client:
        await ACTIONS[action](client.native)
        await ACTIONS[action](client.native)
        with pytest.raises(ServerUnreachable) as raised:
            await ACTIONS[action](client.native)
    hosts = ["127.0.0.1", "localhost", "localhost", "localhost", "127.0.0.1"]
    assert hosts == [request.url.host for request in server.asked]
    assert "1234" not in str(raised.value)


async def test_preload_tells_progress_and_leaves() -> None:
    """The load is waited for, with its progress, and the connection is closed before anything is written."""
    events = Events(*LOADING)
    server, told = Server(events.response), list[float]()
    async with client_of(server) as client:
        assert 7.5 == await client.native.preload("m", context_length=4096, on_progress=told.append)
    assert (0.0, 1.0) == (told[0], told[-1])
    assert (True, 4) == (events.closed, events.read)
    (body,) = server.bodies
    assert {"model": "m", "stream": True, "store": False, "max_output_tokens": 1, "context_length": 4096} == {
        name: value for name, value in body.items() if name != "input"
    }
    assert "/api/v1/chat" == server.asked[0].url.path


@pytest.mark.parametrize("first", ["prompt_processing.start", "message.start", "chat.end"])
async def test_preload_of_a_loaded_model(first: str) -> None:
    """A model that answers at once was loaded already."""
    events = Events(("chat.start", {}), (first, {}), ("message.delta", {"content": "Hi"}))
    async with client_of(Server(events.response)) as client:
        assert await client.native.preload("m", on_progress=nothing) is None
    assert (True, 2) == (events.closed, events.read)


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        (
            [("error", {"error": {"type": "model_load_failed", "message": "no memory"}}), ("chat.end", {})],
            "load_failed",
        ),
        ([("error", {"error": {"type": "model_not_found", "message": "no"}})], "model_not_found"),
        ([("chat.start", {}), ("model_load.start", {})], "cut"),
        ([], "cut"),
    ],
)
async def test_a_preload_that_fails(events: list[tuple[str, dict[str, Any]]], kind: str) -> None:
    """An error event, or an end before the model was there, is an error; the connection is closed."""
    body = Events(*events)
    async with client_of(Server(body.response)) as client:
        with pytest.raises(ServerError) as raised:
            await client.native.preload("m", on_progress=nothing)
    assert (kind, True) == (raised.value.fault.kind, body.closed)


@pytest.mark.parametrize(("begun", "kind"), [((), "silent"), ((("model_load.start", {}),), "stalled")])
async def test_a_load_that_falls_silent(begun: tuple[tuple[str, dict[str, Any]], ...], kind: str) -> None:
    """The watchdogs end the wait, and nobody is told to try again: the model may still be loading."""
    body = Events(*begun, hangs=True)
    async with client_of(Server(body.response)) as client:
        for action in ("preload", "load"):
            with pytest.raises(ServerTimeout) as raised:
                await ACTIONS[action](client.native)
            fault = raised.value.fault
            assert (kind if action == "preload" else "silent", False) == (fault.kind, fault.retryable)
            assert "may still be loading" in fault.advice
    assert body.closed


async def test_a_preload_can_be_given_up() -> None:
    """Cancelling closes the connection and is told as stopped."""
    body, log = Events(("model_load.start", {}), hangs=True), RequestLog()
    begun = asyncio.Event()
    async with client_of(Server(body.response), log=log) as client:
        waiting = asyncio.create_task(client.native.preload("m", on_progress=lambda _: begun.set()))
        await begun.wait()
        waiting.cancel()
        await asyncio.wait([waiting])
    assert (True, "stopped") == (body.closed, log.records[0].problem)


async def test_download_and_its_state() -> None:
    """A job is begun, looked at until it is complete, and what is not told stays empty."""
    states = [
        {"job_id": "job_1", "status": "downloading", "total_size_bytes": 100, "started_at": "now"},
        {"status": "downloading", "downloaded_bytes": 10, "total_size_bytes": 100, "bytes_per_second": 7.9},
        {"job_id": "job_1", "status": "verifying", "downloaded_bytes": None, "total_size_bytes": True},
        {"job_id": "job_1", "status": "completed"},
        {"status": "already_downloaded"},
    ]
    server = Server(*map(json_answer, states))
    async with client_of(server) as client:
        native = client.native
        assert Download("job_1", "downloading", None, 100) == await native.download("m", "Q4_K_M")
        assert Download("job_1", "downloading", 10, 100, 7) == await native.download_state("job_1")
        assert Download("job_1", "downloading") == await native.download_state("job_1")
        assert Download("job_1", "completed") == await native.download_state("a/b")
        assert Download(None, "already_downloaded") == await native.download("m")
    assert {"model": "m", "quantization": "Q4_K_M"} == orjson.loads(server.asked[0].content)
    assert b"/api/v1/models/download/status/a%2Fb" == server.asked[3].url.raw_path


def refused(status: int, **error: str) -> httpx.Response:
    """A refusal with an error object."""
    return json_answer({"error": {"message": "?", **error}}, status)


@pytest.mark.parametrize(
    ("action", "answer", "kind", "words"),
    [
        ("load", refused(500, type="model_load_failed"), "load_failed", "load"),
        ("load", refused(404, code="model_not_found"), "model_not_found", "Download"),
        ("load", json_answer(UNEXPECTED), "wrong_endpoint", "cannot be told to load"),
        ("preload", json_answer(UNEXPECTED), "wrong_endpoint", "cannot be told to load"),
        ("load", json_answer(LLAMA_CPP, 404), "wrong_endpoint", "cannot be told to load"),
        ("preload", json_answer(LLAMA_CPP, 404), "wrong_endpoint", "cannot be told to load"),
        ("unload", json_answer(LLAMA_CPP, 404), "wrong_endpoint", "cannot be told to unload"),
        ("download", json_answer({"detail": "Not Found"}, 404), "wrong_endpoint", "cannot be told to download"),
        ("load", httpx.Response(200, text="<html>"), "not_a_stream", "mini"),
        ("preload", json_answer({"output": []}), "not_a_stream", "mini"),
        ("load", refused(400, message="Unrecognized key(s) in object"), "bad_request", "refused"),
        ("unload", refused(404, message="Model instance 'm:2' not found"), "model_not_found", "has not"),
        ("unload", json_answer({"error": "No loaded model with that id"}, 400), "model_not_found", "has not"),
        ("unload", refused(200, code="model_not_found"), "model_not_found", "has not"),
        ("download", refused(404, type="model_not_found"), "model_not_found", "finds no"),
        ("download_state", refused(404, type="job_not_found"), "bad_request", "any more"),
        ("load", refused(401), "unauthorized", "Servers page"),
        ("load", refused(403, message="at http://192.0.2.10:1234"), "forbidden", "permissions"),
    ],
)
async def test_refusals(action: str, answer: httpx.Response, kind: str, words: str) -> None:
    """Each refusal has its kind and words that fit what was asked; none tells the address."""
    async with client_of(Server(answer)) as client:
        with pytest.raises(ServerError) as raised:
            await ACTIONS[action](client.native)
    error = raised.value
    assert (kind, kind == "model_not_found") == (error.fault.kind, isinstance(error, ModelNotFound))
    assert words in str(error)
    assert "mini" in error.fault.title
    assert "192.0.2.10" not in f"{error}{error.fault!r}"


async def test_what_was_asked_is_in_the_log() -> None:
    """One line a call, with its kind, model, status and problem; a download that is watched is not a line each time."""
    log = RequestLog()
    states = [json_answer({"status": "downloading", "downloaded_bytes": done}) for done in range(5)]
    failed = json_answer({"error": {"type": "model_load_failed", "message": "no"}}, 500)
    server = Server(json_answer(LOADED), failed, Events(*LOADING).response, json_answer({}), json_answer({}), *states)
    async with client_of(server, log=log) as client:
        await client.native.load("m")
        with pytest.raises(ServerError):
            await client.native.load("m")
        await client.native.preload("m", on_progress=nothing)
        await client.native.unload("m:2")
        await client.native.download("n")
        for _ in states:
            await client.native.download_state("job_1")
    expected = [
        ("load", "m", 200, ""),
        ("load", "m", 500, "mini could not load the model"),
        ("load", "m", 200, ""),
        ("unload", "m:2", 200, ""),
        ("download", "n", 200, ""),
        ("check", None, 200, ""),
    ]
    assert expected == [(found.kind, found.model, found.status, found.problem) for found in reversed(log.records)]
