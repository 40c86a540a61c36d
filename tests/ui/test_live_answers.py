"""An answer while it is written: it is seen everywhere, survives everything, and can be stopped."""

import re

from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from tests.ui.conftest import Start
from tests.ui.running import until
from tests.ui.tab import Tab

ENDLESS = SimModel(words=tuple(f"word{number:04} " for number in range(5_000)), tokens_per_s=50)


def test_the_answer_grows_before_its_end(start: Start) -> None:
    """Its words are drawn as they come, with what is being done and for how long."""
    app = start({"mini": Simulator(ENDLESS)})
    tab = app.answering()
    assert "word0000" in tab.answer
    assert re.search(r"^writing · [\d.]+ s · \d+ tokens$", tab.answer, re.MULTILINE)


def test_a_second_tab_sees_the_live_answer(start: Start) -> None:
    """The link is enough to watch."""
    tab = start({"mini": Simulator(ENDLESS)}).answering()
    other = Tab(link=tab.conversation)
    assert "word0000" in other.answer
    assert "Stop" in other.buttons


def test_the_answer_goes_on_behind_another_page(start: Start) -> None:
    """What was written while nobody looked is there when the chat page is opened again."""
    app = start({"mini": Simulator(ENDLESS)})
    tab = app.answering()
    seen = app.written(tab).split()[-1]
    tab.to("servers")
    until(lambda: app.written(tab).split()[-2] > seen)
    later = app.written(tab).split()[-2]
    assert later in tab.to("chat").answer


def test_thinking_is_drawn_while_it_lasts(start: Start) -> None:
    """Reasoning is folded under what it is, not yet under its duration."""
    model = SimModel(words=(), reasoning=("hm ",) * 5_000, tokens_per_s=50)
    app = start({"mini": Simulator(model)})
    tab = Tab().send("Hello?")
    until(lambda: "Thinking" in tab.run().answer)
    assert re.search(r"^thinking · ", tab.answer, re.MULTILINE)
    assert app.written(tab) == ""


def test_a_model_that_loads_is_said_to(start: Start) -> None:
    """The wait has a name."""
    start({"mini": Simulator(SimModel(load_s=60))})
    tab = Tab().send("Hello?")
    until(lambda: "loading the model" in tab.run().answer)


def test_a_place_in_the_queue_is_said(start: Start) -> None:
    """Who waits for others knows how many."""
    app = start({"mini": Simulator(ENDLESS)}, parallel_per_server=1)
    app.answering()
    tab = Tab().send("And me?")
    until(lambda: "queued (1st in line)" in tab.run().answer)


def test_stop_keeps_what_was_written(start: Start) -> None:
    """The stopped answer is in the database, and said to be stopped by the person."""
    app = start({"mini": Simulator(ENDLESS)})
    tab = app.answering()
    app.settle(tab.press("Stop"))
    stored = app.host.conversations.branch(tab.conversation)[-1].message.text
    assert stored.startswith("word0000")
    assert stored.strip() in tab.answer
    assert "stopped by you" in tab.answer


def test_stop_hangs_up_on_the_server(start: Start) -> None:
    """The server need not write on for nobody."""
    simulator = Simulator(ENDLESS)
    app = start({"mini": simulator})
    app.answering().press("Stop")
    until(lambda: simulator.calls[0].left_ns is not None)


def test_stop_before_the_first_word(start: Start) -> None:
    """A stopped answer without a word is said to be that, and the question can be asked again."""
    simulator = Simulator(SimModel(first_token_s=60))
    app = start({"mini": simulator})
    tab = Tab().send("Hello?")
    until(lambda: len(simulator.calls) == 1)
    app.settle(tab.press("Stop"))
    assert "sim-model · mini · stopped by you" in tab.answer
    assert "Retry" in tab.buttons


def test_stop_is_offered_only_while_there_is_something_to_stop(start: Start) -> None:
    """A whole answer has no Stop."""
    assert "Stop" not in start({"mini": Simulator()}).asked().buttons


def test_a_stop_that_comes_too_late_does_nothing(start: Start) -> None:
    """A tab that does not know of the end yet may still press Stop; the answer stays as it is."""
    app = start({"mini": Simulator(ENDLESS)})
    tab = app.answering()
    other = app.settle(Tab(link=tab.conversation).press("Stop"))
    assert other.answer == tab.press("Stop").answer
