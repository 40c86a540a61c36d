"""The servers page: which servers there are, how they are, and how they are added, changed, ordered and removed."""

from functools import partial
from pathlib import Path

import pytest

from apehost_core.lmstudio import Watchdogs
from apehost_core.testing.simulator import Simulator, Trouble, serve
from tests.ui.conftest import Start
from tests.ui.running import Running, until
from tests.ui.tab import Tab

TOKEN = "sk-lm-AbCdEfGh:01234567890123456789"


def on_page() -> Tab:
    """A tab on the servers page."""
    return Tab("servers")


def added(tab: Tab, name: str, url: str, token: str = "") -> Tab:
    """Add a server in the dialog."""
    tab.click("add-server").write(server_name=name, server_url=url, server_token=token)
    return tab.click("save-server")


def names(app: Running) -> list[str]:
    """The servers in the order of choice."""
    return [server.name for server in app.host.servers]


def in_state(app: Running, name: str, state: str) -> None:
    """Wait until a server is in a state."""
    until(lambda: any(server.name == name and server.state == state for server in app.host.servers))


def test_a_server_is_added(start: Start) -> None:
    """It is there as the last choice, the dialog is closed, and its models can be picked."""
    app = start({"mini": Simulator()})
    with serve(Simulator()) as url:
        tab = added(on_page(), "Gaming PC", url)
        in_state(app, "Gaming PC", "online")
        card = tab.run().box("server|Gaming PC")
    assert "2nd choice" in card
    assert "● online · LM Studio" in card
    assert "save-server" not in [button.key for button in tab.at.button]


def test_test_says_what_it_found(start: Start) -> None:
    """Test tells in words what answers and saves nothing; the form keeps what was typed, and Save takes it."""
    app = start({"mini": Simulator()})
    with serve(Simulator(token=TOKEN)) as url:
        tab = on_page().click("add-server").write(server_name="PC", server_url=f"{url}/v1", server_token=TOKEN)
        tab.click("test-server")
        (found,) = tab.at.success
        assert "LM Studio answers" in found.value
        assert "The token was accepted" in found.value
        assert ["mini"] == names(app)
        tab.click("save-server")
    assert ["mini", "PC"] == names(app)


def test_test_says_that_nobody_answers(start: Start) -> None:
    """The fault is told, and the dialog stays with what was typed."""
    app = start({"mini": Simulator(), "gone": None})
    tab = on_page().click("add-server").write(server_name="PC", server_url=app.servers["gone"].url)
    tab.click("test-server")
    assert "PC refused the connection" in tab.errors
    assert ("PC", app.servers["gone"].url) == typed(tab)


def test_test_of_a_black_hole_ends(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the request and never answers is told as such, and the dialog stays."""
    monkeypatch.setattr("apehost_core.host.Watchdogs", partial(Watchdogs, listing_s=0.5))
    start({"mini": Simulator()})
    silent = Simulator()
    silent.trouble = "hang"
    with serve(silent) as url:
        tab = on_page().click("add-server").write(server_name="PC", server_url=url).click("test-server")
    assert "PC accepted the request and then said nothing" in tab.errors
    assert ("PC", url) == typed(tab)


def typed(tab: Tab) -> tuple[str | None, str | None]:
    """The name and the address in the dialog."""
    return tab.at.text_input(key="server-name").value, tab.at.text_input(key="server-url").value


@pytest.mark.parametrize(
    ("name", "url", "told"),
    [
        ("PC", "ftp://192.0.2.7", "The address cannot be understood"),
        ("PC", "", "The address is missing"),
        ("", "http://192.0.2.7:1234", "The name is missing"),
        ("MINI", "http://192.0.2.7:1234", "There is a server named 'mini' already"),
        ("Pipe|d", "http://192.0.2.7:1234", "The name cannot be taken"),
    ],
)
def test_what_cannot_be_saved_stays_in_the_form(start: Start, name: str, url: str, told: str) -> None:
    """The error says what is wrong, the dialog keeps what was typed, and no server was added."""
    app = start({"mini": Simulator()})
    tab = added(on_page(), name, url)
    assert told in tab.errors
    assert (name, url) == typed(tab)
    assert ["mini"] == names(app)


def test_the_dialog_forgets_what_was_typed(start: Start) -> None:
    """After Save nothing of address and token is left in the session, and the next dialog is empty."""
    start({"mini": Simulator()})
    tab = added(on_page(), "PC", "http://192.0.2.7:1234", TOKEN)
    kept = repr([tab.at.session_state[key] for key in tab.at.session_state])
    assert [] == [secret for secret in ("192.0.2.7", TOKEN) if secret in kept]
    tab.click("add-server")
    assert ("", "") == typed(tab)
    assert "" == tab.at.text_input(key="server-token").value


def test_nothing_secret_goes_to_the_browser(start: Start) -> None:
    """Neither the card nor the dialog of a server that was added tells its address or its token, in any state."""
    start({"mini": Simulator()})
    with serve(Simulator(token=TOKEN)) as url:
        tab = added(on_page(), "PC", url, TOKEN)
        sent = [tab.run().wire, tab.click("edit|PC").wire, tab.click("test-server").wire]
        tab.write(server_name="Other PC").click("save-server")
    sent += [tab.click("look|Other PC").wire, tab.section("requests").wire]
    secrets = [*TOKEN.split(":"), url, url.removeprefix("http://")]
    assert [] == [secret for secret in secrets if any(secret in wire for wire in sent)]


def test_an_edit_keeps_address_and_token(start: Start) -> None:
    """Fields that are left empty change nothing: the server goes on answering under its new name."""
    app = start({"mini": Simulator()})
    with serve(Simulator(token=TOKEN)) as url:
        tab = added(on_page(), "PC", url, TOKEN)
        tab.click("edit|PC").write(server_name="Big PC").click("save-server")
        in_state(app, "Big PC", "online")
    assert ["mini", "Big PC"] == names(app)


def test_an_edit_takes_the_token_away(start: Start) -> None:
    """With the box ticked the server is asked without a token, and says that it needs one."""
    app = start({"mini": Simulator()})
    with serve(Simulator(token=TOKEN)) as url:
        tab = added(on_page(), "PC", url, TOKEN).click("edit|PC")
        tab.at.checkbox(key="server-drop-token").check()
        tab.click("save-server")
        in_state(app, "PC", "needs_token")
    assert "⚿ needs a token" in tab.run().box("server|PC")


def test_an_edit_keeps_what_is_advanced(start: Start) -> None:
    """How many answers a server is given stays as it was when something else is changed."""
    app = start({"mini": Simulator()})
    tab = on_page().click("add-server").write(server_name="PC", server_url="http://192.0.2.7:1234")
    tab.at.number_input(key="server-parallel").set_value(7)
    tab.at.checkbox(key="server-swaps").check()
    tab.click("save-server").click("edit|PC").write(server_name="Big PC").click("save-server")
    view = app.host.servers[1]
    assert ("Big PC", 7, True) == (view.name, view.traffic.width, view.swaps)


def test_a_server_is_removed_in_two_steps(start: Start) -> None:
    """The first step only asks, and says that the history stays; the second removes."""
    app = start({"mini": Simulator()})
    tab = added(on_page(), "PC", "http://192.0.2.7:1234").click("remove|PC")
    assert "stay in the history" in tab.box("removal|PC")
    assert ["mini", "PC"] == names(app)
    assert "Remove it" not in tab.click("keep|PC").buttons
    tab.click("remove|PC").click("sure|PC")
    assert ["mini"] == names(app)
    assert "server|PC" not in tab.wire


def test_a_server_is_switched_off_and_on(start: Start) -> None:
    """Switched off it says so and is not looked at; switched on it answers again."""
    app = start({"mini": Simulator()})
    with serve(Simulator()) as url:
        tab = added(on_page(), "PC", url).click("enable|PC")
        card = tab.box("server|PC")
        assert "switched off" in card
        assert "next look" not in card
        assert "Look now" not in card
        tab.click("enable|PC")
        in_state(app, "PC", "online")
        assert "● online" in tab.run().box("server|PC")


def test_the_order_of_choice_is_changed(start: Start) -> None:
    """A server moves up and down, environment entries too; at the ends the buttons are closed."""
    app = start({"one": Simulator(), "two": Simulator(), "three": Simulator()})
    tab = on_page().click("up|three").click("down|one")
    assert ["three", "one", "two"] == names(app)
    assert "1st choice" in tab.box("server|three")
    closed = [button.key for button in tab.at.button if button.disabled and button.label in ("Up", "Down")]
    assert ["up|three", "down|two"] == closed


def test_environment_entries_are_read_only(start: Start) -> None:
    """The card says where the server is named, and offers neither Edit nor Disable nor Remove."""
    start({"mini": Simulator()})
    tab = on_page()
    assert "named in the environment and changed there" in tab.box("server|mini")
    assert [] == [label for label in ("Edit", "Disable", "Remove", "Up") if label in tab.buttons]


def test_a_change_that_cannot_be_made_is_told(start: Start) -> None:
    """A press on the card of a server that another tab has removed says that it is gone."""
    app = start({"mini": Simulator()})
    tab = added(on_page(), "PC", "http://192.0.2.7:1234")
    app.portal.call(app.host.registry.remove, "PC")
    assert "There is no server named 'PC'" in tab.click("enable|PC").errors


def test_a_change_that_could_not_be_saved_is_said_at_the_card(start: Start, data_dir: Path) -> None:
    """Where the file of the servers cannot be written, the card says why, and the server is as it was."""
    app = start({"mini": Simulator()})
    tab = added(on_page(), "PC", "http://192.0.2.7:1234")
    (data_dir / "servers.json").unlink()
    (data_dir / "servers.json").mkdir()
    tab.click("enable|PC")
    assert "could not be saved" in tab.box("server|PC")
    assert "disabled" != app.host.servers[1].state


@pytest.mark.parametrize(
    ("simulator", "words"),
    [
        (Simulator(), "● online · LM Studio"),
        (Simulator(native=False), "● online · OpenAI-compatible, not LM Studio"),
        (Simulator(token="another"), "⚿ needs a token"),
        (None, "✕ offline"),
    ],
)
def test_states_are_said_in_words(start: Start, simulator: Simulator | None, words: str) -> None:
    """The card says how the server is and, where it is no LM Studio, what it is instead."""
    start({"mini": simulator})
    assert words in on_page().box("state|mini")


@pytest.mark.parametrize(
    ("trouble", "words", "why"),
    [
        ("hang", "✕ offline", "accepted the request and then said nothing"),
        ("rate_limited", "◐ rate limited", "mini"),
    ],
)
def test_troubles_are_said_in_words(
    start: Start, monkeypatch: pytest.MonkeyPatch, trouble: Trouble, words: str, why: str
) -> None:
    """A black hole and a server that asks to wait are told apart, each with its reason and the next look."""
    monkeypatch.setattr("apehost_core.host.Watchdogs", partial(Watchdogs, listing_s=0.2))
    simulator = Simulator()
    simulator.trouble = trouble
    start({"mini": simulator})
    card = on_page().box("server|mini")
    assert words in card
    assert why in card


def test_look_now_finds_a_server(start: Start) -> None:
    """A server that has come up meanwhile is online after the press."""
    app = start({"mini": None, "big": Simulator()})
    tab = on_page()
    with serve(Simulator(), port=app.servers["mini"].port):
        tab.click("look|mini")
        in_state(app, "mini", "online")
    assert "● online" in tab.run().box("state|mini")


def test_look_now_notices_a_server_that_went(start: Start) -> None:
    """After the button was pressed the page shows what is now."""
    app = start({"mini": Simulator(token=TOKEN)}, token=TOKEN)
    tab = on_page()
    app.servers["mini"].open.close()
    tab.click("look|mini")
    in_state(app, "mini", "offline")
    assert "✕ offline" in tab.run().box("state|mini")


def test_a_refused_token_is_told_from_a_missing_one(start: Start) -> None:
    """A server that does not take our token says so, and what to check."""
    start({"mini": Simulator(token=TOKEN)}, token="sk-lm-another")
    card = on_page().box("server|mini")
    assert "⚿ token refused" in card
    assert "mini refused the token" in card


def test_look_now_does_not_wait_for_a_black_hole(start: Start) -> None:
    """The page is there again while the look goes on, and says so."""
    simulator = Simulator()
    app = start({"mini": simulator})
    tab = on_page()
    simulator.trouble = "hang"
    tab.click("look|mini")
    assert "online" == app.host.servers[0].state
    assert ["mini: no answer yet, still looking …"] == [toast.value.replace("\\", "") for toast in tab.at.toast]


def test_without_servers_the_page_teaches(start: Start) -> None:
    """It says what was tried, how LM Studio's server is started, and offers to add one."""
    start({})
    tab = on_page()
    for piece in ("port 1234 on this computer", "lms server start", "LMSTUDIO_SERVERS"):
        assert piece in tab.page
    assert {"Add server", "Look again"} <= set(tab.buttons)


def test_the_section_stands_in_the_url(start: Start) -> None:
    """A link with a section opens it, switching writes it, and an unknown one opens the servers."""
    start({"mini": Simulator()})
    tab = on_page().section("requests")
    assert "requests" in tab.at.query_params["section"]
    tab.at.query_params["section"] = "profiles"
    assert "New profile" in tab.run().buttons
    tab.at.query_params["section"] = "nonsense"
    assert "1st choice" in tab.run().page


def test_a_host_is_shown_only_where_the_settings_allow(start: Start) -> None:
    """With the setting the card shows host and port."""
    app = start({"mini": Simulator()}, show_hosts=True)
    assert f"127.0.0.1:{app.servers['mini'].port}" in on_page().box("state|mini")


def test_many_servers_stand_on_several_pages(start: Start) -> None:
    """Six cards are drawn at a time; the rest is found by page or by name, and each says which choice it is."""
    start({f"server {number}": None for number in range(1, 9)})
    tab = on_page()
    assert ["1st", "6th"] == [place for place in ("1st", "6th", "7th") if f"{place} choice" in tab.page]
    tab.write(find_server="8").run()
    assert "8th choice" in tab.page
    assert "1st choice" not in tab.page
    tab.write(find_server="nobody").run()
    assert "No server has a name like this." in tab.page


def test_a_dialog_stays_on_its_page(start: Start) -> None:
    """Whoever leaves the page with a dialog open finds none open on the next page, and none when coming back."""
    start({"mini": Simulator()})
    tab = on_page().press("Add server")
    assert "Save" in tab.buttons
    assert "Save" not in tab.to("chat").buttons
    assert "Save" not in tab.to("servers").buttons
