"""What charts draw, and which answers are voted on next."""

from collections import Counter

import numpy as np

from apehost_core.compare.comparison import Contender
from apehost_core.compare.measures import FAILED
from apehost_core.compare.sample import Sample
from apehost_ui.compare_ballot import Ballot, ballots
from apehost_ui.compare_points import MOST_POINTS, by_prompt_length, steps
from tests.ui.compare_values import Values, empty, sampled, values


def sample(of: Values) -> Sample:
    """The sample of a comparison."""
    return Sample.of(of.columns, of.plan, of.comparison.setup)


def test_shares_rise_to_all_runs() -> None:
    """A model's line rises with its sorted runs and ends at all of them; a run that does not count is not in it."""
    found = values(prompts=4, repeats=2)
    found = (
        found.changed(found.cell(0), cold=1)
        .changed(found.cell(1), as_asked=False)
        .changed(found.cell(2), ending=FAILED)
    )
    shares = steps(sample(found), "ttft_ms")
    assert {0: 7, 1: 7, 2: 7} == {who: len(x) for who, (x, _) in shares.items()}
    assert all((np.diff(x) >= 0).all() and y[-1] == 1 for x, y in shares.values())


def test_long_lines_are_thinned_and_keep_their_ends() -> None:
    """Of thousands of runs some hundred points are drawn, the quickest and the slowest run among them."""
    found = values(prompts=400, repeats=3)
    x, y = steps(sample(found), "total_ms")[0]
    runs = found.columns.values["total_ms"][::3]
    assert len(x) <= 250
    assert (runs.min(), runs.max(), 1.0) == (x[0], x[-1], y[-1])


def test_few_runs_are_all_drawn() -> None:
    """Up to five thousand runs each is a point; one of which the server did not count the prompt is none."""
    found = values(prompts=10)
    found.columns.noted["prompt_tokens"][:5] = np.nan
    cloud = by_prompt_length(sample(found))
    assert (False, 85) == (cloud.binned, len(cloud.x))


def test_many_runs_become_medians() -> None:
    """Of more than five thousand runs medians by prompt length are drawn, for each model over the whole range."""
    found = values(prompts=1200, repeats=2)
    assert len(found.plan.cells) > MOST_POINTS
    cloud = by_prompt_length(sample(found))
    assert cloud.binned
    assert {0, 1, 2} == set(cloud.contender.tolist())
    assert len(cloud.x) < 100
    assert cloud.y[cloud.contender == 2].min() > cloud.y[cloud.contender == 1].max()


def played(found: Values) -> list[Ballot]:
    """All ballots of a comparison, each voted on in turn."""
    votes, seen = [], []
    while (ballot := ballots(sample(found), found.plan, votes).next) is not None:
        seen.append(ballot)
        votes.append(found.vote(ballot.left, ballot.right))
    return seen


def test_every_pair_is_voted_on_once() -> None:
    """Each two models come up once a prompt, the pairs with the fewest votes first, and then there is nothing left."""
    found = values(prompts=5)
    seen = played(found)
    who = [tuple(sorted(found.plan.cells[cell].contender for cell in (one.left, one.right))) for one in seen]
    assert {(0, 1): 5, (0, 2): 5, (1, 2): 5} == Counter(who)
    assert {(0, 1): 2, (0, 2): 2, (1, 2): 2} == Counter(who[:6])
    assert 15 == len({(pair, one.prompt) for pair, one in zip(who, seen, strict=True)})


def test_sides_are_drawn_by_lot_and_stay() -> None:
    """A model stands about as often left as right, and the same votes lead to the same pair on the same sides."""
    found = values(prompts=80, repeats=1)
    seen = played(found)
    left = Counter(found.plan.cells[one.left].contender for one in seen)
    assert all(50 <= left[who] <= 110 for who in range(3))
    assert seen[0] == ballots(sample(found), found.plan, []).next
    other = values(prompts=80, repeats=1, seed=2)
    assert [one.prompt for one in seen] != [one.prompt for one in played(other)]


def test_what_was_not_answered_is_not_voted_on() -> None:
    """A cell that failed, or that another model answered, is on no ballot; a repeat of it stands in."""
    found = values(prompts=1, repeats=2)
    found = found.changed(found.cell(0), ending=FAILED).changed(found.cell(1), as_asked=False)
    on = {cell for one in played(found) for cell in (one.left, one.right)}
    assert {found.cell(0, repeat=1), found.cell(1, repeat=1), found.cell(2)} == on


def test_one_model_is_not_voted_against_itself() -> None:
    """Two settings of one model make no pair, since a vote is about models."""
    same = (sampled(0.2), sampled(0.9))
    assert (None, 0) == ((found := ballots(sample(of := values(contenders=same)), of.plan, [])).next, found.all)
    elsewhere = (Contender("PC", "Qwen3-8B", "Q4_K_M"), Contender("Mini", "qwen3-8b", "Q4_K_M"))
    assert 0 == ballots(sample(of := values(contenders=elsewhere)), of.plan, []).all


def test_nothing_answered_is_nothing_to_vote_on() -> None:
    """Before the first answers there is no ballot."""
    found = empty(values())
    assert ballots(sample(found), found.plan, []).next is None
