"""Ratings from votes: that they are right, how sure they are, and what else is said of them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import combinations
from typing import cast

import choix
import numpy as np
import pytest
from numpy.typing import NDArray

from apehost_core.compare.bradley_terry import Tally, chances, half_widths, refitted, strengths
from apehost_core.compare.comparison import Verdict, Vote
from apehost_core.compare.votes import ELO, leaderboard

Identity = tuple[str, str | None]
A, B, C, D = (("a", "Q4"), ("b", "Q4"), ("c", "Q4"), ("d", "Q4"))


def _votes(went: Iterable[tuple[Identity, Identity, str]]) -> list[Vote]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Vote(str(number), "c", 0, 1, cast("Verdict", verdict), True, "person", None, "", left, right, now)
        for number, (left, right, verdict) in enumerate(went)
    ]


def _drawn(rng: np.random.Generator, theta: NDArray[np.float64], tie: float, votes: int) -> list[Vote]:
    """Return votes on models m0, m1 ... of these strengths, sides and pairs by chance."""
    sides = np.array([rng.choice(len(theta), 2, replace=False) for _ in range(votes)])
    odds = chances(theta[sides[:, 0]] - theta[sides[:, 1]], np.log(tie))
    verdicts = ["left", "tie", "right"]
    went = (rng.random(votes)[:, None] > odds.cumsum(axis=1)).sum(axis=1)
    return _votes(
        ((f"m{left}", None), (f"m{right}", None), verdicts[way])
        for (left, right), way in zip(sides.tolist(), went.tolist(), strict=True)
    )


def test_known_strengths_are_found() -> None:
    """From many votes come the strengths and the share of ties that they were drawn with, in the right order."""
    theta = np.array([1.2, 0.5, 0.0, -0.5, -1.2])
    board = leaderboard(_drawn(np.random.default_rng(0), theta, 0.5, 6000))
    assert [f"m{place}" for place in range(5)] == [rating.identity[0] for rating in board.ratings]
    assert pytest.approx((1000 + ELO * theta).tolist(), abs=45) == [rating.strength for rating in board.ratings]
    assert pytest.approx(0.5, abs=0.1) == board.tie
    assert (6000, True, None, None) == (board.votes, board.connected, board.more_votes, board.next_pair)


def test_without_ties_it_is_bradley_and_terrys() -> None:
    """An independent implementation with the same ridge finds the same strengths."""
    rng = np.random.default_rng(1)
    theta = np.array([1.0, 0.3, -0.2, -1.1])
    data = []
    for _ in range(200):
        one, other = rng.choice(4, 2, replace=False).tolist()
        wins = rng.random() < 1 / (1 + np.exp(theta[other] - theta[one]))
        data.append((one, other) if wins else (other, one))
    first, second = np.array(list(combinations(range(4), 2))).T
    counts = np.array([[data.count((a, b)), 0, data.count((b, a))] for a, b in zip(first, second, strict=True)], float)
    ridge = 0.2
    ours = strengths(Tally(4, first, second, counts), ridge)
    assert pytest.approx(choix.opt_pairwise(4, data, alpha=ridge / 2, tol=1e-10), abs=1e-4) == ours[:-1]
    assert -np.inf == ours[-1]


@pytest.mark.parametrize("tie", [0.0, 0.6])
def test_a_batch_is_fitted_as_one_by_one(tie: float) -> None:
    """The quick way for draws finds what the optimiser finds, with and without ties."""
    rng = np.random.default_rng(2)
    tally = _tallies(rng, np.array([0.8, 0.2, -1.0]), tie, 60, 5)
    start = np.array([0, 0, 0, np.log(tie) if tie else -np.inf])
    for counts, again in zip(tally.counts, refitted(tally, start), strict=True):
        assert pytest.approx(strengths(Tally(3, tally.first, tally.second, counts)), abs=1e-4) == again


def _tallies(rng: np.random.Generator, theta: NDArray[np.float64], tie: float, votes: int, count: int) -> Tally:
    first, second = np.array(list(combinations(range(len(theta)), 2))).T
    with np.errstate(divide="ignore"):
        odds = chances(theta[first] - theta[second], np.log(tie))
    drawn = rng.multinomial(votes, odds.ravel() / len(first), size=count)
    return Tally(len(theta), first, second, drawn.reshape(count, -1, 3).astype(float))


@pytest.mark.parametrize(("models", "votes", "tie"), [(3, 90, 0.5), (4, 150, 1.0), (6, 300, 0.0)])
def test_rating_intervals_hold_the_rating(models: int, votes: int, tie: float) -> None:
    """In 93 to 97 % of cases the interval of a strength holds the true one, over all models."""
    theta = np.linspace(1, -1, models)
    tallies = _tallies(np.random.default_rng(models), theta, tie, votes, 1000 // models)
    held: list[NDArray[np.bool_]] = []
    for counts in tallies.counts:
        tally = Tally(models, tallies.first, tallies.second, counts)
        fitted = strengths(tally)
        held.append(np.abs(fitted[:-1] - theta) <= half_widths(tally, fitted, draws=200))
    assert 0.93 <= np.mean(held) <= 0.97


def test_a_rating_is_a_strength_on_elos_scale() -> None:
    """1000 is the middle, and 400 points are ten times the odds, for the interval too."""
    counts = np.array([[30.0, 0, 10]])
    tally = Tally(2, np.array([0]), np.array([1]), counts)
    fitted = strengths(tally)
    best = leaderboard(_votes([(A, B, "left")] * 30 + [(A, B, "right")] * 10)).ratings[0]
    assert pytest.approx(1000 + ELO * fitted[0]) == best.strength
    assert best.interval is not None
    assert pytest.approx(2 * ELO * half_widths(tally, fitted)[0]) == best.interval.high - best.interval.low


def test_no_votes() -> None:
    """An empty leaderboard is one."""
    board = leaderboard([])
    assert ((), 0, True, None) == (board.ratings, board.votes, board.connected, board.next_pair)


def test_a_model_against_itself_says_nothing() -> None:
    """Two answers of one key and quantisation are no vote; other quantisations are other models."""
    board = leaderboard(_votes([(A, A, "left"), (A, ("a", "Q8"), "left")]))
    assert (1, {A, ("a", "Q8")}) == (board.votes, {rating.identity for rating in board.ratings})


def test_both_bad_is_a_tie_and_sides_do_not_matter() -> None:
    """Verdicts seen from the other side give the same ratings."""
    one = leaderboard(_votes([(A, B, "left")] * 9 + [(A, B, "right")] * 4 + [(A, B, "tie")] * 3))
    other = leaderboard(_votes([(B, A, "right")] * 9 + [(B, A, "left")] * 4 + [(B, A, "both_bad")] * 3))
    assert one == other
    assert [16, 16] == [rating.votes for rating in one.ratings]


def test_models_that_never_met() -> None:
    """Groups that no vote connects stand apart, each with its own middle, the larger one first."""
    board = leaderboard(_votes([(C, D, "left"), (A, B, "left"), (B, ("e", None), "left"), (A, B, "right")]))
    assert not board.connected
    assert [0, 0, 0, 1, 1] == [rating.group for rating in board.ratings]
    assert pytest.approx(1000) == np.mean([rating.strength for rating in board.ratings[3:]])


@pytest.mark.parametrize("verdict", ["left", "tie"])
def test_what_sets_no_limit_has_no_interval(verdict: Verdict) -> None:
    """Only wins, or only ties, do not bound a strength, and few votes say nothing; the strength itself stays finite."""
    for count in (3, 30):
        ratings = leaderboard(_votes([(A, B, verdict)] * count)).ratings
        assert [None, None] == [rating.interval for rating in ratings]
        assert all(400 < rating.strength < 1600 for rating in ratings)


def test_how_many_more_votes() -> None:
    """Few votes ask for more on neighbours that are not separated; clear ones for none, and equal ones for none."""
    few = leaderboard(_votes([(A, B, "left")] * 12 + [(A, B, "right")] * 6))
    assert few.more_votes is not None
    assert 20 <= few.more_votes <= 200
    assert {A, B} == set(few.next_pair or ())
    clear = leaderboard(_votes([(A, B, "left")] * 12))
    equal = leaderboard(_votes([(A, B, "left"), (A, B, "right")] * 10))
    assert (None, None, None, None) == (clear.more_votes, clear.next_pair, equal.more_votes, equal.next_pair)


def test_the_promised_number_of_votes_is_enough() -> None:
    """With as many more votes as are said to be needed, two models that differ as they seem to are mostly separated."""
    rng, separated = np.random.default_rng(3), 0
    before = [(A, B, "left")] * 24 + [(A, B, "right")] * 16
    more = leaderboard(_votes(before)).more_votes
    assert more is not None
    for _ in range(200):
        wins = rng.binomial(40 + more, 0.6)
        went = [(A, B, "left")] * wins + [(A, B, "right")] * (40 + more - wins)
        board = leaderboard(_votes(went))
        separated += board.next_pair is None and board.ratings[0].identity == A
    assert 0.7 <= separated / 200 <= 0.92
