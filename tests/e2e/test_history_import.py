"""Imports in a browser: a folder is looked at, taken in over a reload, found, opened, and taken out again."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app_process import App
from tests.e2e.conftest import Heard
from tests.import_samples import lm_studio_chat

pytestmark = pytest.mark.browser

CHATS = 200


def to_imports(page: Page, app: App) -> None:
    """Open the section of imports."""
    page.goto(f"{app.url}/history?section=import")
    expect(page.locator(".st-key-import-past")).to_be_visible(timeout=60_000)


def look_at(page: Page, path: Path) -> None:
    """Type a path and press Enter."""
    page.locator(".st-key-import-path input").fill(str(path))
    page.keyboard.press("Enter")


def test_the_life_of_an_import(page: Page, app: App, heard: Heard, tmp_path: Path) -> None:
    """Nothing is taken in unseen; a reload changes nothing; what is undone is gone; no path is in a link."""
    for number in range(CHATS):
        lm_studio_chat(tmp_path / "chats", f"Ape {number:03}", "Who?", "An ape.", "Which?", f"Number {number}.")
    to_imports(page, app)
    look_at(page, tmp_path / "chats")
    job = page.locator(".st-key-import-job")
    expect(job).to_contain_text(f"{CHATS} new", timeout=60_000)
    expect(page.locator(".st-key-import-past")).to_contain_text("Nothing was imported yet")
    page.locator(".st-key-import-now button").click()
    page.reload()
    expect(job).to_contain_text(f"{CHATS} new · {4 * CHATS:,} messages taken in from chats.", timeout=60_000)
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar).to_contain_text("Ape 000")
    sidebar.get_by_role("button", name="Ape 000").click()
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text("Number 0.", timeout=20_000)
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text("imported, not measured here")
    to_imports(page, app)
    page.locator(".st-key-past-imports").get_by_role("button", name="Undo").first.click()
    expect(job).to_contain_text(f"{CHATS} conversations removed", timeout=60_000)
    expect(sidebar).not_to_contain_text("Ape 000")
    assert re.fullmatch(r"[^?]*\?section=import", page.url)
    assert not [url for url in heard.requests if not url.startswith((app.url, "data:", "blob:"))]
    assert not [words for words in heard.console if words.startswith("page error")]


def test_an_upload(page: Page, app: App, tmp_path: Path) -> None:
    """A file from the person's own computer is looked at as soon as it is there."""
    chat = lm_studio_chat(tmp_path, "upload", "Who?", "An ape.", title="From elsewhere")
    to_imports(page, app)
    page.locator(".st-key-import-close button").or_(page.locator(".st-key-import-upload")).first.click()
    page.locator(".st-key-import-upload input[type=file]").set_input_files(chat)
    expect(page.locator(".st-key-import-job")).to_contain_text("1 new", timeout=30_000)
    expect(page.get_by_role("region", name="What would be taken in")).to_be_visible()
