"""What charts and cards of the history page take over a million model calls, and how long such a file takes to open.

    uv run python -m bench.charts [--file FILE] [--calls 1000000] [--rounds 5]

FILE is one that `bench.corpus` made; without it one is made for the run. The baseline of the charts reads the times of
all calls into pandas and groups them there, in turns with ours; that of the start is a new file; that of the writer is
the same writer with nobody reading.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from apehost_core.history.charts import Scope
from apehost_core.store.analytics import Charts
from apehost_core.store.archive import open_history
from apehost_core.store.cards import Cards
from apehost_core.store.database import Database
from bench.corpus import make
from bench.tables import median, percentile, table

ZONE = "Europe/Berlin"
CHART_MS, START_MS = 500, 3_000
_BASELINE = "baseline: TTFT by day in pandas"
_TIMES = """
SELECT started_at, least(first_reasoning_ms, first_visible_ms) AS ttft FROM generations
WHERE outcome IN ('completed', 'length') AND cold IS DISTINCT FROM true"""
_PAUSE_S = 0.005


def in_pandas(database: Database) -> object:
    """Return TTFT percentiles by day, grouped outside of the database."""
    with database.read() as cursor:
        times = cursor.execute(_TIMES).df()
    days = times["started_at"].dt.tz_convert(ZONE).dt.date
    return times["ttft"].groupby(days).quantile([0.1, 0.5, 0.9])


def readings(database: Database) -> dict[str, Callable[[], Any]]:
    """Return what is measured, by name, the baseline first."""
    charts, cards, scope = Charts(database), Cards(database), Scope(time_zone=ZONE)
    options = charts.options()
    assert options.first is not None
    assert options.last is not None
    middle: datetime = options.first + (options.last - options.first) / 2
    narrow = Scope(after=middle, servers=options.servers[:1], kinds=("chat",), time_zone=ZONE)
    return {
        _BASELINE: lambda: in_pandas(database),
        "options": charts.options,
        "usage_by_day": lambda: charts.usage_by_day(scope),
        "usage_by_day, by model": lambda: charts.usage_by_day(scope, by="model"),
        "usage_by_model": lambda: charts.usage_by_model(scope),
        "usage_by_server": lambda: charts.usage_by_server(scope),
        "ttft_over_time, by day": lambda: charts.ttft_over_time(scope, "day"),
        "ttft_over_time, by day and model": lambda: charts.ttft_over_time(scope, "day", by="model"),
        "decode_over_time, by day": lambda: charts.decode_over_time(scope, "day"),
        "speed_by_prompt_length": lambda: charts.speed_by_prompt_length(scope),
        "speed_by_prompt_length, half a server's chats": lambda: charts.speed_by_prompt_length(narrow),
        "cold_warm": lambda: charts.cold_warm(scope),
        "errors": lambda: charts.errors(scope),
        "tools": lambda: charts.tools(scope),
        "tool_errors": lambda: charts.tool_errors(scope),
        "heat_map": lambda: charts.heat_map(scope),
        "compare, one half with the other": lambda: charts.compare(Scope(before=middle), Scope(after=middle)),
        "cards of models": lambda: cards.models(scope),
        "cards of tools": lambda: cards.tools(scope),
    }


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return how many ms and how many ms of processor time work takes."""
    begun, used = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - begun) * 1000, (time.process_time() - used) * 1000


def drawn(database: Database, rounds: int) -> str:
    """Measure everything that is drawn, in turns, and return the tables."""
    steps = readings(database)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            taken[name].append(_timed(step))
    base = median([ms for ms, _ in taken[_BASELINE]])
    rows: list[list[object]] = []
    for name, of in taken.items():
        ms, used = [one for one, _ in of], [one for _, one in of]
        rows.append([name, median(ms), max(ms), median(used), median(ms) / base])
    charts = {name: median([ms for ms, _ in of]) for name, of in taken.items() if not name.startswith(("base", "card"))}
    slowest = max(charts, key=charts.__getitem__)
    holds = "yes" if charts[slowest] < CHART_MS else "NO"
    bar = [f"each chart: < {CHART_MS} ms", f"at most {charts[slowest]:,.0f} ms (p50, {slowest})", holds]
    shown = table(["read", "p50 ms", "max ms", "processor ms", "p50 ratio"], rows)
    return shown + "\n\n" + table(["bar", "measured", "holds"], [bar])


def opened(path: Path, rounds: int) -> str:
    """Measure how long a large and a new file take to open, history page included, and return the tables."""
    with tempfile.TemporaryDirectory() as name:
        files = {"a new file": Path(name) / "new.duckdb", "the large file": path}
        taken: dict[str, list[float]] = {name: [] for name in files}
        for _ in range(rounds):
            for which, file in files.items():
                taken[which].append(_opening(file))
            files["a new file"].unlink()
    base = median(taken["a new file"])
    rows = [[name, median(ms), max(ms), median(ms) / base] for name, ms in taken.items()]
    longest = max(taken["the large file"])
    bar = [f"start: < {START_MS} ms", f"at most {longest:,.0f} ms", "yes" if longest < START_MS else "NO"]
    return (
        table(["opened", "p50 ms", "max ms", "p50 ratio"], rows) + "\n\n" + table(["bar", "measured", "holds"], [bar])
    )


def _opening(path: Path) -> float:
    begun = time.perf_counter()
    database = Database.open(path)
    with open_history(database, path.parent):
        taken = (time.perf_counter() - begun) * 1000
    database.close()
    return taken


def written(database: Database, seconds: float) -> str:
    """Measure how long a write takes while nobody reads, and while charts are read all the time; return the table."""
    steps = [step for name, step in readings(database).items() if name != _BASELINE]
    rows: list[list[object]] = []
    for name, reading in (("nobody reads", False), ("charts are read all the time", True)):
        stop, acks, done = threading.Event(), list[float](), 0
        writer = threading.Thread(target=_write, args=(database, stop, acks))
        writer.start()
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if reading:
                steps[done % len(steps)]()
                done += 1
            else:
                stop.wait(0.1)
        stop.set()
        writer.join()
        rows.append([name, done, len(acks), median(acks), percentile(acks, 0.95), max(acks)])
    return table(["meanwhile", "charts", "writes", "ack p50 ms", "ack p95 ms", "ack max ms"], rows)


def _write(database: Database, stop: threading.Event, acks: list[float]) -> None:
    while not stop.wait(_PAUSE_S):
        begun = time.perf_counter()
        database.probe()
        acks.append((time.perf_counter() - begun) * 1000)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path: Path = given.file or Path(name) / "apehost.duckdb"
        if given.file is None:
            make(path, given.calls)
        database = Database.open(path)
        counts = Charts(database).options()
        size, load = path.stat().st_size / 1e6, os.getloadavg()[0]
        print(f"{counts.measured:,} calls, {size:,.0f} MB, {os.cpu_count()} cores, load {load:.1f}\n", flush=True)
        print(drawn(database, given.rounds), flush=True)
        print(f"\nThe writer beside the charts\n\n{written(database, given.seconds)}", flush=True)
        database.close()
        print(f"\nThe start\n\n{opened(path, given.rounds)}")


if __name__ == "__main__":
    main()
