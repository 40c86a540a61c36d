"""Messages that are not taken: the page says why, and the text is back in the composer."""

from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from tests.ui.conftest import Start
from tests.ui.tab import Tab

LONG = "x" * 1_001


def test_a_text_that_is_too_large_is_refused_with_the_limit(start: Start) -> None:
    """The error names the size, the limit and the setting."""
    start({"mini": Simulator()}, max_prompt_bytes=1_000)
    errors = Tab().send(LONG).errors
    assert "The message has 1,001 bytes; the limit is 1,000." in errors
    assert "APEHOST_MAX_PROMPT_BYTES" in errors


def test_a_text_that_is_refused_is_back_in_the_composer(start: Start) -> None:
    """Nothing that was typed is lost."""
    start({"mini": Simulator()}, max_prompt_bytes=1_000)
    assert LONG == Tab().send(LONG).composer


def test_a_refused_text_makes_no_conversation(start: Start) -> None:
    """Neither the URL nor the sidebar changes."""
    app = start({"mini": Simulator()}, max_prompt_bytes=1_000)
    assert "" == Tab().send(LONG).conversation
    assert [] == app.host.conversations.recent(limit=1)


def test_a_text_up_to_the_limit_is_taken(start: Start) -> None:
    """The limit itself is allowed."""
    app = start({"mini": Simulator()}, max_prompt_bytes=1_000)
    assert "Hello from the simulator." in app.asked("x" * 1_000).answer


def test_a_text_of_blanks_is_refused(start: Start) -> None:
    """There is nothing to be answered, and the page says so."""
    start({"mini": Simulator()})
    assert "The message is empty." in Tab().send(" \n ").errors


def test_the_refusal_is_gone_with_the_next_message(start: Start) -> None:
    """A text that is taken leaves no old error behind."""
    app = start({"mini": Simulator()}, max_prompt_bytes=1_000)
    tab = app.ask(Tab().send(LONG), "Hello?")
    assert ("", True) == (tab.errors, "Hello from the simulator." in tab.answer)


def test_a_message_in_mid_answer_is_refused_and_kept(start: Start) -> None:
    """Two tabs on one conversation: while an answer is written the other tab's text is refused, and not lost."""
    app = start({"mini": Simulator(SimModel(words=("word ",) * 2_000, tokens_per_s=20))})
    tab = app.answering()
    other = Tab(link=tab.conversation).send("And this?")
    assert "An answer is still being written in this conversation." in other.errors
    assert "And this?" == other.composer


def test_a_message_in_mid_answer_is_not_stored(start: Start) -> None:
    """Only the first question is in the conversation."""
    app = start({"mini": Simulator(SimModel(words=("word ",) * 2_000, tokens_per_s=20))})
    tab = app.answering("First?")
    Tab(link=tab.conversation).send("Second?")
    assert ["First?"] == [stored.message.text for stored in app.host.conversations.branch(tab.conversation)]
