"""No address and no token of a server reaches a browser or a log, on good days and on bad ones."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from apehost_core.testing.answers import Fault
from tests.app_process import App
from tests.e2e.conftest import TOKEN, Heard, Server, answer, ask, composer, grows, stop_button

pytestmark = pytest.mark.browser

SECTIONS = {
    "search": "Search",
    "charts": "Charts",
    "models": "Models and tools",
    "speed": "Speed",
    "sql": "SQL",
    "import": "Import",
    "data": "Data",
    "calls": "Calls",
}
FAULTS: tuple[Fault, ...] = ("echo", "cut", "html", "overflow_event", "rate_limited")


def leaks(server: Server, app: App, heard: Heard, *pages: str) -> Iterator[str]:
    """Where an address or a token of the server stands."""
    port = urlsplit(server.url).port
    secrets = [secret.encode() for secret in (TOKEN, f"127.0.0.1:{port}", f"localhost:{port}", f":{port}/")]
    said = {
        "a frame": b"\n".join(heard.frames),
        "an answer's headers": b"\n".join(heard.bodies),
        "the console": "\n".join(heard.console).encode(),
        "a request": "\n".join(heard.requests).encode(),
        "a page": "\n".join(pages).encode(),
        "the log": app.log.read_bytes(),
    }
    for place, text in said.items():
        yield from (f"{secret!r} in {place}" for secret in secrets if secret in text)


def test_a_good_day(page: Page, server: Server, app: App, heard: Heard) -> None:
    """Chat, stop, and all other pages: names only."""
    ask(page, "Write.")
    grows(page)
    stop_button(page).click()
    expect(answer(page)).to_contain_text("stopped by you", timeout=20_000)
    pages = [page.content()]
    page.get_by_role("link", name="Servers").click()
    expect(page.get_by_role("heading", name="Servers")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    pages.append(page.content())
    page.get_by_role("link", name="History").click()
    for name, section in SECTIONS.items():
        page.get_by_role("radio", name=section, exact=True).click()
        expect(page.locator(f".st-key-history-{name}")).to_be_visible()
        expect(page.locator('[data-test-script-state="notRunning"]')).to_be_attached()
        pages.append(page.content())
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    assert len(heard.frames) > 20
    assert b"sim-model" in b"".join(heard.frames)
    assert list(leaks(server, app, heard, *pages)) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_days(page: Page, server: Server, app: App, heard: Heard, fault: Fault) -> None:
    """Errors, one of which quotes address and token as a proxy would, name the server only."""
    server.simulator.fault = fault
    try:
        composer(page).fill("Write.")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("stAlert").last).to_contain_text("sim", timeout=30_000)
    finally:
        server.simulator.fault = None
    alert = page.get_by_test_id("stAlert").last.inner_text()
    page.get_by_role("link", name="History").click()
    page.get_by_role("radio", name="Calls").click()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    assert list(leaks(server, app, heard, alert, page.content())) == []
