"""The LM Studio client against servers on good and bad days: what is shown, what is kept, what is said."""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import pytest
from pydantic import SecretStr

from apehost_core.errors import (
    ModelNotFound,
    ServerError,
    ServerProtocolError,
    ServerRejected,
    ServerTimeout,
    ServerUnreachable,
)
from apehost_core.events import ModelEvent, ModelResponse, ReasoningDelta, Retried, TextDelta
from apehost_core.lmstudio import Endpoint, LmStudioClient, Watchdogs, normalise_base_url, open_http
from apehost_core.messages import ReasoningPart, TextPart, user_message
from apehost_core.model import ModelRequest, Sampling
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve

pytestmark = pytest.mark.anyio

TOKEN = "sk-lm-AbCdEfGh:01234567890123456789"
PATIENT = Watchdogs()
NO_FIRST_BYTE = Watchdogs(first_byte_s=0.3, listing_s=0.5)
WATCHDOGS = {"silence": NO_FIRST_BYTE, "stall": Watchdogs(between_chunks_s=0.3)}
WORDS = "Hello from the simulator."


@asynccontextmanager
async def client_of(
    url: str, *, token: str | None = None, watchdogs: Watchdogs = PATIENT
) -> AsyncGenerator[LmStudioClient, None]:
    """A client of a server at a URL; as patient as it is by default, unless silence is what is tested."""
    endpoint = Endpoint("mini", normalise_base_url(url), SecretStr(token) if token else None)
    async with open_http(watchdogs) as http:
        yield LmStudioClient(endpoint, http, watchdogs)


async def ask(
    client: LmStudioClient, *, into: list[ModelEvent] | None = None, max_tokens: int | None = None
) -> list[ModelEvent]:
    """All events of one answer; what came before an error is in `into`."""
    events: list[ModelEvent] = [] if into is None else into
    request = ModelRequest("sim-model", (user_message("say something"),), Sampling(max_tokens=max_tokens))
    async with client.stream(request) as stream:
        async for event in stream:
            events.append(event)
    return events


def text(events: list[ModelEvent]) -> str:
    """The visible text of some events."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.fixture
def simulator() -> Simulator:
    """A server with one reasoning-free model."""
    return Simulator()


@pytest.fixture
def url(simulator: Simulator) -> Generator[str, None, None]:
    """Where the simulator listens."""
    with serve(simulator) as url:
        yield url


async def test_a_plain_answer(url: str) -> None:
    """Text, usage, finish reason and model come out as they went in."""
    async with client_of(url) as client:
        events = await ask(client)
    response = events[-1]
    assert isinstance(response, ModelResponse)
    assert (TextPart(WORDS),) == response.parts
    assert ("stop", "sim-model", 5) == (response.finish_reason, response.model, response.usage.completion_tokens)
    assert WORDS == text(events)


async def test_reasoning_comes_apart_from_text() -> None:
    """Reasoning tokens are events and a part of their own."""
    model = SimModel(reasoning=("let", " me", " see"), words=("Yes",))
    with serve(Simulator(model)) as url:
        async with client_of(url) as client:
            events = await ask(client)
    assert "let me see" == "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    assert (ReasoningPart("let me see"), TextPart("Yes")) == events[-1].parts  # type: ignore[union-attr]


@pytest.mark.parametrize("fault", ["no_done", "no_finish", "garbage", "merged", "no_usage"])
async def test_oddities_do_not_cost_the_answer(simulator: Simulator, url: str, fault: str) -> None:
    """What the field shows and can be tolerated is tolerated: the whole text is there."""
    simulator.fault = fault  # type: ignore[assignment]
    async with client_of(url) as client:
        events = await ask(client)
    assert WORDS == text(events)
    assert isinstance(events[-1], ModelResponse)


@pytest.mark.parametrize(
    ("fault", "error", "kind"),
    [
        ("silence", ServerTimeout, "silent"),
        ("stall", ServerTimeout, "stalled"),
        ("cut", ServerProtocolError, "cut"),
        ("eof", ServerProtocolError, "cut"),
        ("empty", ServerProtocolError, "empty"),
        ("error_event", ServerRejected, "model_crashed"),
        ("error_midway", ServerRejected, "model_crashed"),
        ("template_error", ServerRejected, "template"),
        ("overflow_event", ServerRejected, "overflow"),
        ("overflow_refused", ServerRejected, "overflow"),
        ("overflow_llamacpp", ServerRejected, "overflow"),
        ("html", ServerProtocolError, "not_a_stream"),
        ("not_found", ServerRejected, "wrong_endpoint"),
        ("error_body", ServerRejected, "wrong_endpoint"),
        ("rate_limited", ServerRejected, "rate_limited"),
        ("server_error", ServerRejected, "model_crashed"),
        ("no_models", ModelNotFound, "model_not_found"),
        ("load_failed", ServerRejected, "load_failed"),
    ],
)
async def test_every_bad_ending_has_its_error(
    simulator: Simulator, url: str, fault: str, error: type[ServerError], kind: str
) -> None:
    """The error says what happened and what to do, names no address, and keeps what came before it."""
    simulator.fault = fault  # type: ignore[assignment]
    before: list[ModelEvent] = []
    async with client_of(url, watchdogs=WATCHDOGS.get(fault, PATIENT)) as client:
        with pytest.raises(error) as raised:
            await ask(client, into=before)
    fault_ = raised.value.fault
    assert kind == fault_.kind
    assert "mini" in fault_.title or kind == "overflow"
    assert fault_.advice
    assert url.removeprefix("http://") not in f"{fault_}{fault_!r}{raised.value!r}"
    if fault in ("stall", "cut", "eof", "error_midway"):
        assert WORDS.startswith(text(before))
        assert text(before)


async def test_rate_limit_tells_how_long_to_wait(simulator: Simulator, url: str) -> None:
    """Retry-After is read and said."""
    simulator.fault = "rate_limited"
    async with client_of(url) as client:
        with pytest.raises(ServerRejected) as raised:
            await ask(client)
    assert 2 == raised.value.fault.retry_after_s
    assert "2 seconds" in raised.value.fault.advice


async def test_overflow_names_both_numbers(simulator: Simulator, url: str) -> None:
    """The person reads how many tokens there are and how many fit."""
    simulator.fault = "overflow_event"
    async with client_of(url) as client:
        with pytest.raises(ServerRejected, match=r"31,430 tokens.*holds 4,096"):
            await ask(client)


@pytest.mark.parametrize(("token", "words"), [(None, "needs a token"), ("wrong", "refused the token")])
async def test_missing_and_wrong_tokens_are_told_apart(token: str | None, words: str) -> None:
    """A server that asks for a token says so, and a refused one is said to be refused; none is quoted."""
    with serve(Simulator(token=TOKEN)) as url:
        async with client_of(url, token=token) as client:
            with pytest.raises(ServerRejected, match=words) as raised:
                await ask(client)
            with pytest.raises(ServerRejected, match=words):
                await client.models()
        async with client_of(url, token=TOKEN) as client:
            assert WORDS == text(await ask(client))
    assert "wrong" not in str(raised.value.fault).replace("is whole", "")


async def test_a_closed_port() -> None:
    """Nothing listens: refused, tried once more, said with what to do."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    events: list[ModelEvent] = []
    async with client_of(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(ServerUnreachable) as raised:
            await ask(client, into=events)
    assert "refused" == raised.value.fault.kind
    assert 1 == sum(isinstance(event, Retried) for event in events)
    assert str(port) not in str(raised.value)


async def test_an_unknown_host() -> None:
    """A name that does not resolve is told apart from a refused connection."""
    async with client_of("http://nowhere.invalid:1234") as client:
        with pytest.raises(ServerUnreachable) as raised:
            await ask(client)
    assert "dns" == raised.value.fault.kind
    assert "nowhere.invalid" not in str(raised.value)


def _read_request(connection: socket.socket) -> None:
    """Read all of a request: what is left unread would reset the connection."""
    with connection.makefile("rb") as stream:
        length = 0
        while (line := stream.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        stream.read(length)


@contextmanager
def raw_server(*replies: bytes) -> Generator[str, None, None]:
    """A socket that reads a request on each connection, writes the next reply and closes; silent when none is left."""
    left, held = list(replies), []

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            if left:
                _read_request(connection)
                connection.sendall(left.pop(0))
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in held:
            connection.close()


async def test_a_port_that_accepts_and_says_nothing() -> None:
    """The watchdog ends the wait, for answers and for listings."""
    with raw_server() as url:
        async with client_of(url, watchdogs=NO_FIRST_BYTE) as client:
            with pytest.raises(ServerTimeout):
                await ask(client)
            with pytest.raises(ServerTimeout):
                await client.models()


ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    b'data: {"model":"m","choices":[{"index":0,"delta":{"content":"again"},"finish_reason":"stop"}]}\n\n'
)


async def test_a_connection_closed_before_one_byte_is_tried_once_more() -> None:
    """The second try is on a new connection and shows in the events; there is no third."""
    with raw_server(b"", ANSWER) as url:
        async with client_of(url) as client:
            events = await ask(client)
    assert ["the server had closed the connection"] == [e.reason for e in events if isinstance(e, Retried)]
    assert "again" == text(events)
    with raw_server(b"", b"", ANSWER) as url:
        async with client_of(url) as client:
            with pytest.raises(ServerProtocolError):
                await ask(client)


async def test_a_listing_on_a_dead_connection_is_tried_once_more() -> None:
    """A server that has closed a kept connection does not look as if it were away."""
    body = b'{"models":[{"key":"m","loaded_instances":[]}]}'
    listing = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
    with raw_server(b"", listing % (len(body), body)) as url:
        async with client_of(url) as client:
            assert ["m"] == [model.key for model in await client.models()]


@pytest.mark.parametrize("fault", ["channel_error", "engine_aborted"])
async def test_an_engine_that_did_not_start_is_tried_once_more(simulator: Simulator, url: str, fault: str) -> None:
    """Nothing was shown, so the request goes out again, once; the second time its error stands."""
    simulator.faults.extend([fault, None, fault, fault])  # type: ignore[list-item]
    async with client_of(url) as client:
        events = await ask(client)
        assert ["the engine was not ready"] == [event.reason for event in events if isinstance(event, Retried)]
        assert WORDS == text(events)
        with pytest.raises(ServerRejected) as raised:
            await ask(client)
    assert "model_crashed" == raised.value.fault.kind
    assert 4 == len(simulator.calls)


async def test_a_crash_in_mid_answer_is_not_tried_again(simulator: Simulator, url: str) -> None:
    """Once something was shown, the request is never sent twice."""
    simulator.faults.append("error_midway")
    async with client_of(url) as client:
        with pytest.raises(ServerRejected):
            await ask(client)
    assert 1 == len(simulator.calls)


async def test_an_unknown_model_among_several() -> None:
    """Where several models are loaded, the server's list of them is said."""
    with serve(Simulator(SimModel("a"), SimModel("b"))) as url:
        async with client_of(url) as client:
            with pytest.raises(ModelNotFound, match=r"e\.g\., a, b"):
                await ask(client)


async def test_a_connection_closed_after_a_byte_is_not_tried_again() -> None:
    """Once the answer has begun, the request is never sent twice."""
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", ANSWER) as url:
        async with client_of(url) as client:
            with pytest.raises(ServerProtocolError):
                await ask(client)


async def test_a_web_page_where_models_should_be() -> None:
    """The address of some other program is told from a server that fails."""
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: 13\r\n\r\n<html></html>"
    with raw_server(page, page, page) as url:
        async with client_of(url) as client:
            with pytest.raises(ServerError, match=r"is no LM Studio.*another program"):
                await client.models()


async def test_garbage_instead_of_http() -> None:
    """A port of something else gives an error of ours."""
    with raw_server(b"SSH-2.0-OpenSSH_9.6\r\n", b"SSH-2.0-OpenSSH_9.6\r\n") as url:
        async with client_of(url) as client:
            with pytest.raises(ServerError):
                await ask(client)


async def test_leaving_closes_the_connection_upstream(url: str, simulator: Simulator) -> None:
    """Leaving the context in mid-answer is seen by the server at once."""
    simulator.fault = "stall"
    async with client_of(url) as client:
        request = ModelRequest("sim-model", (user_message("go"),))
        async with client.stream(request) as stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    break
        async with asyncio.timeout(2):
            while simulator.calls[0].left_ns is None:
                await asyncio.sleep(0.005)


async def test_another_model_may_answer(url: str) -> None:
    """LM Studio answers an unknown id with the loaded model; the response says which one it was."""
    async with client_of(url) as client:
        request = ModelRequest("no-such-model", (user_message("hi"),))
        async with client.stream(request) as stream:
            events = [event async for event in stream]
    assert "sim-model" == events[-1].model  # type: ignore[union-attr]


async def test_listings_fall_back(simulator: Simulator) -> None:
    """The richest listing that the server has is read, and the greeting tells LM Studio from others."""
    models = (SimModel("a"), SimModel("b", load_s=1), SimModel("e", embedding=True))
    with serve(Simulator(*models)) as url:
        async with client_of(url) as client:
            found = await client.models()
            assert "lm_studio" == (await client.identify()).kind
    assert ["loaded", "not_loaded", "loaded"] == [model.state for model in found]
    assert ["llm", "llm", "embedding"] == [model.type for model in found]
    with serve(Simulator(*models, native=False)) as url:
        async with client_of(url) as client:
            assert ["a", "b", "e"] == [model.key for model in await client.models()]
            assert "openai_compatible" == (await client.identify()).kind


async def test_proxies_of_the_environment_are_ignored(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy setting does not swallow requests to the machines of the house."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with client_of(url) as client:
        assert WORDS == text(await ask(client))


async def test_localhost_is_also_tried_as_127(url: str) -> None:
    """A server that listens on 127.0.0.1 only is found under the name localhost."""
    async with client_of(url.replace("127.0.0.1", "localhost")) as client:
        assert WORDS == text(await ask(client))
        assert 1 == len(await client.models())


async def test_many_streams_at_once(simulator: Simulator, url: str) -> None:
    """Fifty answers at a time over one pool all come whole."""
    async with client_of(url) as client:
        answers = await asyncio.gather(*(ask(client) for _ in range(50)))
    assert [WORDS] * 50 == [text(events) for events in answers]
    assert 50 == len(simulator.calls)


async def test_the_limit_is_sent_and_said(url: str) -> None:
    """max_tokens goes out, and the finish reason length comes back."""
    async with client_of(url) as client:
        events = await ask(client, max_tokens=2)
    assert ("Hello from", "length") == (text(events), events[-1].finish_reason)  # type: ignore[union-attr]
