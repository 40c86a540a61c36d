"""Simulated computers: a simulator each on a fixed port of loopback, to be unplugged and started again.

All machines of a `machines` context share one thread and one event loop, so that fifty cost little. A machine of its
own has a thread while it runs. Whatever is done to a machine may be done from any thread but that one, and is so when
the call returns.
"""

import asyncio
import socket
import struct
import weakref
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Protocol, Self, cast

import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp
from uvicorn.server import ServerState

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is closed is reset at once
_PATIENCE_S = 0.1  # for requests that are cancelled


class Simulated(Protocol):
    """What a machine runs."""

    app: ASGIApp

    def restart(self, *, forget: bool = False) -> None:
        """Hold in memory what was there at the start, or nothing."""
        ...


class Machine:
    """One computer with one simulator. Use it as a context manager: it runs while the context lasts.

    Attributes:
        simulator: What it runs.
        port: Where it listens, whether it runs or not.
    """

    def __init__(self, simulator: Simulated, port: int = 0, *, portal: BlockingPortal | None = None) -> None:
        """Take the port, without listening.

        Args:
            simulator: What it runs.
            port: 0 takes a free one.
            portal: Into the loop that it shares with others; None: it has its own while it runs.

        Raises:
            RuntimeError: The port is taken.
        """
        self.simulator = simulator
        self._shared = portal
        self._own = ExitStack()
        self._listening: _Listening | None = None
        self._portal: BlockingPortal | None = None
        self._held = self._hold(port)
        self.port: int = self._held.getsockname()[1]

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._listening is not None

    def start(self) -> None:
        """Listen; nothing when it does.

        Raises:
            RuntimeError: The port is taken.
        """
        if self._listening is not None:
            return
        self._portal = self._shared or self._own.enter_context(start_blocking_portal())
        try:
            self._listening = self._portal.call(_listen, self.simulator.app, self._held)
        except OSError as error:
            self._own.close()
            raise RuntimeError(f"port {self.port} could not be opened") from error

    def kill(self, *, forget: bool = False) -> None:
        """Pull the plug: connections are reset and loads lost at once. Nothing when it does not run.

        Args:
            forget: Whether nothing is in memory when it comes back; else what was there at the start.
        """
        if self._stop(lambda: self.simulator.restart(forget=forget)):
            self._held = self._hold(self.port)

    def __enter__(self) -> Self:
        """Start it."""
        try:
            self.start()
        except RuntimeError:
            self._held.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it for good; what the simulator has in memory stays to be looked at."""
        self._stop(lambda: None)
        self._held.close()

    def _stop(self, then: Callable[[], None]) -> bool:
        listening, self._listening = self._listening, None
        if listening is None or self._portal is None:
            return False
        self._portal.call(listening.cut, then)
        self._own.close()
        return True

    def _hold(self, port: int) -> socket.socket:
        """Bind without listening, so that nobody else gets the port while this machine is off."""
        # With the protocol named, asyncio sends small packets at once; else tokens wait 40 ms for each other.
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        weakref.finalize(self, held.close)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind(("127.0.0.1", port))
        except OSError as error:
            held.close()
            raise RuntimeError(f"port {port} could not be opened") from error
        return held


class _Listening:
    """An open port with its connections."""

    def __init__(self, server: asyncio.Server, state: ServerState) -> None:
        self._server = server
        self._state = state

    async def cut(self, then: Callable[[], None]) -> None:
        """Close the port, reset every connection, end every request; then do what is to be done on this loop."""
        self._server.close()
        for _ in range(3):  # a connection that was just accepted appears one step later
            for connection in list(self._state.connections):
                _reset(connection.transport)
            await asyncio.sleep(0)
        for task in self._state.tasks:
            task.cancel()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=_PATIENCE_S)
        then()


async def _listen(app: ASGIApp, held: socket.socket) -> _Listening:
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=5,
    )
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()
    make = cast("Callable[..., asyncio.Protocol]", config.http_protocol_class)

    def protocol() -> asyncio.Protocol:
        return make(config=config, server_state=state, app_state={}, _loop=loop)

    return _Listening(await loop.create_server(protocol, sock=held), state)


def _reset(transport: asyncio.Transport) -> None:
    opened: socket.socket | None = transport.get_extra_info("socket")
    if opened is not None and opened.fileno() >= 0:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


@contextmanager
def machines(*simulators: Simulated, ports: tuple[int, ...] = ()) -> Generator[list[Machine], None, None]:
    """Run a machine for each simulator while the context lasts, all from one thread.

    Args:
        simulators: What they run, in order.
        ports: Where they listen, in order; those that are not said are free ones.

    Raises:
        RuntimeError: A port is taken.
    """
    places = [*ports, *(0 for _ in simulators)]
    with start_blocking_portal() as portal, ExitStack() as held:
        yield [
            held.enter_context(Machine(simulator, port, portal=portal))
            for simulator, port in zip(simulators, places, strict=False)
        ]


@contextmanager
def serve(simulator: Simulated, *, port: int = 0) -> Generator[str, None, None]:
    """Serve on loopback while the context lasts; gives the base URL.

    Args:
        simulator: What to serve.
        port: 0 takes a free one.

    Raises:
        RuntimeError: The port is taken.
    """
    with Machine(simulator, port) as machine:
        yield machine.url
