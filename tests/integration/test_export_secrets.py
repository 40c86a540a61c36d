"""No address and no token leaves the process in what the history page hands out of chats."""

import asyncio
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import duckdb
import pytest
from pydantic import SecretStr

from apehost_core.chat.exchange import Choice
from apehost_core.host import open_host
from apehost_core.settings import ServerEntry, Settings
from apehost_core.store.exports import ExportFormat
from apehost_core.testing.simulator import Simulator, machines
from tests.integration.network import Network, finished, model, until

pytestmark = pytest.mark.anyio

TOKEN, WRONG = "sk-lm-AbCdEfGh:01234567890123456789", "sk-lm-ZyXwVuTs:98765432109876543210"
WRITES_NO_NAMES = {"openai", "openai_all", "sharegpt"}
"""Formats for training; who answered is not in them."""


async def test_no_export_names_an_address_or_a_token(tmp_path: Path) -> None:
    """An answer, the refusal of a wrong token and a server that is away are exported without either."""
    simulators = {name: Simulator(model(tokens_per_s=2_000), token=TOKEN) for name in ("Mini", "PC", "Away")}
    with machines(*simulators.values()) as running:
        named = dict(zip(simulators, running, strict=True))
        tokens = {"Mini": TOKEN, "PC": WRONG, "Away": TOKEN}
        entries = tuple(
            ServerEntry(name=name, url=SecretStr(machine.url), token=SecretStr(tokens[name]))
            for name, machine in named.items()
        )
        async with open_host(Settings(data_dir=tmp_path, servers=entries, demo="off", connect_timeout_s=2)) as host:
            net = Network(host, named)
            await until(lambda: all(net.view(name).state != "unknown" for name in named))
            await net.kill("Away")
            chats: list[str] = []
            for name in named:
                sent = await host.send(f"Hello {name}", Choice(name, "gemma"))
                run = host.hub.live(sent.run_id)
                assert run is not None
                await finished(run)
                chats.append(sent.conversation_id)
            files = {
                kind: await asyncio.to_thread(host.history.exports.file, chats, kind) for kind in get_args(ExportFormat)
            }
    for kind, file in files.items():
        words = "\n".join(_words(file.content, tmp_path / "table.parquet"))
        assert "w11" in words
        assert kind in WRITES_NO_NAMES or "gemma" in words
        found = [secret for secret in (TOKEN, WRONG, "127.0.0.1", *(m.url for m in running)) if secret in words]
        assert (kind, []) == (kind, found)
    assert "token" in "\n".join(_words(files["apehost"].content, tmp_path)).lower()


def _words(content: bytes, path: Path) -> Iterator[str]:
    """All words of a file and of those in it; those of a Parquet file as they are read."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from (name, *_words(archive.read(name), path))
    elif content.startswith(b"PAR1"):
        path.write_bytes(content)
        with duckdb.connect() as connection:
            yield str(connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall())
    else:
        yield content.decode()
