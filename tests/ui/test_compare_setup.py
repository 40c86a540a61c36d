"""A comparison is set up: what is picked and typed, what the plan says of it, and what is kept."""

import pytest

from apehost_core.compare.comparison import Prompt
from apehost_core.model import Preferences, Sampling
from apehost_core.servers import Form
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve
from apehost_ui import compare_drafts, state
from apehost_ui.compare_draft import draft_of, setup_of
from apehost_ui.page_state import ContenderDraft, Picked, SetupDraft
from tests.ui.comparing import CALM_LABEL, QUICK_LABEL, CompareTab, in_state, kept, two
from tests.ui.conftest import Start
from tests.ui.running import until
from tests.ui.tab import Tab


def both() -> CompareTab:
    """A form in which two models are picked."""
    return CompareTab().compare(QUICK_LABEL, CALM_LABEL)


def benchmark() -> CompareTab:
    """The same form for a benchmark."""
    return both().switch("mode", "benchmark")


def test_the_list_teaches_how_to_begin(start: Start) -> None:
    """Before anything was compared, the page says what there is, and a button leads to the form."""
    start(two())
    tab = Tab("compare")
    assert "Nothing has been compared yet" in tab.page
    assert "#### Plan" in tab.press("New comparison").page


def test_without_any_model_the_form_says_where_to_go(start: Start) -> None:
    """Where no server has a model, the way to one is named."""
    start({})
    assert "No server has a model yet" in CompareTab().page


def test_the_plan_is_shown_before_anything_is_asked(start: Start) -> None:
    """Requests, loads and order stand beside the form as soon as models and prompt are there; nothing was sent."""
    simulator = Simulator(SimModel("quick"), SimModel("slow", load_s=30))
    start({"mini": simulator})
    tab = CompareTab().compare(QUICK_LABEL, "Slow Q4_K_M · mini").switch("mode", "benchmark")
    tab.typed("typed", "One?\nTwo?")
    assert "**14**" in tab.plan
    assert ":small[Loads]  \n**1**" in tab.plan
    assert "1. mini: quick: 1 warm-up, then 6 requests" in tab.plan
    assert "2. mini: slow: loaded first, 1 warm-up, then 6 requests" in tab.plan
    assert [] == simulator.calls


def test_a_number_is_there_with_its_field(start: Start) -> None:
    """A field says itself what it has at first: what is put into it beside that is lost where a page is drawn anew."""
    start(two())
    tab = CompareTab().compare(QUICK_LABEL, CALM_LABEL).switch("mode", "benchmark")
    for name, expected in (("repeats", 3), ("warm-ups", 1)):
        field = tab.at.number_input(key=tab.key(name))
        assert (expected, expected, False) == (field.value, field.proto.default, field.proto.set_value)


@pytest.mark.parametrize(
    ("labels", "prompt", "told"),
    [
        ((), "Hello?", "A comparison needs two models or more"),
        ((QUICK_LABEL,), "Hello?", "A comparison needs two models or more"),
        ((QUICK_LABEL, CALM_LABEL), "", "There is no prompt yet"),
    ],
)
def test_what_is_missing_is_said_and_what_is_typed_stays(
    start: Start, labels: tuple[str, ...], prompt: str, told: str
) -> None:
    """The plan says it before Start, an error after it; the form is as it was and nothing was kept."""
    app = start(two())
    tab = CompareTab().compare(*labels).typed("prompt", prompt)
    assert told in tab.plan
    tab.press("Start")
    assert told in tab.errors
    assert ([*labels], prompt) == (tab.chosen, tab.at.text_area(key=tab.key("prompt")).value)
    assert ("", []) == (tab.comparison, app.host.lab.list())


def test_start_keeps_and_opens_the_comparison(start: Start) -> None:
    """The URL names it, it holds what was picked and typed, and it runs to its end."""
    app = start(two())
    tab = both().typed("prompt", "Count for me.").press("Start")
    in_state(app, tab.comparison, "finished")
    setup = kept(app, tab.comparison).setup
    assert ("Count for me.", ["quick", "calm"]) == (setup.prompts[0].text, [one.model for one in setup.contenders])
    assert {("mini", "Q4_K_M")} == {(one.server, one.quantisation) for one in setup.contenders}


def test_the_form_survives_other_pages(start: Start) -> None:
    """Coming back finds models, mode, prompts and numbers as they were left."""
    start(two())
    tab = benchmark().typed("typed", "One?\nTwo?").number("repeats", 5)
    plan = tab.plan
    tab.to("chat").to("compare").section("new")
    assert plan == tab.plan
    assert (5, "One?\nTwo?") == (
        tab.at.number_input(key=tab.key("repeats")).value,
        tab.at.text_area(key=tab.key("typed")).value,
    )


def test_the_form_is_emptied(start: Start) -> None:
    """Nothing is picked and nothing is written in it any more."""
    start(two())
    tab = both().typed("prompt", "Hello?").press("Clear the form")
    assert ([], "") == (tab.chosen, tab.at.text_area(key=tab.key("prompt")).value)


def test_one_model_with_other_settings(start: Start) -> None:
    """A second line of the same model asks for its settings, and is a contender of its own once it has some."""
    app = start(two())
    tab = CompareTab().compare(QUICK_LABEL).typed("prompt", "Hello?").click("content_copy-contender-1")
    assert "quick on mini is chosen twice with the same settings" in tab.plan
    tab.set("temperature", "0.2").press("Save").press("Start")
    contenders = kept(app, tab.comparison).setup.contenders
    assert [("quick", ""), ("quick", "Temperature 0.2")] == [(one.model, one.variant) for one in contenders]
    assert [None, 0.2] == [one.preferences.sampling.temperature for one in contenders]


def test_a_wrong_setting_stays_in_its_dialog(start: Start) -> None:
    """It is refused by name, the dialog keeps it, and the line is as it was."""
    start(two())
    tab = both().click("tune-contender-1").set("temperature", "hot").press("Save")
    assert "Temperature must be a number from 0 to 2, not 'hot'" in tab.errors
    assert "Save" in tab.buttons
    assert "Temperature" not in tab.box("contender-1")


def test_settings_of_all_come_before_profiles(start: Start) -> None:
    """What is set for all models is frozen into each of them, together with what their profiles say."""
    app = start(two())
    app.host.profiles.save("q*", Preferences("Be brief.", Sampling(max_tokens=900)))
    tab = both().typed("prompt", "Hello?").press("Settings of all").set("max_tokens", "7").press("Save")
    tab.press("Start")
    quick, calm = (one.preferences for one in kept(app, tab.comparison).setup.contenders)
    assert ("Be brief.", 7, None, 7) == (
        quick.system_prompt,
        quick.sampling.max_tokens,
        calm.system_prompt,
        calm.sampling.max_tokens,
    )


def test_a_model_is_taken_out(start: Start) -> None:
    """Its line is gone, and it is no more among those that are picked."""
    start(two())
    tab = both().click("close-contender-1")
    assert [CALM_LABEL] == tab.chosen


def test_long_prompts_are_divided_by_lines(start: Start) -> None:
    """Where lines of --- stand, what is between them is one prompt each."""
    app = start(two())
    tab = benchmark().typed("typed", "First line\nsecond line\n---\nAnother").press("Start")
    assert ["First line\nsecond line", "Another"] == [p.text for p in kept(app, tab.comparison).setup.prompts]


def test_a_template_makes_a_prompt_of_each_combination(start: Start) -> None:
    """A box appears for each field, and the plan counts the combinations."""
    start(two())
    tab = benchmark().switch("source", "template").typed("template", "{{greeting}} in {{language}}")
    assert "No value is given" in tab.plan
    tab.typed("grid|greeting", "Hello\nGoodbye").typed("grid|language", "French\nGerman\nDutch")
    assert "**38**" in tab.plan  # 6 prompts x 2 models x 3 repeats, and 2 warm-ups


def test_a_file_of_prompts(start: Start) -> None:
    """Its prompts are listed and asked; one that cannot be read is refused by its line."""
    app = start(two())
    tab = benchmark().switch("source", "file")
    tab.at.file_uploader[0].set_value(("set.csv", b"prompt,topic\nOne?,sums\nTwo?,sums\n", "text/csv"))
    assert "2 prompts from set.csv" in tab.run().page
    tab.at.file_uploader[0].set_value(None)
    assert "set.csv" not in tab.run().page
    assert "There is no prompt yet" in tab.plan
    tab.at.file_uploader[0].set_value(("bad.csv", b"name\nOne?\n", "text/csv"))
    assert "bad.csv, line 1 names no column prompt" in tab.run().errors
    tab.at.file_uploader[0].set_value(("set.csv", b"prompt,topic\nOne?,sums\nTwo?,sums\n", "text/csv"))
    tab.run().press("Start")
    assert (Prompt("One?", "sums"), Prompt("Two?", "sums")) == tuple(
        Prompt(prompt.text, prompt.topic) for prompt in kept(app, tab.comparison).setup.prompts
    )


def test_past_questions_are_asked_again(start: Start) -> None:
    """Those that fit the filters are found in the history, and know where they come from."""
    app = start(two())
    app.asked("Why is the sky blue?")
    app.asked("How old is the moon?")
    tab = benchmark().switch("source", "history")
    tab.at.text_input(key=tab.key("contains")).set_value("SKY")
    tab.press("Find")
    assert "1 question taken." in tab.page
    tab.press("Start")
    (prompt,) = kept(app, tab.comparison).setup.prompts
    assert "Why is the sky blue?" == prompt.text
    assert prompt.origin is not None


def test_checks_are_looked_at_before_anything_is_asked(start: Start) -> None:
    """An expression that is none is refused beside the form; one that is right becomes part of the comparison."""
    app = start(two())
    tab = both().typed("prompt", "Hello?").press("Add a check")
    number = tab.at.session_state["compare"].draft.checks[0].number
    tab.at.selectbox(key=tab.key(f"check-kind|{number}")).select("matches the expression")
    tab.at.text_input(key=tab.key(f"check|{number}")).set_value("word[")
    tab.run().press("Start")
    assert "word[" in tab.errors
    tab.at.text_input(key=tab.key(f"check|{number}")).set_value("word[0-9]")
    tab.run().press("Start")
    (check,) = kept(app, tab.comparison).setup.checks
    assert ("regex", "word[0-9]") == (check.kind, check.value)


def test_all_at_once_is_labelled(start: Start) -> None:
    """Who asks everything at the same time is told that it is not for timing."""
    start(two())
    tab = both().typed("prompt", "Hello?")
    tab.at.checkbox(key=tab.key("together")).check()
    assert "not for timing" in tab.run().plan
    assert "all at once" in tab.plan


def test_a_model_that_went_away_stays_picked(start: Start) -> None:
    """Its line says that its server is gone; the form loses nothing."""
    app = start(two())
    with serve(Simulator(SimModel("far"))) as url:
        app.portal.call(app.host.registry.add, Form("pc", url, ""))
        until(lambda: app.host.servers[-1].models != ())
        tab = CompareTab().compare(QUICK_LABEL, "Far Q4_K_M · pc").typed("prompt", "Hello?")
    app.portal.call(app.host.registry.remove, "pc")
    assert 2 == len(tab.run().chosen)
    assert "this server is gone" in tab.box("contender-2")


def test_nothing_of_an_address_goes_to_the_browser(start: Start) -> None:
    """Neither the form nor the plan tells where a server is."""
    app = start(two())
    tab = both().typed("prompt", "Hello?")
    assert f":{app.servers['mini'].port}" not in tab.wire


def test_a_setup_comes_back_into_the_form() -> None:
    """What was asked describes the same comparison again, with what all contenders share set for all of them."""
    draft = SetupDraft(mode="benchmark", typed="One?\nTwo?", repeats=4, shared=Preferences("Be brief."))
    for number, temperature in enumerate((0.2, 0.9), start=1):
        own = Preferences(sampling=Sampling(temperature=temperature))
        draft.contenders.append(ContenderDraft(number, Picked("mini", "quick", "Q4_K_M"), own))
    setup = setup_of(draft, lambda _, own: own)
    again = draft_of(setup, "Old", draft)
    assert (setup, "Be brief.") == (setup_of(again, lambda _, own: own), again.shared.system_prompt)


def test_a_refresh_keeps_what_stands_in_the_form(start: Start) -> None:
    """A new session on the same URL shows models, prompts and settings as they were; two tabs do not disturb it."""
    start(two())
    before = benchmark().typed("typed", "One?\nTwo?").number("repeats", 7)
    name = before.at.query_params[state.DRAFT]
    after = CompareTab(draft=name)
    assert before.at.session_state["compare"].draft == after.at.session_state["compare"].draft
    assert [QUICK_LABEL, CALM_LABEL] == after.chosen
    assert "One?\nTwo?" == after.at.text_area(key=after.key("typed")).value
    assert 7 == after.at.number_input(key=after.key("repeats")).value
    after.typed("typed", "Three?")
    assert "One?\nTwo?" == CompareTab(draft=name).at.session_state["compare"].draft.typed


def test_a_draft_of_nobody_is_an_empty_form(start: Start) -> None:
    """A name that nothing is kept under, as after a restart, shows the form all the same."""
    start(two())
    assert [] == CompareTab(draft="unknown").chosen


def test_only_so_many_drafts_are_kept() -> None:
    """The oldest are forgotten; what is kept does not change with the form that it was made from."""
    draft = SetupDraft(typed="first")
    names = [compare_drafts.new_name() for _ in range(compare_drafts.MOST + 1)]
    for name in names:
        compare_drafts.keep(name, draft)
    draft.typed = "later"
    assert compare_drafts.kept(names[0]) is None
    assert SetupDraft(typed="first") == compare_drafts.kept(names[-1])
