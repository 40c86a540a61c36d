"""Three real llama.cpp servers with two models: pick, ask, pull a plug, be answered elsewhere, put it back."""

import json
import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_process import App, running_app
from tests.e2e.conftest import Heard, answer, at_rest, composer, stop_button
from tests.two_models import GEMMA, KEY, SMOL, Engine, engines, gemma, smol

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.alone]


@dataclass
class Site:
    """The app and its servers.

    Attributes:
        app: The app.
        engines: By the names that the app knows.
        shots: Where the screenshots of the test go.
    """

    app: App
    engines: dict[str, Engine]
    shots: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site, None, None]:
    """PC and Mini with one model, Box with another one; looked at every twenty seconds."""
    folder = tmp_path_factory.mktemp("engines")
    with engines((smol(), SMOL), (smol(), SMOL), (gemma(folder), GEMMA)) as running:
        named: dict[str, Engine] = dict(zip(("PC", "Mini", "Box"), running, strict=True))
        servers = [{"name": name, "url": engine.url, "token": KEY} for name, engine in named.items()]
        settings = {"APEHOST_SERVERS": json.dumps(servers), "APEHOST_REFRESH_S": "20", "APEHOST_DEMO": "off"}
        with running_app(folder, settings) as app:
            yield Site(app, named, folder)
            assert "Traceback" not in app.log.read_text()


@pytest.fixture
def page(browser: Browser, site: Site, heard: Heard) -> Generator[Page, None, None]:
    """A window on the app; nothing that it hears names an address or the key."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    heard.listen(page)
    page.goto(site.app.url)
    yield page
    context.close()
    told = b"\n".join((*heard.frames, *heard.bodies, *(line.encode() for line in heard.console)))
    for engine in site.engines.values():
        assert engine.url.removeprefix("http://").encode() not in told
    assert KEY.encode() not in told


def pick(page: Page, label: str) -> None:
    """Pick the model whose label contains a text."""
    page.get_by_test_id("stSidebar").get_by_role("combobox").click()
    page.get_by_role("option", name=re.compile(re.escape(label))).first.click()


def to_servers(page: Page) -> None:
    """Open the Servers page."""
    page.get_by_role("link", name="Servers").click()
    expect(page.get_by_role("heading", name="Servers")).to_be_visible(timeout=20_000)


def answered(page: Page, question: str) -> None:
    """Ask, and wait for the whole answer."""
    composer(page).fill(question)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stChatMessage").filter(has_text=question)).to_be_visible(timeout=20_000)
    expect(answer(page)).to_contain_text("first token", timeout=90_000)
    at_rest(page)


def test_pick_run_kill_move_and_return(page: Page, site: Site) -> None:
    """The whole life of a server that goes and comes back, as a person sees it."""
    composer(page)
    pick(page, "any server")
    answered(page, "Name one colour, in one word.")
    expect(answer(page)).to_contain_text(f"{SMOL} · PC")
    to_servers(page)
    expect(page.locator(".st-key-server-PC")).to_contain_text("idle", timeout=60_000)  # the chat has its title
    page.go_back()
    expect(answer(page)).to_contain_text(f"{SMOL} · PC", timeout=20_000)
    site.engines["PC"].kill()
    answered(page, "Name another colour, in one word.")
    expect(answer(page)).to_contain_text(f"{SMOL} · Mini")
    expect(answer(page)).to_contain_text("Moved from PC to Mini")
    page.screenshot(path=site.shots / "moved.png")
    to_servers(page)
    card = page.locator(".st-key-server-PC")
    expect(card).to_contain_text("offline", timeout=20_000)
    expect(card).to_contain_text("refused the connection")
    page.screenshot(path=site.shots / "offline.png")
    site.engines["PC"].start()
    card.get_by_role("button", name="Look now").click()
    expect(card).to_contain_text("online", timeout=20_000)
    page.screenshot(path=site.shots / "returned.png")


def test_another_model_on_another_server(page: Page, site: Site) -> None:
    """A model that one server has is asked there; when its server dies in mid-answer, what came is kept."""
    composer(page)
    pick(page, f"{GEMMA}")
    composer(page).fill("Write as much as you can about the sea, the wind and the ships.")
    page.keyboard.press("Enter")
    expect(stop_button(page)).to_be_visible(timeout=20_000)
    twelve_pieces = re.compile(r"(\S+\s+){12}")  # so small a model does not always say words
    expect(answer(page)).to_contain_text(twelve_pieces, timeout=60_000)
    site.engines["Box"].kill()
    expect(answer(page)).to_contain_text("cut after", timeout=30_000)
    page.screenshot(path=site.shots / "cut.png")
    site.engines["Box"].start()
