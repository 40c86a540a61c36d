"""What a server has on the servers page, and how models are loaded, unloaded and downloaded there."""

import pytest

from apehost_core.servers import ServerView
from apehost_core.testing.simulator import SimModel, Simulator
from tests.ui.conftest import Start
from tests.ui.running import Running, until
from tests.ui.tab import Tab

SLOW = SimModel("slow", load_s=0.3)
STUCK = SimModel("stuck", load_s=600)


def on_page() -> Tab:
    """A tab on the servers page."""
    return Tab("servers")


def view(app: Running, number: int = 0) -> ServerView:
    """What is known of a server."""
    return app.host.servers[number]


def state_of(app: Running, key: str) -> str:
    """The state of a model of the first server."""
    model = view(app).model(key)
    return model.state if model else ""


def test_a_model_is_told(start: Start) -> None:
    """The table has what the server tells of a model; columns that would be empty are left out."""
    model = SimModel(
        "qwen",
        params="8B",
        architecture="qwen3",
        vision=True,
        size_bytes=5_000_000_000,
        reasoning_options=("off", "on"),
    )
    start({"mini": Simulator(model)})
    (row,) = on_page().rows
    told = {
        "Model": "Qwen",
        "State": "loaded",
        "Context": 4096,
        "Longest": 16384,
        "Quantisation": "Q4_K_M",
        "Size": 5_000_000_000,
        "Parameters": "8B",
        "Can": "vision, tools, thinking (off, on)",
        "Publisher": "simulator",
        "Architecture": "qwen3",
        "Copies": 1,
    }
    assert told == {name: row[name] for name in told}
    assert "Also on" not in row


def test_all_models_are_listed(start: Start) -> None:
    """Each comes with its state, type and context; those that are loaded come first."""
    models = (SimModel("cold-one", load_s=1), SimModel("small-one"), SimModel("embedder", embedding=True))
    start({"mini": Simulator(*models)})
    lines = on_page().rows
    assert ["Small One", "Embedder", "Cold One"] == [line["Model"] for line in lines]
    assert ["loaded", "loaded", "not loaded"] == [line["State"] for line in lines]
    assert ["text", "embedding", "text"] == [line["Type"] for line in lines]
    assert [4096, 4096] == [line["Context"] for line in lines[:2]]


def test_the_same_model_elsewhere_is_told(start: Start) -> None:
    """A model that another server has in the same quantisation says where; another quantisation is another model."""
    start(
        {
            "mini": Simulator(SimModel("qwen")),
            "laptop": Simulator(SimModel("qwen")),
            "pc": Simulator(SimModel("qwen", quantisation="Q8_0")),
        }
    )
    assert ["laptop"] == [row["Also on"] for row in on_page().rows]


def test_many_models_are_filtered(start: Start) -> None:
    """All words of the filter must be there; with few models there is no filter."""
    many = [SimModel(f"qwen-{number}", quantisation="Q8_0" if number % 2 else "Q4_K_M") for number in range(20)]
    start({"mini": Simulator(*many)})
    tab = on_page()
    assert 20 == len(tab.rows)
    tab.at.text_input(key="filter|mini").set_value("q8 QWEN-1").run()
    assert {"Qwen 1", "Qwen 11", "Qwen 13", "Qwen 15", "Qwen 17", "Qwen 19"} == {row["Model"] for row in tab.rows}
    tab.at.text_input(key="filter|mini").set_value("llama").run()
    assert "No model has these words" in tab.page


def test_a_model_is_loaded_with_a_context_length(start: Start) -> None:
    """The load goes on behind and is shown; then the model is loaded with what was asked for."""
    app = start({"mini": Simulator(SLOW)})
    tab = on_page()
    assert "No model is loaded" in tab.page
    tab.at.number_input(key="load-context|mini|slow").set_value(8192).run()
    tab.click("load-now|mini|slow")
    assert "slow: loading" in tab.page
    until(lambda: state_of(app, "slow") == "loaded")
    (row,) = tab.run().rows
    assert ("loaded", 8192) == (row["State"], row["Context"])
    assert "Unload slow · 8,192 tokens" in tab.buttons


def test_a_load_that_waits_says_its_place(start: Start) -> None:
    """While a model is answered by, another one is not loaded, and the page says that it is in line."""
    words = ("word ",) * 5_000
    app = start({"mini": Simulator(SimModel("fast", words=words, tokens_per_s=50), SLOW)})
    app.answering()
    tab = on_page()
    assert "1 of 4 answering" in tab.page
    tab.at.selectbox(key="load-model|mini").set_value("slow").run()
    tab.click("load-now|mini|slow")
    assert "slow: 1st in line for loading" in tab.page


def test_a_load_that_failed_is_told_until_it_is_dismissed(start: Start) -> None:
    """The server's own words stand there, with a button for another try and one that takes them away."""
    app = start({"mini": Simulator(SimModel("huge", loaded=False, load_fails="It needs 41 GB."))})
    tab = on_page().click("load-now|mini|huge")
    until(lambda: any(load.fault is not None for load in view(app).loads))
    assert "It needs 41 GB" in tab.run().errors
    assert "Load again" in tab.buttons
    assert "" == tab.click("dismiss|mini|huge").errors


def test_a_model_is_unloaded(start: Start) -> None:
    """After the press the server does not hold it any more."""
    app = start({"mini": Simulator()})
    tab = on_page().click("unload|mini|sim-model")
    assert "not_loaded" == state_of(app, "sim-model")
    assert "No model is loaded" in tab.page


def test_a_model_that_answers_is_not_unloaded(start: Start) -> None:
    """The card says that it is writing; the answer goes on."""
    app = start({"mini": Simulator(SimModel(words=("word ",) * 5_000, tokens_per_s=50))})
    app.answering()
    tab = on_page().click("unload|mini|sim-model")
    assert "sim-model is writing 1 answer" in tab.box("server|mini")
    assert "loaded" == state_of(app, "sim-model")


def test_a_model_is_downloaded(start: Start) -> None:
    """Its progress is shown in bytes, its end is told, and then the model is in the table."""
    coming = SimModel("new", downloaded=False, size_bytes=4_000_000_000)
    app = start({"mini": Simulator(SimModel(), coming, download_s=1.2)})
    tab = on_page().write(**{"download-model|mini|0": "new"}).click("download-now|mini")
    until(lambda: view(app).downloads[0].downloaded_bytes is not None)
    assert "of 4.0 GB" in progress(tab.run())
    until(lambda: view(app).downloads[0].status == "completed" and view(app).model("new") is not None)
    assert "new: completed" in tab.run().page
    assert {"Sim Model", "New"} == {row["Model"] for row in tab.rows}


def progress(tab: Tab) -> str:
    """What the page's progress bars say."""
    return "\n".join(bar.proto.text.replace("\\", "") for bar in tab.at.get("progress"))


def test_a_download_that_is_refused_keeps_what_was_typed(start: Start) -> None:
    """The card says why, and the field still has the id."""
    start({"mini": Simulator()})
    tab = on_page().write(**{"download-model|mini|0": "no/such-model"}).click("download-now|mini")
    assert tab.errors
    assert "no/such-model" == tab.at.text_input(key="download-model|mini|0").value


def test_only_lm_studio_loads(start: Start) -> None:
    """Any other server says in one line that this is not to be had there, and has no buttons for it."""
    start({"mini": Simulator(native=False)})
    tab = on_page()
    assert "where LM Studio serves them" in tab.box("server|mini")
    assert [] == [label for label in tab.buttons if label in ("Load", "Download")]


def test_a_server_that_is_away_shows_what_it_had(start: Start) -> None:
    """The last known models stay, and the page says that they are of then."""
    app = start({"mini": Simulator()})
    app.servers["mini"].open.close()
    app.portal.call(app.host.look_at, "mini")
    tab = on_page()
    assert ["Sim Model"] == [row["Model"] for row in tab.rows]
    assert "As it was when it last answered" in tab.box("server|mini")
    assert "Load" not in tab.buttons


def test_names_are_no_markdown(start: Start) -> None:
    """A model's key that looks like an image or a link is drawn as it is."""
    start({"mini": Simulator(SimModel("![x](http://192.0.2.7/a.png)"))})
    drawn = [button.label for button in on_page().at.button]
    assert [] == [label for label in drawn if "![" in label.replace("\\!", "")]


def test_a_picked_model_stays_picked_when_a_state_changes(start: Start) -> None:
    """Neither the labels nor their order say what is loaded, so that nothing else is loaded than what was picked."""
    app = start({"mini": Simulator(SimModel("one", load_s=0.1), SimModel("two", load_s=0.1), STUCK)})
    tab = on_page()
    before = tab.at.selectbox(key="load-model|mini").options
    tab.at.selectbox(key="load-model|mini").set_value("two").run()
    app.portal.call(app.host.load_model, "mini", "two")
    until(lambda: state_of(app, "two") == "loaded")
    box = tab.run().at.selectbox(key="load-model|mini")
    assert (before, "two") == (box.options, box.value)
    assert tab.at.button(key="load-now|mini|two").disabled


@pytest.mark.parametrize("name", ["name", "url", "token", "swaps", "parallel", "page", "model-PC", "now-PC"])
def test_a_name_is_no_key_of_something_else(start: Start, name: str) -> None:
    """Servers may be called like a field of the dialog, or like a part of another one's card."""
    start({name: Simulator(), "PC": Simulator()})
    tab = on_page().click("add-server")  # a key that stands twice would be raised
    assert "server|PC" in tab.wire


def test_a_refused_download_is_answered_beside_its_form(start: Start) -> None:
    """The reason stands with the controls, not at the head of the card."""
    start({"mini": Simulator()})
    tab = on_page().write(**{"download-model|mini|0": "no/such-model"}).click("download-now|mini")
    assert 1 == len(tab.at.get_by_key("controls|mini").error)


def test_a_download_that_ended_is_dismissed(start: Start) -> None:
    """After the press nothing is said of it any more; the model stays."""
    app = start({"mini": Simulator(SimModel(), SimModel("new", downloaded=False, size_bytes=1_000), download_s=0)})
    tab = on_page().write(**{"download-model|mini|0": "new"}).click("download-now|mini")
    until(lambda: view(app).downloads[0].status != "downloading" and view(app).model("new") is not None)
    tab.run().click("forget|mini|new")
    assert () == view(app).downloads
    assert "new: " not in tab.page
    assert {"Sim Model", "New"} == {row["Model"] for row in tab.rows}
