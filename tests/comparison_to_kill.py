"""A program that tests kill: a host that works on the latest comparison of its file until that is finished.

python -m tests.comparison_to_kill DATA_DIR NAME=URL [NAME=URL ...]
"""

import asyncio
import sys
from pathlib import Path

from pydantic import SecretStr

from apehost_core.host import Host, open_host
from apehost_core.settings import ServerEntry, Settings


async def work(host: Host) -> None:
    """Start the comparison, and return at its end."""
    await host.look_at_servers()
    (latest,) = await asyncio.to_thread(host.lab.list, 1)
    await host.lab.start(latest.id)
    while host.lab.progress(latest.id).state in ("running", "pausing"):
        await asyncio.sleep(0.02)


async def main() -> None:
    """Run until the comparison is finished, or killed."""
    named = [argument.split("=", 1) for argument in sys.argv[2:]]
    servers = tuple(ServerEntry(name=name, url=SecretStr(url)) for name, url in named)
    async with open_host(Settings(data_dir=Path(sys.argv[1]), servers=servers, demo="off")) as host:
        await work(host)


if __name__ == "__main__":
    asyncio.run(main())
