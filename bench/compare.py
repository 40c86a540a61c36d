"""What the results of a comparison of 100,000 answers take: from the file to the summary, and on the page.

    uv run python -m bench.compare [--rounds 5] [--no-page]

The baseline of the first part reads the same columns of the same rows as Python objects, in turns with ours. The
baseline of the second is the page of a small comparison, in the same app and browser.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser

from apehost_core.compare.claims import claims
from apehost_core.compare.reading import Reading
from apehost_core.compare.sample import Sample
from apehost_core.compare.statistics import summarise
from apehost_core.store.database import Database
from apehost_core.store.lab import LabStore
from bench.apps import Chat, ours
from bench.chromium import chromium, first_paint
from bench.recorded import Size, record
from bench.tables import median, table

SMALL = Size(contenders=4, prompts=20, repeats=3)
LARGE = Size(contenders=4, prompts=2_500, repeats=10)
_SEEN = ("What these runs say", "Pairs")
"""The first and the last heading of the results."""
_ROWS = """
SELECT r.cell, r.outcome, g.cold, g.model_asked, g.model_answered, g.completion_tokens_estimated, g.finish_reason,
    g.first_reasoning_ms, g.first_visible_ms, g.last_token_ms, g.prompt_tokens, g.prompt_tokens_estimated,
    g.cached_tokens, g.completion_tokens, g.visible_chars, g.load_ms, g.server_ttft_ms, g.server_prompt_tok_s,
    g.server_decode_tok_s
FROM runs r LEFT JOIN generations g ON g.run_id = r.id
WHERE r.comparison_id = ?::UUID ORDER BY r.id, g.id"""


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def summarised(database: Database, comparison_id: str, rounds: int) -> str:
    """Measure each step from the file to the sentences, in turns with the baseline, and return the table."""
    store = LabStore(database)
    lab, comparison = Reading(store), store.get(comparison_id)
    assert comparison is not None
    setup, columns, plan = comparison.setup, lab.columns(comparison_id), lab.plan(comparison_id)
    sample = Sample.of(columns, plan, setup)
    summary = summarise(sample)

    def rows() -> object:
        with database.read() as cursor:
            return cursor.execute(_ROWS, [comparison_id]).fetchall()

    steps: dict[str, Callable[[], object]] = {
        "baseline: the same columns as Python rows": rows,
        "columns from the file": lambda: lab.columns(comparison_id),
        "attempts that count": lambda: Sample.of(columns, plan, setup),
        "statistics": lambda: summarise(sample),
        "sentences": lambda: claims(summary, setup),
        "all of it, plan at hand": lambda: lab.summary(comparison_id),
        "all of it, plan read too": lambda: Reading(store).summary(comparison_id),
    }
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            taken[name].append(_timed(step))
    base = median(next(iter(taken.values())))
    shown = [[name, median(ms), max(ms), median(ms) / base] for name, ms in taken.items()]
    whole = max(taken["all of it, plan read too"])
    holds = "yes" if whole <= 1000 else "NO"
    bar = [f"{LARGE.cells:,} answers summarised: <= 1 s", f"at most {whole:,.0f} ms", holds]
    return table(["step", "p50 ms", "max ms", "p50 ratio"], shown) + "\n\n" + table(["bar", "measured", "holds"], [bar])


def _opened(browser: Browser, app: Chat, comparison_id: str) -> tuple[float, float]:
    url = f"{app.url}/compare?comparison={comparison_id}&section=results"
    painted = first_paint(browser, url, _SEEN)
    return float(painted[_SEEN[0]]), float(painted[_SEEN[1]])


def painted(browser: Browser, app: Chat, small: tuple[str, str], large: str, rounds: int) -> str:
    """Measure the results page of a small and of the large comparison, in turns, and return the table."""
    _opened(browser, app, small[0])  # imports
    seen: dict[str, list[tuple[float, float]]] = {"first": [], "large first": [], "again": [], "large again": []}
    seen["first"].append(_opened(browser, app, small[1]))
    seen["large first"].append(_opened(browser, app, large))
    for _ in range(rounds):
        seen["again"].append(_opened(browser, app, small[1]))
        seen["large again"].append(_opened(browser, app, large))
    rows: list[list[object]] = []
    for visit, base in (("first", "first"), ("large first", "first"), ("again", "again"), ("large again", "again")):
        size = LARGE if visit.startswith("large") else SMALL
        top, bottom = ([at[place] for at in seen[visit]] for place in (0, 1))
        ratio = median(bottom) / median([at[1] for at in seen[base]])
        rows.append([f"{size.cells:,}", visit.split()[-1], len(top), median(top), median(bottom), max(bottom), ratio])
    headings = ["answers", "visit", "n", "sentences p50 ms", "all p50 ms", "all max ms", "all p50 ratio"]
    return table(headings, rows)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-page", action="store_true", help="only the first part")
    given = parser.parse_args()
    print(f"{LARGE.cells:,} answers (4 contenders x 2,500 prompts x 10), {os.cpu_count()} cores\n", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "ours" / "data"
        data.mkdir(parents=True)
        database = Database.open(data / "apehost.duckdb")
        small, large = (record(database, SMALL), record(database, SMALL)), record(database, LARGE)
        print(summarised(database, large, given.rounds), flush=True)
        database.close()
        if not given.no_page:
            with ours(folder, "http://127.0.0.1:9") as app, chromium() as browser:
                print(f"\nThe results in Chromium\n\n{painted(browser, app, small, large, given.rounds)}")


if __name__ == "__main__":
    main()
