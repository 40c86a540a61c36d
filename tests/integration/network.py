"""A host with several simulated computers, and what tests ask of it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from apehost_core.chat.exchange import Choice, Sent
from apehost_core.events import RunFinished, TextDelta, TurnFailed, TurnStarted
from apehost_core.host import Host, open_host
from apehost_core.runs.live_run import LiveRun
from apehost_core.servers import ServerView
from apehost_core.settings import ServerEntry, Settings
from apehost_core.testing.simulator import Machine, SimModel, Simulator, machines

WORDS = tuple(f"w{number} " for number in range(200))


def model(key: str = "gemma", **others: Any) -> SimModel:
    """A model that writes 200 words, 100 a second, unless said otherwise."""
    return SimModel(key, **{"words": WORDS, "tokens_per_s": 100, **others})


@dataclass
class Network:
    """A host and the computers that it knows.

    Attributes:
        host: The host.
        machines: By name.
    """

    host: Host
    machines: dict[str, Machine]

    def simulator(self, name: str) -> Simulator:
        """What a computer runs."""
        simulator = self.machines[name].simulator
        assert isinstance(simulator, Simulator)
        return simulator

    def view(self, name: str) -> ServerView:
        """What the host knows of a computer."""
        return self.host.pool.get(name).view

    async def kill(self, name: str, *, forget: bool = False) -> None:
        """Pull a computer's plug."""
        await asyncio.to_thread(self.machines[name].kill, forget=forget)

    async def start(self, name: str) -> None:
        """Start a computer again."""
        await asyncio.to_thread(self.machines[name].start)

    async def send(self, key: str = "gemma", *, server: str | None = None, conversation: str | None = None) -> LiveRun:
        """Ask a model something; the answer is under way when this returns."""
        sent = await self.host.send("hello", Choice(server, key), conversation)
        return self.run(sent)

    def run(self, sent: Sent) -> LiveRun:
        """The live run of what was sent."""
        run = self.host.hub.live(sent.run_id)
        assert run is not None
        return run

    async def writing(self, key: str = "gemma", *, server: str | None = None) -> LiveRun:
        """Ask a model something; its first words are there when this returns."""
        run = await self.send(key, server=server)
        await until(lambda: run.transcript.turn is not None and run.transcript.turn.text)
        return run


@asynccontextmanager
async def network(
    folder: Path, servers: dict[str, Simulator], *, tokens: Mapping[str, str] | None = None, **settings: Any
) -> AsyncGenerator[Network, None]:
    """Run computers and a host that has looked at them, while the context lasts; the first is the first choice.

    `tokens` are what the host shows to servers, by their names.
    """
    shown = {name: SecretStr(token) for name, token in (tokens or {}).items()}
    with machines(*servers.values()) as running:
        named = dict(zip(servers, running, strict=True))
        entries = tuple(
            ServerEntry(name=name, url=SecretStr(machine.url), token=shown.get(name)) for name, machine in named.items()
        )
        made = Settings(data_dir=folder, servers=entries, **{"demo": "off", "connect_timeout_s": 2, **settings})
        async with open_host(made) as host:
            waiting = [name for name, server in servers.items() if server.trouble != "hang"]
            await until(lambda: all(host.pool.get(name).view.state != "unknown" for name in waiting))
            yield Network(host, named)


async def until(holds: Callable[[], object], timeout_s: float = 30) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(timeout_s):
        while not holds():
            await asyncio.sleep(0.005)


async def finished(run: LiveRun) -> RunFinished:
    """How a run ended, once that is durable."""
    async with asyncio.timeout(30):
        await run.finished.wait()
    assert run.transcript.finished is not None
    return run.transcript.finished


def text(run: LiveRun) -> str:
    """All visible text of a run."""
    return "".join(logged.event.text for logged in run.log if isinstance(logged.event, TextDelta))


def servers_asked(run: LiveRun) -> list[str]:
    """The servers of a run's calls, in order."""
    return [logged.event.server for logged in run.log if isinstance(logged.event, TurnStarted)]


def failures(run: LiveRun) -> list[str]:
    """The kinds of faults after which a run went on elsewhere."""
    return [logged.event.fault.kind for logged in run.log if isinstance(logged.event, TurnFailed)]


def events(run: LiveRun, kind: type) -> list[Any]:
    """A run's events of a kind."""
    return [logged.event for logged in run.log if isinstance(logged.event, kind)]
