"""A program that tests kill: a host that lets a server stream into several conversations and says what it has seen.

python -m tests.host_to_kill DATA_DIR SERVER_URL STREAMS

One line for each event that a subscriber saw: conversation, run, characters so far, time in ns of the epoch.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from pydantic import SecretStr

from apehost_core.chat.exchange import Choice
from apehost_core.events import TextDelta
from apehost_core.host import Host, open_host
from apehost_core.settings import ServerEntry, Settings

CHOICE = Choice("sim", "sim-model")


async def follow(host: Host, number: int) -> None:
    """Ask, watch the answer, say what is seen; again and again."""
    while True:
        sent = await host.send(f"Question {number}", CHOICE)
        run = host.hub.live(sent.run_id)
        assert run is not None
        seen = 0
        async for logged in run.events():
            if isinstance(logged.event, TextDelta):
                seen += len(logged.event.text)
                line = f"{sent.conversation_id} {sent.run_id} {seen} {time.time_ns()}\n"
                os.write(sys.stdout.fileno(), line.encode())


async def main() -> None:
    """Run until killed."""
    data_dir, url, streams = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    server = ServerEntry(name="sim", url=SecretStr(url))
    async with open_host(Settings(data_dir=data_dir, servers=(server,), demo="off")) as host:
        await asyncio.gather(*(follow(host, number) for number in range(streams)))


if __name__ == "__main__":
    asyncio.run(main())
