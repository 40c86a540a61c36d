"""What a model writes is text: nothing of it loads, runs or hides."""

import re
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve
from tests.app_process import running_app
from tests.e2e.conftest import Heard, answer, composer

pytestmark = pytest.mark.browser


class Trap(ThreadingHTTPServer):
    """A server elsewhere that notes who comes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Note)
        self.visits: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Note(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Note the visit."""
        assert isinstance(self.server, Trap)
        self.server.visits.append(self.path)
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the standard library's
        """Print nothing."""


@pytest.fixture(scope="module")
def trap() -> Generator[Trap, None, None]:
    """A server that must not be visited."""
    with Trap() as trap:
        thread = Thread(target=trap.serve_forever, daemon=True)
        thread.start()
        yield trap
        trap.shutdown()


def hostile(trap: Trap) -> str:
    """A model's answer with all that is bad."""
    return "\n\n".join(
        (
            "<script>document.title = 'owned'</script>",
            f"<img src='{trap.url}/html.png' onerror=\"document.title = 'owned'\">",
            f"![picture]({trap.url}/markdown.png)",
            f"![picture][ref]\n\n[ref]: {trap.url}/reference.png",
            "[run me](javascript:document.title='owned')",
            f"[a friend]({trap.url}/link)",
            f"<iframe src='{trap.url}/frame'></iframe>",
            "$x^2$ and \\(y\\) and `code ![](x)`",
            "مرحبا 👩‍👩‍👧‍👦 \u202eabc\u202c",
            "bell \x07 and escape \x1b[31m end.",
        )
    )


@pytest.fixture(scope="module")
def app_url(trap: Trap, tmp_path_factory: pytest.TempPathFactory) -> Generator[str, None, None]:
    """An app whose only model is hostile."""
    model = SimModel(words=(hostile(trap),), reasoning=(f"![]({trap.url}/reasoning.png)",))
    settings = {"APEHOST_DEMO": "off"}
    with (
        serve(Simulator(model)) as url,
        running_app(tmp_path_factory.mktemp("hostile"), {"LMSTUDIO_SERVERS": f"sim|{url}", **settings}) as app,
    ):
        yield app.url


@pytest.fixture(scope="module")
def heard() -> Heard:
    """What that window hears."""
    return Heard()


@pytest.fixture(scope="module")
def page(browser: Browser, app_url: str, heard: Heard) -> Generator[Page, None, None]:
    """A window in which the model has answered; the tests only look at it."""
    context = browser.new_context()
    page = context.new_page()
    heard.listen(page)
    page.goto(app_url)
    composer(page).fill("<b>me</b> ![](http://192.0.2.1/x.png) :smile: *stars*")
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("first token", timeout=30_000)
    yield page
    context.close()


def test_nothing_loads_and_nothing_runs(page: Page, trap: Trap, heard: Heard) -> None:
    """No image, frame or script of the answer is fetched or run; the reasoning's neither, also when opened."""
    page.get_by_test_id("stExpander").get_by_text("Thought for").click()
    expect(page.get_by_test_id("stExpander")).to_contain_text("not loaded")
    assert page.title() == "ApeHost"
    assert trap.visits == []
    assert [url for url in heard.requests if "192.0.2.1" in url or trap.url in url] == []


def test_it_is_all_to_be_read(page: Page) -> None:
    """Tags are shown as text, images say that they were not loaded, the end is there."""
    said = answer(page)
    for text in ("<script>", "<iframe", "not loaded", "مرحبا", "end."):
        expect(said).to_contain_text(text)
    assert page.locator("[data-testid=stChatMessage] img").count() == 0


def test_mathematics_is_set(page: Page) -> None:
    """Both ways of writing a formula are drawn as one, and neither inside code."""
    said = answer(page)
    expect(said.locator(".katex")).to_have_count(2, timeout=20_000)
    expect(said.locator("code").filter(has_text="code ![](x)")).to_be_visible()


def test_links_say_where_they_go(page: Page) -> None:
    """A script is no link any more, and a link to a host shows the host and opens on its own."""
    said = answer(page)
    assert said.locator("a[href^='javascript']").count() == 0
    expect(said).to_contain_text("run me [link removed]")
    link = said.get_by_role("link", name="a friend")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(said).to_contain_text("(127.0.0.1)")


def test_a_persons_text_is_as_typed(page: Page) -> None:
    """What a person wrote is neither Markdown nor HTML."""
    mine = page.get_by_test_id("stChatMessage").first
    expect(mine).to_contain_text("<b>me</b> ![](http://192.0.2.1/x.png) :smile: *stars*")


def test_a_list_is_only_text(page: Page, trap: Trap) -> None:
    """What was said, and the title made of it, stand in a hit as they were written; what was looked for is marked."""
    page.get_by_role("link", name="History").click()
    page.locator(".st-key-q input").fill("picture")
    hit = page.locator(".apehost-rows-row").first
    expect(hit.locator("mark").first).to_have_text("picture", timeout=20_000)
    expect(hit.locator(".apehost-rows-text")).to_contain_text(f"![picture]({trap.url}/markdown.png)")
    expect(hit.locator("a")).to_have_attribute("href", re.compile(r"^\./\?c=[0-9a-f-]+&m=[0-9a-f-]+$"))
    assert page.locator(".apehost-rows :is(img, script, iframe, b)").count() == 0
    assert page.title() == "ApeHost"
    assert trap.visits == []


def test_what_is_done_with_a_row_names_it(page: Page) -> None:
    """Those who do not see a row hear whose box and whose preview it is: the title as it was written."""
    page.locator(".st-key-q input").fill("")
    row = page.locator(".apehost-rows-row").first
    expect(row.get_by_role("checkbox")).to_be_visible(timeout=20_000)
    title = row.locator("a").inner_text()
    expect(row.get_by_role("checkbox")).to_have_accessible_name(f"Select {title}")
    expect(row.get_by_role("button")).to_have_accessible_name(f"Preview {title}")


def test_a_list_goes_by_keys(page: Page) -> None:
    """Down and up go from the box to the hits, and back; a preview that is opened leaves the cursor where it was."""
    page.locator(".st-key-q input").fill("me")
    titles = page.locator(".apehost-rows-title")
    expect(titles.nth(1)).to_be_visible(timeout=20_000)
    for key, there in (("ArrowDown", titles.first), ("ArrowDown", titles.nth(1)), ("ArrowUp", titles.first)):
        page.keyboard.press(key)
        expect(there).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".st-key-q input")).to_be_focused()
    preview = page.locator(".apehost-rows-preview").first
    preview.press("Enter")
    expect(page.locator(".st-key-preview")).to_be_visible()
    expect(preview).to_be_focused()
    expect(preview).to_have_attribute("aria-expanded", "true")
