"""The chat page: a question, its answer, and the ways to find them again."""

import re

import pytest

from apehost_core.chat.exchange import Choice
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from tests.run_samples import UNKNOWN_ID
from tests.ui.conftest import Start
from tests.ui.running import NAME
from tests.ui.tab import Tab, words

ONLY_THOUGHTS = SimModel(words=(), reasoning=("Hm", ", hm."))


def test_an_answer_is_stored_and_drawn(start: Start) -> None:
    """What is drawn is question and answer as they stand in the database."""
    app = start({"mini": Simulator()})
    tab = app.asked("Who are you?")
    stored = [message.message.text for message in app.host.conversations.branch(tab.conversation)]
    assert ["Who are you?", "Hello from the simulator."] == stored
    assert [stored[0], stored[1]] == [words(message).splitlines()[0] for message in tab.messages]


def test_the_line_under_an_answer(start: Start) -> None:
    """It says model, server, speed, time to the first token, tokens and how the answer ended."""
    tab = start({"mini": Simulator(SimModel(tokens_per_s=10))}).asked()
    line = r"sim-model · mini · [\d.]+ tok/s · first token [\d.]+ s · 5 tokens · stop"
    assert re.search(f"^{line}$", tab.answer, re.MULTILINE)


def test_an_answer_that_was_cut_by_its_limit_says_so(start: Start) -> None:
    """A finish reason of length is said in words."""
    simulator = Simulator()
    simulator.fault = "length"
    tab = start({"mini": simulator}).asked()
    assert "stopped at the token limit" in tab.answer


def test_reasoning_is_folded_under_its_duration(start: Start) -> None:
    """What the model thought stands in a fold, apart from what it said."""
    tab = start({"mini": Simulator(SimModel(reasoning=("Hm", ", hm."), tokens_per_s=20))}).asked()
    (fold,) = tab.at.expander
    assert re.fullmatch(r"Thought for [\d.]+ s\nHm, hm\.", words(fold))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (None, "The model thought, and ended without an answer. Asking again often helps."),
        ("length", "The model used all its tokens for thinking. Raise the limit or ask it to think less."),
    ],
)
def test_thoughts_without_an_answer_are_said_to_be_that(start: Start, fault, said: str) -> None:
    """An answer of reasoning only is no blank: the page says what happened and what helps."""
    simulator = Simulator(ONLY_THOUGHTS)
    simulator.fault = fault
    tab = start({"mini": simulator}).asked()
    assert [said] == [info.value for info in tab.at.info]


def test_the_url_names_the_conversation(start: Start) -> None:
    """A question on a new chat makes a conversation, and the URL leads to it."""
    app = start({"mini": Simulator()})
    tab = app.asked()
    (stored,) = app.host.conversations.recent(limit=2)
    assert stored.id == tab.conversation


def test_a_second_question_stays_in_the_conversation(start: Start) -> None:
    """The model is sent all that was said before."""
    simulator = Simulator()
    app = start({"mini": simulator})
    app.ask(app.asked("One?"), "Two?")
    said = [message["content"] for message in simulator.calls[-1].body["messages"]]
    assert ["One?", "Hello from the simulator.", "Two?"] == said


def test_the_sidebar_lists_the_conversation(start: Start) -> None:
    """A tab on another page lists it too, and opens it from there."""
    app = start({"mini": Simulator()})
    other = Tab("servers")
    tab = app.named(app.asked())
    assert tab.conversation == other.run().press(NAME).conversation
    assert "Hello from the simulator." in other.answer


def test_new_chat_clears_the_page(start: Start) -> None:
    """The conversation is left, not lost: the URL is bare and the page welcomes."""
    tab = start({"mini": Simulator()}).asked()
    tab.press("New chat")
    assert ("", []) == (tab.conversation, tab.messages)
    assert "What shall we ask?" in tab.page


def test_a_link_opens_the_conversation(start: Start) -> None:
    """Another session sees the same messages by the link alone."""
    tab = start({"mini": Simulator()}).asked("Hello?")
    other = Tab(link=tab.conversation)
    assert [words(message) for message in tab.messages] == [words(message) for message in other.messages]


@pytest.mark.parametrize("link", [UNKNOWN_ID, "nonsense"])
def test_a_link_to_nothing_says_so(start: Start, link: str) -> None:
    """The page says that there is no such conversation and offers a new chat in its place."""
    app = start({"mini": Simulator()})
    tab = Tab(link=link)
    assert "There is no conversation at this link" in tab.errors
    assert "" == tab.conversation
    assert "Hello from the simulator." in app.ask(tab, "Hello?").answer


def test_another_model_than_the_one_asked_is_said(start: Start) -> None:
    """LM Studio answers for a model that is gone with the one that is loaded; the page tells."""
    app = start({"mini": Simulator()})
    sent = app.portal.call(app.host.send, "Hello?", Choice("mini", "gone-model"))
    tab = app.settle(Tab(link=sent.conversation_id))
    assert ["You asked for gone\\-model; sim\\-model answered\\."] == [warning.value for warning in tab.at.warning]


def test_a_model_that_was_asked_for_is_not_remarked_upon(start: Start) -> None:
    """There is no warning where asked and answered are the same."""
    assert [] == list(start({"mini": Simulator()}).asked().at.warning)


def test_oddities_of_a_stream_are_said(start: Start) -> None:
    """A garbage frame that was skipped is told under the answer, which is whole."""
    simulator = Simulator()
    simulator.fault = "garbage"
    tab = start({"mini": simulator}).asked()
    assert "Hello from the simulator." in tab.answer
    assert "skipped" in tab.answer
