"""Ratings from votes: how strong each model is, how sure that is, and what the next votes should be about."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log
from statistics import NormalDist

import numpy as np
import scipy
from numpy.typing import NDArray

from apehost_core.compare.bradley_terry import Tally, chances, evidence, half_widths, strengths
from apehost_core.compare.comparison import Vote
from apehost_core.compare.summary import Interval, Leaderboard, Rating

Identity = tuple[str, str | None]
Numbers = NDArray[np.float64]

ELO = 400 / log(10)
"""Points of Elo's scale for a difference of one in the logarithm of the odds."""
MIDDLE = 1000.0
FEWEST_VOTES = 10
"""Of a model, for an interval."""
MOST_VOTES = 10_000
_SURE = NormalDist().inv_cdf(0.975)
_POWER = NormalDist().inv_cdf(0.8)


@dataclass(frozen=True, slots=True)
class _Fit:
    """What the votes say.

    Attributes:
        tally: Who was compared with whom.
        fitted: Strength of each model, the logarithm of odds, and last the logarithm of the tie parameter.
        half: How far each strength's interval reaches to both sides.
        groups: Of each model.
        went: Wins, ties and losses of each model.
    """

    tally: Tally
    fitted: Numbers
    half: Numbers
    groups: NDArray[np.intp]
    went: Numbers

    def votes(self, one: int) -> int:
        """Return how many votes a model has."""
        return int(self.went[one].sum())


def leaderboard(votes: Sequence[Vote]) -> Leaderboard:
    """Return ratings of the models that were voted on; a vote on two answers of one model counts for nothing.

    Models with fewer than 10 votes come after the others of their group, whatever their rating. No interval is
    given for them, nor for a model that only ever won, lost or tied, since that sets no limit to it.
    """
    counted = [vote for vote in votes if vote.left_identity != vote.right_identity]
    if not counted:
        return Leaderboard((), 0.0, 0, connected=True)
    models = sorted({one for vote in counted for one in (vote.left_identity, vote.right_identity)}, key=_sortable)
    fit = _fitted(_tally(counted, models))
    order = sorted(
        range(len(models)), key=lambda one: (fit.groups[one], fit.votes(one) < FEWEST_VOTES, -fit.fitted[one])
    )
    next_pair, more = _next(fit, order)
    return Leaderboard(
        tuple(_rating(fit, one, models[one]) for one in order),
        float(np.exp(fit.fitted[-1])),
        len(counted),
        connected=bool(fit.groups.max() == 0),
        more_votes=more,
        next_pair=next_pair and (models[next_pair[0]], models[next_pair[1]]),
    )


def _sortable(identity: Identity) -> tuple[str, str]:
    return identity[0], identity[1] or ""


def _tally(votes: Sequence[Vote], models: Sequence[Identity]) -> Tally:
    places = {model: place for place, model in enumerate(models)}
    counts: dict[tuple[int, int], list[int]] = {}
    for vote in votes:
        left, right = places[vote.left_identity], places[vote.right_identity]
        went = {"left": 0, "right": 2}.get(vote.verdict, 1)
        pair, went = ((left, right), went) if left < right else ((right, left), 2 - went)
        counts.setdefault(pair, [0, 0, 0])[went] += 1
    pairs = np.array(list(counts), dtype=np.intp)
    return Tally(len(models), pairs[:, 0], pairs[:, 1], np.array(list(counts.values()), dtype=np.float64))


def _fitted(tally: Tally) -> _Fit:
    found = strengths(tally)
    went = np.zeros((tally.things, 3))
    np.add.at(went, tally.first, tally.counts)
    np.add.at(went, tally.second, tally.counts[:, ::-1])
    return _Fit(tally, found, half_widths(tally, found), _groups(tally), went)


def _groups(tally: Tally) -> NDArray[np.intp]:
    """Return a number for each thing, the same for those that were compared directly or through others; 0 the most."""
    edges = scipy.sparse.coo_array(
        (np.ones(len(tally.first)), (tally.first, tally.second)), shape=(tally.things, tally.things)
    )
    _, labels = scipy.sparse.csgraph.connected_components(edges, directed=False)
    labels = np.asarray(labels, dtype=np.intp)
    largest_first = np.argsort(-np.bincount(labels), kind="stable")
    return np.argsort(largest_first)[labels]


def _rating(fit: _Fit, one: int, identity: Identity) -> Rating:
    strength = MIDDLE + ELO * float(fit.fitted[one])
    wins, ties, losses = fit.went[one]
    interval = None
    bounded = wins + ties > 0 and ties + losses > 0 and wins + losses > 0
    if fit.votes(one) >= FEWEST_VOTES and bounded:
        half = ELO * float(fit.half[one])
        interval = Interval(strength - half, strength + half)
    return Rating(identity, strength, interval, fit.votes(one), int(fit.groups[one]))


def _next(fit: _Fit, order: Sequence[int]) -> tuple[tuple[int, int] | None, int | None]:
    """Return the neighbours that the fewest more votes would separate, and how many; None where there are none."""
    neighbours = [(one, other) for one, other in pairwise(order) if fit.groups[one] == fit.groups[other]]
    needed = [(more, pair) for pair in neighbours if (more := _more_votes(fit, *pair))]
    if not needed:
        return None, None
    more, pair = min(needed)
    return pair, more


def _more_votes(fit: _Fit, one: int, other: int) -> int | None:
    """Return how many votes on these two would separate them in 80 % of cases, if they are as far apart as they seem.

    0 where they are separated, None where no number of up to 10,000 would do it.
    """
    missing = max(0, FEWEST_VOTES - fit.votes(one), FEWEST_VOTES - fit.votes(other))
    against = evidence(fit.tally, fit.fitted, one, other)
    if against >= _SURE**2:
        return missing
    apart = float(fit.fitted[one] - fit.fitted[other])
    win, _, loss = chances(np.array(apart), fit.fitted[-1])
    by_vote = apart**2 * float((win + loss) / 4 - ((win - loss) / 2) ** 2)
    lacking = (_SURE + _POWER) ** 2 - against
    return max(1, missing, ceil(lacking / by_vote)) if by_vote * MOST_VOTES >= lacking else None
