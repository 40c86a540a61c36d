"""A comparison while it runs and afterwards: what is seen of it, and what can be done with it."""

import re
from collections.abc import Sequence

import numpy as np
import pytest

from apehost_core.compare.comparison import Contender, Prompt, Setup
from apehost_core.compare.measures import ANSWERED, FAILED, STOPPED, Columns
from apehost_core.compare.plan import Cell, Plan
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from apehost_ui.components.compare_grid import COLD, DONE, FAILED_NOW, OTHER_MODEL, WAITING, Fields, tallies
from tests.run_samples import UNKNOWN_ID
from tests.ui.comparing import (
    CALM,
    CALM_LABEL,
    ENDLESS,
    ENDLESS_LABEL,
    QUICK,
    QUICK_LABEL,
    CompareTab,
    in_state,
    kept,
    two,
)
from tests.ui.conftest import Start
from tests.ui.running import Running, until
from tests.ui.test_hostile_text import IMAGE

TITLE = "Count for me."
SLOW = SimModel("slow", words=tuple(f"word{number} " for number in range(20)), tokens_per_s=40)


def begun(*labels: str, prompt: str = TITLE, together: bool = False) -> CompareTab:
    """A tab on a side by side that was started."""
    tab = CompareTab().compare(*labels).typed("prompt", prompt)
    if together:
        tab.at.checkbox(key=tab.key("together")).check()
    return tab.press("Start")


def benchmark(models: Sequence[str] = ("quick", "calm"), prompts: int = 3, repeats: int = 2) -> Setup:
    """A benchmark of models of one server."""
    asked = tuple(Prompt(f"Question {number}?") for number in range(prompts))
    return Setup("benchmark", asked, tuple(Contender("mini", key) for key in models), repeats=repeats)


def running(app: Running, setup: Setup) -> CompareTab:
    """A tab on a comparison that was started elsewhere."""
    made = app.portal.call(app.host.lab.create, setup)
    app.portal.call(app.host.lab.start, made.id)
    return CompareTab(comparison=made.id)


def finished(app: Running, tab: CompareTab) -> CompareTab:
    """Wait for the end of the tab's comparison, and let the tab see it."""
    in_state(app, tab.comparison, "finished")
    return tab.run()


def other_place(tab: CompareTab) -> tuple[int, int]:
    """Which of two columns writes, and which waits."""
    writes = 0 if "on0 " in tab.column(0) or "writing" in tab.column(0) else 1
    return writes, 1 - writes


def test_answers_grow_side_by_side(start: Start) -> None:
    """One is written while the other waits for its turn, and both say so in words; Stop keeps what was written."""
    app = start({"mini": Simulator(ENDLESS, SimModel("other", words=ENDLESS.words, tokens_per_s=40))})
    tab = begun(ENDLESS_LABEL, "Other Q4_K_M · mini")
    until(lambda: re.search(r"on\d ", tab.run().page) is not None)
    writes, waits = other_place(tab)
    assert re.search(r"^writing · [\d.]+ s · \d+ tokens$", tab.column(writes), re.MULTILINE)
    assert "waiting for its turn" in tab.column(waits)
    tab.press("Stop now")
    in_state(app, tab.comparison, "paused")
    assert "Resume" in tab.run().buttons
    assert re.search(r"^(endless|other) · mini · .*stopped by you$", tab.column(writes), re.MULTILINE)
    assert "on0 on1" in tab.column(writes)
    assert "not asked yet" in tab.column(waits)


def test_all_at_once_writes_everywhere(start: Start) -> None:
    """Where it was asked for, both answers are written at the same time."""
    start({"mini": Simulator(ENDLESS, SimModel("other", words=ENDLESS.words, tokens_per_s=40))})
    tab = begun(ENDLESS_LABEL, "Other Q4_K_M · mini", together=True)
    until(lambda: all("on1 " in tab.run().column(place) for place in (0, 1)))
    tab.press("Stop now")


def test_finished_answers_have_their_numbers(start: Start) -> None:
    """Each column has name, answer and the line of numbers, in the order in which models were picked."""
    app = start(two())
    tab = finished(app, begun(CALM_LABEL, QUICK_LABEL))
    for place, name in enumerate(("calm", "quick")):
        column = tab.column(place)
        assert column.startswith(f"**{name}**")
        assert "word0 word1" in column
        assert re.search(rf"^{name} · mini · .*12 tokens · stop$", column, re.MULTILINE)


def test_a_failed_answer_is_said_beside_the_others(start: Start) -> None:
    """The column says what went wrong; the other one stands."""
    app = start({"mini": Simulator(QUICK), "pc": Simulator(CALM)})
    app.servers["pc"].simulator.fault = "server_error"
    tab = finished(app, begun(QUICK_LABEL, "Calm Q4_K_M · pc"))
    assert "word0" in tab.column(0)
    assert "Compute error" in tab.column(1)


def test_words_stay_when_the_second_attempt_has_none(start: Start) -> None:
    """What was written before a server died is still there after it was asked again and did not answer."""
    app = start({"mini": Simulator(QUICK), "pc": Simulator(ENDLESS)})
    app.host.lab.patience_s = (0.05, 0.05)
    tab = begun(QUICK_LABEL, "Endless Q4_K_M · pc")
    until(lambda: "on3" in tab.run().column(1))
    app.servers["pc"].open.close()
    in_state(app, tab.comparison, "paused")
    assert "on3" in tab.run().column(1)
    assert "cut off by pc" in tab.column(1)


def test_another_model_that_answers_is_flagged(start: Start) -> None:
    """Its column warns that it is not the one that was asked."""
    app = start({"mini": Simulator(QUICK)})
    contenders = (Contender("mini", "quick"), Contender("mini", "ghost"))
    tab = finished(app, running(app, Setup("side_by_side", (Prompt(TITLE),), contenders, warm_ups=0)))
    assert "You asked for ghost; quick answered." in tab.column(1)


def test_what_models_write_is_safe(start: Start) -> None:
    """An image in an answer is a link that was not loaded, while it is written and afterwards."""
    model = SimModel("painter", words=("![see](http://192.0.2.1/x.png)", " done"))
    app = start({"mini": Simulator(model, QUICK)})
    tab = finished(app, begun("Painter Q4_K_M · mini", QUICK_LABEL, prompt="![see](http://192.0.2.1/y.png)"))
    assert "not loaded" in tab.column(0)
    assert [] == [text.value for text in tab.at.markdown if IMAGE.search(text.value)]


def test_a_benchmark_shows_how_far_it_is(start: Start) -> None:
    """A line for each model counts its answers, what is asked now is named, and at the end the results stand there."""
    app = start({"mini": Simulator(QUICK, SLOW)})
    tab = running(app, benchmark(("quick", "slow")))
    until(lambda: "slow, prompt" in tab.run().box("working"))
    assert re.search(r"^mini: slow, prompt \d of 3, (1st|2nd) of 2 · ", tab.box("working"), re.MULTILINE)
    assert re.search(r"\d+ of 12 answered · about \d+ s left", tab.box("progress"))
    finished(app, tab)
    assert "part-results" in tab.wire
    tab.part("plan")
    assert ["quick · 6 of 6", "slow · 6 of 6"] == [bar.proto.text.replace("\\", "") for bar in tab.at.progress]
    assert 6 == "".join(drawn.proto.body for drawn in tab.at.html).count('class="ape-done"')


def test_pause_and_resume(start: Start) -> None:
    """What is being written goes to its end; the rest is asked after Resume, and nothing twice."""
    simulator = Simulator(QUICK, SLOW)
    app = start({"mini": simulator})
    tab = running(app, benchmark(("quick", "slow")))
    until(lambda: "answered" in tab.run().page and "**0 of 12" not in tab.page)
    tab.press("Pause")
    in_state(app, tab.comparison, "paused")
    asked = len(simulator.calls)
    finished(app, tab.run().press("Resume"))
    assert asked < len(simulator.calls) <= 12 + 2 * 2
    assert 12 == int((app.host.lab.columns(tab.comparison).ending == ANSWERED).sum()) - warmed(app, tab)


def warmed(app: Running, tab: CompareTab) -> int:
    """How many warm-ups were answered."""
    plan, columns = app.host.lab.plan(tab.comparison), app.host.lab.columns(tab.comparison)
    return sum(plan.cells[number].kind == "warm_up" for number in columns.cell.tolist())


def test_a_second_one_waits_for_the_machine(start: Start) -> None:
    """Two comparisons on one machine would slow each other down: the second is kept, and says why it does not run."""
    app = start({"mini": Simulator(ENDLESS, QUICK)})
    first = begun(ENDLESS_LABEL, QUICK_LABEL)
    second = begun(ENDLESS_LABEL, QUICK_LABEL, prompt="Another?")
    assert "is running on the same machine" in second.errors
    assert "planned" == kept(app, second.comparison).state
    assert "Start" in second.buttons
    first.press("Stop now")


def test_past_comparisons_are_listed(start: Start) -> None:
    """The list says state, kind and size, and a line opens its comparison."""
    app = start(two())
    made = finished(app, begun(QUICK_LABEL, CALM_LABEL)).comparison
    tab = CompareTab().section("past")
    assert "✓ finished · Side by side · 2 models · 1 prompt" in tab.page
    tab.click(f"open-{made}")
    assert "word0" in tab.page


def test_delete_and_undo(start: Start) -> None:
    """A deleted comparison leaves the list, and comes back."""
    app = start(two())
    tab = finished(app, begun(QUICK_LABEL, CALM_LABEL))
    tab.press("Delete")
    assert ("", []) == (tab.comparison, app.host.lab.list())
    assert f"Deleted: {TITLE}" in tab.page
    assert "word0" in tab.press("Undo").page


def test_everything_that_was_deleted_can_come_back(start: Start) -> None:
    """The trash lists all of it, not only the last; what is restored is listed again, and the trash goes when empty."""
    app = start(two())
    titles = ("First?", "Second?")
    for title in titles:
        finished(app, begun(QUICK_LABEL, CALM_LABEL, prompt=title)).press("Delete")
    tab = CompareTab().section("past")
    assert ["Trash (2)"] == [box.label for box in tab.at.expander]
    for one in app.host.lab.list(trashed=True):
        tab.click(f"restore-{one.id}")
    assert {*titles} == {one.title for one in app.host.lab.list()}
    assert [] == [box.label for box in tab.at.expander]


def test_rename(start: Start) -> None:
    """It is called so from then on."""
    app = start(two())
    tab = finished(app, begun(QUICK_LABEL, CALM_LABEL))
    tab.rename("My *first* one")
    assert "My *first* one" == kept(app, tab.comparison).title
    assert "### My *first* one" in tab.page


def test_ask_again(start: Start) -> None:
    """The same setup is asked as a comparison of its own."""
    app = start(two())
    tab = finished(app, begun(QUICK_LABEL, CALM_LABEL))
    old = tab.comparison
    finished(app, tab.press("Ask again"))
    again = kept(app, tab.comparison)
    assert (old, kept(app, old).setup) == (again.rerun_of, again.setup)
    assert "asked again" in tab.page


def test_change_and_ask(start: Start) -> None:
    """The form holds what was asked, to be changed and asked anew."""
    app = start(two())
    tab = finished(app, begun(QUICK_LABEL, CALM_LABEL)).press("Change and ask")
    assert ("", TITLE) == (tab.comparison, tab.at.text_area(key=tab.key("prompt")).value)
    finished(app, tab.typed("prompt", "Something else?").press("Start"))
    assert "Something else?" == kept(app, tab.comparison).title


def test_a_link_shows_the_same(start: Start) -> None:
    """Another tab on the same address sees the same comparison and part; one that is gone is said to be."""
    app = start(two())
    made = finished(app, begun(QUICK_LABEL, CALM_LABEL)).comparison
    assert "word0" in CompareTab(comparison=made).page
    assert "There is no comparison at this link" in CompareTab(comparison=UNKNOWN_ID).errors


def test_nothing_of_an_address_goes_to_the_browser(start: Start) -> None:
    """Neither while it runs, nor in what went wrong, nor in the results is it told where a server is."""
    app = start({"mini": Simulator(QUICK), "pc": Simulator(CALM)})
    app.servers["pc"].simulator.fault = "echo"
    tab = begun(QUICK_LABEL, "Calm Q4_K_M · pc")
    sent = [tab.wire, finished(app, tab).wire, *(tab.part(part).wire for part in ("results", "answers", "votes"))]
    ports = [f":{place.port}" for place in app.servers.values()]
    assert [] == [port for port in ports if any(port in wire for wire in sent)]


def columns_of(cells: Sequence[tuple[int, int, int, bool]]) -> Columns:
    """Attempts: cell, how it ended, cold, whether the model that was asked answered."""
    number, ending, cold, as_asked = zip(*cells, strict=True)
    count = len(cells)
    return Columns(
        np.array(number, np.int32),
        np.array(ending, np.int8),
        np.array(cold, np.int8),
        np.array(as_asked, np.bool_),
        np.zeros(count, np.bool_),
        np.full(count, "", object),
        {},
        {},
    )


def plan_of(contenders: int, prompts: int) -> Plan:
    """A plan that asks each contender each prompt once, after a warm-up."""
    pairs = [(who, what) for who in range(contenders) for what in range(prompts)]
    warm_up = Cell(len(pairs), "warm_up", 0, 0)
    return Plan((*(Cell(place, "timed", *pair) for place, pair in enumerate(pairs)), warm_up), ())


@pytest.mark.parametrize(
    ("attempts", "became"),
    [
        ([(0, STOPPED, 0, True)], WAITING),
        ([(0, FAILED, 0, True)], FAILED_NOW),
        ([(0, ANSWERED, 1, True)], COLD),
        ([(0, ANSWERED, 0, False)], OTHER_MODEL),
        ([(0, ANSWERED, 0, True)], DONE),
        ([(0, ANSWERED, 1, True), (0, ANSWERED, 0, True)], DONE),
        ([(0, ANSWERED, 0, True), (0, FAILED, 0, True)], DONE),
    ],
)
def test_what_became_of_a_cell(attempts: list[tuple[int, int, int, bool]], became: int) -> None:
    """The attempt that counts says it: answered beats failed, warm beats cold, and what was stopped waits."""
    counts = tallies(Fields.of(plan_of(1, 1), 1, 1), columns_of(attempts))
    assert [became] == np.flatnonzero(counts[0]).tolist()


def test_many_prompts_share_a_field() -> None:
    """Ten thousand prompts stand in forty fields a line, none is lost, and warm-ups stand in none."""
    fields = Fields.of(plan_of(2, 10_000), 2, 10_000)
    counts = tallies(fields, columns_of([(number, ANSWERED, 0, True) for number in range(10_000)]))
    assert (40, 250) == (fields.width, fields.a_field)
    assert ([250] * 40, [250] * 40) == (counts[:40, DONE].tolist(), counts[40:, WAITING].tolist())
