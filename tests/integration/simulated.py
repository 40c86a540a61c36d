"""What the tests of the simulator share: a client of one, without a network, and what is asked of it."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx

from apehost_core.testing.simulator import Simulator

T = TypeVar("T")

TRUSTED = httpx.create_ssl_context(trust_env=False)
"""Made once: each client would take 50 ms to make its own."""
USER = {"role": "user", "content": "hi"}


@asynccontextmanager
async def client_of(simulator: Simulator) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of a simulator in this event loop; a response is whole before it can be read."""
    transport = httpx.ASGITransport(app=simulator.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://mini", timeout=10) as client:
        yield client


def real_client(url: str) -> httpx.AsyncClient:
    """A client of a real server, which can be left in mid-answer."""
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=10, verify=TRUSTED)


async def chat(client: httpx.AsyncClient, model: str = "sim-model", **more: Any) -> httpx.Response:
    """The response to a chat completion."""
    return await client.post("/v1/chat/completions", json={"model": model, "messages": [USER], **more})


async def read(pieces: AsyncIterator[T]) -> list[T]:
    """All pieces of a stream."""
    return [piece async for piece in pieces]


async def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.002)


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a native stream as (type, data)."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block]
    return [(kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for kind, data in blocks]
