"""The embedded engine: a real llama.cpp process that answers, comes back when it dies, and goes with the app."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil
import pytest

from apehost_core.demo import Address, DemoEngine
from apehost_core.demo.engine import MODEL_NAME
from apehost_core.errors import EngineError, ServerRejected
from apehost_core.events import ModelEvent, ModelResponse, Retried, TextDelta
from apehost_core.lmstudio import Endpoint, LmStudioClient, Watchdogs, open_http
from apehost_core.messages import user_message
from apehost_core.model import ModelRequest, Sampling

pytestmark = [pytest.mark.anyio, pytest.mark.engine]


@dataclass(slots=True)
class Moves:
    """What a host would be told, in order."""

    seen: list[Address | None] = field(default_factory=list[Address | None])
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, address: Address | None) -> None:
        """Note a move."""
        self.seen.append(address)
        self.more.set()

    async def until(self, count: int) -> Address | None:
        """Wait for that many moves; return the last."""
        async with asyncio.timeout(30):
            while len(self.seen) < count:
                self.more.clear()
                await self.more.wait()
        return self.seen[-1]


@asynccontextmanager
async def engine() -> AsyncGenerator[tuple[DemoEngine, Moves], None]:
    """A running engine, and what it said about its address."""
    demo, moves = DemoEngine(threads=1), Moves()
    await demo.start(moves)
    try:
        yield demo, moves
    finally:
        await demo.stop()


@asynccontextmanager
async def client_of(address: Address | None, *, with_key: bool = True) -> AsyncGenerator[LmStudioClient, None]:
    """A client of the engine."""
    assert address is not None
    endpoint = Endpoint("Demo engine", address.base_url, address.key if with_key else None)
    async with open_http(Watchdogs()) as http:
        yield LmStudioClient(endpoint, http, Watchdogs())


async def ask(client: LmStudioClient, text: str = "Say hello.", max_tokens: int = 8) -> list[ModelEvent]:
    """All events of one answer."""
    request = ModelRequest(MODEL_NAME, (user_message(text),), Sampling(temperature=0, max_tokens=max_tokens))
    async with client.stream(request) as stream:
        return [event async for event in stream]


async def test_a_real_answer_comes_from_it() -> None:
    """Text, measured usage and the model's name come from llama.cpp; it is listed, and says which kind it is."""
    async with engine() as (_, moves), client_of(moves.seen[0]) as client:
        events = await ask(client)
        (model,) = await client.models()
        kind = (await client.identify()).kind
    response = events[-1]
    assert isinstance(response, ModelResponse)
    assert any(isinstance(event, TextDelta) for event in events)
    assert (MODEL_NAME, "length", 8) == (response.model, response.finish_reason, response.usage.completion_tokens)
    assert (MODEL_NAME, "Q4_1", "loaded", "llama.cpp") == (model.key, model.quantisation, model.state, kind)


async def test_it_says_how_fast_it_was() -> None:
    """llama.cpp's own times and rates come with its answers, and agree with each other."""
    async with engine() as (_, moves), client_of(moves.seen[0]) as client:
        response = (await ask(client))[-1]
    assert isinstance(response, ModelResponse)
    timing, usage = response.timing, response.usage
    assert timing.ttft_ms
    assert timing.prompt_tok_s
    assert timing.decode_tok_s
    assert usage.prompt_tokens
    assert timing.prompt_tok_s * timing.ttft_ms / 1000 == pytest.approx(usage.prompt_tokens, rel=0.01)


async def test_nobody_without_the_key_gets_in() -> None:
    """Another program on the machine that finds the port is refused."""
    async with engine() as (_, moves), client_of(moves.seen[0], with_key=False) as client:
        with pytest.raises(ServerRejected, match="needs a token"):
            await ask(client)


async def test_fifty_answers_in_a_row() -> None:
    """llama.cpp closes the connection after every streamed answer without saying so; no answer is lost by it."""
    async with engine() as (_, moves), client_of(moves.seen[0]) as client:
        answers = [await ask(client, max_tokens=2) for _ in range(50)]
        for pause_s in (4.95, 5.05):  # the server closes idle connections after 5 s
            await asyncio.sleep(pause_s)
            answers.append(await ask(client, max_tokens=2))
    assert 52 == sum(isinstance(events[-1], ModelResponse) for events in answers)
    assert all(sum(isinstance(event, Retried) for event in events) <= 1 for events in answers)


async def test_it_comes_back_when_it_dies() -> None:
    """A killed engine is noticed, started again with a new key, and answers."""
    async with engine() as (demo, moves):
        first = demo.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        second = await moves.until(3)
        assert [True, False, True] == [address is not None for address in moves.seen]
        assert demo.pid not in (None, first)
        async with client_of(second) as client:
            assert isinstance((await ask(client))[-1], ModelResponse)


async def test_stopping_ends_the_process() -> None:
    """After stop there is no process, and nothing starts it again."""
    async with engine() as (demo, moves):
        pid = demo.pid
        assert pid is not None
        await demo.stop()
        assert not psutil.pid_exists(pid)
    assert 1 == len(moves.seen)


async def test_it_ends_when_its_app_is_killed() -> None:
    """A child whose parent vanishes without a word sees its input end, and goes too."""
    program = (
        "import asyncio, sys\n"
        "from apehost_core.demo import DemoEngine\n"
        "async def moved(address): print(engine.pid, flush=True)\n"
        "async def main():\n"
        "    global engine\n"
        "    engine = DemoEngine(threads=1)\n"
        "    await engine.start(moved)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    # Read in a thread: asyncio's own child would be reaped by its watcher as this one is killed.
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:  # noqa: ASYNC220
        assert parent.stdout is not None
        pid = int(await asyncio.to_thread(parent.stdout.readline))
        child = psutil.Process(pid)
        parent.kill()
    await asyncio.to_thread(psutil.wait_procs, [child], 10)
    assert not child.is_running()


async def test_a_model_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its wheel the engine says what to install."""
    monkeypatch.setattr("apehost_core.demo.engine.model_file", lambda: None)
    with pytest.raises(EngineError, match="extra `local`"):
        await DemoEngine(threads=1).start(Moves())


async def test_a_model_that_is_damaged(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that llama.cpp refuses is an error in words, and leaves no process."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(100))
    monkeypatch.setattr("apehost_core.demo.engine.model_file", lambda: broken)
    demo = DemoEngine(threads=1)
    with pytest.raises(EngineError, match="could not be started"):
        await demo.start(Moves())
    assert demo.pid is None
