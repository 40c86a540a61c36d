"""No page sends a server's address or token to the browser, in good states and bad."""

from apehost_core.testing import answers
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from tests.ui.conftest import Start
from tests.ui.running import Running
from tests.ui.tab import PageName, Tab

TOKEN = "sk-lm-AbCdEfGh:01234567890123456789"
FAULTS: tuple[answers.Fault, ...] = ("echo", "server_error", "html", "error_midway", "cut", "rate_limited")
PAGES: tuple[PageName, ...] = ("chat", "servers", "compare", "history")


def told(app: Running, tab: Tab) -> list[str]:
    """The secrets that any page of the tab sends to the browser."""
    sent = "\n".join(tab.to(page).wire for page in PAGES)
    assert all(name in sent for name in app.servers), "the names of the servers are no secrets, and are sent"
    secrets = [TOKEN, *TOKEN.split(":")]
    for server in app.servers.values():
        secrets += [server.url, f"127.0.0.1:{server.port}", f":{server.port}"]
    return [secret for secret in secrets if secret in sent]


def test_a_server_that_answers(start: Start) -> None:
    """After an answer with a token nothing of it is told."""
    app = start({"mini": Simulator(token=TOKEN)}, token=TOKEN)
    assert [] == told(app, app.asked())


def test_an_answer_that_is_being_written(start: Start) -> None:
    """Nor while the connection stands."""
    model = SimModel(words=("word ",) * 5_000, tokens_per_s=50)
    app = start({"mini": Simulator(model, token=TOKEN)}, token=TOKEN)
    assert [] == told(app, app.answering())


def test_a_server_that_refuses_the_token(start: Start) -> None:
    """The token that was refused is not quoted."""
    app = start({"mini": Simulator(token="another")}, token=TOKEN)
    assert [] == told(app, Tab())


def test_a_server_that_is_down(start: Start) -> None:
    """The address that refused the connection is not quoted."""
    app = start({"mini": None}, token=TOKEN)
    assert [] == told(app, Tab())


def test_a_server_that_went_away(start: Start) -> None:
    """Nor that of a server that was gone at the question."""
    app = start({"mini": Simulator(token=TOKEN)}, token=TOKEN)
    tab = Tab()
    app.servers["mini"].open.close()
    assert [] == told(app, app.ask(tab, "Hello?"))


def test_answers_that_fail(start: Start) -> None:
    """Errors do not quote them, not even where the server's own words do."""
    simulator = Simulator(token=TOKEN)
    app = start({"mini": simulator}, token=TOKEN)
    tab = Tab()
    found: dict[answers.Fault, list[str]] = {}
    for fault in FAULTS:
        simulator.fault = fault
        app.ask(tab.to("chat"), f"Hello, {fault}?")
        assert tab.errors, fault
        found[fault] = told(app, tab)
    assert {fault: [] for fault in FAULTS} == found
