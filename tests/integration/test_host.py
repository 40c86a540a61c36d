"""The wired parts together, on a simulated server and a real file: asking, waiting, refusing, naming, closing."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from pydantic import SecretStr

from apehost_core.chat.exchange import Choice, Sent
from apehost_core.errors import InputRefused, StoreError
from apehost_core.events import LoggedEvent, Progress, TextDelta
from apehost_core.host import Host, open_host
from apehost_core.runs.live_run import LiveRun
from apehost_core.settings import ServerEntry, Settings
from apehost_core.store.database import Database
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve

pytestmark = pytest.mark.anyio

CHOICE = Choice("sim", "sim-model")
SLOW = SimModel(words=tuple(f"w{number} " for number in range(200)), tokens_per_s=50)


def settings_of(url: str, folder: Path, **others: object) -> Settings:
    """Settings with one server."""
    servers = (ServerEntry(name="sim", url=SecretStr(url)),)
    return Settings(data_dir=folder, servers=servers, demo="off", **others)  # type: ignore[arg-type]


@asynccontextmanager
async def host_on(url: str, folder: Path, **others: object) -> AsyncGenerator[Host, None]:
    """A host with one server, which it has looked at."""
    async with open_host(settings_of(url, folder, **others)) as host:
        await host.look_at_servers()
        yield host


@pytest.fixture
def quick() -> Simulator:
    """A server that answers at once."""
    return Simulator()


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.005)


def run_of(host: Host, sent: Sent) -> LiveRun:
    """The live run of what was sent."""
    run = host.hub.live(sent.run_id)
    assert run is not None
    return run


async def ended(host: Host, sent: Sent) -> list[LoggedEvent]:
    """All events of a run, once its ending is durable."""
    run = run_of(host, sent)
    await host.hub.wait(sent.run_id)
    return run.log


async def test_a_question_and_its_answer(quick: Simulator, tmp_path: Path) -> None:
    """Both are in the file when the run has ended, with the numbers of the call."""
    with serve(quick) as url:
        async with host_on(url, tmp_path) as host:
            sent = await host.send("hello", CHOICE)
            await ended(host, sent)
            asked, answer = host.conversations.branch(sent.conversation_id)
            (generation,) = host.conversations.generations_of([answer.id])[answer.id]
    assert ("hello", "Hello from the simulator.") == (asked.message.text, answer.message.text)
    assert ("completed", "Q4_K_M", "LM Studio", 5, False) == (
        generation.outcome,
        generation.quantisation,
        generation.runtime,
        generation.completion_tokens,
        generation.completion_tokens_estimated,
    )
    assert generation.timing.ttft is not None
    assert generation.cold is False


async def test_two_windows_that_send_at_once(quick: Simulator, tmp_path: Path) -> None:
    """One of them is answered; the other is told that an answer is being written, and nothing of it is stored."""
    with serve(Simulator(SLOW)) as url:
        async with host_on(url, tmp_path) as host:
            first = await host.send("first", CHOICE)
            host.hub.cancel(first.run_id)
            await host.hub.wait(first.run_id)
            both = await asyncio.gather(
                *(host.send(text, CHOICE, first.conversation_id) for text in ("one", "two")), return_exceptions=True
            )
            refused = [outcome for outcome in both if isinstance(outcome, InputRefused)]
            texts = [entry.message.text for entry in host.conversations.branch(first.conversation_id)]
    assert ["busy"] == [refusal.fault.kind for refusal in refused]
    assert 1 == len({"one", "two"} & set(texts))


async def test_a_queue_in_front_of_a_server(tmp_path: Path) -> None:
    """What a server does not write yet waits in order, says its place, and can be stopped while it waits."""
    simulator = Simulator(SLOW)
    with serve(simulator) as url:
        async with host_on(url, tmp_path, parallel_per_server=1) as host:
            sent = [await host.send(f"question {number}", CHOICE) for number in range(3)]
            waiting = run_of(host, sent[2])
            await until(lambda: waiting.transcript.state == "queued" and waiting.transcript.turn)
            host.hub.cancel(sent[0].run_id)
            await until(lambda: _places(waiting)[-1:] == [1])
            host.hub.cancel(sent[2].run_id)
            await host.hub.wait(sent[2].run_id)
            assert 2 == len(simulator.calls)
    assert [2, 1] == _places(waiting)


def _places(run: LiveRun) -> list[int | None]:
    return [logged.event.position for logged in run.log if isinstance(logged.event, Progress) and logged.event.position]


async def test_a_model_that_has_to_be_loaded(tmp_path: Path) -> None:
    """The wait is said to be loading, and the answer counts as cold; the next one is warm."""
    with serve(Simulator(SimModel(load_s=0.2))) as url:
        async with host_on(url, tmp_path) as host:
            sent = await host.send("hello", CHOICE)
            log = await ended(host, sent)
            await host.look_at_servers()
            again = await host.send("hello again", CHOICE, sent.conversation_id)
            await ended(host, again)
            answers = host.conversations.branch(sent.conversation_id)[1::2]
            found = host.conversations.generations_of([entry.id for entry in answers])
    assert "loading" in [logged.event.stage for logged in log if isinstance(logged.event, Progress)]
    assert [True, False] == [found[entry.id][0].cold for entry in answers]


async def test_the_model_names_the_conversation(tmp_path: Path) -> None:
    """Its title replaces the prompt's after the answer, which never waits for it; a person's is never replaced."""
    with serve(Simulator(SimModel(words=("A", " fine", " title")))) as url:
        async with host_on(url, tmp_path) as host:
            sent = await host.send("the first line", CHOICE)
            assert "the first line" == _title(host, sent)
            await until(lambda: _title(host, sent) == "A fine title")
            other = await host.send("another", CHOICE)
            host.conversations.rename(other.conversation_id, "Mine")
            await until(lambda: host.hub.active == 0)
            assert "Mine" == _title(host, other)


def _title(host: Host, sent: Sent) -> str:
    conversation = host.conversations.get(sent.conversation_id)
    assert conversation is not None
    return conversation.title


async def test_two_megabytes_are_refused(quick: Simulator, tmp_path: Path) -> None:
    """The refusal names the limit and the setting; nothing was stored."""
    with serve(quick) as url:
        async with host_on(url, tmp_path) as host:
            with pytest.raises(InputRefused, match=r"2,000,000 bytes; the limit is 1,000,000.*MAX_PROMPT_BYTES"):
                await host.send("x" * 2_000_000, CHOICE)
            assert [] == host.conversations.recent(10)


async def test_text_of_all_kinds_comes_back_as_it_was(quick: Simulator, tmp_path: Path) -> None:
    """Control characters, right-to-left text and emoji are stored and sent as typed; only NUL is replaced."""
    text = "a\x07b\x1b[31m \u202eabc\u202c مرحبا 👩‍👩‍👧‍👦 \ud7ff\U0010ffff"
    with serve(quick) as url:
        async with host_on(url, tmp_path) as host:
            sent = await host.send(text + "\x00", CHOICE)
            await ended(host, sent)
            stored = host.conversations.branch(sent.conversation_id)[0].message.text
    assert text + "\N{REPLACEMENT CHARACTER}" == stored
    assert stored == quick.calls[0].body["messages"][0]["content"]


async def test_closing_in_mid_answer(tmp_path: Path) -> None:
    """The answer ends as interrupted, with what was shown, in the file."""
    with serve(Simulator(SLOW)) as url:
        async with host_on(url, tmp_path) as host:
            sent = await host.send("hello", CHOICE)
            run = run_of(host, sent)
            await until(lambda: any(isinstance(logged.event, TextDelta) for logged in run.log))
        shown = run.transcript.message()
        async with host_on(url, tmp_path) as host:
            answer = host.conversations.branch(sent.conversation_id)[-1]
            (generation,) = host.conversations.generations_of([answer.id])[answer.id]
    assert shown is not None
    assert ("interrupted", shown.text) == (generation.outcome, answer.message.text)


async def test_health_tells_what_is_wrong(quick: Simulator, tmp_path: Path) -> None:
    """A server that goes away is reported by name and in words; the store is well all the while."""
    with serve(quick) as url:
        async with host_on(url, tmp_path, refresh_s=3_600) as host:
            assert ["online"] == [server.state for server in host.health().servers]
    async with host_on(url, tmp_path) as host:
        report = host.health()
    assert report.store_ok
    (server,) = report.servers
    assert ("sim", "offline") == (server.name, server.state)
    assert server.fault is not None
    assert url.removeprefix("http://") not in str(server.fault)


async def test_an_address_that_was_only_tried_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no server is configured and none answers on the usual port, nothing is wrong."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setattr("apehost_core.host._DEFAULT_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        async with open_host(Settings(data_dir=tmp_path, demo="off")) as host:
            await host.look_at_servers()
            assert ["offline"] == [server.state for server in host.servers]
            assert () == host.health().servers


async def test_a_backup_beside_the_open_file(quick: Simulator, tmp_path: Path) -> None:
    """The copy is a database of its own; a second one over it is refused."""
    copy = tmp_path / "copy.duckdb"
    with serve(quick) as url:
        async with host_on(url, tmp_path / "data") as host:
            sent = await host.send("hello", CHOICE)
            await ended(host, sent)
            await host.backup(copy)
            with pytest.raises(StoreError, match="already a file"):
                await host.backup(copy)
    with serve(quick) as url:
        copy.rename(tmp_path / "apehost.duckdb")
        async with host_on(url, tmp_path) as host:
            assert 2 == len(host.conversations.branch(sent.conversation_id))


def refuse_on_the_loop(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make a method of the database fail on a thread that runs an event loop."""
    method = getattr(Database, name)

    def guarded(*args: object) -> object:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return method(*args)

    monkeypatch.setattr(Database, name, guarded)


async def test_the_event_loop_is_never_blocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening, asking, streaming, stopping, looking and copying neither wait nor touch the database on the loop."""
    for name in ("read", "write", "close"):
        refuse_on_the_loop(monkeypatch, name)
    with serve(Simulator(SLOW)) as url:
        settings = settings_of(url, tmp_path)
        with blockbuster_ctx("apehost_core", excluded_modules=["apehost_core.testing"]):
            async with open_host(settings) as host:
                await host.look_at_servers()
                sent = await host.send("hello", CHOICE)
                run = run_of(host, sent)
                await until(lambda: any(isinstance(logged.event, TextDelta) for logged in run.log))
                assert await host.cancel(sent.run_id)
                await host.hub.wait(sent.run_id)
                again = await host.retry(CHOICE, sent.conversation_id)
                await until(lambda: run_of(host, again).transcript.turn)
                await host.backup(tmp_path / "copy.duckdb")
