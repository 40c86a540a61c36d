"""No address and no token leaves the process in what a comparison exports."""

import asyncio
from pathlib import Path
from typing import get_args

import duckdb
import pytest
from pydantic import SecretStr

from apehost_core.compare.measures import ANSWERED, FAILED
from apehost_core.compare.reading import Format
from apehost_core.host import open_host
from apehost_core.settings import ServerEntry, Settings
from apehost_core.testing.simulator import Simulator, machines
from tests.integration.comparing import benchmark, contender, ended, measured, quick
from tests.integration.network import Network, until

pytestmark = pytest.mark.anyio

TOKEN, WRONG = "sk-lm-AbCdEfGh:01234567890123456789", "sk-lm-ZyXwVuTs:98765432109876543210"


async def test_no_export_names_an_address_or_a_token(tmp_path: Path) -> None:
    """Answers and the refusals of a wrong token are exported without either."""
    simulators = {name: Simulator(quick("gemma"), token=TOKEN) for name in ("Mini", "PC")}
    with machines(*simulators.values()) as running:
        named = dict(zip(simulators, running, strict=True))
        tokens = {"Mini": TOKEN, "PC": WRONG}
        entries = tuple(
            ServerEntry(name=name, url=SecretStr(machine.url), token=SecretStr(tokens[name]))
            for name, machine in named.items()
        )
        async with open_host(Settings(data_dir=tmp_path, servers=entries, demo="off", connect_timeout_s=2)) as host:
            net = Network(host, named)
            await until(lambda: all(net.view(name).state != "unknown" for name in named))
            comparison = await host.lab.create(benchmark([contender("Mini", "gemma"), contender("PC", "gemma")]))
            await host.lab.start(comparison.id)
            await _answered_and_failed(net, comparison.id)
            await host.lab.stop(comparison.id)
            await ended(net, comparison.id)
            files = {kind: await asyncio.to_thread(host.lab.export, comparison.id, kind) for kind in get_args(Format)}
    said = {kind: _words(content, tmp_path / "out.parquet") for kind, content in files.items()}
    assert {"csv", "parquet", "markdown"} == set(said)
    for words in said.values():
        assert "w11" in words or "gemma" in words
        found = [secret for secret in (TOKEN, WRONG, "127.0.0.1", *(m.url for m in running)) if secret in words]
        assert [] == found
    assert "PC" in said["csv"]
    assert "failed" in said["csv"]


async def _answered_and_failed(net: Network, comparison_id: str) -> None:
    """Return once an answer and a failure are on record."""
    endings: set[int] = set()
    async with asyncio.timeout(30):
        while not {ANSWERED, FAILED} <= endings:
            endings = set((await measured(net, comparison_id))[1].ending.tolist())
            await asyncio.sleep(0.02)


def _words(content: bytes, path: Path) -> str:
    """All words of a file; those of a Parquet file as they are read."""
    if not content.startswith(b"PAR1"):
        return content.decode()
    path.write_bytes(content)
    with duckdb.connect() as connection:
        return str(connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall())
