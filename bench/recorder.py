"""How fast runs become durable: the recorder beside one INSERT and commit a row.

    uv run python -m bench.recorder [--seconds 5]

Several runs write events at a set rate for some seconds. The delay of an event is from its hand-over to the moment
at which a reader on another connection sees it. The baseline commits every event by itself, on the same disk. The last
rows have the search index beside the recorder: it is made of 50,000 messages meanwhile, and fed 50 more a second.
"""

import argparse
import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from apehost_core.events import LoggedEvent, TextDelta
from apehost_core.runs.run import RunSpec
from apehost_core.store.database import Database
from apehost_core.store.recorder import DuckRecorder
from apehost_core.store.search import Search
from bench.tables import percentile, table
from tests.run_samples import chat_spec
from tests.search_samples import keep_texts

_RUNS = 50
_RATES = (500, 2_000, 5_000, 10_000, 20_000)
_WORD = "wonderful "
_MESSAGES = 50_000


@dataclass
class Watch:
    """Reads, all the time, how many events are in the file, and when that was."""

    database: Database
    seen: list[tuple[float, int]] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Poll until told to stop."""
        while not self._end.is_set():
            with self.database.read() as cursor:
                count = cursor.execute("SELECT coalesce(sum(through_seq - seq + 1), 0) FROM run_events").fetchall()[0][
                    0
                ]
            self.seen.append((time.perf_counter(), int(count)))
            time.sleep(0.005)

    def stop(self) -> None:
        """End the polling."""
        self._end.set()


@contextmanager
def searched(database: Database) -> Generator[None, None, None]:
    """Have a search index made of many messages, and fed with new ones until the end."""
    keep_texts(database, *(f"{_WORD * 20}{number}" for number in range(_MESSAGES)))
    end = threading.Event()

    def talk() -> None:
        while not end.wait(0.02):
            keep_texts(database, _WORD * 20)

    search, thread = Search(database, database.path.with_suffix(".search")), threading.Thread(target=talk)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
        search.close()


async def recorded(folder: Path, rate: int, seconds: float, *, indexed: bool = False) -> list[object]:
    """Write events at a rate through the recorder and return a row of the table."""
    database = Database.open(folder / f"{rate}{'-indexed' * indexed}.duckdb")
    with searched(database) if indexed else nullcontext():
        row = await _recorded(database, rate, seconds)
    await asyncio.to_thread(database.close)
    return [f"{row[0]}, search beside" if indexed else row[0], *row[1:]]


async def _recorded(database: Database, rate: int, seconds: float) -> list[object]:
    recorder, specs = DuckRecorder(database), [chat_spec() for _ in range(_RUNS)]
    for spec in specs:
        await recorder.open_run(spec)
    watch = Watch(database)
    reader = threading.Thread(target=watch.run)
    reader.start()
    cpu, begun = time.process_time(), time.perf_counter()
    taken, acks = await asyncio.gather(_write(recorder, specs, rate, seconds), _acks(recorder, seconds))
    wall = time.perf_counter() - begun
    await asyncio.to_thread(database.probe)
    cpu = time.process_time() - cpu
    await asyncio.to_thread(_until_all_seen, watch, len(taken))
    watch.stop()
    reader.join()
    delays = sorted(_delays(taken, watch.seen))
    size = _log_size(database)
    return [
        f"recorder, {rate:,}/s asked", len(taken) / wall, percentile(delays, 0.5), percentile(delays, 0.95),
        delays[-1], percentile(acks, 0.5), percentile(acks, 0.95), cpu / len(taken) * 1e6, size / 1e6,
    ]  # fmt: skip


def _log_size(database: Database) -> int:
    return os.path.getsize(f"{database.path}.wal")


async def _write(recorder: DuckRecorder, specs: list[RunSpec], rate: int, seconds: float) -> list[float]:
    """Hand over events at a rate, a few every 2 ms, and return when each was handed over."""
    taken: list[float] = []
    begun = time.perf_counter()
    while (now := time.perf_counter() - begun) < seconds:
        for _ in range(int(now * rate) - len(taken)):
            number = len(taken)
            logged = LoggedEvent(number // _RUNS + 1, time.perf_counter_ns(), TextDelta(_WORD))
            recorder.append(specs[number % _RUNS].run_id, logged)
            taken.append(time.perf_counter())
        await asyncio.sleep(0.002)
    return taken


def _until_all_seen(watch: Watch, count: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (not watch.seen or watch.seen[-1][1] < count):
        time.sleep(0.005)


def _delays(taken: list[float], seen: list[tuple[float, int]]) -> list[float]:
    """Return, for each event in ms, how long it took until a reader saw that many."""
    delays: list[float] = []
    at = 0
    for number, handed in enumerate(taken, start=1):
        while at < len(seen) and (seen[at][1] < number or seen[at][0] < handed):
            at += 1
        if at == len(seen):
            break
        delays.append((seen[at][0] - handed) * 1000)
    return delays


async def _acks(recorder: DuckRecorder, seconds: float) -> list[float]:
    """Return how long opening a run takes until it is acknowledged, in ms, tried again and again beside the events."""
    found: list[float] = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        await recorder.open_run(chat_spec())
        found.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0.02)
    return found


def row_by_row(folder: Path, seconds: float) -> list[object]:
    """Insert and commit event by event, as plain code would, and return a row of the table."""
    path = folder / "plain.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE run_events (run_id UUID, seq BIGINT, at_ns BIGINT, kind TEXT, text TEXT)")
        spec, times = chat_spec(), []
        cpu, begun = time.process_time(), time.perf_counter()
        while time.perf_counter() - begun < seconds:
            one = time.perf_counter()
            connection.execute(
                "INSERT INTO run_events VALUES (?, ?, ?, 'text', ?)",
                [spec.run_id, len(times), time.perf_counter_ns(), _WORD],
            )
            times.append((time.perf_counter() - one) * 1000)
        wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
        size = path.with_name(path.name + ".wal").stat().st_size
    p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
    return [
        "INSERT and commit a row",
        len(times) / wall,
        p50,
        p95,
        max(times),
        p50,
        p95,
        cpu / len(times) * 1e6,
        size / 1e6,
    ]


async def measure(seconds: float) -> str:
    """Measure and return the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        baseline = row_by_row(folder, seconds)
        rows = [baseline, *[await recorded(folder, rate, seconds) for rate in _RATES]]
        rows += [await recorded(folder, rate, seconds, indexed=True) for rate in _RATES[1::2]]
    headings = [
        "",
        "events/s",
        "seen p50 ms",
        "p95",
        "max",
        "ack p50 ms",
        "p95",
        "CPU us/event",
        "log MB",
        "rate ratio",
    ]
    return table(headings, [[*row, float(row[1]) / float(baseline[1])] for row in rows])  # type: ignore[arg-type]


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    seconds = min(parser.parse_args().seconds, 30)
    print(f"{_RUNS} runs, {seconds:g} s each, {os.cpu_count()} cores")
    print(asyncio.run(measure(seconds)))


if __name__ == "__main__":
    main()
