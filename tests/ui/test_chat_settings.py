"""What one chat sets for itself: the dialog, what it keeps, what it says, and what is sent then."""

from typing import Any

import pytest

from apehost_core.model import Preferences, Sampling
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from apehost_ui import state
from tests.ui.conftest import Start
from tests.ui.running import Running, until
from tests.ui.tab import Tab

THINKER = SimModel("thinker", reasoning_options=("low", "high"))
SHARP = Preferences(sampling=Sampling(temperature=0.3))


def field(tab: Tab, name: str) -> Any:
    """The widget of a field in the opened dialog."""
    widgets = [*tab.at.text_input, *tab.at.text_area, *tab.at.selectbox, *tab.at.checkbox]
    (found,) = [widget for widget in widgets if str(widget.key).endswith(f"-{name}")]
    return found


def save(tab: Tab, **typed: Any) -> Tab:
    """Open the dialog, type into fields, and press Save."""
    return fill(tab.press("Settings"), **typed).press("Save")


def fill(tab: Tab, **typed: Any) -> Tab:
    """Type into fields of the opened dialog."""
    for name, value in typed.items():
        field(tab, name).set_value(value)
    return tab


def own(app: Running, tab: Tab) -> Preferences:
    """What the tab's conversation sets for itself."""
    return app.host.conversations.settings(tab.conversation)


def is_open(tab: Tab) -> bool:
    """Whether the dialog is drawn."""
    return "Save" in tab.buttons


def test_a_new_chat_keeps_settings_until_it_begins(start: Start) -> None:
    """They are sent with the first message and belong to its conversation; the next new chat has none."""
    simulator = Simulator()
    app = start({"mini": simulator})
    tab = save(Tab(), temperature="0.3", system_prompt="Be brief.")
    assert "2 settings of its own" in tab.page
    app.ask(tab, "Hello?")
    body = simulator.calls[0].body
    assert (0.3, {"role": "system", "content": "Be brief."}) == (body["temperature"], body["messages"][0])
    assert Preferences("Be brief.", Sampling(temperature=0.3)) == own(app, tab)
    assert "2 settings of its own" in tab.page
    assert "of its own" not in tab.press("New chat").page


def test_a_text_that_was_refused_keeps_the_new_chats_settings(start: Start) -> None:
    """What did not begin a conversation did not use them up."""
    start({"mini": Simulator()}, max_prompt_bytes=1_000)
    tab = save(Tab(), top_k="20").send("x" * 1_001)
    assert "1,001 bytes" in tab.errors
    assert "1 setting of its own" in tab.page


def test_a_conversation_keeps_its_settings(start: Start) -> None:
    """They hold from the next answer on, in every tab, and are in no other conversation."""
    simulator = Simulator()
    app = start({"mini": simulator})
    tab = save(app.asked(), max_tokens="2", stop="END\n\\n\\n\n")
    assert Preferences(sampling=Sampling(max_tokens=2, stop=("END", "\n\n"))) == own(app, tab)
    app.ask(Tab(link=tab.conversation), "And now?")
    asked = [call.body for call in simulator.calls if call.body["messages"][-1]["content"] == "And now?"]
    assert [(2, ["END", "\n\n"])] == [(body["max_tokens"], body["stop"]) for body in asked]
    assert Preferences() == own(app, app.asked())


def test_the_dialog_begins_with_what_is_set(start: Start) -> None:
    """Nobody has to type it anew, and saving it again changes nothing."""
    app = start({"mini": Simulator()})
    tab = save(app.asked(), temperature="0.3", stop="a\\nb", seed="7", system_prompt="Two\nlines")
    before = own(app, tab)
    tab.press("Settings")
    values = [field(tab, name).value for name in ("temperature", "stop", "seed", "system_prompt", "top_p")]
    assert ["0.3", "a\\nb", "7", "Two\nlines", ""] == values
    assert before == own(app, tab.press("Save"))


@pytest.mark.parametrize(
    ("name", "typed", "words"),
    [
        ("temperature", "3", "Temperature must be a number from 0 to 2, not '3'"),
        ("temperature", "warm", "Temperature must be a number from 0 to 2, not 'warm'"),
        ("max_tokens", "1.5", "Max tokens must be a whole number"),
        ("max_tokens", "1,000", "not '1,000'"),
        ("top_p", "nan", "Top p must be a number from 0 to 1, not 'nan'"),
        ("top_p", "9,50", "Top p must be a number from 0 to 1, not '9,50'"),
    ],
)
def test_a_wrong_value_is_said(start: Start, name: str, typed: str, words: str) -> None:
    """The dialog stays open with what was typed, says what the field may be, and nothing is kept."""
    app = start({"mini": Simulator()})
    tab = save(app.asked(), **{name: typed})
    assert words in tab.errors
    assert (True, typed) == (is_open(tab), field(tab, name).value)
    assert Preferences() == own(app, tab)


def test_a_decimal_comma(start: Start) -> None:
    """It is taken as a point."""
    app = start({"mini": Simulator()})
    assert SHARP == own(app, save(app.asked(), temperature="0,3"))


def test_an_error_stands_by_the_button(start: Start) -> None:
    """It is drawn right above Save, where whoever pressed it looks."""
    start({"mini": Simulator()})
    drawn = save(Tab(), temperature="3").page
    assert drawn.index("Seed") < drawn.index("Temperature must be") < drawn.index("Save")


def test_a_right_value_after_a_wrong_one(start: Start) -> None:
    """It is kept, and the dialog closes."""
    app = start({"mini": Simulator()})
    tab = fill(save(app.asked(), temperature="3"), temperature="1").press("Save")
    assert not is_open(tab)
    assert Preferences(sampling=Sampling(temperature=1)) == own(app, tab)


def test_reset_empties_the_fields_and_save_keeps_it(start: Start) -> None:
    """Until it is saved, closing the dialog takes it back."""
    app = start({"mini": Simulator()})
    tab = save(app.asked(), temperature="0.3").press("Settings").press("Reset")
    assert "" == field(tab, "temperature").value
    assert SHARP == own(app, tab)
    tab.press("Save")
    assert Preferences() == own(app, tab)
    assert "of its own" not in tab.page


def test_fields_that_are_not_in_the_dialog_stay(start: Start) -> None:
    """What was set in another way is not dropped by saving."""
    app = start({"mini": Simulator()})
    tab = app.asked()
    app.host.conversations.set_settings(tab.conversation, Preferences(ttl_s=60))
    assert Preferences(sampling=Sampling(top_k=20), ttl_s=60) == own(app, save(tab.run(), top_k="20"))


def test_the_dialog_says_where_values_come_from(start: Start) -> None:
    """In an empty field, or under it, stand the value that is used and who set it."""
    app = start({"mini": Simulator()})
    app.host.profiles.save("sim*", Preferences("Be *brief*.", Sampling(temperature=0.7)))
    tab = save(app.asked(), top_k="20").press("Settings")
    assert "0.7 · from profile sim*" == field(tab, "temperature").placeholder
    assert "server default" == field(tab, "seed").placeholder
    for told in ("“Be *brief*.” · from profile sim*", "20 · this chat"):
        assert told in tab.page
    assert "0.7" not in tab.page


def test_a_long_origin_stands_under_its_field(start: Start) -> None:
    """A field would cut it off."""
    app = start({"mini": Simulator()})
    app.host.profiles.save("sim-model*" + "*" * 40, Preferences(sampling=Sampling(temperature=0.7)))
    tab = Tab().press("Settings")
    assert "inherited" == field(tab, "temperature").placeholder
    assert "0.7 · from profile sim-model**" in tab.page


def test_no_system_prompt_at_all(start: Start) -> None:
    """A chat can do without the one of a profile, and then none is sent."""
    simulator = Simulator()
    app = start({"mini": simulator})
    app.host.profiles.save("*", Preferences("Be brief."))
    app.ask(save(Tab(), **{"no-system-prompt": True}), "Hello?")
    assert ["user"] == [message["role"] for message in simulator.calls[0].body["messages"]]


def test_a_system_prompt_and_none_at_all(start: Start) -> None:
    """Both together are refused with the text still there."""
    start({"mini": Simulator()})
    tab = save(Tab(), system_prompt="Be brief.", **{"no-system-prompt": True})
    assert "is ticked" in tab.errors
    assert "Be brief." == field(tab, "system_prompt").value


def test_reasoning_offers_what_the_model_allows(start: Start) -> None:
    """The list holds the picked model's options, and what is set though it is not among them."""
    app = start({"mini": Simulator(THINKER)})
    tab = app.asked()
    app.host.conversations.set_settings(tab.conversation, Preferences(sampling=Sampling(reasoning_effort="xhigh")))
    tab.run().press("Settings")
    assert ["inherited", "low", "high", "xhigh"] == field(tab, "reasoning_effort").options
    assert "'xhigh' is not allowed by this model; 'high' is sent" in tab.page


def test_reasoning_of_a_model_that_does_not_say(start: Start) -> None:
    """The usual words are offered."""
    start({"mini": Simulator()})
    tab = Tab().press("Settings")
    assert ["inherited", "low", "medium", "high", "none"] == field(tab, "reasoning_effort").options


def test_the_dialog_stays_open_while_an_answer_ends(start: Start) -> None:
    """An answer that ends behind it does not close it."""
    app = start({"mini": Simulator(SimModel(words=("word ",) * 60, tokens_per_s=60))})
    tab = app.answering().press("Settings")
    until(lambda: app.host.live_answer(tab.conversation) is None)
    assert is_open(tab.run())


def test_another_conversation_closes_the_dialog(start: Start) -> None:
    """What it would save belongs to the one that it was opened for."""
    start({"mini": Simulator()})
    assert not is_open(Tab().press("Settings").press("New chat"))


@pytest.mark.parametrize("button", ["Settings", "Rename", "Info"])
def test_a_dialog_belongs_to_its_conversation(start: Start, button: str) -> None:
    """Where the browser's Back leads to another conversation it is closed, and not open again on the way forth."""
    app = start({"mini": Simulator()})
    tab, other = app.named(app.asked()), app.named(app.asked()).conversation
    begun = tab.run().conversation
    before = (tab.buttons, len(tab.at.tabs))
    assert before != (tab.press(button).buttons, len(tab.at.tabs))
    for conversation in (other, begun):
        tab.at.query_params[state.CONVERSATION] = conversation
        tab.run()
    assert before == (tab.buttons, len(tab.at.tabs))
