"""The whole path on a real model: browser, app process, embedded engine, database file."""

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_process import App, running_app
from tests.e2e.conftest import answer, at_rest, composer, stop_button, until

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.alone]

LONG = "Write a long story about a lighthouse keeper, a storm and a lost ship. Take your time."


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Generator[App, None, None]:
    """The app with no server configured, so that the demo engine starts."""
    with running_app(tmp_path_factory.mktemp("engine"), {"APEHOST_DEMO": "auto"}) as app:
        yield app
        assert "Traceback" not in app.log.read_text()


@pytest.fixture
def page(browser: Browser, app: App) -> Generator[Page, None, None]:
    """A new browser window on the app."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(app.url)
    yield page
    context.close()


def writes(page: Page) -> None:
    """Wait until the answer has grown by some words, while it can still be stopped."""
    expect(stop_button(page)).to_be_visible(timeout=20_000)
    first = len(answer(page).inner_text().split())
    until(page, lambda: len(answer(page).inner_text().split()) > first + 8)
    expect(stop_button(page)).to_be_visible()


def test_send_stream_stop_and_reload_by_link(page: Page, app: App) -> None:
    """Tokens show before the end, Stop keeps them, and the link shows them again."""
    composer(page).fill(LONG)
    page.keyboard.press("Enter")
    writes(page)
    stop_button(page).click()
    at_rest(page)
    expect(answer(page)).to_contain_text("stopped by you")
    shown = answer(page).inner_text()
    assert re.search(r"[?&]c=[0-9a-f-]{36}", page.url)
    other = page.context.browser.new_context().new_page()  # type: ignore[union-attr]
    other.goto(page.url)
    expect(answer(other)).to_contain_text("stopped by you", timeout=20_000)
    at_rest(other)
    assert answer(other).inner_text() == shown
    other.context.close()


def test_refresh_in_mid_answer(page: Page) -> None:
    """A refresh re-attaches to the answer, which goes on to its end."""
    composer(page).fill("Tell me three facts about the sea.")
    page.keyboard.press("Enter")
    expect(stop_button(page)).to_be_visible(timeout=20_000)
    page.wait_for_url(re.compile(r"[?&]c="))
    page.reload()
    expect(answer(page)).to_contain_text("tok/s", timeout=90_000)
    expect(answer(page)).to_contain_text("Demo engine")
    expect(page.get_by_test_id("stChatMessage")).to_have_count(2)


def test_escape_stops(page: Page) -> None:
    """Esc stops the answer, also with the focus in the composer."""
    box = composer(page)
    box.fill(LONG)
    page.keyboard.press("Enter")
    writes(page)
    box.focus()
    page.keyboard.press("Escape")
    expect(answer(page)).to_contain_text("stopped by you")


def test_demo_engine_is_labelled(page: Page, app: App) -> None:
    """Sidebar and Servers page say that it is the demo engine; its key and address stay away."""
    composer(page)
    expect(page.get_by_test_id("stSidebar")).to_contain_text("Demo engine")
    page.get_by_role("link", name="Servers").click()
    expect(page.get_by_test_id("stMain").or_(page.locator("section.main"))).to_contain_text("Demo engine")
