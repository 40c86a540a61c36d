"""Strengths of things that were compared in pairs, with ties: Davidson's form of the Bradley-Terry model.

i wins, ties or loses against j in the proportion exp(d/2) : tie : exp(-d/2), d the difference of their strengths. A
ridge keeps what never lost finite, and the strengths of things that are compared with each other around 0.

Source: Davidson, On extending the Bradley-Terry model to accommodate ties in paired comparison experiments, 1970.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

RIDGE = 0.1
"""As if each strength had been drawn around 0 with a deviation of three: 550 points on Elo's scale."""
_TIE_RIDGE = 0.01
_STEPS = 12


@dataclass(frozen=True, slots=True)
class Tally:
    """Who was compared with whom, and how it went.

    Attributes:
        things: How many there are.
        first: Place of the one of each pair that was compared.
        second: Of the other one.
        counts: Wins of the first, ties, wins of the second: pairs x 3; for a batch of tallies, tallies x pairs x 3.
    """

    things: int
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    counts: Numbers

    @property
    def signs(self) -> Numbers:
        """Pairs x things: 1 for the first, -1 for the second."""
        table = np.zeros((len(self.first), self.things))
        rows = np.arange(len(self.first))
        table[rows, self.first] = 1
        table[rows, self.second] = -1
        return table


def strengths(tally: Tally, ridge: float = RIDGE) -> Numbers:
    """Return the strength of each thing, and last the logarithm of the tie parameter (-inf where nothing tied)."""
    fitted, _ = _fitted(tally, np.eye(tally.things), ridge)
    return fitted if tally.counts[..., 1].any() else np.append(fitted, -np.inf)


def half_widths(tally: Tally, fitted: Numbers, draws: int = 400) -> Numbers:
    """Return for each strength how far to both sides its interval at 95 % reaches.

    It reaches as far as the strengths do that are found for comparisons drawn again from the comparisons, and is laid
    around the strength: the quantiles of those are too narrow for few comparisons, 92 % where 95 are meant.
    """
    total = int(tally.counts.sum())
    drawn = np.random.default_rng(0).multinomial(total, tally.counts.ravel() / total, size=draws)
    batch = Tally(tally.things, tally.first, tally.second, drawn.reshape(draws, -1, 3).astype(np.float64))
    low, high = np.quantile(refitted(batch, fitted)[:, :-1], (0.025, 0.975), axis=0)
    return np.asarray((high - low) / 2, dtype=np.float64)


def evidence(tally: Tally, fitted: Numbers, one: int, other: int) -> float:
    """Return what speaks against two things being equally strong: twice a difference of log-likelihoods.

    Where they are, it is above 3.84 in 5 % of cases. Unlike a difference over its deviation it also holds where one
    thing never lost.
    """
    alike = np.delete(np.eye(tally.things), other, axis=1)
    alike[other] = alike[one]
    ties = bool(np.isfinite(fitted[-1]))
    apart, _, _ = _likelihood((fitted if ties else fitted[:-1])[None], tally.counts[None], tally.signs, RIDGE)
    _, equal = _fitted(tally, alike, RIDGE)
    return max(0.0, 2 * (equal - float(apart[0])))


def _fitted(tally: Tally, shape: Numbers, ridge: float) -> tuple[Numbers, float]:
    """Return what fits best, and its loss, among strengths that are `shape` (things x free numbers) times something."""
    counts, signs, ties = tally.counts[None], tally.signs, bool(tally.counts[..., 1].any())
    if ties:
        shape = np.pad(shape, (0, 1))
        shape[-1, -1] = 1

    def loss(free: Numbers) -> tuple[float, Numbers]:
        value, slope, _ = _likelihood((shape @ free)[None], counts, signs, ridge)
        return float(value[0]), shape.T @ slope[0]

    def curvature(free: Numbers) -> Numbers:
        _, _, curve = _likelihood((shape @ free)[None], counts, signs, ridge)
        return shape.T @ curve[0] @ shape

    start = np.zeros(shape.shape[1])
    found = scipy.optimize.minimize(loss, start, jac=True, hess=curvature, method="trust-exact", options={"gtol": 1e-8})
    return shape @ np.asarray(found.x, dtype=np.float64), float(found.fun)


def refitted(tally: Tally, start: Numbers, ridge: float = RIDGE) -> Numbers:
    """Return what `strengths` returns, for a batch of tallies at once, by Newton's steps from a start near to them."""
    signs, ties = tally.signs, bool(np.isfinite(start[-1]))
    x = np.repeat((start if ties else start[:-1])[None], len(tally.counts), axis=0)
    for _ in range(_STEPS):
        _, slope, curve = _likelihood(x, tally.counts, signs, ridge)
        step = np.linalg.solve(curve, slope[..., None])[..., 0]
        x = x - np.clip(step, -1.0, 1.0)
        if np.abs(step).max(initial=0.0) < 1e-6:
            break
    return x if ties else np.concatenate([x, np.full((len(x), 1), -np.inf)], axis=1)


def chances(difference: Numbers, log_tie: Numbers | float) -> Numbers:
    """Return how likely a win, a tie and a loss are: ... x 3."""
    terms = np.stack(np.broadcast_arrays(difference / 2, log_tie, -difference / 2), axis=-1)
    weights = np.exp(terms - terms.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def _likelihood(x: Numbers, counts: Numbers, signs: Numbers, ridge: float) -> tuple[Numbers, Numbers, Numbers]:
    """Return the penalised negative log-likelihood of a batch, its slope and its curvature."""
    things = signs.shape[1]
    theta, ties = x[:, :things], x.shape[1] > things
    log_tie = x[:, things:] if ties else -np.inf
    p = chances(theta @ signs.T, log_tie)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = -np.where(counts > 0, counts * np.log(p), 0.0).sum(axis=(1, 2))
    n, lead = counts.sum(axis=2), (p[..., 0] - p[..., 2]) / 2
    slope = (n * lead - (counts[..., 0] - counts[..., 2]) / 2) @ signs
    curve = (signs.T * (n * ((p[..., 0] + p[..., 2]) / 4 - lead**2))[:, None, :]) @ signs
    penalty = np.full(things, ridge)
    if ties:
        p_tie = p[..., 1]
        slope = np.concatenate([slope, (n * p_tie - counts[..., 1]).sum(axis=1, keepdims=True)], axis=1)
        cross = (-n * p_tie * lead) @ signs
        corner = (n * p_tie * (1 - p_tie)).sum(axis=1)
        curve = np.concatenate([curve, cross[:, None, :]], axis=1)
        column = np.concatenate([cross, corner[:, None]], axis=1)
        curve = np.concatenate([curve, column[..., None]], axis=2)
        penalty = np.append(penalty, _TIE_RIDGE)
    value = value + (penalty * x**2).sum(axis=1) / 2
    return value, slope + penalty * x, curve + np.diag(penalty)
