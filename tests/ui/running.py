"""A real host with simulated servers, and browser tabs on its pages."""

import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from anyio.from_thread import BlockingPortal
from pydantic import SecretStr

from apehost_core.host import Host, open_host
from apehost_core.settings import ServerEntry, Settings
from apehost_core.testing.simulator import Simulator, serve
from apehost_ui.host import installed
from tests.app_process import free_port
from tests.ui.tab import Tab

Servers = Mapping[str, Simulator | None]
"""Servers by name; None is one where nobody listens."""

NAME = "Hello from the simulator"
"""What a simulated model calls a conversation when it was not told otherwise."""

_PATIENCE_S = 60


@dataclass(frozen=True)
class Ground:
    """What hosts run on, one after the other.

    Attributes:
        portal: An event loop in a thread.
        behind: Ends simulated servers while the next test runs; each takes a tenth of a second.
    """

    portal: BlockingPortal
    behind: Executor


@dataclass(frozen=True)
class Serving:
    """Where a server of the settings is.

    Attributes:
        url: Its address.
        open: Holds the simulator that listens there; empty where nobody does.
        running: The simulator; None where nobody listens.
    """

    url: str
    open: ExitStack
    running: Simulator | None = None

    @property
    def simulator(self) -> Simulator:
        """The simulator that listens there."""
        assert self.running is not None
        return self.running

    @property
    def port(self) -> int:
        """The port of its address."""
        return urlsplit(self.url).port or 0


@dataclass(frozen=True)
class Running:
    """A host that the pages find.

    Attributes:
        host: The host; its coroutines run through `portal`.
        portal: The host's event loop.
        servers: Where its servers are.
        close: Ends it, and its servers, before the test does.
    """

    host: Host
    portal: BlockingPortal
    servers: Mapping[str, Serving]
    close: Callable[[], None]

    def asked(self, text: str = "Hello?") -> Tab:
        """A new tab in which a question was answered."""
        return self.ask(Tab(), text)

    def ask(self, tab: Tab, text: str) -> Tab:
        """Send a text from a tab and wait for the answer's end."""
        return self.settle(tab.send(text))

    def settle(self, tab: Tab) -> Tab:
        """Wait until no answer is being written in the tab's conversation, and let the tab see it."""
        until(lambda: self.host.live_answer(tab.conversation) is None)
        return tab.run()

    def answering(self, text: str = "Hello?") -> Tab:
        """A new tab in which an answer is being written; its first words are drawn."""
        tab = Tab().send(text)
        until(lambda: self.written(tab) != "")
        return tab.run()

    def written(self, tab: Tab) -> str:
        """What has been written so far of the live answer in the tab's conversation."""
        run = self.host.live_answer(tab.conversation)
        return run.transcript.turn.text if run is not None and run.transcript.turn is not None else ""

    def title(self, tab: Tab) -> str:
        """What the tab's conversation is called; empty when it is gone."""
        conversation = self.host.conversations.get(tab.conversation)
        return conversation.title if conversation else ""

    def named(self, tab: Tab, title: str = NAME) -> Tab:
        """Wait until the model has given the tab's conversation that title, and let the tab see it."""
        until(lambda: title == self.title(tab))
        return tab.run()


@contextmanager
def running(
    ground: Ground, folder: Path, servers: Servers, *, token: str | None = None, **settings: Any
) -> Generator[Running, None, None]:
    """Keep a host open while the context lasts; entered when it has looked at every server.

    Args:
        ground: Where it runs.
        folder: Where its data goes.
        servers: None are configured when it is empty.
        token: Given for every server.
        settings: Others than the defaults; the demo engine is off.
    """
    with ExitStack() as stack:
        places = {name: _serving(simulator) for name, simulator in servers.items()}
        for place in places.values():
            stack.callback(ground.behind.submit, place.open.close)
        secret = None if token is None else SecretStr(token)
        entries = tuple(
            ServerEntry(name=name, url=SecretStr(place.url), token=secret) for name, place in places.items()
        )
        made = Settings(servers=entries, data_dir=folder, **{"demo": "off", **settings})
        host = stack.enter_context(ground.portal.wrap_async_context_manager(_installed(made)))
        until(lambda: all(server.state != "unknown" for server in host.servers))
        yield Running(host, ground.portal, places, stack.close)


@asynccontextmanager
async def _installed(settings: Settings) -> AsyncGenerator[Host, None]:
    async with open_host(settings) as host, installed(host):
        yield host


def _serving(simulator: Simulator | None) -> Serving:
    held = ExitStack()
    url = f"http://127.0.0.1:{free_port()}" if simulator is None else held.enter_context(serve(simulator))
    return Serving(url, held, simulator)


def until(holds: Callable[[], bool]) -> None:
    """Return once it holds; fails when it does not for a minute."""
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.002)
