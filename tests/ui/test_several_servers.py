"""Chatting with a model that several servers have: one entry for all, moves that are said, answers gone on with."""

import pytest

from apehost_core.servers import Form
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve
from tests.ui.conftest import Start
from tests.ui.running import Running, until
from tests.ui.tab import Tab

BEST, PC, MINI = "Gemma Q4_K_M · any server", "Gemma Q4_K_M · PC", "Gemma Q4_K_M · Mini"
OTHER = "Gemma Q8_0 · Box"


@pytest.fixture
def three(start: Start) -> Running:
    """Two servers with the same model, and one with another quantisation of it."""
    return start(
        {
            "PC": Simulator(SimModel("gemma", words=("I", " am", " PC", ".", " Really", "."))),
            "Mini": Simulator(SimModel("gemma", words=("I", " am", " Mini."))),
            "Box": Simulator(SimModel("gemma", quantisation="Q8_0", words=("I", " am", " Box."))),
        },
        refresh_s=3600.0,
    )


def simulator(app: Running, name: str) -> Simulator:
    """What a server runs."""
    return app.servers[name].simulator


def test_the_same_model_stands_once_for_all(three: Running) -> None:
    """Key and quantisation make it the same; the open choice comes first and is preselected."""
    tab = Tab()
    assert [BEST, PC, MINI, OTHER] == tab.models
    assert BEST == tab.picked
    assert "● PC · online · loaded" in tab.sidebar


def test_the_first_of_the_order_answers(three: Running) -> None:
    """An open choice goes to the first server that has it loaded; one that was picked goes where it says."""
    assert "gemma · PC" in three.asked().answer
    assert "gemma · Mini" in three.ask(Tab().pick(MINI), "Hello?").answer


def test_a_move_is_said(three: Running) -> None:
    """When the first server cannot be reached the next one answers, and the reason stands under the answer."""
    tab = Tab()
    three.servers["PC"].open.close()
    said = three.ask(tab, "Hello?").answer
    assert said.startswith("I am Mini.")
    assert "Moved from PC to Mini" in said
    assert "refused the connection" in said


def test_a_cut_answer_can_be_gone_on_with_elsewhere(three: Running) -> None:
    """What came is kept; going on elsewhere is offered, not done; the rest then stands in an answer of its own."""
    simulator(three, "PC").faults.append("cut")
    tab = three.asked("Who are you?")
    assert "I am PC" in tab.answer
    assert {"Retry", "Continue", "Continue on Mini"} <= set(tab.buttons)
    assert [] == simulator(three, "Mini").calls
    tab = three.settle(tab.press("Continue on Mini"))
    assert 3 == len(tab.messages)
    assert tab.answer.startswith("I am Mini.\ngemma · Mini")


def test_an_answer_at_its_limit_can_be_gone_on_with(three: Running) -> None:
    """A token limit ends an answer, not the wish for more."""
    simulator(three, "PC").faults.append("length")
    tab = three.asked()
    assert "stopped at the token limit" in tab.answer
    assert {"Continue", "Continue on Mini"} <= set(tab.buttons)


def test_a_finished_answer_offers_neither(three: Running) -> None:
    """There is nothing to go on with."""
    buttons = three.asked().buttons
    assert not [label for label in buttons if label.startswith(("Continue", "Retry"))]


def test_the_open_choice_outlives_its_servers(start: Start) -> None:
    """Whoever left it open keeps the same model when one of its servers goes, whichever are left."""
    app = start({"Box": Simulator(SimModel("llama"))})
    with serve(Simulator(SimModel("gemma"))) as one, serve(Simulator(SimModel("gemma"))) as two:
        for name, url in (("PC", one), ("Mini", two)):
            app.portal.call(app.host.registry.add, Form(name, url))
        until(lambda: all(view.answers for view in app.host.servers))
        tab = Tab().pick(BEST)
        app.portal.call(app.host.registry.enable, "PC", False)
        assert BEST == tab.run().picked
        assert "gemma · Mini" in app.ask(tab, "Hello?").answer
        app.portal.call(app.host.registry.enable, "PC", True)
        assert BEST == tab.run().picked


def test_a_renamed_server_keeps_the_choice(start: Start) -> None:
    """The same model is picked wherever it is now; another one would be said."""
    app = start({"Box": Simulator(SimModel("llama"))})
    with serve(Simulator(SimModel("gemma"))) as url:
        app.portal.call(app.host.registry.add, Form("PC", url))
        until(lambda: all(view.answers for view in app.host.servers))
        tab = Tab().pick(PC)
        app.portal.call(app.host.registry.change, "PC", Form("Desk"))
        assert "Gemma Q4_K_M · Desk" == tab.run().picked
        app.portal.call(app.host.registry.remove, "Desk")
        assert "Llama Q4_K_M · Box" == tab.run().picked
        assert "gemma is not listed any more; llama is picked now." in [toast.value for toast in tab.at.toast]
