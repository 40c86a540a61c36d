"""What a report says, and that nothing in it can do anything."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from apehost_core.compare.checks import check_answers
from apehost_core.compare.comparison import Check, Contender, Judge, Prompt
from apehost_core.compare.measures import ANSWERED, FAILED
from apehost_core.compare.report import SHARED, report
from apehost_core.compare.report_text import MOST_CELL_CHARS, MOST_QUOTED_CHARS, inert, quoted
from apehost_core.compare.statistics import Sample, summarise
from apehost_core.errors import Fault
from apehost_core.model import Preferences, Sampling
from tests.ui.compare_values import Values, empty, values

HOSTILE = (
    "![i](https://evil.example/i.png) [l](https://evil.example) <img src=x onerror=alert(1)> <script>x</script> "
    "https://evil.example/?q=1 www.evil.example me@evil.example @octocat #1 :tada: | x | `c` **b** ``` ~~~ $x$ &lt; "
    "\n\n# heading\n\n| a | b |\n| --- | --- |\n[ref]: https://evil.example\n<https://evil.example>"
)
MARKDOWN = MarkdownIt("commonmark").enable("table")


def written(found: Values, **more: object) -> str:
    """Return the report of a comparison."""
    sample = Sample.of(found.columns, found.plan, found.comparison.setup)
    return report(found.comparison, found.plan, summarise(sample), **more)  # pyright: ignore[reportArgumentType]


def section(text: str, title: str) -> str:
    """Return what stands under a heading; empty where there is no such heading."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def kinds(markdown: str) -> set[str]:
    """Return the types of all tokens that a reader makes of the text."""
    tokens = MARKDOWN.parse(markdown)
    return {token.type for block in tokens for token in (block, *(block.children or ()))}


def test_the_order_of_a_report() -> None:
    """What can be said comes first, then what it rests on, then how it came about, then what is open."""
    text = written(values(prompts=6, repeats=1, checks=(Check("contains", "a"),)))
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert ["What these runs say", "Numbers", "Pairs"] == headings[:3]
    assert ["Setup", "How it was measured", "What is not known"] == headings[-3:]
    assert text.startswith("# Qwen against Gemma\n\n3 models, 6 prompts. Made with ApeHost on 2026-03-04 at 12:30 UTC;")


def test_numbers_say_what_they_rest_on() -> None:
    """Medians have an interval and their n; bounds that too few runs support say so."""
    numbers = section(written(values(prompts=6, repeats=2)), "Numbers")
    row = next(line for line in numbers.splitlines() if line.startswith("| qwen3-8b |"))
    assert re.search(r"\| \d+ ms \(\d+ to \d+\) \|", row)
    assert row.endswith("| 12 runs, 6 prompts |")
    assert "not enough runs (n=12, " in numbers


def test_bounds_where_there_are_enough_runs() -> None:
    """With many prompts a bound is a number, below for rates, with its n."""
    numbers = section(written(values(prompts=150, repeats=1)), "Numbers")
    assert re.search(r"under [\d,]+ ms, n=150 .* over [\d.]+ tok/s, n=150", numbers)


def test_a_measure_that_was_not_always_taken() -> None:
    """Where a number rests on fewer runs than the row, it says on how many."""
    found = values(prompts=6, repeats=1)
    found.columns.values["decode_tok_s"][found.cell(0)] = float("nan")
    row = next(line for line in section(written(found), "Numbers").splitlines() if line.startswith("| qwen3-8b |"))
    assert re.search(r"tok/s( \([^)]*\))?, n=5 \|", row)


def test_cold_cached_and_failed_are_apart() -> None:
    """Calls with a load have a table of their own, and failures are counted with the share of errors."""
    found = values(prompts=8, repeats=1)
    found = found.changed(found.cell(0), cold=1).changed(found.cell(1), ending=FAILED)
    found = found.changed(found.cell(1, 2), as_asked=False)
    text = written(found)
    assert "When the model was loaded for the call:" in section(text, "Apart")
    rows = {line.split(" | ")[0]: line for line in section(text, "How the requests ended").splitlines()}
    assert "| 8 | 7 | 1 | 0 | 0 | 0 | 0 % (" in rows["| qwen3-8b"]
    assert "| 8 | 6 | 0 | 1 | 1 | 0 | 12 % (" in rows["| gemma-3-4b-it"]
    unknown = section(text, "What is not known")
    assert "- qwen3-8b: 1 request answered only after a load for the call" in unknown
    assert "- gemma-3-4b-it: 1 request failed also at the second attempt" in unknown
    assert "- gemma-3-4b-it: 1 request answered by another model" in unknown


def test_what_servers_say_stands_apart() -> None:
    """The servers' own numbers are not among ours."""
    text = written(values(prompts=6, repeats=1))
    assert "Server: decode speed" in section(text, "Apart")
    assert "Server" not in section(text, "Numbers")


def test_a_shared_machine_claims_nothing() -> None:
    """Times of requests that were made all at once are labelled, and nothing is made of them."""
    found = values(prompts=1, repeats=1, mode="side_by_side", together=True)
    found = replace(found, plan=replace(found.plan, together=True))
    text = written(found)
    assert SHARED in section(text, "What these runs say")
    assert "" == section(text, "Pairs")
    assert "not for comparing models" in section(text, "How it was measured")


def test_before_anything_was_asked() -> None:
    """A report of nothing says so, with its setup."""
    text = written(empty(values(prompts=6, repeats=1)))
    assert "do not tell the models apart" in section(text, "What these runs say")
    assert "- qwen3-8b: 6 requests not asked yet." in section(text, "What is not known")
    assert "Question 1" in section(text, "Setup")
    assert "" == section(text, "Numbers")


def test_a_failed_comparison_says_why() -> None:
    """What stopped it is told in a line."""
    found = values(prompts=6, repeats=1)
    failed = replace(found.comparison, state="failed", fault=Fault("no_server", "PC is <b>away</b>"))
    assert "; failed. PC is &lt;b&gt;away&lt;/b&gt;." in written(replace(found, comparison=failed))


def test_votes_of_people_and_of_models() -> None:
    """Both are counted apart, on the sides of the names and not of the screen; a judge is called one."""
    found = values(prompts=3, repeats=1)
    votes = [
        found.vote(found.cell(0), found.cell(1), "left"),
        found.vote(found.cell(1, 1), found.cell(0, 1), "left", blind=False),
        found.vote(found.cell(1, 2), found.cell(0, 2), "tie"),
        found.vote(found.cell(0), found.cell(1), "right", voter="judge", judge="big|judge"),
    ]
    told = section(written(found, votes=votes), "Votes")
    people, _, judge = told.partition("1 vote by a model (big\\|judge), not by people")
    assert "3 votes by people, 2 of them blind." in people
    assert "| qwen3-8b | gemma-3-4b-it | 1 | 1 | 0 | 1 |" in people
    assert "| qwen3-8b | gemma-3-4b-it | 0 | 0 | 0 | 1 |" in judge
    assert "Bradley-Terry" in people


def test_checks_have_an_interval() -> None:
    """How many answers passed is told with Wilson's interval and its n; what was checked is told too."""
    found = values(prompts=8, repeats=1, checks=(Check("regex", r"number \d"),))
    checked = check_answers(
        found.comparison.setup, found.plan, {n: a.text for n, a in found.answers(range(24)).items()}
    )
    text = written(found, checked=checked)
    assert "| qwen3-8b | 8 | 8 | 8 | 100 % (68 to 100) |" in section(text, "Checks")
    assert "- matches the expression: number \\\\d" in section(text, "Setup")


def test_settings_are_told() -> None:
    """What was set for a contender is in the setup, its system prompt as a quotation."""
    own = Preferences("Be brief.\n# really", Sampling(temperature=0.2, stop=("END",)), context_length=4096)
    found = values(
        prompts=1,
        repeats=2,
        contenders=(Contender("PC", "a", None, own, "brief"), Contender("PC", "a")),
        judge=Judge("PC", "j"),
        cache="measure",
    )
    text = written(found)
    setup = section(text, "Setup")
    assert "temperature 0.2, stop 'END', context length 4096, a system prompt |" in setup
    assert "```text\nBe brief.\n# really\n```" in setup
    assert "Judge: j on PC." in setup
    assert "each asked 2 times" in text
    assert "Which quantisation of a, brief answered" in section(text, "What is not known")


def test_many_prompts_are_not_all_quoted() -> None:
    """Twenty prompts are quoted, and the others counted."""
    setup = section(written(values(prompts=25, repeats=1)), "Setup")
    assert 20 == setup.count("```text")
    assert setup.rstrip().endswith("And 5 more.")


def test_hostile_texts_do_nothing() -> None:
    """Whatever a title, a name, a setting, a topic, a prompt, a check or a finish reason holds, it stays text."""
    bad = Contender(HOSTILE, HOSTILE, HOSTILE, Preferences(HOSTILE, Sampling(stop=(HOSTILE,))), HOSTILE)
    prompt = Prompt(HOSTILE, topic=HOSTILE, checks=(Check("contains", HOSTILE),))
    found = values(prompts=1, repeats=1, contenders=(bad, Contender(HOSTILE, HOSTILE)), judge=Judge(HOSTILE, HOSTILE))
    found = found.changed(0, finish=HOSTILE, ending=ANSWERED)
    hostile = replace(
        found.comparison,
        title=HOSTILE,
        state="failed",
        fault=Fault("internal", HOSTILE),
        setup=replace(found.comparison.setup, prompts=(prompt,), checks=(Check("equals", HOSTILE),)),
    )
    found = replace(found, comparison=hostile)
    text = written(found, votes=[found.vote(0, 1, voter="judge", judge=HOSTILE)])
    assert kinds(text).isdisjoint({"image", "link_open", "html_inline", "html_block", "code_inline", "strong_open"})
    tokens = MARKDOWN.parse(text)
    headings = [tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open"]
    assert "heading" not in "".join(headings[1:])
    outside = re.sub(r"^(`{3,})text\n.*?\n\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    for alive in ("://", "www.", "me@", "@octocat", ":tada:", "<script", "<img", "#1", "$x"):
        assert alive not in outside.replace("\\$", "")


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    """A cell holds one line, and a reader sees nothing but text in it."""
    cell = inert(text)
    assert "\n" not in cell
    assert kinds(cell) <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
    assert kinds(f"| a |\n| --- |\n| {cell} |").isdisjoint({"image", "link_open", "html_inline", "code_inline"})


@given(st.text(alphabet=st.sampled_from(list("![](<>)`*_~|\\#+-=&;:/.@w1 ahtpsm\n\t")), max_size=60))
def test_any_marks_stay_text(text: str) -> None:
    """No heap of marks becomes anything, and no row of a table gets another cell."""
    cell = inert(text)
    assert kinds(cell) <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
    row = MARKDOWN.parse(f"| a | b |\n| --- | --- |\n| {cell} | x |")
    assert 2 == sum(token.type == "td_open" for token in row)
    assert "x" == [token.content for token in row if token.type == "inline"][-1]


@given(st.text())
def test_quotations_keep_their_text_in(text: str) -> None:
    """A quoted text is one block of code, whatever fences it holds."""
    assert {"fence"} == kinds(quoted(text)) - {"paragraph_open", "paragraph_close", "inline", "text"}
    assert 1 == sum(token.type == "fence" for token in MARKDOWN.parse(quoted(text)))


def test_long_texts_are_cut() -> None:
    """A quotation has a limit and says how long the text was; a cell has one too."""
    assert "(5,000 characters; the rest is left out.)" in quoted("x" * 5_000)
    assert MOST_QUOTED_CHARS == quoted("§" * 5_000).count("§")
    assert MOST_CELL_CHARS == len(inert("x" * 5_000))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Q4_K_M", "Q4_K_M"),
        ("qwen/qwen3-8b", "qwen/qwen3-8b"),
        ("llama3:8b", "llama3:8b"),
        ("temperature 0.2 (cool)", "temperature 0.2 (cool)"),
        ("a|b", "a\\|b"),
        ("1. one", "1\\. one"),
        ("- one", "\\- one"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("_x_", "\\_x\\_"),
    ],
)
def test_names_stay_readable(text: str, shown: str) -> None:
    """Only what would be read as a mark is escaped."""
    assert shown == inert(text)
