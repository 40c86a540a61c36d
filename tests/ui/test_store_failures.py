"""A database that refuses: every page says so in words, and goes on."""

import pytest

from apehost_core.errors import Fault, StoreError
from apehost_core.store.conversations import Conversations
from apehost_core.testing.simulator import Simulator
from tests.ui.conftest import Start
from tests.ui.tab import Tab

FULL = "The disk is full."


def refuse(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Have a method of the conversations fail from now on."""

    def refused(*_args: object, **_kwargs: object) -> None:
        raise StoreError(Fault(kind="store", title="The disk is full"))

    monkeypatch.setattr(Conversations, method, refused)


@pytest.mark.parametrize("method", ["recent", "get", "path"])
def test_what_cannot_be_read_is_said(start: Start, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """The part of the page that needs it says why it is not there."""
    link = start({"mini": Simulator()}).asked().conversation
    refuse(monkeypatch, method)
    assert FULL in Tab(link=link).errors


def test_a_name_that_cannot_be_written_is_said(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old name stays."""
    app = start({"mini": Simulator()})
    tab = app.named(app.asked())
    refuse(monkeypatch, "rename")
    assert FULL in tab.rename("Another").errors


def test_a_deletion_that_fails_deletes_nothing(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The conversation stays open, and nothing is offered to be undone."""
    tab = start({"mini": Simulator()}).asked()
    refuse(monkeypatch, "trash")
    tab.press("Delete")
    assert FULL in tab.errors
    assert tab.conversation
    assert "Undo" not in tab.buttons


def test_a_deletion_that_cannot_be_undone_now_can_be_later(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The offer stands until it has worked."""
    tab = start({"mini": Simulator()}).asked().press("Delete")
    with monkeypatch.context() as failing:
        refuse(failing, "restore")
        assert FULL in tab.press("Undo").errors
    assert "Hello from the simulator." in tab.press("Undo").answer
