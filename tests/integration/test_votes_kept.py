"""Votes in the store: all come back, those taken back or thrown away do not."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apehost_core.compare.comparison import Vote
from apehost_core.ids import new_id
from apehost_core.store.comparisons import Comparisons
from apehost_core.store.database import Database
from apehost_core.store.votes import Votes
from tests.comparison_samples import PLAN, SETUP
from tests.run_samples import UNKNOWN_ID


@pytest.fixture
def votes(database: Database) -> Votes:
    """Votes of an empty database."""
    return Votes(database)


@pytest.fixture
def comparison_id(database: Database) -> str:
    """A comparison to vote on."""
    return Comparisons(database).create("Sums", SETUP, PLAN).id


def vote(comparison_id: str, topic: str = "sums") -> Vote:
    """A person's vote."""
    now = datetime.now(UTC)
    return Vote(
        id=new_id(),
        comparison_id=comparison_id,
        left=3,
        right=1,
        verdict="left",
        blind=True,
        voter="person",
        judge=None,
        topic=topic,
        left_identity=("gemma", "Q4_K_M"),
        right_identity=("qwen", None),
        created_at=now,
    )


def test_votes_come_back_as_they_were_given(votes: Votes, comparison_id: str) -> None:
    """Sides, verdict, voter and identities are all kept, in the order in which they were given."""
    first = vote(comparison_id)
    second = replace(vote(comparison_id), verdict="both_bad", blind=False, voter="judge", judge="judge-model")
    votes.add(first)
    votes.add(second)
    assert [first, second] == votes.of(comparison_id)


def test_a_vote_that_was_taken_back_does_not_count(votes: Votes, comparison_id: str) -> None:
    """It is in no list any more; taking it back twice is no error; every change is counted."""
    kept, gone = vote(comparison_id), vote(comparison_id, "regrets")
    for one in (kept, gone):
        votes.add(one)
    for _ in range(2):
        votes.remove(gone.id)
    assert [kept] == votes.of(comparison_id) == votes.all(None, "person")
    assert (["sums"], 4) == (votes.topics(), votes.revision)


def test_votes_by_topic_and_voter(votes: Votes, comparison_id: str) -> None:
    """A topic's votes are those on its prompts; a judge's votes are never among a person's."""
    sums, stories, nothing = vote(comparison_id), vote(comparison_id, "stories"), vote(comparison_id, "")
    judged = replace(vote(comparison_id), voter="judge", judge="judge-model")
    for one in (sums, stories, nothing, judged):
        votes.add(one)
    assert [sums, stories, nothing] == votes.all(None, "person")
    assert [stories] == votes.all("stories", "person")
    assert [judged] == votes.all(None, "judge")
    assert ["stories", "sums"] == votes.topics()


def test_votes_on_what_is_in_the_trash_do_not_count(votes: Votes, comparison_id: str, database: Database) -> None:
    """They leave the rating with their comparison, and come back with it."""
    given = vote(comparison_id)
    votes.add(given)
    comparisons = Comparisons(database)
    comparisons.delete(comparison_id)
    assert ([], [], []) == (votes.of(comparison_id), votes.all(None, "person"), votes.topics())
    comparisons.restore(comparison_id)
    assert [given] == votes.all(None, "person")


@pytest.mark.parametrize("link", ["", "nonsense", UNKNOWN_ID])
def test_a_link_to_nothing(votes: Votes, link: str) -> None:
    """There are no votes on what there is not."""
    assert [] == votes.of(link)
