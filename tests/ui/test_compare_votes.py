"""Voting on answers without names, and the leaderboard that comes of it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from streamlit.testing.v1 import AppTest

from apehost_core.compare.comparison import Verdict, Vote
from apehost_core.compare.sample import Sample
from apehost_core.compare.summary import Leaderboard
from apehost_core.compare.votes import leaderboard
from apehost_ui.components.compare_votes import VoteActions, voting
from apehost_ui.components.leaderboard import leaderboard as ratings
from tests.ui.compare_values import CONTENDERS, Values, empty, sampled, values
from tests.ui.drawing import drawn, ran
from tests.ui.tab import plain, words


class Booth:
    """A page on which answers are voted on, and the votes.

    Attributes:
        found: Whose answers they are.
        votes: On them, oldest first.
        at: The page.
    """

    def __init__(self, found: Values, votes: Sequence[Vote] = ()) -> None:
        """Open the page."""
        self.found, self.votes = found, list(votes)
        self.named: set[frozenset[int]] = set()
        self.at = drawn(self.draw)

    def run(self) -> "Booth":
        """Draw the page anew; nothing may be raised."""
        ran(self.at)
        return self

    def press(self, label: str) -> "Booth":
        """Press the button of that label."""
        (button,) = [one for one in self.at.button if one.label == label]
        button.click()
        return self.run()

    def vote(self, left: int, right: int, verdict: Verdict, *, blind: bool) -> None:
        """Keep a vote."""
        self.votes.append(self.found.vote(left, right, verdict, blind=blind, id=f"vote-{len(self.votes)}"))

    def take_back(self, vote_id: str) -> None:
        """Forget a vote."""
        gone = next(vote for vote in self.votes if vote.id == vote_id)
        self.votes.remove(gone)
        self.named.add(frozenset((gone.left, gone.right)))

    def draw(self) -> None:
        """Draw what the page shows."""
        found = self.found
        sample = Sample.of(found.columns, found.plan, found.comparison.setup)
        actions = VoteActions(found.answers, self.vote, self.take_back, self.named.add)
        voting(found.comparison, found.plan, sample, self.votes, self.named, actions)

    @property
    def text(self) -> str:
        """What people read."""
        return plain(words(self.at.main))

    @property
    def wire(self) -> str:
        """All that goes to the browser."""
        return "\n".join(str(node.proto) for node in self.at.main if hasattr(node, "proto"))


def test_names_are_hidden_until_the_vote() -> None:
    """Nothing that goes to the browser names a model, a server or a speed before the vote on it; the vote reveals."""
    booth = Booth(values(prompts=3))
    hints = [word for one in CONTENDERS for word in (one.model, one.server, one.quantisation or "")]
    assert not [hint for hint in (*hints, "tok/s", " ms", "cell") if hint in booth.wire]
    booth.press("A is better")
    named = [one.model for one in CONTENDERS if one.model in booth.text]
    assert len(named) == 2
    assert "You said: A is better." in booth.text


def test_a_vote_records_sides_and_verdict() -> None:
    """A verdict is kept for the cells as they stood left and right, as a blind one."""
    booth = Booth(values(prompts=3))
    left, right = (int(words(booth.at.get_by_key(f"vote-answer-{side}")).split()[2][:-1]) for side in "ab")
    booth.press("B is better")
    (vote,) = booth.votes
    assert (left, right, "right", True) == (vote.left, vote.right, vote.verdict, vote.blind)
    assert [["tie"], ["both_bad"]] == [[booth.press(label).votes[-1].verdict] for label in ("Tie", "Both bad")]


def test_the_next_pair_follows() -> None:
    """After a vote another pair is there, and how many were voted on is said."""
    booth = Booth(values(prompts=3))
    assert "0 of 9 pairs" in str(booth.wire)
    before = words(booth.at.get_by_key("vote-next"))
    booth.press("Tie")
    assert before != words(booth.at.get_by_key("vote-next"))
    assert "1 of 9 pairs" in str(booth.wire)


def test_the_last_vote_can_be_taken_back() -> None:
    """What was voted on by mistake is forgotten; it comes up again last, by its names, since the vote told them."""
    booth = Booth(values(prompts=1, repeats=1))
    before = words(booth.at.get_by_key("vote-next"))
    booth.press("Tie").press("Take back")
    assert [] == booth.votes
    assert "You said" not in booth.text
    assert before != words(booth.at.get_by_key("vote-next"))
    booth.press("Tie").press("Tie")
    assert "You have seen whose answers these are" in booth.text
    assert "Answer A: " in booth.text
    assert [True, True, False] == [vote.blind for vote in booth.press("Tie").votes]


def test_hiding_names_again_hides_none_that_were_seen() -> None:
    """A pair that stood there by its names is no blind one when they are hidden afterwards: another comes up."""
    booth = Booth(values(prompts=3))
    before = words(booth.at.get_by_key("vote-next"))
    for mode in ("open", "blind"):
        booth.at.button_group(key="vote-mode").set_value(mode)
        booth.run()
    assert "Answer A: " not in booth.text
    assert before != words(booth.at.get_by_key("vote-next"))


def test_an_open_vote_is_marked_as_one() -> None:
    """Who wants to see the names may; such a vote is not a blind one."""
    booth = Booth(values(prompts=3))
    booth.at.button_group(key="vote-mode").set_value("open")
    booth.run()
    assert "Answer A: " in booth.text
    assert [False] == [vote.blind for vote in booth.press("Tie").votes]


def test_the_judge_gives_nothing_away() -> None:
    """What a judging model said of the pairs is shown only where names are."""
    found = values(prompts=3)
    booth = Booth(found, [found.vote(0, 1, "left", voter="judge", judge="qwen3-32b")])
    assert "judge" not in booth.text
    assert "0 of 9 pairs" in str(booth.wire)
    booth.at.button_group(key="vote-mode").set_value("open")
    assert "Judged by model qwen3-32b" in booth.run().text


def test_all_voted_on_is_said() -> None:
    """When every pair was voted on, the page says so and has no buttons to vote with."""
    booth = Booth(values(prompts=1, repeats=1))
    for _ in range(3):
        booth.press("Tie")
    assert "You have voted on all 3 pairs" in booth.text
    assert ["Take back"] == [button.label for button in booth.at.button]


def test_nothing_to_vote_on_says_why() -> None:
    """Before two models answered a prompt, and where all are one model, the page says what is missing."""
    assert "no two answers to vote on yet" in Booth(empty(values())).text
    assert "All contenders are the same model" in Booth(values(contenders=(sampled(0.2), sampled(0.9)))).text


def board(votes: Sequence[Vote], judges: Sequence[str] = ()) -> AppTest:
    """The leaderboard that comes of votes."""

    def rated(topic: str | None, voter: str) -> Leaderboard:
        return leaderboard([vote for vote in votes if vote.voter == voter and topic in (None, vote.topic)])

    return drawn(partial(ratings, ["code"], judges, rated))


def some_votes() -> list[Vote]:
    """Forty votes on three models: the first wins mostly."""
    found = values(prompts=1, repeats=1)
    verdicts: tuple[Verdict, ...] = ("left", "left", "tie", "right")
    return [found.vote(left, right, verdicts[n % 4]) for n in range(20) for left, right in ((0, 1), (0, 2))]


def test_ratings_have_intervals_and_votes() -> None:
    """Each model stands with its rating, the interval and its votes, in a chart and in a table, best first."""
    tester = board(some_votes())
    rows = tester.dataframe[0].value.to_dict("records")
    assert "qwen3-8b" == rows[0]["Model"]
    assert [40, 20, 20] == [row["Votes"] for row in rows]
    (chart,) = tester.get("vega_lite_chart")
    assert "qwen3-8b Q4_K_M" in chart.proto.alt
    assert "40 votes" in chart.proto.alt


def test_models_that_never_met_are_in_groups() -> None:
    """Where models were not compared, directly or through others, this is said, and each group has its chart."""
    elsewhere = [
        replace(vote, left_identity=("phi", None), right_identity=("smol", "Q2")) for vote in some_votes()[:12]
    ]
    tester = board([*some_votes(), *elsewhere])
    assert "Not all of these models were compared" in words(tester.main)
    assert 2 == len(tester.get("vega_lite_chart"))
    assert {1, 2} == set(tester.dataframe[0].value["Group"])


def test_judges_are_apart_and_named() -> None:
    """A judging model's votes are never mixed with people's, and say whose they are."""
    judged = [replace(vote, voter="judge", judge="qwen3-32b") for vote in some_votes()]
    tester = board(judged, ["qwen3-32b"])
    assert "No votes yet" in words(tester.main)
    tester.button_group(key="board-voter").set_value("judge")
    ran(tester)
    assert "Judged by model qwen3-32b" in plain(words(tester.main))
    assert 3 == len(tester.dataframe[0].value)


def test_ratings_of_one_topic() -> None:
    """A topic leaves only the votes on its prompts."""
    tester = board([*some_votes(), *(replace(vote, topic="code") for vote in some_votes()[:2])])
    tester.selectbox(key="board-topic").select("code")
    ran(tester)
    assert [2, 1, 1] == sorted(tester.dataframe[0].value["Votes"], reverse=True)


def test_the_sample_is_what_the_page_votes_on() -> None:
    """The values that these tests draw are a whole comparison: every timed cell has an attempt."""
    found = values()
    assert (Sample.of(found.columns, found.plan, found.comparison.setup).row >= 0).all()
