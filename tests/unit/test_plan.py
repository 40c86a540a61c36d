"""The plan of a comparison: order, loads, machines, warm-ups, the judge."""

from typing import Any

import pytest

from apehost_core.compare.comparison import Contender, Judge, Prompt, Setup
from apehost_core.compare.facts import Facts, ServerFacts
from apehost_core.compare.plan import Plan, Stretch, cached_after, plan_of
from apehost_core.model import ModelInfo, Preferences


def contender(server: str, model: str, context: int | None = None, variant: str = "") -> Contender:
    """A contender."""
    return Contender(server, model, None, Preferences(context_length=context), variant)


def setup(*contenders: Contender, prompts: int = 4, **others: Any) -> Setup:
    """A benchmark of short prompts, the last of which is the shortest."""
    asked = tuple(Prompt("x" * (prompts - number)) for number in range(prompts))
    return Setup("benchmark", asked, contenders, **others)


def facts(*servers: tuple[str, int, tuple[str, ...], tuple[str, ...]], context: int | None = None) -> Facts:
    """Servers: name, machine, keys that are loaded, keys that are not."""
    return Facts(
        tuple(
            ServerFacts(
                name,
                machine,
                tuple(ModelInfo(key, key, state="loaded", loaded_context=context) for key in loaded)
                + tuple(ModelInfo(key, key, state="not_loaded") for key in others),
            )
            for name, machine, loaded, others in servers
        )
    )


def asked(plan: Plan, stretch: Stretch) -> list[int]:
    """The contenders of a stretch's timed cells, in order."""
    return [plan.cells[number].contender for number in stretch.cells if plan.cells[number].kind == "timed"]


def test_loaded_models_take_turns() -> None:
    """Each block has every contender once, and every second block is the first one's reverse."""
    a, b, c = (contender("PC", key) for key in "abc")
    plan = plan_of(setup(a, b, c, repeats=2), facts(("PC", 0, ("a", "b", "c"), ())))
    ((stretch,),) = plan.tracks
    assert (True, ()) == (stretch.interleaved, stretch.loads)
    order = asked(plan, stretch)
    blocks = [order[at : at + 3] for at in range(0, len(order), 3)]
    assert 8 == len(blocks)
    assert all([0, 1, 2] == sorted(block) for block in blocks)
    assert all(block == blocks[at * 2][::-1] for at, block in enumerate(blocks[1::2]))


def test_each_block_is_one_prompt_and_repeat() -> None:
    """All prompts come once before any comes again, in an order that is drawn each time."""
    plan = plan_of(setup(contender("PC", "a"), contender("PC", "b"), prompts=6, repeats=2), Facts())
    ((stretch,),) = plan.tracks
    cells = [plan.cells[number] for number in stretch.cells]
    for one, other in zip(cells[::2], cells[1::2], strict=True):
        assert (one.prompt, one.repeat) == (other.prompt, other.repeat)
    first, second = [cell.prompt for cell in cells[:12:2]], [cell.prompt for cell in cells[12::2]]
    assert list(range(6)) == sorted(first) == sorted(second)
    assert [0] * 12 + [1] * 12 == [cell.repeat for cell in cells]
    assert first != second


def test_what_must_be_loaded_comes_one_after_the_other() -> None:
    """First the loaded ones in turn, then one stretch a load, with all settings of that model in turn."""
    a, b = contender("PC", "a"), contender("PC", "b")
    cool, warm = contender("PC", "c", variant="cool"), contender("PC", "C", variant="warm")
    plan = plan_of(setup(cool, a, b, warm), facts(("PC", 0, ("a",), ("b", "c"))))
    ((there, c, b_alone),) = plan.tracks
    assert [(), ("c",), ("b",)] == [there.loads, c.loads, b_alone.loads]
    assert [{1}, {0, 3}, {2}] == [set(asked(plan, stretch)) for stretch in (there, c, b_alone)]
    assert [False, True, False] == [there.interleaved, c.interleaved, b_alone.interleaved]


def test_another_context_is_another_load() -> None:
    """A model that is loaded with the wanted context is there; with another one it is loaded for itself."""
    wanted = [contender("PC", "a", 4096), contender("PC", "a", 8192), contender("PC", "a")]
    plan = plan_of(setup(*wanted), facts(("PC", 0, ("a",), ()), context=4096))
    ((there, other),) = plan.tracks
    assert [{0, 2}, {1}] == [set(asked(plan, there)), set(asked(plan, other))]
    assert [(), ("a",)] == [there.loads, other.loads]


def test_machines_work_at_the_same_time() -> None:
    """Servers of one machine share a track; where names deceive each has its own."""
    wanted = [contender(server, "a") for server in ("PC", "PC 2", "Mini")]
    known = facts(("PC", 0, ("a",), ()), ("PC 2", 0, ("a",), ()), ("Mini", 1, ("a",), ()))
    apart = [[stretch.server for stretch in track] for track in plan_of(setup(*wanted), known).tracks]
    assert [["PC", "PC 2"], ["Mini"]] == apart
    assert 3 == len(plan_of(setup(*wanted, same_machine=False), known).tracks)


def test_warm_ups_are_of_loads() -> None:
    """Each model is woken as often as asked for, once for all its settings, with the shortest prompt."""
    wanted = [contender("PC", "a", variant="cool"), contender("PC", "a", variant="warm"), contender("PC", "b")]
    plan = plan_of(setup(*wanted, warm_ups=2), facts(("PC", 0, ("a", "b"), ())))
    ((stretch,),) = plan.tracks
    cells = [plan.cells[number] for number in stretch.warm_ups]
    assert [(0, 0), (0, 1), (2, 0), (2, 1)] == [(cell.contender, cell.repeat) for cell in cells]
    assert {("warm_up", 3)} == {(cell.kind, cell.prompt) for cell in cells}


def test_cached_cells_follow_theirs() -> None:
    """Where the cache is measured each timed cell is followed by its repetition."""
    plan = plan_of(setup(contender("PC", "a"), contender("PC", "b"), cache="measure"), Facts())
    ((stretch,),) = plan.tracks
    for timed, cached in zip(stretch.cells[::2], stretch.cells[1::2], strict=True):
        one, other = plan.cells[timed], plan.cells[cached]
        assert ("timed", "cached", cached) == (one.kind, other.kind, cached_after(plan.cells, timed))
        assert (one.contender, one.prompt, one.repeat) == (other.contender, other.prompt, other.repeat)
    assert cached_after(plan.cells, stretch.cells[1]) is None


def test_the_judge_sees_first_answers_in_both_orders() -> None:
    """Every pair of contenders is judged for every prompt, once in each order, on the first repeat."""
    plan = plan_of(setup(*(contender("PC", key) for key in "abc"), repeats=3, judge=Judge("PC", "j")), Facts())
    cells = [plan.cells[number] for number in plan.judging]
    assert 4 * 3 * 2 == len(cells)
    for one, other in zip(cells[::2], cells[1::2], strict=True):
        assert (one.left, one.right) == (other.right, other.left)
        sides = [plan.cells[number or 0] for number in (one.left, one.right)]
        assert {("timed", 0, one.prompt)} == {(side.kind, side.repeat, side.prompt) for side in sides}
        assert sides[0].contender < sides[1].contender


def test_together_has_no_warm_ups() -> None:
    """What is asked all at once is planned as one stretch a server, and marked."""
    both = (contender("PC", "a"), contender("PC", "b"))
    plan = plan_of(Setup("side_by_side", (Prompt("x"),), both, together=True), facts(("PC", 0, ("a",), ("b",))))
    ((stretch,),) = plan.tracks
    assert (True, (), ("b",)) == (plan.together, stretch.warm_ups, stretch.loads)


@pytest.mark.parametrize("seed", range(3))
def test_numbers_are_places(seed: int) -> None:
    """Every cell has its place as its number, each stands in exactly one stretch, and a seed gives one order."""
    wanted = setup(contender("PC", "a"), contender("PC", "b"), contender("Mini", "a"), seed=seed, cache="measure")
    known = facts(("PC", 0, ("a",), ("b",)))
    plan = plan_of(wanted, known)
    assert list(range(len(plan.cells))) == [cell.number for cell in plan.cells]
    stretches = [stretch for track in plan.tracks for stretch in track]
    placed = [number for stretch in stretches for number in (*stretch.warm_ups, *stretch.cells)]
    assert list(range(len(plan.cells))) == sorted(placed)
    assert plan == plan_of(wanted, known)
