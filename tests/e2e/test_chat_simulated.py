"""An answer belongs to no window: whatever a person does with windows, it goes on, stops when told, and is kept."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from tests.app_process import App
from tests.e2e.conftest import (
    ANSWER_WORDS,
    Heard,
    Server,
    answer,
    ask,
    at_rest,
    composer,
    grows,
    hurry,
    numbered,
    stop,
    stop_button,
    until,
    words_shown,
)

pytestmark = pytest.mark.browser


def finished(page: Page, words: int = len(ANSWER_WORDS)) -> None:
    """Wait until the whole answer is there, with its numbers.

    While it is written, those under the answer before it may still be the last on the page.
    """
    expect(stop_button(page)).to_have_count(0, timeout=60_000)
    at_rest(page)
    expect(answer(page)).to_contain_text("tok/s", timeout=60_000)
    assert words == words_shown(page)


@pytest.mark.alone
def test_a_refresh_in_mid_answer(page: Page, server: Server) -> None:
    """A reload shows what was there and more, and the answer comes to its end."""
    ask(page, "Write.")
    before = grows(page)
    page.reload()
    until(page, lambda: words_shown(page) >= before)
    hurry(server)
    finished(page)


@pytest.mark.alone
def test_the_words_stand_in_order_while_they_come(page: Page, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every moment the words so far are there, each once and in order, also when a click draws the page anew."""
    (model,) = server.simulator.models
    monkeypatch.setattr(server.simulator, "models", (replace(model, words=numbered(1_000)),))  # for eight clicks
    ask(page, "Write.")
    for _ in range(8):
        grows(page, by=30)
        shown = [int(number) for number in re.findall(r"word(\d+)", answer(page).inner_text())]
        assert list(range(1, len(shown) + 1)) == shown
        page.locator(".st-key-rename button").click()
        page.get_by_role("dialog").get_by_role("button", name="Close").click()
    hurry(server)
    finished(page, words=1_000)


@pytest.mark.alone
def test_another_page_and_back(page: Page, server: Server) -> None:
    """Looking at another page in mid-answer stops nothing; Back re-attaches."""
    ask(page, "Write.")
    before = grows(page)
    page.get_by_role("link", name="Servers").click()
    expect(page.get_by_role("heading", name="Servers")).to_be_visible()
    page.go_back()
    until(page, lambda: words_shown(page) >= before)
    hurry(server)
    finished(page)


@pytest.mark.alone
def test_a_second_window(page: Page) -> None:
    """A second window on the same link sees the answer grow; a stop there is a stop here."""
    ask(page, "Write.")
    grows(page)
    other = page.context.new_page()
    other.goto(page.url)
    grows(other)
    stop_button(other).click()
    for window in (page, other):
        expect(answer(window)).to_contain_text("stopped by you", timeout=20_000)
        at_rest(window)
    assert answer(page).inner_text() == answer(other).inner_text()


@pytest.mark.alone
def test_a_window_that_looks_on_sees_a_new_question(page: Page) -> None:
    """What is asked in one window appears in another one on the same conversation, without a reload."""
    ask(page, "First.")
    stop(page)
    other = page.context.new_page()
    other.goto(page.url)
    expect(answer(other)).to_contain_text("stopped by you", timeout=20_000)
    ask(page, "Second.")
    expect(other.get_by_test_id("stChatMessage").filter(has_text="Second.")).to_be_visible(timeout=20_000)
    grows(other)
    stop_button(page).click()


@pytest.mark.alone
def test_a_draft_survives_the_answers_end(page: Page, server: Server) -> None:
    """What is typed while an answer is written is still in the box after its end."""
    ask(page, "Write.")
    grows(page)
    composer(page).press_sequentially("my next question", delay=20)
    stop(page)
    expect(composer(page)).to_have_value("my next question")


def test_a_refused_message_is_back_in_the_composer(page: Page) -> None:
    """What is sent while an answer is written is refused in words, and is in the composer again, to be sent later."""
    ask(page, "Write.")
    grows(page)
    composer(page).fill("too early")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stAlert")).to_contain_text("still being written", timeout=20_000)
    expect(composer(page)).to_have_value("too early")
    stop(page)
    composer(page).press("Enter")
    expect(page.get_by_test_id("stChatMessage").filter(has_text="too early")).to_be_visible(timeout=20_000)
    stop_button(page).click()


def test_a_draft_survives_a_reload(page: Page) -> None:
    """The cursor is in the composer when a page opens; what was typed is still there after a reload."""
    expect(composer(page)).to_be_focused()
    page.keyboard.type("half a thought")
    page.wait_for_function("Object.values(sessionStorage).includes('half a thought')")
    page.reload()
    expect(composer(page)).to_have_value("half a thought")


def test_each_conversation_has_its_draft(page: Page) -> None:
    """A draft stays with its conversation, and a sent one is gone."""
    ask(page, "First.")
    stop(page)
    expect(composer(page)).to_have_value("")
    composer(page).fill("for the first")
    page.locator(".st-key-new-chat button").click()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    expect(composer(page)).to_have_value("")
    page.go_back()
    expect(composer(page)).to_have_value("for the first")


def test_a_draft_of_a_new_chat_stays_there(page: Page) -> None:
    """It neither goes along into a conversation that is opened, nor is it lost."""
    ask(page, "An older one.")
    stop(page)
    page.locator(".st-key-new-chat button").click()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    composer(page).press_sequentially("for a new chat")
    page.wait_for_function("sessionStorage.getItem('apehost-draft-new') === 'for a new chat'")
    page.get_by_role("button", name="An older one.").first.click()
    expect(answer(page)).to_contain_text("stopped by you")
    expect(composer(page)).to_have_value("")
    page.locator(".st-key-new-chat button").click()
    expect(composer(page)).to_have_value("for a new chat")


@pytest.mark.alone
def test_what_is_typed_while_a_chat_begins_leaves_no_ghost(page: Page) -> None:
    """It stays in the box of the conversation that begins, and the next new chat is empty."""
    composer(page).fill("Write.")
    page.keyboard.press("Enter")
    page.keyboard.type("and then more", delay=60)
    expect(stop_button(page)).to_be_visible(timeout=20_000)
    expect(composer(page)).to_have_value("and then more")
    stop_button(page).click()
    at_rest(page)
    page.locator(".st-key-new-chat button").click()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    expect(composer(page)).to_have_value("")


@pytest.mark.alone
def test_a_second_message_right_behind_the_first(page: Page) -> None:
    """The first one is sent and answered; the second is sent too, or back in the composer with the reason."""
    composer(page).press_sequentially("q1")
    page.keyboard.press("Enter")
    page.wait_for_timeout(60)  # the pause is the subject: nobody types faster
    composer(page).press_sequentially("q2")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stChatMessage").filter(has_text="q1")).to_be_visible(timeout=20_000)
    expect(page.get_by_test_id("stAlert")).to_contain_text("still being written", timeout=20_000)
    expect(composer(page)).to_have_value("q2")
    stop_button(page).click()


@pytest.mark.alone
def test_the_end_is_what_is_seen(page: Page, server: Server) -> None:
    """The end of an answer stays in view while it grows, and is in view when its conversation is opened."""
    ask(page, "Write.")
    grows(page, by=150)
    expect(page.locator(".st-key-live").get_by_test_id("stCaptionContainer")).to_be_in_viewport()
    hurry(server)
    finished(page)
    expect(page.get_by_text("400 tokens")).to_be_in_viewport()
    page.locator(".st-key-new-chat button").click()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    page.go_back()
    expect(page.get_by_text("400 tokens")).to_be_in_viewport()
    page.reload()
    expect(page.get_by_text("400 tokens")).to_be_in_viewport(timeout=20_000)


@pytest.mark.alone
def test_a_dialog_survives_the_answers_end(page: Page, server: Server) -> None:
    """A half-typed name in the rename dialog is there when the answer has ended, and can be saved."""
    ask(page, "Write.")
    grows(page)
    page.locator(".st-key-rename button").click()
    name = page.get_by_role("textbox", name="Name")
    name.fill("Half a name")
    hurry(server)
    expect(page.locator(".st-key-live").get_by_test_id("stCaptionContainer")).to_have_text("complete", timeout=30_000)
    page.wait_for_timeout(3_000)  # the pause is the subject: no timer reruns the page meanwhile
    expect(name).to_have_value("Half a name")
    page.locator(".st-key-save-name button").click()
    expect(page.locator(".st-key-header")).to_contain_text("Half a name")
    expect(stop_button(page)).to_have_count(0)
    expect(answer(page)).to_contain_text("tok/s")


def test_delete_and_undo(page: Page) -> None:
    """A deleted conversation leaves list and page, and comes back with Undo."""
    ask(page, "Delete me.")
    stop(page)
    page.locator(".st-key-delete button").click()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("c="))
    page.locator(".st-key-undo button").click()
    expect(answer(page)).to_contain_text("stopped by you")


def test_stop_is_seen_by_the_server(page: Page, server: Server) -> None:
    """Stop closes the connection to the server in mid-answer."""
    ask(page, "Write.")
    grows(page)
    call = server.simulator.calls[-1]
    assert call.left_ns is None
    stop_button(page).click()
    until(page, lambda: call.left_ns is not None)
    assert call.sent < len(ANSWER_WORDS)


def test_a_dead_server_says_so_and_retry_works(page: Page, server: Server) -> None:
    """An answer that is cut keeps its words and says after how many; Retry asks again when the server is back."""
    server.simulator.fault = "cut"
    try:
        ask(page, "Write.")
        expect(page.get_by_test_id("stAlert")).to_contain_text("cut off", timeout=30_000)
    finally:
        server.simulator.fault = None
    expect(answer(page)).to_contain_text(re.compile(r"cut after ≈\d+ tokens"))
    assert words_shown(page) > 100
    page.locator(".st-key-retry button").click()
    grows(page)
    hurry(server)
    finished(page)


@pytest.mark.alone
def test_a_server_that_asks_to_wait_is_waited_for(page: Page, server: Server) -> None:
    """The page says that it waits and for how long; the answer then comes by itself, and tells of the second try."""
    server.simulator.faults.append("rate_limited")
    ask(page, "Write.")
    expect(answer(page)).to_contain_text("waiting as the server asked for 2.0 s", timeout=20_000)
    grows(page)
    hurry(server)
    finished(page)
    expect(answer(page)).to_contain_text("Tried again on sim")


@pytest.mark.alone
def test_a_server_that_goes_on_asking_to_wait(page: Page, server: Server) -> None:
    """After two waits Retry counts the seconds down that the server asked for, and then asks again."""
    server.simulator.fault = "rate_limited"
    try:
        ask(page, "Write.")
        waiting = page.locator(".st-key-retry-later button")
        expect(waiting).to_have_text(re.compile(r"Retry in [12] s"), timeout=30_000)
        expect(waiting).to_be_disabled()
    finally:
        server.simulator.fault = None
    page.locator(".st-key-retry button").click(timeout=20_000)
    grows(page)
    hurry(server)
    finished(page)


def test_a_page_that_has_lost_its_timers_is_loaded_again(page: Page) -> None:
    """Where the line under a live answer stands still for ten seconds, the window reloads by itself."""
    composer(page)
    page.evaluate(
        """() => { window.before = true; const live = document.createElement("div"); live.className = "st-key-live";
                 live.innerHTML = "<p data-testid='stCaptionContainer'>writing</p>"; document.body.append(live); }"""
    )
    page.wait_for_function("window.before === undefined", timeout=30_000)
    expect(composer(page)).to_be_focused()


def test_nothing_is_loaded_from_elsewhere(page: Page, app: App, heard: Heard) -> None:
    """Pages ask their own server only, and the browser finds nothing to complain about."""
    ask(page, "Write.")
    grows(page)
    stop_button(page).click()
    for name in ("Servers", "History"):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    outside = [url for url in heard.requests if not url.startswith((app.url, "data:", "blob:"))]
    assert outside == []
    assert [line for line in heard.console if "Content Security Policy" in line or "page error" in line] == []
