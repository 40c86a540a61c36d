"""The Servers page in a browser: a server is added with its token, tested, asked, loaded on, and looked into."""

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Page, expect

from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Machine, Simulator
from tests.e2e.conftest import Heard, answer, at_rest, composer

pytestmark = pytest.mark.browser

SECRET = "sk-lm-ZyXwVuTs:98765432109876543210"


@pytest.fixture
def machine() -> Generator[Machine, None, None]:
    """A second computer, which asks for a token of its own."""
    cold = SimModel("cold-model", load_s=2, words=("Warm", " now."))
    with Machine(Simulator(SimModel("other-model", words=("I", " am", " Mini.")), cold, token=SECRET)) as machine:
        yield machine


def to_servers(page: Page) -> None:
    """Open the Servers page."""
    page.get_by_role("link", name="Servers").click()
    expect(page.get_by_role("heading", name="Servers")).to_be_visible(timeout=20_000)


def fill(page: Page, label: str, text: str) -> None:
    """Fill in a field of the dialog."""
    page.get_by_role("dialog").get_by_role("textbox", name=label).first.fill(text)


def press(page: Page, label: str) -> None:
    """Press a button of the dialog."""
    page.get_by_role("dialog").get_by_role("button", name=label, exact=False).first.click()


def test_the_life_of_a_server(page: Page, machine: Machine, heard: Heard) -> None:
    """It is tested in words, saved, asked and removed; its address and token only ever go from the browser."""
    composer(page)
    to_servers(page)
    page.get_by_role("button", name="Add server").click()
    fill(page, "Name", "Mini")
    fill(page, "URL", f"{machine.url}/v1")
    press(page, "Test")
    expect(page.get_by_role("dialog")).to_contain_text("Mini needs a token", timeout=20_000)
    fill(page, "Token", SECRET)
    press(page, "Test")
    expect(page.get_by_role("dialog")).to_contain_text("The token was accepted.", timeout=20_000)
    press(page, "Save")
    card = page.locator(".st-key-server-Mini")
    expect(card).to_contain_text("online", timeout=20_000)
    page.get_by_role("link", name="Chat").click()
    page.get_by_test_id("stSidebar").get_by_role("combobox").click()
    page.get_by_role("option", name=re.compile("Cold Model.*Mini")).click()
    composer(page).fill("Who are you?")
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("loading the model", timeout=20_000)
    expect(answer(page)).to_contain_text("Warm now.", timeout=20_000)
    at_rest(page)
    expect(answer(page)).to_contain_text("cold-model · Mini")
    answer(page).get_by_role("button", name="Info").click()
    expect(page.get_by_role("dialog")).to_contain_text("Who are you?", timeout=20_000)
    page.keyboard.press("Escape")
    to_servers(page)
    page.locator(".st-key-server-Mini").get_by_role("button", name="Remove").click()
    page.locator(".st-key-removal-Mini").get_by_role("button", name="Remove it").click()
    expect(page.locator(".st-key-server-Mini")).to_have_count(0, timeout=20_000)
    told = b"\n".join((*heard.received, *heard.bodies, *(line.encode() for line in heard.console)))
    assert b"cold-model" in told
    assert SECRET.encode() not in told
    assert machine.url.removeprefix("http://").encode() not in told
