"""The model picker: all models of all servers, and a choice that stays."""

import pytest

from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve
from tests.ui.conftest import Start
from tests.ui.running import Running
from tests.ui.tab import Tab

SMALL, LARGE, COLD = "Small One Q4_K_M · mini", "Large One Q8_0 · big", "Cold One Q4_K_M · mini"


@pytest.fixture
def two(start: Start) -> Running:
    """A host over two servers."""
    mini = Simulator(SimModel("cold-one", load_s=0.01), SimModel("small-one"), SimModel("embedder", embedding=True))
    big = Simulator(SimModel("large-one", words=("I", " am", " large."), quantisation="Q8_0"))
    return start({"mini": mini, "big": big})


def test_it_lists_the_chat_models_of_all_servers(two: Running) -> None:
    """Each with its quantisation and its server; embedding models are left out."""
    assert [COLD, SMALL, LARGE] == Tab().models


def test_a_loaded_model_is_preselected(two: Running) -> None:
    """The first answer need not wait for a model to load."""
    assert SMALL == Tab().picked


def test_the_picked_model_answers(two: Running) -> None:
    """The question goes to the server of the choice."""
    tab = two.ask(Tab().pick(LARGE), "Who are you?")
    assert tab.answer.startswith("I am large.\nlarge-one · big · ")


def test_a_choice_survives_other_pages(two: Running) -> None:
    """Going to the servers and back changes nothing."""
    tab = Tab().pick(LARGE)
    assert [LARGE, LARGE] == [tab.to("servers").picked, tab.to("chat").picked]


def test_a_choice_survives_a_conversation(two: Running) -> None:
    """A new chat goes to the same model."""
    tab = two.ask(Tab().pick(LARGE), "Who are you?").press("New chat")
    assert LARGE == tab.picked


def test_each_tab_has_its_own_choice(two: Running) -> None:
    """What one session picks does not move another's."""
    tab = Tab()
    Tab().pick(LARGE)
    assert SMALL == tab.run().picked


def test_it_says_what_to_expect(two: Running) -> None:
    """Under the picker stand the server's state and whether the model has to load first."""
    tab = Tab()
    assert "● mini · online · loaded" in tab.sidebar
    assert "● mini · online · loads on first use" in tab.pick(COLD).sidebar


def test_a_server_that_went_keeps_its_models(two: Running) -> None:
    """The choice stays, and the sidebar says that its server is away."""
    tab = Tab().pick(LARGE)
    two.servers["big"].open.close()
    two.portal.call(two.host.look_at_servers)
    assert LARGE == tab.run().picked
    assert "✕ big · offline" in tab.sidebar


def test_a_model_that_is_gone_is_replaced(start: Start) -> None:
    """A choice that no server lists any more gives way to one that is there."""
    app = start({"mini": Simulator(SimModel("old-one")), "big": Simulator(SimModel("large-one", quantisation="Q8_0"))})
    tab = Tab().pick("Old One Q4_K_M · mini")
    app.servers["mini"].open.close()
    with serve(Simulator(SimModel("new-one")), port=app.servers["mini"].port):
        app.portal.call(app.host.look_at_servers)
        assert "New One Q4_K_M · mini" == tab.run().picked
