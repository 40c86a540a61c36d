"""Every page in every state of the servers: none fails, and empty ones say what to do."""

import pytest

from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve
from tests.ui.conftest import Start
from tests.ui.running import Servers
from tests.ui.tab import PageName, Tab

WELCOME = "What shall we ask?"
NOWHERE = "No model can be reached yet"
PAGES: tuple[PageName, ...] = ("chat", "servers", "compare", "history")


@pytest.mark.parametrize(("server", "first"), [("online", WELCOME), ("down", NOWHERE), ("none", NOWHERE)])
def test_every_page_is_drawn(start: Start, server: str, first: str) -> None:
    """With a server, with one that is down and with none, each page comes without an exception."""
    states: dict[str, Servers] = {"online": {"mini": Simulator()}, "down": {"mini": None}, "none": {}}
    start(states[server])
    tab = Tab()
    pages = [tab.to(page).page for page in PAGES]
    headings = (first, "Servers", "Compare", "History")
    assert [True] * 4 == [heading in page for heading, page in zip(headings, pages, strict=True)]


def test_without_a_server_the_page_teaches(start: Start) -> None:
    """It says where was looked, how LM Studio's server is started and where others are named."""
    start({})
    page = Tab().page
    for piece in ("port 1234 on this computer", "lms server start", "Look again", "LMSTUDIO_SERVERS"):
        assert piece in page


def test_a_server_that_is_down_is_named(start: Start) -> None:
    """The page says which server refused, and what to do there."""
    start({"mini": None})
    errors = Tab().errors
    assert "mini refused the connection" in errors
    assert "Start the server there" in errors


def test_every_page_says_when_no_server_answers(start: Start) -> None:
    """The other pages show what they have, under a line that says who is away."""
    start({"mini": None, "big": None})
    assert "No server can answer now: mini (offline), big (offline)." in Tab("history").page


def test_a_server_without_chat_models_is_named(start: Start) -> None:
    """A server that only has embedding models is online, and the page says what it lacks."""
    start({"mini": Simulator(SimModel("embedder", embedding=True))})
    assert "mini is online and has no chat model" in Tab().page


def test_nothing_can_be_written_without_a_model(start: Start) -> None:
    """The composer is closed where no model could answer."""
    start({"mini": None})
    assert Tab().at.chat_input[0].disabled


def test_look_again_finds_a_server(start: Start) -> None:
    """A server that has come up meanwhile is there after the button was pressed."""
    app = start({"mini": None})
    tab = Tab()
    with serve(Simulator(), port=app.servers["mini"].port):
        tab.press("Look again")
    assert WELCOME in tab.page


@pytest.mark.parametrize(
    ("demo", "available", "offered"),
    [("auto", True, True), ("offer", True, True), ("offer", False, False), ("off", True, False)],
)
def test_the_demo_engine_is_offered_where_it_can_be_started(
    start: Start, monkeypatch: pytest.MonkeyPatch, demo: str, available: bool, offered: bool
) -> None:
    """The button is there when the settings allow the engine and its parts are installed."""
    monkeypatch.setattr("apehost_ui.chat_actions.demo_available", lambda: available)
    start({"mini": None}, demo=demo)
    assert offered == ("Start the demo engine" in Tab().buttons)


def test_a_demo_engine_that_cannot_start_says_why(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what is missing, and the way to LM Studio is still shown."""
    monkeypatch.setattr("apehost_ui.chat_actions.demo_available", lambda: True)
    monkeypatch.setattr("apehost_core.demo.engine.model_file", lambda: None)
    start({"mini": None}, demo="offer")
    tab = Tab().press("Start the demo engine")
    assert "extra `local`" in tab.errors
    assert NOWHERE in tab.page
