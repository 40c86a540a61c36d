"""The backup route behind the guard, over a host that is a fake."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from apehost_core.api.app import exception_handlers, middleware, routes
from apehost_core.errors import Fault, StoreError

pytestmark = pytest.mark.anyio

KEY = "the-control-key"


@dataclass
class FakeHost:
    """As much of the host as a backup uses."""

    backup_error: Exception | None = None
    destinations: list[Path] = field(default_factory=list)
    control_key: SecretStr = field(default_factory=lambda: SecretStr(KEY))

    async def backup(self, destination: Path) -> None:
        """Note the destination, or fail as told."""
        if self.backup_error:
            raise self.backup_error
        self.destinations.append(destination)


@asynccontextmanager
async def _client(host: Any, *, address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(
        routes=routes(lambda: host),
        middleware=middleware(allowed_hosts=(), max_body_bytes=10_000),
        exception_handlers=exception_handlers(),
    )
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8501") as client:
        yield client


async def _back_up(
    host: FakeHost | None,
    body: object = None,
    *,
    key: str | None = f"Bearer {KEY}",
    address: str = "127.0.0.1",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body or {"destination": "/abs/copy.duckdb"}).encode()
    authorization = {} if key is None else {"Authorization": key}
    async with _client(host, address=address) as client:
        return await client.post("/api/backup", content=content, headers={**authorization, **(headers or {})})


async def test_a_backup_is_written_where_the_key_holder_asks() -> None:
    """The destination goes to the host as it came."""
    host = FakeHost()
    answer = await _back_up(host)
    assert (answer.status_code, answer.json()) == (201, {"destination": "/abs/copy.duckdb"})
    assert host.destinations == [Path("/abs/copy.duckdb")]


@pytest.mark.parametrize(
    "key", [None, "", KEY, "Bearer", "Bearer ", "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}x", f"Bearer x {KEY}"]
)
async def test_a_backup_without_the_control_key_is_refused(key: str | None) -> None:
    """Nothing is written, and the answer says which kind of key is missing."""
    host = FakeHost()
    answer = await _back_up(host, key=key)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert host.destinations == []
    assert KEY not in answer.text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 201),
        ("::1", 201),
        ("::ffff:127.0.0.1", 201),
        ("192.0.2.10", 403),
        ("::ffff:192.0.2.10", 403),
        ("", 403),
        ("somewhere", 403),
    ],
)
async def test_a_backup_is_ordered_on_this_machine_only(address: str, status: int) -> None:
    """The right key from another address is not enough."""
    answer = await _back_up(FakeHost(), address=address)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {"destination": "copy.duckdb"},
        {"destination": "../copy.duckdb"},
        {"destination": "~/copy.duckdb"},
        {"destination": ""},
        {"destination": 1},
        {"destination": "/abs/a\0b"},
        {"destination": "/abs/copy", "overwrite": True},
        {"to": "/abs/copy"},
        ["/abs/copy"],
        b"",
        b"{",
        b"\xff",
    ],
)
async def test_an_invalid_backup_order_is_refused(body: object) -> None:
    """Only one absolute path is an order; the answer quotes nothing of the body."""
    host = FakeHost()
    answer = await _back_up(host, body)
    assert (answer.status_code, answer.json()["title"]) == (422, "The order is not valid")
    assert host.destinations == []


async def test_a_backup_that_the_store_refuses_says_why() -> None:
    """The words of the fault reach the command line."""
    fault = Fault("store", "The destination exists", advice="Name another file.")
    answer = await _back_up(FakeHost(backup_error=StoreError(fault)))
    assert answer.json() == {"title": "The destination exists", "status": 409, "detail": "Name another file."}


async def test_a_backup_has_to_wait_for_the_host() -> None:
    """While starting there is neither a key nor a database."""
    answer = await _back_up(None)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_another_site_may_not_order_a_backup() -> None:
    """The guard stands before the route, whatever key comes along."""
    host = FakeHost()
    answer = await _back_up(host, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert host.destinations == []


async def test_a_chunked_body_above_the_limit_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    """The limit ends the reading inside a route with 413 and without a word in the log."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1_000

    async with _client(FakeHost()) as client:
        answer = await client.post("/api/backup", content=endless(), headers={"Authorization": f"Bearer {KEY}"})
    assert (answer.status_code, answer.json()["title"]) == (413, "The body is too large")
    assert caplog.text == ""
