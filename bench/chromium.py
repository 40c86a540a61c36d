"""The browser's part of the UI bench: one answer as Chromium draws it, and a dialog saved while an answer streams."""

import itertools
import json
import os
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Locator, Page, expect, sync_playwright

from bench.apps import Chat
from bench.chat_upstream import FIRST_WORD, LAST_WORD, wish
from bench.upstream import calls
from tests.__main__ import NO_BROWSER, find_browser

_PROBE = Path(__file__).parent / "probe.js"
_CLOCK_READS = 30
_PATIENCE_S = 60
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Streamed:
    """What one answer cost and when it was seen.

    Attributes:
        kilobytes: Payload that came over the websocket, from sending the question until the page was at rest.
        frames: Websocket messages in that time.
        browser_s: Seconds that the page's main thread was busy.
        browser_share: The same as a fraction of the time.
        server_share: Processor time of the chat's process as a fraction of one core.
        first_lag_ms: From the upstream's first token until it was painted.
        end_lag_ms: From the upstream's last token until it was painted.
    """

    kilobytes: float
    frames: float
    browser_s: float
    browser_share: float
    server_share: float
    first_lag_ms: float
    end_lag_ms: float


@dataclass(frozen=True, slots=True)
class Saved:
    """One press of the dialog's button: ms until a heading had the name, and until the dialog was gone, painted."""

    headed_ms: float
    done_ms: float


@contextmanager
def chromium() -> Generator[Browser, None, None]:
    """Hold the system's Chromium, without a window, while the context lasts."""
    executable = find_browser()
    if executable is None:
        raise RuntimeError(NO_BROWSER)
    # Chromium's sandbox refuses to start for root.
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, headless=True, args=["--no-sandbox"] if root else []
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to ask for: its length, its pace, and how many of its tokens come at the beginning without a pace."""

    tokens: int
    tokens_per_s: int
    at_once: int = 0


def stream(browser: Browser, chat: Chat, upstream: str, answer: Answer) -> Streamed:
    """Ask a question in a new window and return what its answer cost."""
    number = next(_numbers)
    with _page(browser, chat) as page:
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        offset_s = _clock_offset_s(page)
        composer = _composer(page)
        composer.fill(wish(answer.tokens, answer.tokens_per_s, number, at_once=answer.at_once))
        _at_rest(page)
        _watch(page, [FIRST_WORD, LAST_WORD], answer.tokens / answer.tokens_per_s * 2 + _PATIENCE_S)
        page_before, cpu_before, clock_before = _spent(page, devtools), chat.cpu_s(), time.perf_counter()
        composer.press("Enter")
        painted: dict[str, float] = page.evaluate("benchProbe.marks")
        _at_rest(page)
        page_after, cpu_after, clock_after = _spent(page, devtools), chat.cpu_s(), time.perf_counter()
    call = next(call for call in calls(upstream) if call["number"] == number)
    wall = clock_after - clock_before
    return Streamed(
        kilobytes=(page_after.bytes - page_before.bytes) / 1000,
        frames=page_after.frames - page_before.frames,
        browser_s=page_after.busy_s - page_before.busy_s,
        browser_share=(page_after.busy_s - page_before.busy_s) / wall,
        server_share=(cpu_after - cpu_before) / wall,
        first_lag_ms=(painted[FIRST_WORD] / 1000 + offset_s) * 1000 - (call["first_ns"] or 0) / 1e6,
        end_lag_ms=(painted[LAST_WORD] / 1000 + offset_s) * 1000 - (call["last_ns"] or 0) / 1e6,
    )


def saves_while_streaming(browser: Browser, chat: Chat, *, tokens: int, tries: int) -> list[Saved]:
    """Rename the conversation again and again while an answer streams at 50 tokens a second.

    Each name is saved by the dialog's button. The chat's own Stop ends the answer, where it has one.
    """
    number = next(_numbers)
    with _page(browser, chat) as page:
        composer = _composer(page)
        composer.fill(wish(tokens, 50, number))
        _watch(page, [FIRST_WORD], _PATIENCE_S)
        composer.press("Enter")
        page.evaluate("benchProbe.marks")
        saved: list[Saved] = []
        for attempt in range(tries):
            _open_rename(page)
            saved.append(_save(page, f"Renamed {number}-{attempt}"))
        stop = page.locator(".st-key-stop button")
        if chat.name == "ours":
            stop.click()  # fails when the answer has ended: then the last saves were not in mid-stream
            expect(stop).to_have_count(0)
    return saved


def _open_rename(page: Page) -> None:
    """Open the rename dialog; the only place that knows the way to it."""
    page.locator(".st-key-rename button").click()
    expect(page.locator(".st-key-new-name input")).to_be_visible()


def _save(page: Page, name: str) -> Saved:
    page.locator(".st-key-new-name input").fill(name)
    page.evaluate(
        "([selector, name, seconds]) => { benchProbe.dialog = benchProbe.saved(selector, name, seconds); }",
        [".st-key-save-name button", name, _PATIENCE_S],
    )
    page.locator(".st-key-save-name button").click()
    times: dict[str, float] = page.evaluate("benchProbe.dialog")
    return Saved(headed_ms=times["headed"], done_ms=times["done"])


def first_paint(browser: Browser, url: str, words: Sequence[str]) -> dict[str, float]:
    """Open a page in a new window and return, for each of the words, after how many ms it was painted."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        page = context.new_page()
        page.add_init_script(path=_PROBE)
        watched = f"benchProbe.marks = benchProbe.painted({json.dumps(list(words))}, {_PATIENCE_S});"
        page.add_init_script(script=watched)
        page.goto(url)
        painted: dict[str, float] = page.evaluate("benchProbe.marks")
        expect(page.get_by_test_id("stException")).to_have_count(0)
        return painted
    finally:
        context.close()


@contextmanager
def _page(browser: Browser, chat: Chat) -> Generator[Page, None, None]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        page = context.new_page()
        page.add_init_script(path=_PROBE)
        page.goto(chat.url)
        yield page
    finally:
        context.close()


def _composer(page: Page) -> Locator:
    box = page.get_by_test_id("stChatInputTextArea")
    expect(box).to_be_enabled(timeout=30_000)
    return box


def _at_rest(page: Page) -> None:
    """Wait until nothing streams and no script runs; the page must not have failed."""
    expect(page.locator(".st-key-stop")).to_have_count(0)
    expect(page.locator('[data-test-script-state="notRunning"]')).to_have_count(1)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def _watch(page: Page, words: list[str], seconds: float) -> None:
    page.evaluate("([words, seconds]) => { benchProbe.marks = benchProbe.painted(words, seconds); }", [words, seconds])


@dataclass(frozen=True, slots=True)
class _Spent:
    bytes: int
    frames: int
    busy_s: float


def _spent(page: Page, devtools: CDPSession) -> _Spent:
    metrics = {metric["name"]: metric["value"] for metric in devtools.send("Performance.getMetrics")["metrics"]}
    bytes_, frames = page.evaluate("[benchProbe.bytes, benchProbe.frames]")
    return _Spent(bytes_, frames, metrics["TaskDuration"])


def _clock_offset_s(page: Page) -> float:
    """Return what must be added to the page's seconds to get those of `time.perf_counter`; the quickest read counts."""
    readings: list[tuple[float, float]] = []
    for _ in range(_CLOCK_READS):
        before = time.perf_counter()
        there = page.evaluate("performance.now()") / 1000
        after = time.perf_counter()
        readings.append((after - before, (before + after) / 2 - there))
    return min(readings)[1]
