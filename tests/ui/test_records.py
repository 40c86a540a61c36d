"""What was recorded: the history."""

import os
from pathlib import Path

from apehost_core.testing.simulator import Simulator
from tests.import_samples import lm_studio_chat
from tests.ui.conftest import Start
from tests.ui.running import NAME, until
from tests.ui.tab import Tab


def test_nothing_recorded_is_said(start: Start) -> None:
    """Before the first answer the history says what it will show."""
    start({"mini": Simulator()})
    assert "Nothing recorded yet" in Tab("history").section("calls").page


def test_the_history_shows_what_was_recorded(start: Start) -> None:
    """One row a call, newest first, with what it was for and its end; one kind can be picked by itself."""
    simulator = Simulator()
    app = start({"mini": simulator})
    tab = app.named(app.asked())
    simulator.fault = "cut"
    app.ask(tab, "And now?")
    tab.to("history").section("calls")
    columns = ["What for", "Conversation", "Server", "Model", "Tokens", "End"]
    answers = [
        ["chats", NAME, "mini", "sim-model", "≈2", "failed"],
        ["chats", NAME, "mini", "sim-model", "5", "stop"],
    ]
    naming = ["naming chats", NAME, "mini", "sim-model", "5", "stop"]
    listed = tab.at.dataframe[0].value[columns].to_numpy().tolist()
    assert sorted([*answers, naming]) == sorted(listed)
    assert "3 model calls" in tab.page
    tab.at.button_group(key="calls_for").set_value("chat")
    assert answers == tab.run().at.dataframe[0].value[columns].to_numpy().tolist()
    assert "2 model calls" in tab.page


def test_the_newest_come_first(start: Start, tmp_path: Path) -> None:
    """Calls are listed by when they were made, imported ones among them, as many as there is room for."""
    app = start({"mini": Simulator()})
    app.named(app.asked())
    jobs = app.host.history.imports
    chat = lm_studio_chat(tmp_path, "Great apes", "Who?", "An ape.")
    os.utime(chat, (1_751_366_400, 1_751_366_400))
    jobs.take_in(chat)
    until(lambda: jobs.job is not None and not jobs.job.running)
    tab = Tab("history").section("calls")
    assert ["naming chats", "chats", "imported"] == [row["What for"] for row in tab.rows]
    assert "Imported calls were not timed here" in tab.page
    for named, listed in (("Imported", 1), ("Naming chats", 1), ("Agents", 3), ("nonsense", 3)):
        tab = Tab()
        tab.at.query_params.update({"section": "calls", "calls_for": named})
        assert listed == len(tab.to("history").rows)
