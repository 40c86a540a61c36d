"""What was recorded: the history."""

from apehost_core.testing.simulator import Simulator
from tests.ui.conftest import Start
from tests.ui.running import NAME
from tests.ui.tab import Tab


def test_nothing_recorded_is_said(start: Start) -> None:
    """Before the first answer the history says what it will show."""
    start({"mini": Simulator()})
    assert "Nothing recorded yet" in Tab().to("history").section("calls").page


def test_the_history_shows_what_was_recorded(start: Start) -> None:
    """One row an answer, newest first, with its end; calls that only name a chat are left out."""
    simulator = Simulator()
    app = start({"mini": simulator})
    tab = app.named(app.asked())
    simulator.fault = "cut"
    app.ask(tab, "And now?")
    table = tab.to("history").section("calls").at.dataframe[0].value
    columns = ["Conversation", "Server", "Model", "Tokens", "End"]
    assert [
        [NAME, "mini", "sim-model", "≈2", "failed"],
        [NAME, "mini", "sim-model", "5", "stop"],
    ] == table[columns].to_numpy().tolist()
