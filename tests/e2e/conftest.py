"""What the browser tests share: a simulated LM Studio, the app on it, and windows that keep what they were sent."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, WebSocket, expect

from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve
from tests.app_process import App, running_app

TOKEN = "sk-lm-AbCdEfGh:01234567890123456789"


def numbered(count: int) -> tuple[str, ...]:
    """That many words, each with its number, in paragraphs."""
    return tuple(f"word{number} " if number % 12 else f"word{number}.\n\n" for number in range(1, count + 1))


WORDS = numbered(400)
ANSWER_WORDS = "".join(WORDS).split()
PATIENCE_MS = 20_000
"""How long anything may take to be seen: on a busy machine Playwright's own five seconds are few."""

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Server:
    """The simulated LM Studio of a module, and where it listens."""

    simulator: Simulator
    url: str


@dataclass
class Heard:
    """All that a window was sent or sent itself, and what it complained about."""

    frames: list[bytes] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Keep what goes to and from a window."""
        page.on("websocket", self._socket)
        page.on("response", self._response)
        page.on("console", self._said)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.console.append(f"page error: {error}"))

    def _socket(self, socket: WebSocket) -> None:
        for event in ("framereceived", "framesent"):
            socket.on(event, self._frame)
        socket.on("framereceived", lambda payload: self.received.append(_bytes(payload)))

    def _frame(self, payload: str | bytes) -> None:
        self.frames.append(_bytes(payload))

    def _response(self, response: Response) -> None:
        if "/static/" not in response.url:
            self.bodies.append(repr(response.headers).encode())

    def _said(self, message: ConsoleMessage) -> None:
        self.console.append(message.text)


def _bytes(payload: str | bytes) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload


@pytest.fixture(scope="module")
def server() -> Generator[Server, None, None]:
    """An LM Studio that writes 400 words, 60 a second, and asks for a token."""
    simulator = Simulator(SimModel(words=WORDS, tokens_per_s=60), token=TOKEN)
    with serve(simulator) as url:
        yield Server(simulator, url)


@pytest.fixture(scope="module")
def app(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Generator[App, None, None]:
    """The app with the simulated server as its only one."""
    settings = {"LMSTUDIO_SERVERS": f"sim|{server.url}", "LM_API_TOKEN": TOKEN, "APEHOST_DEMO": "off"}
    with running_app(tmp_path_factory.mktemp("app"), settings) as app:
        yield app
        assert "Traceback" not in app.log.read_text()


@pytest.fixture
def heard() -> Heard:
    """What the window of the test hears."""
    return Heard()


@pytest.fixture
def page(browser: Browser, app: App, heard: Heard) -> Generator[Page, None, None]:
    """A new browser window on the app."""
    context = browser.new_context()
    page = context.new_page()
    heard.listen(page)
    page.goto(app.url)
    yield page
    assert page.get_by_text("encountered an error").count() == 0
    context.close()


def composer(page: Page) -> Locator:
    """The box that messages are written in, once a model is there."""
    box = page.get_by_test_id("stChatInputTextArea")
    expect(box).to_be_enabled(timeout=60_000)
    return box


def ask(page: Page, text: str) -> None:
    """Write a message and send it; the answer has begun when this returns."""
    composer(page).fill(text)
    page.keyboard.press("Enter")
    expect(stop_button(page)).to_be_visible(timeout=20_000)


def stop_button(page: Page) -> Locator:
    """The button that stops the answer."""
    return page.locator(".st-key-stop button")


def stop(page: Page) -> None:
    """Stop the answer, and wait until it says so."""
    stop_button(page).click()
    expect(answer(page)).to_contain_text("stopped by you", timeout=20_000)


def answer(page: Page) -> Locator:
    """The last message of the conversation."""
    return page.get_by_test_id("stChatMessage").last


def hurry(server: Server) -> None:
    """Have the rest of the answer come at once, when what is to be seen in its middle has been seen."""
    server.simulator.calls[-1].hurried = True


def at_rest(page: Page) -> None:
    """Wait until the last answer is drawn as it is kept, no more as one that is being written."""
    expect(page.locator(".st-key-live")).to_have_count(0, timeout=20_000)
    expect(stop_button(page)).to_have_count(0)
    expect(answer(page).get_by_role("button", name="Info")).to_be_visible()


def words_shown(page: Page) -> int:
    """How many words of the simulated answer are to be seen."""
    return answer(page).inner_text().count("word")


def until(page: Page, holds: Callable[[], bool], timeout_s: float = 30) -> None:
    """Wait until something holds, while the window goes on."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not come"
        page.wait_for_timeout(25)


def grows(page: Page, by: int = 12) -> int:
    """Wait until the answer has grown by some words, while it can still be stopped; return how many it has."""
    expect(stop_button(page)).to_be_visible(timeout=20_000)
    first = words_shown(page)
    until(page, lambda: words_shown(page) >= first + by)
    expect(stop_button(page)).to_be_visible()
    return words_shown(page)
