"""What the tests kill: a host that lets a server stream into several conversations and says what it has seen."""

import asyncio
import os
import time
from pathlib import Path

from pydantic import SecretStr

from apehost_core.chat.exchange import Choice
from apehost_core.events import TextDelta
from apehost_core.host import Host, open_host
from apehost_core.settings import ServerEntry, Settings

CHOICE = Choice("sim", "sim-model")


def stream_until_killed(data_dir: Path, url: str, streams: int, said: Path) -> None:
    """Ask several questions at once, again and again.

    What subscribers saw is said in a file, a line an event: conversation, run, characters so far, time in ns of the
    epoch.
    """
    asyncio.run(_stream(data_dir, url, streams, os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT)))


async def _stream(data_dir: Path, url: str, streams: int, log: int) -> None:
    server = ServerEntry(name="sim", url=SecretStr(url))
    async with open_host(Settings(data_dir=data_dir, servers=(server,), demo="off")) as host:
        await asyncio.gather(*(_follow(host, number, log) for number in range(streams)))


async def _follow(host: Host, number: int, log: int) -> None:
    """Ask, watch the answer, say what is seen; again and again."""
    while True:
        sent = await host.send(f"Question {number}", CHOICE)
        run = host.hub.live(sent.run_id)
        assert run is not None
        seen = 0
        async for logged in run.events():
            if isinstance(logged.event, TextDelta):
                seen += len(logged.event.text)
                os.write(log, f"{sent.conversation_id} {sent.run_id} {seen} {time.time_ns()}\n".encode())
