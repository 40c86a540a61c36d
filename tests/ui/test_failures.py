"""What goes wrong with an answer: it is said, what came is kept, and the question can be asked again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from apehost_core.errors import Fault, StoreError
from apehost_core.testing import answers
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from tests.ui.conftest import Start
from tests.ui.running import Running, until
from tests.ui.tab import Tab


@dataclass(frozen=True)
class Case:
    """A way for an answer to fail.

    Attributes:
        fault: What the simulator does.
        happened: What the page says about it.
        advice: What it says is to be done.
        kept: The part of the answer that came before.
        again: The button that asks again.
        patience: Settings that end a silence soon.
    """

    fault: answers.Fault
    happened: str
    advice: str
    kept: str = ""
    again: str = "Retry"
    patience: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.fault


CASES = (
    Case(
        "overflow_event",
        "The conversation has 31,430 tokens; the model's context on mini holds 4,096.",
        "Load the model with a larger context, or start a new chat with less text.",
    ),
    Case("cut", "The answer was cut off by mini.", "What came before is kept. Try again", kept="Hello from"),
    Case("eof", "The answer was cut off by mini.", "What came before is kept. Try again", kept="Hello from"),
    Case("error_midway", "The model crashed on mini.", "Try again; if it happens again, reload", kept="Hello from"),
    Case(
        "stall",
        "mini stopped in the middle of the answer.",
        "Look at the server's log",
        kept="Hello from",
        patience={"stall_timeout_s": 0.2},
    ),
    Case(
        "silence",
        "mini accepted the request and then said nothing.",
        "It may be loading a large model.",
        patience={"first_byte_timeout_s": 0.2},
    ),
    Case("empty", "mini ended the answer without a word.", "Often the prompt is larger than the model's context."),
    Case("html", "mini sent something that is not an answer.", "Check that the address in the settings is that of"),
    Case("server_error", "The model crashed on mini.", "Try again; if it happens again, reload the model"),
    Case("load_failed", "mini could not load the model.", "Memory is the usual reason: try a smaller quantisation"),
    Case("no_models", "mini does not have this model.", "Load or download it on the Servers page or in LM Studio, or"),
    Case("rate_limited", "mini asks to slow down.", "Wait 2 seconds, then try again.", again="Retry in"),
)


def failed(start: Start, fault: answers.Fault, **patience: Any) -> tuple[Running, Simulator, Tab]:
    """A tab in which an answer has gone wrong; the simulator is well again."""
    simulator = Simulator()
    simulator.fault = fault
    app = start({"mini": simulator}, **patience)
    tab = app.asked()
    simulator.fault = None
    return app, simulator, tab


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_page_says_what_happened_and_what_to_do(start: Start, case: Case) -> None:
    """One error box stands under the question, beside what came of the answer, and Retry is offered."""
    _, _, tab = failed(start, case.fault, **case.patience)
    assert 1 == len(tab.at.error)
    assert case.happened in tab.answer
    assert case.advice in tab.answer
    assert case.kept in tab.answer
    assert any(button.startswith(case.again) for button in tab.buttons)


@pytest.mark.parametrize("fault", ["server_error", "cut", "empty"])
def test_retry_answers(start: Start, fault: answers.Fault) -> None:
    """Once the server is well, Retry gives the answer, and the error is gone from the page."""
    app, _, tab = failed(start, fault)
    app.settle(tab.press("Retry"))
    assert ("", 2) == (tab.errors, len(tab.messages))
    assert tab.answer.startswith("Hello from the simulator.")


def test_retry_is_not_offered_for_an_answer_that_is_whole(start: Start) -> None:
    """There is nothing to be tried again."""
    assert "Retry" not in start({"mini": Simulator()}).asked().buttons


def test_a_failed_answer_stays_beside_the_next(start: Start) -> None:
    """Retry replaces nothing: the failed answer can still be selected, with what it said."""
    app, _, tab = failed(start, "cut")
    conversations = app.host.conversations
    cut = conversations.branch(tab.conversation)[-1]
    app.settle(tab.press("Retry"))
    conversations.select(tab.conversation, cut.id)
    assert ["Hello?", "Hello from"] == [stored.message.text for stored in conversations.branch(tab.conversation)]


def test_a_retry_that_fails_says_so_again(start: Start) -> None:
    """Retry stays for as long as it is needed."""
    _, simulator, tab = failed(start, "server_error")
    simulator.fault = "load_failed"
    tab.press("Retry")
    until(lambda: "mini could not load the model" in tab.run().errors)
    assert "Retry" in tab.buttons


def test_a_server_that_went_away(start: Start) -> None:
    """A server that is gone by the time of the question is named, with what to do there."""
    app = start({"mini": Simulator()})
    tab = Tab()
    app.servers["mini"].open.close()
    assert "mini refused the connection" in app.ask(tab, "Hello?").errors
    assert "Start the server there" in tab.errors


def test_an_answer_that_the_database_refused_is_still_shown(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words are not lost with the disk: they stay on the page, which says that they are not stored yet."""
    start({"mini": Simulator()})

    async def refuse(_recorder: object, _ending: object) -> None:
        raise StoreError(Fault("store", "The disk is full", advice="Make room."))

    monkeypatch.setattr("apehost_core.store.recorder.DuckRecorder.close_run", refuse)
    tab = Tab().send("Hello?")
    until(lambda: "Not in the database yet" in tab.run().answer)
    assert "Hello from the simulator." in tab.answer
    assert "The disk is full" in tab.errors


def test_an_answer_that_was_interrupted_by_the_end_of_the_app(start: Start) -> None:
    """After the next start what was written is there, said to be interrupted, and can be asked for again."""
    app = start({"mini": Simulator(SimModel(words=("word ",) * 2_000, tokens_per_s=20))})
    tab = app.answering()
    app.close()
    start({"mini": Simulator()})
    again = Tab(link=tab.conversation)
    assert again.answer.startswith("word")
    assert "interrupted" in again.answer
    assert "Retry" in again.buttons
