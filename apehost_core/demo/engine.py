"""Keeps the demo engine's process alive: starts it, says where it listens, and starts it again when it dies.

The process is a child with a pipe as its standard input; when the app goes, in whatever way, the pipe ends and the
child with it. Only `serving.py`, which the child runs, imports llama.cpp: a crash there is not ours.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import SecretStr, ValidationError

from apehost_core.demo.model_file import engine_installed, model_file
from apehost_core.demo.orders import Order, Ready
from apehost_core.errors import EngineError, Fault

_log = logging.getLogger(__name__)

MODEL_NAME = "SmolLM2-135M-Instruct"
PARALLEL = 2
_START_S = 60.0
_STOP_S = 2.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STABLE_S = 60.0
_SERVING = "apehost_core.demo.serving"
_SECRET_NAMES = ("APEHOST_", "LMSTUDIO_", "LM_API_")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running engine listens.

    Attributes:
        base_url: On loopback; never shown.
        key: Must come with every request.
        runtime: Engine name and version, for the record.
    """

    base_url: str
    key: SecretStr
    runtime: str


Moved = Callable[[Address | None], Awaitable[None]]
"""Told where the engine listens each time it has come up, and None when it has died."""


class DemoEngine:
    """The engine of this process; there is one at most."""

    def __init__(self, *, threads: int) -> None:
        self._threads = threads
        self._starting = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._said: deque[str] = deque(maxlen=20)

    @property
    def pid(self) -> int | None:
        """The process id of the child; None while there is none."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self, moved: Moved) -> None:
        """Start the engine and keep it running until `stop`; at once when it runs already.

        Raises:
            EngineError: It cannot start; the fault says what is missing.
        """
        async with self._starting:
            if self._keeper is not None:
                return
            await moved(await self._launch())
            self._keeper = asyncio.create_task(self._keep(moved), name="demo engine")

    async def stop(self) -> None:
        """End the engine; nothing happens when there is none."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait((self._keeper,))
            self._keeper = None
        await self._end()

    async def _keep(self, moved: Moved) -> None:
        pause_s = _FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        while True:
            since = loop.time()
            await self._exited()
            _log.warning("the demo engine ended and is started again")
            await moved(None)
            pause_s = _FIRST_PAUSE_S if loop.time() - since > _STABLE_S else min(pause_s * 2, _LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)
            try:
                await moved(await self._launch())
            except EngineError as error:
                _log.error("the demo engine could not be started again: %s", error)

    async def _exited(self) -> None:
        if self._process is not None:
            await self._process.wait()

    async def _launch(self) -> Address:
        """Start the process and wait until it says where it listens."""
        model = model_file()
        if model is None or not engine_installed():
            raise EngineError(_missing())
        key = secrets.token_urlsafe(32)
        order = Order(model=str(model), name=MODEL_NAME, key=key, threads=self._threads, parallel=PARALLEL)
        self._said.clear()
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", _SERVING,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=_environment(), start_new_session=True,
        )  # fmt: skip
        self._listener = asyncio.create_task(self._listen(process), name="demo engine's words")
        try:
            async with asyncio.timeout(_START_S):
                ready = await _handshake(process, order)
        except (TimeoutError, OSError, ValidationError) as error:
            await self._end()
            await self._listener
            raise EngineError(self._failed()) from error
        except asyncio.CancelledError:
            await self._end()
            raise
        return Address(ready.url, SecretStr(key), f"llama.cpp (xllamacpp {ready.version})")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Read what the engine prints, so that it never waits for a full pipe; the last lines are kept."""
        assert process.stderr is not None
        with contextlib.suppress(ValueError):  # a line longer than the reader's limit
            async for line in process.stderr:
                self._said.append(line.decode("utf-8", "replace").strip())

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        self._process = None

    def _failed(self) -> Fault:
        last = next((line for line in reversed(self._said) if line), "")
        return Fault(
            kind="engine",
            title="The demo engine could not be started",
            cause=last[:300],
            advice="Start LM Studio's server instead, or look at ApeHost's log.",
            retryable=True,
        )


async def _handshake(process: asyncio.subprocess.Process, order: Order) -> Ready:
    """Send the order and return the answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(order.model_dump_json().encode() + b"\n")
    await process.stdin.drain()
    return Ready.model_validate_json(await process.stdout.readline())


def _environment() -> dict[str, str]:
    """Return the environment for the child: without the settings and tokens of ApeHost."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(_SECRET_NAMES)}


def _missing() -> Fault:
    return Fault(
        kind="engine",
        title="The demo engine is not installed",
        advice="Install it with the extra `local`: uv run --extra local streamlit run app.py",
    )
