"""Comparisons in a browser: two real models measured, exported, voted on and shared; simulated ones side by side."""

import csv
import io
import json
import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve
from tests.app_process import App, running_app
from tests.e2e.conftest import ANSWER_WORDS, TOKEN, WORDS, Heard, Server, until
from tests.two_models import GEMMA, KEY, SMOL, Engine, engines, gemma, smol

pytestmark = pytest.mark.browser

QUESTIONS = ("Name one colour.", "Name one animal.")
QUICK, SLOW = "sim-quick", "sim-slow"


@dataclass
class Site:
    """The app and the real servers that it knows.

    Attributes:
        app: The app.
        engines: One model each.
    """

    app: App
    engines: list[Engine]


@pytest.fixture(scope="module")
def server() -> Generator[Server, None, None]:
    """An LM Studio with two models of different speed, both loaded."""
    models = (SimModel(QUICK, words=WORDS, tokens_per_s=80), SimModel(SLOW, words=WORDS, tokens_per_s=50))
    simulator = Simulator(*models, token=TOKEN)
    with serve(simulator) as url:
        yield Server(simulator, url)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site, None, None]:
    """PC and Box with a model each."""
    folder = tmp_path_factory.mktemp("compare")
    with engines((smol(), SMOL), (gemma(folder), GEMMA)) as running:
        servers = [
            {"name": name, "url": engine.url, "token": KEY} for name, engine in zip(("PC", "Box"), running, strict=True)
        ]
        settings = {"APEHOST_SERVERS": json.dumps(servers), "APEHOST_DEMO": "off"}
        with running_app(folder, settings) as app:
            yield Site(app, running)
            assert "Traceback" not in app.log.read_text()


@pytest.fixture
def window(browser: Browser, site: Site, heard: Heard) -> Generator[Page, None, None]:
    """A window on the app of the real models; nothing that it hears names an address or the key."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    heard.listen(page)
    page.goto(site.app.url)
    yield page
    context.close()
    told = everything(heard)
    assert QUESTIONS[0].encode() in told
    assert KEY.encode() not in told
    for engine in site.engines:
        assert address(engine.url) not in told


def everything(heard: Heard) -> bytes:
    """All that a window was sent, sent itself or complained about."""
    return b"\n".join((*heard.frames, *heard.bodies, *(line.encode() for line in heard.console)))


def address(url: str) -> bytes:
    """A server's host and port."""
    return url.removeprefix("http://").encode()


def new_comparison(page: Page, mode: str, *models: str) -> None:
    """Open the form and pick models by their keys; options show the names that servers make of these."""
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("button", name="New comparison").click()
    page.get_by_role("radio", name=mode).click()
    box = page.get_by_role("combobox", name=re.compile("^Models"))
    for place, model in enumerate(models):
        box.click()
        page.get_by_role("option", name=re.compile(model.replace("-", "[- ]"), re.IGNORECASE)).first.click()
        expect(page.locator("[class*='st-key-contender-buttons-']")).to_have_count(place + 1, timeout=20_000)
        page.keyboard.press("Escape")


def write(page: Page, label: str, text: str) -> None:
    """Write into a box of the form, and wait until the form has it."""
    box = page.get_by_role("textbox", name=label, exact=True)
    box.fill(text)
    box.press("Control+Enter")


def limit_tokens(page: Page, most: int) -> None:
    """Have no model write more than so many tokens."""
    page.get_by_role("button", name="Settings of all").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Max tokens", exact=True).fill(str(most))
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".st-key-contender-0")).to_contain_text(f"Max tokens {most}")


def start(page: Page) -> None:
    """Begin what the form says; returns when the comparison is open."""
    page.locator(".st-key-start-comparison button").click()
    expect(page.locator(".st-key-comparison-buttons")).to_be_visible(timeout=20_000)
    assert "comparison=" in page.url


def part(page: Page, name: str) -> Locator:
    """Open a section of a comparison; returns what it shows."""
    page.get_by_role("radio", name=name).click()
    return page.locator("[class*='st-key-part-']")


def downloaded(page: Page, label: str) -> str:
    """Press a download button; returns the file's text."""
    with page.expect_download() as file:
        page.locator(".st-key-export").get_by_role("button", name=label).click()
    return Path(file.value.path()).read_text("utf-8")


def vote_that_left_is_better(page: Page) -> str:
    """Vote on the next pair, whose names are hidden; returns the sentence that says whose answers these were."""
    voting = part(page, "Votes")
    expect(voting).to_contain_text("Answer A", timeout=20_000)
    for name in (SMOL, GEMMA):
        assert name not in voting.inner_text()
    page.get_by_role("button", name="A is better").click()
    said = page.locator(".st-key-vote-last")
    expect(said).to_contain_text("You said: A is better.", timeout=20_000)
    return said.get_by_role("paragraph").first.inner_text()


@pytest.mark.engine
def test_two_real_models_from_setup_to_shared_link(window: Page, site: Site, tmp_path: Path) -> None:
    """Two models answer two prompts twice; results, report, table, a blind vote and a second window all tell of it."""
    new_comparison(window, "Benchmark", SMOL, GEMMA)
    write(window, "Prompts", "\n".join(QUESTIONS))
    limit_tokens(window, 8)
    window.get_by_role("spinbutton", name="Repeats of each prompt").fill("2")
    window.keyboard.press("Enter")
    expect(window.locator(".st-key-compare-plan")).to_contain_text(re.compile(r"Requests\s*10"), timeout=20_000)
    window.screenshot(path=tmp_path / "setup.png")
    start(window)
    expect(window.get_by_test_id("stMain")).to_contain_text("finished · Benchmark", timeout=90_000)
    results = part(window, "Results")
    expect(results).to_contain_text("2 prompts are too few to say who is faster", timeout=20_000)
    expect(results).to_contain_text("4 runs")
    window.screenshot(path=tmp_path / "results.png")
    report = downloaded(window, "Report")
    assert report.startswith("# ")
    assert ["What these runs say", "Numbers"] == re.findall(r"^## (.*)$", report, re.MULTILINE)[:2]
    assert "| 4 runs, 2 prompts |" in report
    rows = list(csv.DictReader(io.StringIO(downloaded(window, "CSV"))))
    assert 10 == len(rows)
    for file in (report, json.dumps(rows)):
        assert SMOL in file
        assert GEMMA in file
        assert KEY not in file
        assert not any(address(engine.url).decode() in file for engine in site.engines)
    said = vote_that_left_is_better(window)
    window.screenshot(path=tmp_path / "voted.png")
    other = window.context.new_page()
    other.goto(window.url)
    expect(other.locator(".st-key-vote-last")).to_contain_text(said, timeout=20_000)
    expect(part(other, "Results")).to_contain_text("2 prompts are too few", timeout=20_000)


def test_two_simulated_models_side_by_side(page: Page, server: Server, heard: Heard, tmp_path: Path) -> None:
    """Both answers grow at the same time, go on over a reload, come to their end, and no speed is claimed."""
    new_comparison(page, "Side by side", QUICK, SLOW)
    write(page, "Prompt", "Write.")
    page.get_by_text("More: checks, judge, power, order").click()
    page.get_by_text("Ask all at once").click()
    start(page)
    columns = [page.locator(f".st-key-answer-{place}") for place in (0, 1)]

    def words() -> list[int]:
        return [column.inner_text().count("word") for column in columns]

    until(page, lambda: min(words()) > 5)
    before = words()
    until(page, lambda: all(now > then + 10 for now, then in zip(words(), before, strict=True)))
    assert max(words()) < len(ANSWER_WORDS)
    page.screenshot(path=tmp_path / "side-by-side.png")
    page.reload()
    for column in columns:
        expect(column).to_contain_text("tok/s", timeout=60_000)
    assert [len(ANSWER_WORDS)] * 2 == words()
    expect(part(page, "Numbers")).to_contain_text("Shared machine: not for timing", timeout=20_000)
    told = everything(heard)
    assert b"Write." in told
    assert TOKEN.encode() not in told
    assert address(server.url) not in told
