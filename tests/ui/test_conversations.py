"""Conversations as things: their names, their deletion, and long ones."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apehost_core.ids import new_id
from apehost_core.messages import assistant_message, user_message
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.message_rows import StoredMessage
from apehost_core.store.transaction import Transaction
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from apehost_ui import state
from tests.run_samples import UNKNOWN_ID
from tests.ui.conftest import Start
from tests.ui.running import NAME, Running, until
from tests.ui.tab import Tab, words

MARKED = "*[x](y)* `c` :smile: $5$ ![i](http://192.0.2.1/x.png) <b>"
ESCAPED = r"\*\[x\]\(y\)\* \`c\` \:smile\: \$5\$ \!\[i\]\(http\://192\.0\.2\.1/x\.png\) \<b\>"
ESCAPED = ESCAPED.replace(r"\:", "\\:\u2060", 1).replace(r"http\:", "http\\:\u2060")  # a joiner, which nobody sees
MANY = 500


def header(tab: Tab) -> str:
    """The title over the conversation, as it goes to the browser."""
    return next(text.value for text in tab.at.main.markdown if text.value.startswith("### "))


def test_a_rename_is_seen_everywhere(start: Start) -> None:
    """The header and the sidebar carry the new name."""
    tab = start({"mini": Simulator()}).asked().rename("My own name")
    assert "### My own name" == header(tab)
    assert "My own name" in tab.sidebar


def test_the_dialog_holds_the_present_name(start: Start) -> None:
    """Nobody has to type a name anew to change a letter."""
    app = start({"mini": Simulator()})
    tab = app.named(app.asked()).press("Rename")
    assert NAME == tab.at.text_input(key="new-name").value


def test_the_dialog_closes_after_saving(start: Start) -> None:
    """It is not drawn again."""
    tab = start({"mini": Simulator()}).asked().rename("My own name")
    assert [] == list(tab.at.text_input)


def test_an_empty_name_changes_nothing(start: Start) -> None:
    """A conversation never goes without a name."""
    app = start({"mini": Simulator()})
    tab = app.named(app.asked()).rename("   ")
    assert f"### {NAME}" == header(tab)


def test_a_name_with_markdown_is_drawn_as_it_is(start: Start) -> None:
    """No mark in a name formats, links, loads or calculates: header, list and farewell escape them all."""
    tab = start({"mini": Simulator()}).asked().rename(MARKED)
    assert f"### {ESCAPED}" == header(tab)
    (button,) = [button for button in tab.at.sidebar.button if (button.key or "").startswith("open-")]
    assert ESCAPED.startswith(button.label.removesuffix("…"))
    tab.press("Delete")
    assert f"Deleted: {ESCAPED}" in [caption.value for caption in tab.at.sidebar.caption]


def test_the_prompt_names_a_conversation_at_once(start: Start) -> None:
    """Before the answer is there, the list shows the beginning of the question."""
    start({"mini": Simulator(SimModel(first_token_s=60))})
    assert "What is a lighthouse?" in Tab().send("What is a lighthouse?").sidebar


def test_the_model_names_a_conversation_after_the_first_answer(start: Start) -> None:
    """Its name takes the place of the prompt's."""
    app = start({"mini": Simulator()})
    tab = app.named(app.asked("What is a lighthouse?"))
    assert NAME in tab.sidebar
    assert "What is a lighthouse?" not in tab.sidebar


def test_a_name_that_is_none_leaves_the_prompts(start: Start) -> None:
    """A model that writes an essay in place of a name does not get it into the list."""
    simulator = Simulator(SimModel(words=("many words ",) * 20))
    app = start({"mini": simulator})
    tab = app.asked("What is a lighthouse?")
    until(lambda: len(simulator.calls) == 2 and not app.host.hub.active)
    assert "What is a lighthouse?" in tab.run().sidebar


def test_a_name_given_by_a_person_stays(start: Start) -> None:
    """The model's name comes too late for a conversation that was named by hand."""
    app = start({"mini": Simulator(SimModel(tokens_per_s=8))})
    tab = Tab().send("Hello?").rename("My own name")
    until(lambda: app.host.conversations.revision == 3)  # of the question, the rename and the model's attempt
    assert "### My own name" == header(tab.run())


def test_a_deleted_conversation_leaves_the_page(start: Start) -> None:
    """The URL is bare, the list is without it, and the page is a new chat."""
    tab = start({"mini": Simulator()}).asked("Hello?").rename("My own name").press("Delete")
    assert ("", []) == (tab.conversation, tab.messages)
    assert "My own name" not in tab.buttons


def test_undo_brings_a_deleted_conversation_back(start: Start) -> None:
    """It is open again, with its messages, and there is nothing more to undo."""
    tab = start({"mini": Simulator()}).asked()
    conversation = tab.conversation
    tab.press("Delete").press("Undo")
    assert conversation == tab.conversation
    assert "Hello from the simulator." in tab.answer
    assert "Undo" not in tab.buttons


def test_a_link_to_a_deleted_conversation_says_so(start: Start) -> None:
    """Another tab that had it open is told at its next run."""
    tab = start({"mini": Simulator()}).asked()
    other = Tab(link=tab.conversation)
    tab.press("Delete")
    assert "There is no conversation at this link." in other.run().errors


def test_deleting_stops_the_answer(start: Start) -> None:
    """Nobody pays for an answer to a conversation that is in the trash."""
    app = start({"mini": Simulator(SimModel(words=("word ",) * 5_000, tokens_per_s=50))})
    app.answering().press("Delete")
    until(lambda: app.host.hub.active == 0)


def fill(database: Database) -> str:
    """Write a conversation of 500 messages in one transaction; returns its id."""
    conversation = Conversations(database).create("Long")
    stored: list[StoredMessage] = []
    for number in range(MANY):
        make = assistant_message if number % 2 else user_message
        parent = stored[-1].id if stored else None
        stored.append(StoredMessage(new_id(), conversation, parent, make(f"message {number}"), datetime.now(UTC), None))

    def work(transaction: Transaction) -> None:
        for message in stored:
            transaction.insert("messages", message.row())
        transaction.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", [stored[-1].id, conversation])

    database.write(work)
    return conversation


@pytest.fixture
def long(start: Start, data_dir: Path) -> tuple[Running, Tab]:
    """A tab on a conversation of 500 messages."""
    data_dir.mkdir()
    with closing(Database.open(data_dir / "apehost.duckdb")) as database:
        conversation = fill(database)
    return start({"mini": Simulator()}), Tab(link=conversation)


def test_only_the_recent_messages_of_a_long_conversation_are_drawn(long: tuple[Running, Tab]) -> None:
    """Twenty of five hundred, the last ones, and a way to the earlier."""
    _, tab = long
    assert [f"message {number}" for number in range(480, 500)] == [words(message) for message in tab.messages]
    assert "Show earlier (480 more)" in tab.buttons


def test_show_earlier_draws_twenty_more(long: tuple[Running, Tab]) -> None:
    """The earlier ones stand above, and the button counts what is left."""
    _, tab = long
    tab.press("Show earlier (480 more)")
    assert [f"message {number}" for number in range(460, 500)] == [words(message) for message in tab.messages]
    assert "Show earlier (460 more)" in tab.buttons


def test_another_conversation_begins_with_the_recent_messages_again(long: tuple[Running, Tab]) -> None:
    """What was unfolded in one conversation costs nothing in the next."""
    app, tab = long
    conversation = tab.conversation
    tab.press("Show earlier (480 more)").press("New chat")
    app.ask(tab, "Hello?").press("Long")
    assert (conversation, 20) == (tab.conversation, len(tab.messages))


def nth(app: Running, tab: Tab, number: int) -> str:
    """The id of a message of the tab's conversation."""
    return app.host.conversations.branch(tab.conversation)[number].id


@pytest.mark.parametrize(("number", "drawn"), [(499, (476, 500)), (470, (466, 500)), (300, (296, 320)), (0, (0, 20))])
def test_a_link_to_a_message_draws_what_stands_around_it(
    long: tuple[Running, Tab], number: int, drawn: tuple[int, int]
) -> None:
    """However far from the end the message stands, some twenty are drawn, and the rest is one press away."""
    app, tab = long
    linked = Tab(link=tab.conversation, message=nth(app, tab, number))
    first, end = drawn
    assert [f"message {number}" for number in range(first, end)] == [words(message) for message in linked.messages]
    if end < MANY:
        linked.press(f"Show later ({MANY - end} more)")
        assert f"message {MANY - 1}" == words(linked.messages[-1])
        assert not any(label.startswith("Show later") for label in linked.buttons)


def test_a_link_to_a_message_of_another_branch_selects_it(start: Start) -> None:
    """The message is drawn in its own branch, which stays selected."""
    app = start({"mini": Simulator()})
    tab = app.asked()
    asked, first = app.host.conversations.branch(tab.conversation)
    app.host.conversations.add_message(tab.conversation, asked.id, assistant_message("another answer"))
    assert "another answer" in tab.run().answer
    assert "another answer" not in Tab(link=tab.conversation, message=first.id).answer
    assert (asked, first) == app.host.conversations.branch(tab.conversation)


@pytest.mark.parametrize("message", [UNKNOWN_ID, "*[x](y)*"])
def test_a_link_to_a_message_that_is_not_there(start: Start, message: str) -> None:
    """The conversation opens all the same, and says so; what is sent next goes to its end."""
    app = start({"mini": Simulator()})
    tab = Tab(link=app.asked().conversation, message=message)
    assert "The message of this link is not in this conversation" in tab.errors
    app.ask(tab, "And now?")
    assert 4 == len(tab.messages)
    assert state.MESSAGE not in tab.at.query_params
