"""What the results of a comparison say and draw, and its answers next to each other and word by word."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from apehost_core.compare.checks import Checked, check_answers
from apehost_core.compare.comparison import Check
from apehost_core.compare.diff import word_diff
from apehost_core.compare.measures import FAILED
from apehost_core.compare.sample import Sample
from apehost_core.compare.statistics import summarise
from apehost_ui.compare_readers import Readers
from apehost_ui.components.compare_answers import answers
from apehost_ui.components.compare_diff import as_html
from apehost_ui.components.compare_export import file_name
from apehost_ui.components.compare_live import Ended
from apehost_ui.components.compare_results import results
from tests.ui.compare_values import CONTENDERS, Values, empty, values
from tests.ui.drawing import drawn, ran
from tests.ui.tab import plain, words
from tests.ui.test_hostile_text import HOSTILE, IMAGE

NO_CHECKS = Checked({}, ())


def measured(found: Values, checked: Checked | None = None) -> AppTest:
    """The results of a comparison."""
    sample = Sample.of(found.columns, found.plan, found.comparison.setup)
    cells = Readers(found.attempts, found.timelines)
    return drawn(partial(results, found.comparison, summarise(sample), sample, found.plan, cells, checked))


def read(found: Values, checked: Checked = NO_CHECKS) -> AppTest:
    """The answers of a comparison."""

    def ended(cells: Sequence[int]) -> dict[int, Ended]:
        texts = {cell: answer.text for cell, answer in found.answers(cells).items()}
        return {
            one.cell: Ended(texts.get(one.cell, ""), "", one.outcome, one.generation, one.fault)
            for one in found.attempts(cells)
            if one.outcome is not None
        }

    return drawn(partial(answers, found.comparison, found.plan, ended, checked))


def seen(tester: AppTest) -> str:
    """What people read on the page."""
    return words(tester.main)


def charts(tester: AppTest) -> dict[str, Any]:
    """The chart specifications by what screen readers say of them."""
    found = [element.proto for element in tester.get("vega_lite_chart")]
    return {proto.alt: json.loads(proto.spec) for proto in found}


def table(tester: AppTest, first: str) -> list[dict[Any, Any]]:
    """The lines of the table that has this heading."""
    (found,) = [one.value for one in tester.dataframe if first in one.value.columns]
    return found.to_dict("records")


def test_sentences_come_first() -> None:
    """What the runs support is said in sentences before any chart or table."""
    text = seen(measured(values()))
    assert text.startswith("What these runs say")
    assert "qwen3-8b is" in text
    assert "faster to first token than gemma-3-4b-it" in text


def test_each_measure_has_its_chart_with_what_it_rests_on() -> None:
    """There is a chart of intervals a measure, and each number says its interval, runs and prompts."""
    found = [alt for alt in charts(measured(values())) if "medians with intervals" in alt]
    heads = ("Time to first token,", "Time to first visible", "Decode speed", "Prompt speed", "Time of a whole answer")
    assert all(alt.startswith(head) for alt, head in zip(found, heads, strict=True))
    assert all(alt.count("60 runs, 20 prompts") == 3 and alt.count("[") == 3 for alt in found)


def test_the_runs_are_drawn_in_three_ways() -> None:
    """Behind the medians stand all runs, decode speed by prompt length, and the tokens of one prompt over time."""
    tester = measured(values())
    assert 2 == sum("share of runs" in alt for alt in charts(tester))
    tester.button_group(key="results-chart").set_value("length")
    ran(tester)
    assert 1 == sum(alt.startswith("Decode speed against prompt length, 180 runs") for alt in charts(tester))
    tester.button_group(key="results-chart").set_value("timeline")
    ran(tester)
    assert 1 == sum("qwen3-8b 40 tokens in 1.27 s" in alt for alt in charts(tester))


def test_nothing_measured_says_what_will_fill_the_charts() -> None:
    """Before the first answer there is no empty chart, but a word on what fills it."""
    tester = measured(empty(values()))
    assert "Nothing is measured yet" in seen(tester)
    assert not charts(tester)
    assert not tester.dataframe


def test_a_shared_machine_is_not_for_timing() -> None:
    """Where all was asked at once this is said first, nothing is claimed, and no pair is compared."""
    found = values(together=True)
    tester = measured(found)
    text = seen(tester)
    assert text.startswith("Shared machine: not for timing")
    assert "What these runs say" not in text
    assert not [one for one in tester.dataframe if "A / B" in one.value.columns]


def test_too_few_runs_give_no_bound() -> None:
    """Twelve runs give no bound on 95 % of the answers; how many it takes is said in its place."""
    rows = [one.value for one in measured(values(prompts=12, repeats=1)).dataframe][1].to_dict("records")
    assert "not enough runs (n=12), 59 needed" == rows[0]["First token"]


def test_estimated_counts_are_marked_in_tables_and_charts() -> None:
    """Speeds that rest on counts of ours carry the mark wherever they stand, those of the others do not."""
    found = values()
    found.columns.estimated[::3] = True
    tester = measured(found)
    rows = table(tester, "Rests on")
    assert [True, False, False] == [row["Decode speed"].startswith("≈") for row in rows]
    (decode,) = [alt for alt in charts(tester) if alt.startswith("Decode speed, medians")]
    assert 1 == decode.count("≈")


def test_what_was_left_out_is_listed_with_its_reason() -> None:
    """A cell that failed, that another model answered or that came out cold is listed, and counted beside the model."""
    found = values()
    found = found.changed(found.cell(0, 1), cold=1).changed(found.cell(1, 2, 1), ending=FAILED)
    found = found.changed(found.cell(2, 3), as_asked=False)
    tester = measured(found)
    listed = [
        [row["Model"], row["Prompt"], row["Repeat"], row["Why"], row["In detail"]] for row in table(tester, "Why")
    ]
    assert [
        ["qwen3-8b", 2, 1, "the model was loaded for it", ""],
        ["gemma-3-4b-it", 3, 2, "failed, also when it was tried again", "PC refused the connection"],
        ["llama-3.2-3b", 4, 1, "another model answered", "another-model answered for llama-3.2-3b"],
    ] == listed
    assert ["1 cold", "1 failed", "1 by another model"] == [row["Left out"] for row in table(tester, "Left out")]
    assert "1.7 % [0.3-8.9]" == table(tester, "Failed")[1]["Failed"]


def test_cold_cached_and_server_numbers_have_tables_of_their_own() -> None:
    """Calls that loaded the model, and what the server says of itself, are never mixed with what was measured warm."""
    found = values()
    found.columns.noted["load_ms"][0] = 2400.0
    tester = measured(found.changed(found.cell(0), cold=1))
    assert "2.40 s" == table(tester, "Load")[0]["Load"]
    row = table(tester, "First token, server")[0]
    assert row["First token, measured"] != row["First token, server"]


def test_energy_stands_where_power_was_given() -> None:
    """A machine whose watts are known has watt-hours and a price; another one has neither."""
    rows = table(measured(values()), "Energy of an answer")
    assert [True, False, True] == [row["Energy of an answer"].endswith("]") for row in rows]
    assert "-" == rows[1]["Price of 1,000 answers"]


def test_checks_are_counted_beside_the_model() -> None:
    """How many answers passed is said with an interval."""
    found = values(prompts=4, repeats=1, checks=(Check("contains", "sky"),)).saying(_0="The sky.", _3="Nothing.")
    texts = {cell: answer.text for cell, answer in found.answers(range(12)).items()}
    rows = table(measured(found, check_answers(found.comparison.setup, found.plan, texts)), "Checks passed")
    assert rows[0]["Checks passed"].startswith("25 % [")
    assert rows[0]["Checks passed"].endswith("(1 of 4 answers)")


def test_each_check_has_a_line_of_its_own() -> None:
    """Which of several checks fails is seen, model by model; a single one needs no table."""
    checks = (Check("contains", "sky"), Check("contains", "blue"))
    found = values(prompts=4, repeats=1, checks=checks).saying(_0="The sky.", _3="Nothing.")
    texts = {cell: answer.text for cell, answer in found.answers(range(12)).items()}
    at = measured(found, check_answers(found.comparison.setup, found.plan, texts))
    rows = table(at, "Check")
    assert [("all", "contains sky"), ("all", "contains blue")] == [(row["Prompts"], row["Check"]) for row in rows]
    assert ["1 of 4", "0 of 4"] == [list(row.values())[2] for row in rows]


def test_answers_stand_next_to_each_other_with_numbers_and_checks() -> None:
    """Each contender's answer has its name, its numbers, and for each check a word whether it passed."""
    found = values(prompts=2, repeats=1, checks=(Check("contains", "sky"),)).saying(_0="The sky is up.")
    texts = {cell: answer.text for cell, answer in found.answers(range(6)).items()}
    tester = read(found, check_answers(found.comparison.setup, found.plan, texts))
    first, second = (plain(words(tester.get_by_key(f"read-{place}"))) for place in (0, 1))
    assert "qwen3-8b" in first
    assert "passed" in first
    assert "The sky is up." in first
    assert "tok/s" in first
    assert "failed" in second


def test_another_prompt_is_a_step_away() -> None:
    """The buttons lead to the prompt before and behind, and stop at the ends."""
    tester = read(values(prompts=2, repeats=1))
    assert tester.button(key="answers-prompt-before").disabled
    tester.button(key="answers-prompt-after").click()
    ran(tester)
    assert "Answer number 3." in seen(tester)
    assert tester.button(key="answers-prompt-after").disabled


def test_a_failed_answer_says_why() -> None:
    """Where a contender failed, its column says what went wrong; where another model answered, which."""
    found = values(prompts=1, repeats=1)
    text = plain(seen(read(found.changed(0, ending=FAILED).changed(1, as_asked=False))))
    assert "PC refused the connection." in text
    assert "another-model answered" in text


def test_no_answer_yet_is_said() -> None:
    """A prompt that nobody answered says so."""
    assert "no answer yet" in seen(read(empty(values())))


def compared(found: Values) -> str:
    """What the word by word view sends to the browser as HTML."""
    tester = read(found)
    tester.button_group(key="answers-view").set_value("words")
    ran(tester)
    (element,) = tester.get("html")
    return element.proto.body


def test_words_are_compared() -> None:
    """What only one of two answers says is marked as gone or new; what both say is not."""
    html = compared(values(prompts=1, repeats=1).saying(_0="The sky is blue.", _1="The sea is blue."))
    assert "<del>sky</del><ins>sea</ins>" in html
    assert "<span> is blue.</span>" in html


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_words_stay_words(text: str) -> None:
    """No tag, no attribute and no image comes of a model's text where two answers are compared or shown."""
    html = compared(values(prompts=1, repeats=1).saying(_0=text, _1="Hello."))
    bare = html.removeprefix('<div class="word-diff" dir="auto">').removesuffix("</div>")
    for tag in ("span", "del", "ins"):
        bare = bare.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    assert "<" not in bare
    assert '"' not in bare
    shown = read(values(prompts=1, repeats=1).saying(_0=text))
    assert not [element.value for element in shown.markdown if IMAGE.search(element.value)]


def test_marks_of_html_are_escaped() -> None:
    """Brackets, ampersands and quotes reach the browser as characters."""
    assert "&lt;b&gt; &amp;amp; &quot;x&#x27;" in as_html(word_diff("<b> &amp; \"x'", ""))


def test_hostile_names_stay_names() -> None:
    """A model's key, a server's name and a fault's title are text in every label of the results."""
    bad = "![x](http://192.0.2.1/x.png)"
    crew = (replace(CONTENDERS[0], model=f"a{bad}", server=bad), replace(CONTENDERS[1], model=f"b{bad}"))
    tester = measured(values(contenders=crew))
    drawn_texts = [*(element.value for element in tester.markdown), *(element.value for element in tester.caption)]
    assert not [text for text in drawn_texts if IMAGE.search(text)]


def test_files_have_sane_names() -> None:
    """A title of any letters becomes a name that every system takes."""
    comparison = values().comparison
    assert "apehost-qwen-against-gemma-2026-03-04.csv" == file_name(comparison, "csv")
    assert "apehost-comparison-2026-03-04.md" == file_name(replace(comparison, title="../\\ 比較"), "md")
