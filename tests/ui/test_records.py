"""What was recorded, and what the servers are: the history and the servers page."""

from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from tests.ui.conftest import Start
from tests.ui.running import NAME
from tests.ui.tab import Tab

TOKEN = "sk-lm-AbCdEfGh:01234567890123456789"


def test_nothing_recorded_is_said(start: Start) -> None:
    """Before the first answer the history says what it will show."""
    start({"mini": Simulator()})
    assert "Nothing recorded yet" in Tab().to("history").page


def test_the_history_shows_what_was_recorded(start: Start) -> None:
    """One row an answer, newest first, with its end; calls that only name a chat are left out."""
    simulator = Simulator()
    app = start({"mini": simulator})
    tab = app.named(app.asked())
    simulator.fault = "cut"
    app.ask(tab, "And now?")
    table = tab.to("history").at.dataframe[0].value
    columns = ["Conversation", "Server", "Model", "Tokens", "End"]
    assert [
        [NAME, "mini", "sim-model", "≈2", "failed"],
        [NAME, "mini", "sim-model", "5", "stop"],
    ] == table[columns].to_numpy().tolist()


def test_the_servers_page_shows_each_servers_state(start: Start) -> None:
    """Online, down and waiting for a token stand side by side, each in words."""
    start({"here": Simulator(), "away": None, "shut": Simulator(token=TOKEN)})
    states = [caption.value.split(" · ")[0] for caption in Tab().to("servers").at.main.caption]
    assert ["online", "offline", "needs a token"] == states


def test_a_refused_token_is_told_from_a_missing_one(start: Start) -> None:
    """A server that does not take our token says so, and what to check."""
    start({"shut": Simulator(token=TOKEN)}, token="sk-lm-another")
    tab = Tab().to("servers")
    assert "token refused" in tab.page
    assert "shut refused the token" in tab.errors


def test_the_servers_page_lists_the_models(start: Start) -> None:
    """Each model comes with its state, kind, quantisation, size and context."""
    models = (SimModel("small-one"), SimModel("cold-one", load_s=1), SimModel("embedder", embedding=True))
    start({"mini": Simulator(*models)})
    table = Tab().to("servers").at.dataframe[0].value
    assert [
        ["Small One", "loaded", "llm", "Q4_K_M", "1.0 GB", 4096],
        ["Cold One", "not loaded", "llm", "Q4_K_M", "1.0 GB", 16384],
        ["Embedder", "loaded", "embedding", "Q4_K_M", "1.0 GB", 4096],
    ] == table.to_numpy().tolist()


def test_look_again_notices_a_server_that_went(start: Start) -> None:
    """After the button was pressed the page shows what is now."""
    app = start({"mini": Simulator(token=TOKEN)}, token=TOKEN)
    tab = Tab().to("servers")
    app.servers["mini"].open.close()
    assert "offline" in tab.press("Look again").page
