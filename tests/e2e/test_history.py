"""The history page in a browser: chats of another program are imported, found, opened, charted, queried and undone."""

import csv
import io
import re
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_process import ROOT, App
from tests.e2e.conftest import TOKEN, Heard, Server, ask, at_rest, grows, stop, until

pytestmark = pytest.mark.browser

FOLDER = ROOT / "tests" / "formats" / "lmstudio"


@pytest.fixture
def window(browser: Browser, app: App, server: Server, heard: Heard) -> Generator[Page, None, None]:
    """A window on the app; nothing that it hears names an address, a token or the folder."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    heard.listen(page)
    page.goto(app.url)
    yield page
    assert page.get_by_text("encountered an error").count() == 0
    context.close()
    assert [] == [line for line in heard.console if "Conflicting" in line]
    told = b"\n".join((*heard.received, *heard.bodies, *(line.encode() for line in heard.console)))
    assert b"Tides at the pier" in told
    for secret in (TOKEN, server.url.removeprefix("http://"), str(FOLDER)):
        assert secret.encode() not in told


def to(page: Page, section: str) -> None:
    """Open a section of the history page."""
    page.get_by_role("link", name="History").click()
    page.locator(".st-key-history-section").get_by_text(section, exact=True).click()


def test_everything_that_was_ever_said(window: Page, app: App) -> None:
    """A folder is looked at and imported; its chats are found, opened, charted and queried, and leave again."""
    page = window
    ask(page, "Tell me of Madagascar")
    stop(page)
    at_rest(page)

    to(page, "Import")
    page.get_by_role("textbox", name="Or name a file or folder").fill(str(FOLDER))
    page.get_by_role("button", name="Look").click()
    expect(page.locator(".st-key-import-job")).to_contain_text("2 new, 3 unreadable", timeout=20_000)
    page.get_by_role("button", name=re.compile("^Import")).click()
    expect(page.locator(".st-key-import-past")).to_contain_text("LM Studio", timeout=20_000)

    found_and_opened(page)

    to(page, "Charts")
    charted(page, "Usage", "Speed")

    to(page, "SQL")
    page.get_by_role("textbox", name="Statement").fill(
        "SELECT source, count(*) AS calls FROM v_generations GROUP BY source ORDER BY 1"
    )
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible(timeout=20_000)
    with page.expect_download() as download:
        page.get_by_role("button", name="All rows as CSV").click()
    rows = {row["source"]: int(row["calls"]) for row in read(download.value.path())}
    assert rows["measured"] >= 1
    assert rows["imported"] >= 1

    to(page, "Import")
    page.get_by_role("button", name="Undo").first.click()
    expect(page.locator(".st-key-import-past")).to_contain_text("undone", ignore_case=True, timeout=20_000)
    to(page, "Search")
    page.locator(".st-key-q input").fill("high tide")
    expect(page.locator(".st-key-no-hits")).to_be_visible(timeout=20_000)


def found_and_opened(page: Page) -> None:
    """Look for words, open a hit at its message, and go back to the search and forth again."""
    page.keyboard.press("Control+k")
    box = page.locator(".st-key-q input")
    expect(box).to_be_focused()
    box.press_sequentially("high tide", delay=30)
    hit = page.locator(".apehost-rows-title").first
    expect(hit).to_contain_text("Tides at the pier", timeout=20_000)
    expect(page).to_have_url(re.compile(r"q=high"))
    hit.click()
    expect(page).to_have_url(re.compile(r"[?&]m="))
    expect(page.locator("[data-sought]")).to_be_visible()
    page.go_back()
    expect(box).to_have_value("high tide")
    expect(hit).to_contain_text("Tides at the pier", timeout=20_000)
    page.go_forward()
    expect(page.locator("[data-sought]")).to_be_visible(timeout=20_000)


def test_the_search_on_a_phone(window: Page) -> None:
    """No facet's name is broken, none is wider than the screen, the box is free; a facet that is pressed narrows."""
    page = window
    ask(page, "Does word7 stand in Tides at the pier?")
    grows(page)
    stop(page)
    at_rest(page)
    to(page, "Search")
    page.set_viewport_size({"width": 240, "height": 844})
    box = page.locator(".st-key-q")
    box.locator("input").fill("word7")
    names = page.locator(".apehost-facets-name")
    expect(names.filter(has_text="role")).to_be_visible()
    lines = names.evaluate_all(
        "names => names.map(name => name.offsetHeight / parseFloat(getComputedStyle(name).fontSize))"
    )
    assert max(lines) < 2.5
    assert page.locator(".st-key-facets").evaluate("facets => facets.scrollWidth") <= 240
    expect(box.get_by_test_id("InputInstructions")).to_be_hidden()
    page.get_by_role("button", name="Only role user").click()
    expect(box.locator("input")).to_have_value('word7 role:"user"')
    expect(names.filter(has_text="role")).to_be_hidden()


def test_a_statement_is_kept_replaced_and_put_back(page: Page) -> None:
    """What is typed survives the press that replaces it; an opened query has its name in the popover after a run."""
    to(page, "SQL")
    box = page.get_by_role("textbox", name="Statement")
    box.fill("SELECT 1 AS one")
    page.locator(".st-key-sql-save button").click()
    page.get_by_role("textbox", name="Name").fill("One")
    page.locator(".st-key-sql-save-new button").click()
    expect(page.locator(".st-key-sql-opened")).to_contain_text("One saved")

    page.keyboard.press("Escape")
    box.fill("SELECT 2 AS two")
    page.locator(".st-key-sql-use button").click()
    expect(box).to_have_value(re.compile("FROM v_generations"))
    page.locator(".st-key-sql-undo button").click()
    expect(box).to_have_value("SELECT 2 AS two")
    expect(page.locator(".st-key-sql-opened")).to_contain_text("One changed, not saved")

    pick(page, "One")
    expect(box).to_have_value("SELECT 1 AS one")
    page.locator(".st-key-sql-run button").click()
    expect(page.get_by_test_id("stDataFrame").last).to_be_visible()
    page.locator(".st-key-sql-more button").first.click()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("One")


def pick(page: Page, name: str) -> None:
    """Open a saved query; a list closes when the page scrolls, as it does where a button has left it."""
    box, option = (
        page.get_by_role("combobox", name="Open", exact=True),
        page.get_by_role("option", name=name, exact=True),
    )

    def offered() -> bool:
        box.fill("")
        box.fill(name)
        return option.is_visible()

    until(page, offered)
    option.click()


def charted(page: Page, *groups: str) -> None:
    """Look at groups of charts; something is drawn of each."""
    for group in groups:
        page.locator(".st-key-group").get_by_text(group, exact=True).click()
        expect(page.locator(".st-key-history-charts canvas, .st-key-history-charts svg").first).to_be_visible()


def read(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV file."""
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
