"""The history page in Chromium over a large record: how long a click takes until its result is painted.

    uv run python -m bench.history_page FOLDER [--messages 1000000]

Makes a history of `bench.corpus` and its search index in the folder where they are not there yet, starts the app on
it, and does what a person does on the page. The baseline is the same app over 1,000 messages, in the same run. A wait
is from the click to the first frame in which the page is at rest again with something new on it; typing waits 120 ms
for more, which the figures contain. The start is from the command until the app answers: the first one on a machine,
for which Python compiles all modules, and those after it.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from apehost_core.store.database import Database
from bench.chromium import chromium
from bench.corpus import make
from bench.search import indexed
from bench.tables import percentile, table
from tests.app_process import App, running_app

_SMALL: Final = 1_000
_ROUNDS: Final = 5
_PATIENCE_MS: Final = 60_000
_WORDS: Final = ("memory", "the model", "server -cache", '"first time"', "prom*")
_BAR_MS, _START_MS = 300, 3_000
_SECTION: Final = ".st-key-history-section button"
_PREVIEW: Final = ".apehost-rows-preview"

# Resolves with the ms from an action to the last change of the page before it was at rest for 60 ms.
_TIMED: Final = """async ({where, which, text}) => {
  const app = document.querySelector('[data-testid=stApp]');
  let changed = 0, ran = false;
  const seen = new MutationObserver(() => {
    changed = performance.now();
    ran ||= app.dataset.testScriptState !== 'notRunning';
  });
  seen.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
  const element = document.querySelectorAll(where)[which], begun = performance.now();
  if (text === null) element.click();
  else {
    const put = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
    put.call(element, text);
    element.dispatchEvent(new Event('input', {bubbles: true}));
  }
  for (;;) {
    await new Promise(requestAnimationFrame);
    const now = performance.now(), rests = app.dataset.testScriptState === 'notRunning';
    if (ran && rests && now - changed > 60) break;
    if (now - begun > 30000) throw new Error('never at rest after ' + where);
  }
  seen.disconnect();
  return changed - begun;
}"""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a person does.

    Attributes:
        name: As the table says it.
        where: What a click, or a text, goes to.
        which: Of those that the selector finds.
        texts: What is typed in each round; empty for a click.
    """

    name: str
    where: str
    which: int = 0
    texts: tuple[str, ...] = ()


_STEPS: Final = (
    Step("words typed", ".st-key-q input", texts=_WORDS),
    Step("a hit previewed", _PREVIEW),
    Step("the preview closed", _PREVIEW),
    Step("narrowed by a facet", ".apehost-facets-value"),
    Step("the search emptied", ".st-key-q input", texts=("",) * _ROUNDS),
    Step("the next page of the list", "[data-testid=stPaginationPage]"),
    Step("to the charts", _SECTION, 1),
    Step("charts of use, all time", ".st-key-period button", 4),
    Step("charts of speed, all time", ".st-key-group button", 1),
    Step("charts by prompt length, all time", ".st-key-group button", 2),
    Step("charts of errors, all time", ".st-key-group button", 4),
    Step("charts of use, all time, again", ".st-key-group button", 0),
    Step("to the cards, all time", _SECTION, 2),
    Step("cards of 30 days", ".st-key-period button", 2),
    Step("to the console", _SECTION, 4),
    Step("to the search", _SECTION, 0),
)


def waits(url: str) -> dict[str, list[float]]:
    """Return how long each step takes, in ms, each time that it could be done."""
    taken: dict[str, list[float]] = {step.name: [] for step in _STEPS}
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{url}/history")
        for number in range(_ROUNDS):
            for step in _STEPS:
                expect(page.locator(".st-key-history-page")).to_be_visible(timeout=_PATIENCE_MS)
                _done(page, step, number, taken[step.name])
    return taken


def _done(page: Page, step: Step, number: int, taken: list[float]) -> None:
    """Do a step where its button is there; some are only where there is much."""
    try:
        page.locator(step.where).nth(step.which).wait_for(timeout=2_000)
    except PlaywrightTimeoutError:
        return
    text = step.texts[number] if step.texts else None
    taken.append(float(page.evaluate(_TIMED, {"where": step.where, "which": step.which, "text": text})))


def filled(folder: Path, messages: int) -> None:
    """Have a record with its index in a folder."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    if not (data / "apehost.duckdb").exists():
        make(data / "apehost.duckdb", messages)
    database = Database.open(data / "apehost.duckdb")
    search, _ = indexed(database, data / "search")
    search.close()
    database.close()


@contextmanager
def started(folder: Path, settings: Mapping[str, str]) -> Generator[tuple[App, float], None, None]:
    """Run the app; gives it, and how long it took until it answered, in s."""
    begun = time.perf_counter()
    with running_app(folder, settings) as app:
        yield app, time.perf_counter() - begun


def measured(folder: Path, messages: int) -> tuple[list[float], dict[str, list[float]]]:
    """Return how long the app takes until it answers, in s, the first time and again, and how long the steps take."""
    filled(folder, messages)
    with tempfile.TemporaryDirectory() as compiled:
        settings = {"APEHOST_DEMO": "off", "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        with started(folder, settings) as (_, first_s):
            pass
        with started(folder, settings) as (app, again_s):
            return [first_s, again_s], waits(app.url)


def run(folder: Path, messages: int) -> str:
    """Measure both and return the tables."""
    with tempfile.TemporaryDirectory() as name:
        small_starts, small = measured(Path(name), _SMALL)
    large_starts, large = measured(folder, messages)
    rows: list[list[object]] = []
    for step, times in large.items():
        base = percentile(small[step], 0.5) if small[step] else float("nan")
        p50 = percentile(times, 0.5)
        rows.append([step, base, p50, max(times), p50 / base])
    slowest = max(rows, key=lambda row: float(str(row[2])))
    for name, small_s, large_s in zip(("first start", "start"), small_starts, large_starts, strict=True):
        rows.append([name, small_s * 1000, large_s * 1000, large_s * 1000, large_s / small_s])
    bars = [
        ["each click < 300 ms", f"at most {slowest[2]:,.0f} ms (p50, {slowest[0]})", _holds(slowest[2], _BAR_MS)],
        ["start < 3,000 ms", f"{large_starts[1] * 1000:,.0f} ms", _holds(large_starts[1] * 1000, _START_MS)],
    ]
    headings = ["", f"{_SMALL:,} messages, p50 ms", f"{messages:,} messages, p50 ms", "max ms", "p50 ratio"]
    return f"{table(headings, rows)}\n\n{table(['bar', 'measured', 'holds'], bars)}"


def _holds(value: object, limit: float) -> str:
    return "yes" if float(str(value)) < limit else "no"


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print(run(arguments.folder, arguments.messages))


if __name__ == "__main__":
    main()
