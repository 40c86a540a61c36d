"""No address and no token leaves the process in what the history page hands out of chats."""

import asyncio
from pathlib import Path
from typing import get_args

import pytest

from apehost_core.chat.exchange import Choice
from apehost_core.store.exports import ExportFormat
from apehost_core.testing.simulator import Simulator
from tests.integration.leaks import TOKEN, WRONG, leaked, words_of
from tests.integration.network import finished, model, network

pytestmark = pytest.mark.anyio

WRITES_NO_NAMES = {"openai", "openai_all", "sharegpt"}
"""Formats for training; who answered is not in them."""


async def test_no_export_names_an_address_or_a_token(tmp_path: Path) -> None:
    """An answer, the refusal of a wrong token and a server that is away are exported without either."""
    tokens = {"Mini": TOKEN, "PC": WRONG, "Away": TOKEN}
    simulators = {name: Simulator(model(tokens_per_s=2_000), token=TOKEN) for name in tokens}
    async with network(tmp_path, simulators, tokens=tokens) as net:
        await net.kill("Away")
        chats: list[str] = []
        for name in tokens:
            sent = await net.host.send(f"Hello {name}", Choice(name, "gemma"))
            await finished(net.run(sent))
            chats.append(sent.conversation_id)
        exported = net.host.history.exports.file
        files = {kind: await asyncio.to_thread(exported, chats, kind) for kind in get_args(ExportFormat)}
    said = {kind: words_of(file.content, tmp_path / "table.parquet") for kind, file in files.items()}
    for kind, words in said.items():
        assert "w11" in words
        assert kind in WRITES_NO_NAMES or "gemma" in words
        assert (kind, []) == (kind, leaked(net, words))
    assert "token" in said["apehost"].lower()
