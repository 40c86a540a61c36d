"""The request log on the servers page: what was asked of the servers, without a word of it."""

from typing import Any

from apehost_core.testing.simulator import Simulator
from tests.ui.conftest import Start
from tests.ui.running import until
from tests.ui.tab import Tab


def log() -> Tab:
    """A tab on the requests."""
    return Tab("servers").section("requests")


def test_requests_are_listed(start: Start) -> None:
    """Looks and chats stand there with server, kind, model, status and time, the newest first."""
    app = start({"mini": Simulator(), "big": Simulator()})
    app.asked("a question of mine")
    tab = log()
    (chat,) = [row for row in tab.rows if row["Kind"] == "chat"][-1:]
    assert ("sim-model", 200, "") == (chat["Model"], chat["Status"], chat["Problem"])
    assert {"mini", "big"} == {row["Server"] for row in tab.rows if row["Kind"] == "look"}
    times = [row["Time"] for row in tab.rows]
    assert times == sorted(times, reverse=True)
    assert "a question of mine" not in tab.page


def test_one_server_can_be_picked(start: Start) -> None:
    """Then only its requests are listed."""
    start({"mini": Simulator(), "big": Simulator()})
    tab = log()
    tab.at.selectbox(key="requests-of").set_value("big").run()
    assert {"big"} == {row["Server"] for row in tab.rows}


def test_what_went_wrong_is_listed(start: Start) -> None:
    """A look that failed says why; the word for it is the fault's."""
    start({"mini": None})
    assert any("refused the connection" in row["Problem"] for row in log().rows)


def test_a_chat_call_is_inspected(start: Start) -> None:
    """The dialog shows what was sent for the picked call."""
    app = start({"mini": Simulator()})
    app.asked("a question of mine")
    until(lambda: any(record.kind == "chat" for record in app.host.requests_to("mini")))
    tab = log().click("inspect-call")
    assert "sim-model · mini" in tab.page


def test_no_request_yet(start: Start) -> None:
    """Without a server the log says what will stand there."""
    app = start({"mini": Simulator()})
    for name in list(app.host.pool.names):
        app.portal.call(_remove, app, name)
    assert "No request yet" in log().page


async def _remove(app: Any, name: str) -> None:
    app.host.pool.remove(name)
