"""The results, answers and votes of comparisons that were really asked, on the page."""

from dataclasses import dataclass, replace

import pytest

from apehost_core.compare.comparison import Check, Contender, Prompt, Setup
from apehost_ui import state
from tests.ui.comparing import CompareTab, in_state, two
from tests.ui.conftest import Start
from tests.ui.running import Running
from tests.ui.tab import words

SETUP = Setup(
    "benchmark",
    (Prompt("Count for me.", checks=(Check("contains", "word3"),)), Prompt("Once more.")),
    (Contender("mini", "quick"), Contender("mini", "calm")),
    repeats=2,
)


@dataclass(frozen=True)
class Asked:
    """A finished comparison.

    Attributes:
        app: The host that asked it.
        id: Of the comparison.
    """

    app: Running
    id: str

    def part(self, name: str) -> CompareTab:
        """A tab on a part of it."""
        tab = CompareTab()
        tab.at.query_params[state.SECTION] = name
        return tab.look(self.id)


@pytest.fixture
def asked(start: Start) -> Asked:
    """A benchmark of two models that has ended."""
    app = start(two())
    made = app.portal.call(app.host.lab.create, SETUP)
    app.portal.call(app.host.lab.start, made.id)
    in_state(app, made.id, "finished")
    return Asked(app, made.id)


def test_results_are_those_of_the_runs(asked: Asked) -> None:
    """The part of results has charts and tables of what was recorded, and a button for each kind of file."""
    tab = asked.part("results")
    alts = [element.proto.alt for element in tab.at.get("vega_lite_chart")]
    (first,) = [alt for alt in alts if alt.startswith("Time to first token, medians")]
    assert first.count("4 runs, 2 prompts") == 2
    assert "100 % [" in str(tab.at.dataframe[2].value["Checks passed"][0])
    assert ["Report", "CSV", "Parquet"] == [button.proto.label for button in tab.at.get("download_button")]


def test_tokens_of_a_prompt_are_drawn_over_time(asked: Asked) -> None:
    """The times of the recorded tokens make a line for each model."""
    tab = asked.part("results")
    tab.at.button_group(key="results-chart").set_value("timeline")
    tab.run()
    (timeline,) = [
        element.proto.alt
        for element in tab.at.get("vega_lite_chart")
        if element.proto.alt.startswith("Tokens over time")
    ]
    assert timeline.count("12 tokens in") == 2


def test_answers_are_read_with_their_checks(asked: Asked) -> None:
    """The part of answers has a column a model, with the answer, its numbers and whether it passed."""
    tab = asked.part("answers")
    assert all("word3" in tab.box(f"read-{place}") and "passed" in tab.box(f"read-{place}") for place in (0, 1))


def test_votes_make_the_leaderboard(asked: Asked) -> None:
    """A vote on the page is kept, reveals the names, can be taken back, and moves the ratings."""
    tab = asked.part("votes")
    assert "quick" not in words(tab.at.get_by_key("part-votes"))
    tab.press("A is better")
    (vote,) = asked.app.host.lab.votes(asked.id)
    assert ("left", True, "person") == (vote.verdict, vote.blind, vote.voter)
    assert {"quick", "calm"} == {vote.left_identity[0], vote.right_identity[0]}
    assert "You said: A is better." in tab.page
    board = CompareTab().section("leaderboard")
    assert vote.left_identity[0] == board.at.dataframe[0].value["Model"][0]
    tab.press("Take back")
    assert [] == asked.app.host.lab.votes(asked.id)


def test_nothing_asked_yet_is_said_in_every_part(start: Start) -> None:
    """Before it is started, a comparison's parts say what will stand there."""
    app = start(two())
    made = Asked(app, app.portal.call(app.host.lab.create, replace(SETUP, repeats=1)).id)
    assert "Nothing is measured yet" in made.part("results").page
    assert "no answer yet" in made.part("answers").page
    assert "no two answers to vote on yet" in made.part("votes").page
    assert "No votes yet" in CompareTab().section("leaderboard").page
