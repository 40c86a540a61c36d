"""Chats leave as files, from the list and from an opened chat."""

import io
import zipfile

import pytest

from apehost_core.messages import assistant_message, user_message
from apehost_core.store.exports import ExportFormat, suffix_of
from apehost_core.testing.simulator import Simulator
from tests.ui.conftest import Start
from tests.ui.running import Running
from tests.ui.tab import Tab


@pytest.fixture
def app(start: Start) -> Running:
    """A host on which a chat was had, without a model."""
    app = start({"mini": Simulator()})
    conversation_id = app.host.conversations.create("Apes")
    asked = app.host.conversations.add_message(conversation_id, None, user_message("Who?"))
    app.host.conversations.add_message(conversation_id, asked.id, assistant_message("Gorillas."))
    return app


def test_what_is_selected_can_be_exported(app: Running) -> None:
    """The choice of a format appears with the first selection, and says what a format is for."""
    tab = Tab("history")
    assert "Format" not in [box.label for box in tab.at.selectbox]
    tab.press("Select page")
    box = tab.at.selectbox(key="bulk-export-format")
    assert "the whole tree" in tab.page
    box.set_value("html")
    assert "to read and print" in tab.run().page


def test_an_opened_chat_can_be_exported(app: Running) -> None:
    """The header of a chat has the same choice."""
    (conversation,) = app.host.conversations.recent(1)
    tab = Tab(link=conversation.id)
    assert "ApeHost" == tab.at.selectbox(key="export-chat-format").options[0]


def test_the_whole_record_can_be_exported(app: Running) -> None:
    """The section of the data offers all tables."""
    tab = Tab("history").section("data")
    assert "as tables" in tab.page


@pytest.mark.parametrize("wanted", ["apehost", "markdown", "html", "openai", "openai_all", "sharegpt", "openwebui"])
@pytest.mark.parametrize("count", [1, 2])
def test_files_have_names_that_fit(app: Running, wanted: ExportFormat, count: int) -> None:
    """The name that the browser is told ends as the file that is written does."""
    ids = [one.id for one in app.host.conversations.recent(1)] * count
    file = app.host.history.exports.file(ids, wanted)
    assert suffix_of(wanted, count) == file.suffix
    assert (".zip" == file.suffix) == zipfile.is_zipfile(io.BytesIO(file.content))
