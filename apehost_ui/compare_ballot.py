"""Which two answers are voted on next, and what was voted on. Pure functions; the same votes lead to the same pair."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from apehost_core.compare.comparison import Setup, Vote
from apehost_core.compare.plan import Plan
from apehost_core.compare.sample import COLD, Sample

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Ballot:
    """Two answers to one prompt, on their sides.

    Attributes:
        left: Cell of the one on the left, called A.
        right: Cell of the other one.
        prompt: Place of what both answer.
    """

    left: int
    right: int
    prompt: int


@dataclass(frozen=True, slots=True)
class Ballots:
    """What there is to vote on.

    Attributes:
        next: The pair that is next; None where all were voted on, or none can be.
        done: Pairs of answers that were voted on.
        all: Pairs of answers to one prompt by two models.
    """

    next: Ballot | None
    done: int
    all: int


def ballots(
    sample: Sample, plan: Plan, votes: Sequence[Vote], named: Collection[frozenset[int]] = frozenset()
) -> Ballots:
    """Return what there is to vote on: the two contenders with the fewest votes, a prompt and sides by lot.

    Args:
        sample: Which cells were answered; each contender's first answer to a prompt stands for it.
        plan: The cells.
        votes: Of persons, on this comparison.
        named: Pairs of cells whose names the person has seen; they come up last.
    """
    setup, answers = sample.setup, _answers(sample)
    voted = {_about(vote, plan) for vote in votes}
    counts = Counter((a, b) for a, b, _ in (_about(vote, plan) for vote in votes))
    done = total = 0
    waiting: list[tuple[bool, int, float, tuple[int, int], Places]] = []
    for a, b in _pairs(setup):
        prompts = np.flatnonzero((answers[:, a] >= 0) & (answers[:, b] >= 0))
        left = np.array([prompt for prompt in prompts.tolist() if (a, b, prompt) not in voted], dtype=np.intp)
        total, done = total + len(prompts), done + len(prompts) - len(left)
        unseen = np.array(
            [prompt for prompt in left.tolist() if frozenset(answers[prompt, [a, b]].tolist()) not in named],
            dtype=np.intp,
        )
        if len(left):
            known, left = not len(unseen), unseen if len(unseen) else left
            waiting.append((known, counts[a, b], _lot(setup, a, b).random(), (a, b), left))
    if not waiting:
        return Ballots(None, done, total)
    *_, (a, b), left = min(waiting, key=lambda one: one[:3])
    prompt = int(_lot(setup, a, b, len(votes)).choice(left))
    sides = (a, b) if _lot(setup, a, b, len(votes), prompt).random() < 0.5 else (b, a)
    return Ballots(Ballot(int(answers[prompt, sides[0]]), int(answers[prompt, sides[1]]), prompt), done, total)


def _answers(sample: Sample) -> Places:
    """Return by prompt and contender the first cell with an answer of the model that was asked, or -1."""
    found = np.full((len(sample.setup.prompts), len(sample.setup.contenders)), -1, dtype=np.intp)
    cells = np.flatnonzero(sample.cells("timed") & (sample.came_to >= COLD))[::-1]
    found[sample.prompt[cells], sample.contender[cells]] = cells
    return found


def _pairs(setup: Setup) -> list[tuple[int, int]]:
    """Return the pairs of contenders that are different models: a vote is about models."""
    who = setup.contenders
    return [(a, b) for a, b in combinations(range(len(who)), 2) if who[a].identity != who[b].identity]


def _about(vote: Vote, plan: Plan) -> tuple[int, int, int]:
    left, right = plan.cells[vote.left], plan.cells[vote.right]
    a, b = sorted((left.contender, right.contender))
    return a, b, left.prompt


def _lot(setup: Setup, *of: int) -> np.random.Generator:
    return np.random.default_rng((abs(setup.seed), *of))
