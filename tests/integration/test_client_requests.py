"""What a call tells of itself (the exact request, the answer's head, a line in the log) and how few looks ask."""

import asyncio
import time

import httpx
import pytest

from apehost_core.errors import ServerError, ServerProtocolError, ServerRejected
from apehost_core.events import Milestone, ModelEvent, RequestSent, ResponseHead, Retried, TextDelta
from apehost_core.lmstudio import LmStudioClient, RequestLog
from apehost_core.messages import user_message
from apehost_core.model import ModelRequest, Sampling
from tests.scripted_server import LLAMA_CPP, ROOT, UNEXPECTED, Server, client_of, json_answer

pytestmark = pytest.mark.anyio

TOKEN = "sk-lm-AbCdEfGh:01234567890123456789"
REQUEST = ModelRequest("m", (user_message("Grüße"),), Sampling(temperature=0.5), call_id="call-1")
CHUNK = b'data: {"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
NOT_FOUND = httpx.Response(404, text="404 page not found")
NATIVE = json_answer({"models": [{"key": "m", "loaded_instances": []}]})
OPENAI = json_answer({"object": "list", "data": [{"id": "m", "owned_by": "llamacpp"}]})


def stream(body: bytes = CHUNK + b"data: [DONE]\n\n", headers: dict[str, str] | None = None) -> httpx.Response:
    """An answer that streams."""
    return httpx.Response(200, headers={"content-type": "text/event-stream", **(headers or {})}, content=body)


async def ask(client: LmStudioClient, into: list[ModelEvent] | None = None) -> list[ModelEvent]:
    """All events of one answer; what came before an error is in `into`."""
    events: list[ModelEvent] = [] if into is None else into
    async with client.stream(REQUEST) as answer:
        async for event in answer:
            events.append(event)
    return events


async def test_the_exact_request_is_told() -> None:
    """What the server gets is what the event holds, byte for byte, and the token is in neither body nor event."""
    server = Server(stream())
    async with client_of(server, token=TOKEN) as client:
        events = await ask(client)
    sent, milestone = events[0], events[1]
    assert isinstance(sent, RequestSent)
    assert isinstance(milestone, Milestone)
    assert ("/v1/chat/completions", "sent") == (sent.path, milestone.name)
    assert server.asked[0].content == sent.body.encode()
    assert "Grüße" in sent.body
    assert TOKEN not in repr(events)
    assert "call-1" not in sent.body


async def test_the_head_is_told_before_anything_of_the_answer() -> None:
    """Status and fields come as soon as they are here, without cookies, credentials, the address and the token."""
    fields = {
        "x-powered-by": "Express",
        "set-cookie": "id=1",
        "authorization": "Basic x",
        "www-authenticate": "Bearer",
        "x-api-key": "k",
        "location": f"{ROOT}/v1",
        "via": "1.1 192.0.2.10",
        "x-echo": f"Bearer {TOKEN}",
    }
    async with client_of(Server(stream(headers=fields)), token=TOKEN) as client:
        events = await ask(client)
    names = [type(event).__name__ for event in events]
    assert ["RequestSent", "Milestone", "Milestone", "ResponseHead", "Milestone", "TextDelta", "ModelResponse"] == names
    head = events[3]
    assert isinstance(head, ResponseHead)
    assert 200 == head.status
    shown = dict(head.headers)
    assert "Express" == shown["x-powered-by"]
    assert {"set-cookie", "authorization", "www-authenticate", "x-api-key"}.isdisjoint(shown)
    assert ("[server]/v1", "1.1 [server]", "[token]") == (shown["location"], shown["via"], shown["x-echo"])


async def test_a_head_has_its_limit() -> None:
    """Of very many fields forty are kept, and none is endless."""
    many = {f"x-{number}": "v" * 2_000 for number in range(100)}
    async with client_of(Server(stream(headers=many))) as client:
        (head,) = (event for event in await ask(client) if isinstance(event, ResponseHead))
    assert 40 == len(head.headers)
    assert 600 == max(len(value) for _, value in head.headers)


async def test_a_refusal_has_a_head_too() -> None:
    """The status of a refused request is among its events, and the line in the log has it."""
    log, before = RequestLog(), list[ModelEvent]()
    async with client_of(Server(json_answer({"error": "slow down"}, 429)), log=log) as client:
        with pytest.raises(ServerRejected):
            await ask(client, before)
    assert [429] == [event.status for event in before if isinstance(event, ResponseHead)]
    (line,) = log.records
    assert ("chat", "m", 429, "mini asks to slow down") == (line.kind, line.model, line.status, line.problem)


async def test_each_sending_is_told() -> None:
    """A request that is sent again is told again, and is one line of the log."""
    log = RequestLog()
    server = Server(json_answer({"error": "Channel Error"}, 400), stream())
    async with client_of(server, log=log) as client:
        events = await ask(client)
    kinds = [type(event) for event in events]
    assert 2 == kinds.count(RequestSent)
    assert kinds.index(Retried) < len(kinds) - 1 - kinds[::-1].index(RequestSent)
    assert [400, 200] == [event.status for event in events if isinstance(event, ResponseHead)]
    assert [(200, "")] == [(line.status, line.problem) for line in log.records]


async def test_a_second_sending_that_finds_nobody() -> None:
    """The line of a call tells how its last sending ended, not the one before."""
    log = RequestLog()
    server = Server(json_answer({"error": "Channel Error"}, 400), httpx.ConnectError("refused"))
    async with client_of(server, log=log) as client:
        with pytest.raises(ServerError):
            await ask(client)
    assert [(None, "mini refused the connection")] == [(line.status, line.problem) for line in log.records]


async def test_a_call_is_a_line_of_the_log() -> None:
    """It has the call's id and how it ended: well, cut, or left by whoever read it."""
    log = RequestLog()
    async with client_of(Server(stream(), stream(b": ping\n\n"), stream()), log=log) as client:
        await ask(client)
        with pytest.raises(ServerProtocolError):
            await ask(client)
        async with client.stream(REQUEST) as answer:
            async for event in answer:
                if isinstance(event, TextDelta):
                    break
    expected = [(200, "stopped"), (200, "mini ended the answer without a word"), (200, "")]
    assert expected == [(line.status, line.problem) for line in log.records]
    assert {"call-1"} == {line.call_id for line in log.records}
    assert all(line.ms > 0 for line in log.records)


async def test_a_cancelled_call_is_stopped() -> None:
    """Who waits for an answer that does not come and is cancelled leaves a line that says so."""
    log = RequestLog()
    async with client_of(Server(), log=log) as client:
        asking = asyncio.create_task(ask(client))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
    assert [(None, "stopped")] == [(line.status, line.problem) for line in log.records]


async def test_a_call_ends_with_its_stream() -> None:
    """What a reader does after the last event is not the server's time."""
    log, begun = RequestLog(), time.perf_counter()
    async with client_of(Server(stream()), log=log) as client, client.stream(REQUEST) as answer:
        _ = [event async for event in answer]
        ended = time.perf_counter()
        while time.perf_counter() < ended + 0.02:
            await asyncio.sleep(0)
    assert log.records[0].ms <= (ended - begun) * 1000


async def test_a_look_asks_what_worked_last() -> None:
    """Once it is known which listing a server has, a look is one request; another server there is found again."""
    server = Server(NOT_FOUND, NOT_FOUND, OPENAI, OPENAI, NOT_FOUND, NATIVE, NATIVE)
    async with client_of(server) as client:
        for _ in range(4):
            assert ["m"] == [model.key for model in await client.models()]
    openai, v0, native = "/v1/models", "/api/v0/models", "/api/v1/models"
    assert [native, v0, openai, openai, openai, native, native] == [request.url.path for request in server.asked]


async def test_a_new_identification_begins_with_the_richest_listing() -> None:
    """What a server could not do before it was started again it may do now."""
    greeting = json_answer({"lmstudio": True})
    server = Server(NOT_FOUND, NOT_FOUND, OPENAI, greeting, NATIVE)
    async with client_of(server) as client:
        await client.models()
        assert "lm_studio" == (await client.identify()).kind
        await client.models()
    assert "/api/v1/models" == server.asked[-1].url.path


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([json_answer({"lmstudio": True})], "lm_studio"),
        ([json_answer(LLAMA_CPP, 404), OPENAI], "llama.cpp"),
        ([NOT_FOUND, json_answer({"data": []}), json_answer({"version": "0.9"})], "ollama"),
        ([NOT_FOUND, json_answer({"data": []}), NOT_FOUND], "openai_compatible"),
        ([json_answer(UNEXPECTED), NOT_FOUND, NOT_FOUND, NOT_FOUND, json_answer({"data": []})], "openai_compatible"),
    ],
)
async def test_what_answers_is_told(answers: list[httpx.Response], kind: str) -> None:
    """Each kind of model server is recognised, with no more questions than it needs."""
    server = Server(*answers)
    async with client_of(server) as client:
        assert kind == (await client.identify()).kind
    assert len(answers) == len(server.asked)


PAGE = httpx.Response(200, text="<html>It works!</html>")


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([NOT_FOUND] * 6, id="knows nothing"),
        pytest.param([PAGE] * 6, id="pages"),
        pytest.param([httpx.Response(200, text="OK")] * 6, id="words"),
        pytest.param([httpx.Response(401, text="<html>Log in</html>")], id="a page that asks for a login"),
        pytest.param([httpx.Response(302, headers={"location": "/login"})], id="leads elsewhere"),
        pytest.param([httpx.RemoteProtocolError("illegal status line: bytearray(b'SSH-2.0')")] * 2, id="no HTTP"),
    ],
)
async def test_another_program_is_told_apart(answers: list[httpx.Response | Exception]) -> None:
    """Where nothing can be read as a model server's, the fault says so, with what to check."""
    async with client_of(Server(*answers)) as client:
        with pytest.raises(ServerError) as raised:
            await client.identify()
    assert "not_lm_studio" == raised.value.fault.kind
    assert "Servers page" in raised.value.fault.advice


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (json_answer({"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}, 503), "busy"),
        (json_answer({"error": "no token"}, 401), "unauthorized"),
        (json_answer({"error": "slow down"}, 429), "rate_limited"),
        (httpx.Response(502, text="<html>Bad Gateway</html>"), "not_a_stream"),
        (httpx.ConnectError("refused"), "refused"),
    ],
)
async def test_a_server_that_cannot_be_asked(answer: httpx.Response | Exception, kind: str) -> None:
    """A server that loads, wants a token or is away is not taken for another program."""
    async with client_of(Server(answer)) as client:
        with pytest.raises(ServerError) as raised:
            await client.identify()
    assert kind == raised.value.fault.kind


async def test_looks_fill_no_log() -> None:
    """Of looks that find the same again and again the first is kept; a person's test is kept each time."""
    log = RequestLog()
    refused = json_answer({"error": "no token"}, 401)
    greeting = json_answer({"lmstudio": True})
    async with client_of(Server(*[greeting, refused] * 5), log=log) as client:
        for kind in ("check", "check", "check", "check", "test"):
            await client.identify(kind=kind)  # type: ignore[arg-type]
            with pytest.raises(ServerRejected):
                await client.models(kind=kind)  # type: ignore[arg-type]
    expected = [("test", 401), ("test", 200), ("check", 401), ("check", 200)]
    assert expected == [(line.kind, line.status) for line in log.records]
