"""What the path from server to subscriber costs: client, hub and recorder beside a bare httpx reader.

    uv run python -m bench.stream

Both read the same bare upstream, a process of its own, in turns. Time to first token is from the wish to the first
token that a subscriber sees: for ours it includes the commit that makes the run durable. The bare reader
only counts frames. Figures are medians over rounds, which take turns.
"""

import asyncio
import gc
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import psutil

from apehost_core.chat.turn import Route, opening, run_turn
from apehost_core.events import Outcome, RunFinished, TextDelta
from apehost_core.lmstudio import Endpoint, LmStudioClient, Watchdogs, open_http
from apehost_core.lmstudio.encoding import encode_request
from apehost_core.messages import user_message
from apehost_core.model import ModelRequest
from apehost_core.runs.hub import Emit, Hub
from apehost_core.store.database import Database
from apehost_core.store.recorder import DuckRecorder
from bench.tables import median, percentile, table
from bench.upstream import calls, upstream
from tests.run_samples import chat_spec

_REQUEST = ModelRequest("sim-model", (user_message("Write."),))
_BODY = encode_request(_REQUEST)
_STOPS = 50
_LIMITS = httpx.Limits(max_connections=1_000, max_keepalive_connections=8, keepalive_expiry=3)  # as ours


@dataclass(frozen=True, slots=True)
class One:
    """One answer as its reader saw it: ms to the first token, seconds in all, tokens."""

    ttft_ms: float
    seconds: float
    tokens: int


Reader = Callable[[], Awaitable[One]]


async def bare(client: httpx.AsyncClient, url: str) -> One:
    """Read an answer with httpx and count its frames."""
    begun, first, tokens = time.perf_counter(), 0.0, 0
    async with client.stream("POST", f"{url}/v1/chat/completions", content=_BODY) as response:
        async for chunk in response.aiter_raw():
            first = first or time.perf_counter()
            tokens += chunk.count(b'"content":')
    return One((first - begun) * 1000, time.perf_counter() - begun, tokens)


async def ours(client: LmStudioClient, hub: Hub) -> One:
    """Have the hub run an answer and watch its log."""

    async def work(emit: Emit) -> Outcome:
        emit(opening(_REQUEST, Route("sim")))
        return await run_turn(client, _REQUEST, emit)

    begun, first, tokens = time.perf_counter(), 0.0, 0
    run = hub.start(chat_spec(), work)
    async for logged in run.events():
        if isinstance(logged.event, TextDelta):
            first = first or time.perf_counter()
            tokens += logged.event.count
        if isinstance(logged.event, RunFinished) and logged.event.outcome != "completed":
            raise RuntimeError(f"an answer ended as {logged.event}")
    return One((first - begun) * 1000, time.perf_counter() - begun, tokens)


@dataclass(frozen=True, slots=True)
class Measured:
    """Some rounds of one reader."""

    ttft_p50: float
    ttft_p95: float
    rate: float
    cpu_us: float


@dataclass(slots=True)
class Rounds:
    """Rounds of one reader: that many answers at once, each time."""

    read: Reader
    answers: list[list[One]] = field(default_factory=list[list[One]])
    rates: list[float] = field(default_factory=list[float])
    cpu_s: float = 0

    async def one(self, streams: int) -> None:
        """Read one round."""
        cpu, begun = time.process_time(), time.perf_counter()
        now = await asyncio.gather(*(self.read() for _ in range(streams)))
        self.rates.append(sum(one.tokens for one in now) / (time.perf_counter() - begun))
        self.cpu_s += time.process_time() - cpu
        self.answers.append(now)

    def measured(self) -> Measured:
        """Return medians over the rounds, of each round's percentiles."""
        times = [[one.ttft_ms for one in answers] for answers in self.answers]
        tokens = sum(one.tokens for answers in self.answers for one in answers)
        return Measured(
            ttft_p50=median([median(some) for some in times]),
            ttft_p95=median([percentile(some, 0.95) for some in times]),
            rate=median(self.rates),
            cpu_us=self.cpu_s / tokens * 1e6,
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A pace and a crowd: streams at once, tokens of an answer, tokens a second of each (0: flat out), repeats."""

    streams: int
    tokens: int
    tokens_per_s: float
    repeats: int


_CASES = (
    Case(1, 40, 200, 15),
    Case(50, 100, 200, 7),
    Case(200, 100, 200, 3),
    Case(1, 2_000, 2_000, 5),
    Case(50, 200, 2_000, 5),
    Case(1, 50_000, 0, 5),
    Case(50, 2_000, 0, 3),
    Case(200, 500, 0, 3),
)


async def measure(folder: Path) -> str:
    """Measure all cases and return the table."""
    rows: list[list[object]] = []
    for number, case in enumerate(_CASES):
        with upstream(tokens=case.tokens, tokens_per_s=case.tokens_per_s) as url:
            rows.append(await _row(folder / f"{number}.duckdb", url, case))
    headings = [
        "streams", "asked tok/s", "bare TTFT p50 ms", "ours", "added p50 ms", "added p95 ms", "bare tok/s",
        "ours tok/s", "rate ratio", "bare CPU us/token", "ours", "RSS MB",
    ]  # fmt: skip
    return table(headings, rows)


async def _row(path: Path, url: str, case: Case) -> list[object]:
    async with AsyncExitStack() as stack:
        database = await asyncio.to_thread(Database.open, path)
        stack.push_async_callback(asyncio.to_thread, database.close)
        hub = Hub(DuckRecorder(database))
        stack.push_async_callback(hub.close)
        http = await stack.enter_async_context(open_http(Watchdogs()))
        client = LmStudioClient(Endpoint("sim", url), http, Watchdogs())
        plain = await stack.enter_async_context(httpx.AsyncClient(timeout=None, trust_env=False, limits=_LIMITS))
        both = (Rounds(partial(bare, plain, url)), Rounds(partial(ours, client, hub)))
        for _ in range(case.repeats):
            for reader in both:
                await reader.one(case.streams)
        theirs, mine = (reader.measured() for reader in both)
        rss = psutil.Process().memory_info().rss / 1e6
    pace = f"{case.tokens_per_s:g}" if case.tokens_per_s else "flat out"
    return [
        case.streams, pace, theirs.ttft_p50, mine.ttft_p50, mine.ttft_p50 - theirs.ttft_p50,
        mine.ttft_p95 - theirs.ttft_p95, theirs.rate, mine.rate, mine.rate / theirs.rate,
        theirs.cpu_us, mine.cpu_us, rss,
    ]  # fmt: skip


async def stops(folder: Path) -> str:
    """Stop answers, half of them before the first token, and return how long the server still had the connection."""
    times: list[float] = []
    for silence in (0.0, 60.0):
        with upstream(tokens=5_000, tokens_per_s=50, first_token_s=silence) as url:
            database = await asyncio.to_thread(Database.open, folder / f"stops{silence:g}.duckdb")
            hub = Hub(DuckRecorder(database))
            async with open_http(Watchdogs()) as http:
                client = LmStudioClient(Endpoint("sim", url), http, Watchdogs())
                times += [await _stop(hub, client, url, number) for number in range(_STOPS // 2)]
            await asyncio.to_thread(database.close)
    return table(
        ["stops", "upstream closed p50 ms", "p95 ms", "max ms"],
        [[len(times), percentile(times, 0.5), percentile(times, 0.95), max(times)]],
    )


async def _stop(hub: Hub, client: LmStudioClient, url: str, number: int) -> float:
    async def work(emit: Emit) -> Outcome:
        emit(opening(_REQUEST, Route("sim")))
        return await run_turn(client, _REQUEST, emit)

    run = hub.start(chat_spec(), work)
    await asyncio.to_thread(_until, lambda: len(calls(url)) > number)
    await asyncio.sleep(0.05 + number * 0.004)
    stopped_ns = time.perf_counter_ns()
    hub.cancel(run.spec.run_id)
    await hub.wait(run.spec.run_id)
    await asyncio.to_thread(_until, lambda: calls(url)[number]["left_ns"] is not None)
    return ((calls(url)[number]["left_ns"] or 0) - stopped_ns) / 1e6


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError("the upstream did not see what it should have seen")
        time.sleep(0.005)


def main() -> None:
    """Measure and print."""
    print(f"{os.cpu_count()} cores, shared with the upstream")
    gc.freeze()  # as the app does once it has started
    with tempfile.TemporaryDirectory() as name:
        print(asyncio.run(measure(Path(name))))
        print()
        print(asyncio.run(stops(Path(name))))


if __name__ == "__main__":
    main()
