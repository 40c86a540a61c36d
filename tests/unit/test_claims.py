"""Sentences that a comparison supports, and names of contenders."""

from dataclasses import replace

import numpy as np

from apehost_core.compare.claims import claims, name
from apehost_core.compare.comparison import Contender
from apehost_core.compare.measures import Measure
from apehost_core.compare.statistics import summarise
from apehost_core.compare.summary import Estimate, Interval, Pair, Summary
from tests.measured_samples import sample_of, setup_of

SETUP = setup_of(2, 20, 3)


def _said(measure: Measure, ratio: float, low: float, high: float, **more: object) -> tuple[str, ...]:
    estimate = Estimate(ratio, Interval(low, high), 120, 20)
    pair = replace(Pair(measure, 0, 1, estimate, 0.5, None, None), **more)  # pyright: ignore[reportArgumentType]
    return claims(Summary((), (pair,)), SETUP)


def test_who_is_faster() -> None:
    """The better one comes first, with how many times, the interval and what it rests on; a rate as well as a time."""
    said = "model-b is 1.6x faster to first token than model-a (1.4-1.9, 20 prompts x 3)"
    assert (said,) == _said("ttft_ms", 1.6, 1.4, 1.9, p=0.001, winner="b")
    said = "model-a is 2.0x faster in decode speed than model-b (1.7-2.5, 20 prompts x 3)"
    assert (said,) == _said("decode_tok_s", 2.0, 1.7, 2.5, p=0.001, winner="a")
    said = "model-a is 1.25x faster in decode speed than model-b (1.18-1.33, 20 prompts x 3)"
    assert (said,) == _said("decode_tok_s", 1.25, 1.18, 1.33, p=0.001, winner="a")
    said = "model-a is 2.0x faster to first token than model-b (1.7-2.5, 20 prompts x 3)"
    assert (said,) == _said("ttft_ms", 0.5, 0.4, 0.6, p=0.001, winner="a")


def test_what_cannot_be_told() -> None:
    """Without a winner nobody is called faster; it says how many prompts would settle it, where any number would."""
    said = "These runs cannot tell model-a from model-b in decode speed (20 prompts x 3); about 40 more prompts would"
    assert (said,) == _said("decode_tok_s", 1.1, 0.9, 1.3, more_prompts=40)
    said = (
        "These runs cannot tell model-a from model-b in decode speed (20 prompts x 3); about 1,300 more prompts would"
    )
    assert (said,) == _said("decode_tok_s", 1.1, 0.9, 1.3, more_prompts=1234)
    assert ("These runs cannot tell model-a from model-b in total time (20 prompts x 3)",) == _said(
        "total_ms", 1, 0.8, 1.2
    )
    said = "model-a and model-b are within 3 % of each other in time to first token (20 prompts x 3)"
    assert (said,) == _said("ttft_ms", 1.0, 0.98, 1.03)


def test_length_is_only_described() -> None:
    """More tokens are more, not better; and only where that is sure."""
    said = "model-b answers with 1.5x as many tokens as model-a (1.3-1.8, 20 prompts x 3)"
    assert (said,) == _said("completion_tokens", 1 / 1.5, 1 / 1.8, 1 / 1.3, p=0.001)
    assert () == _said("completion_tokens", 1.5, 0.9, 2.5, p=0.2)


def test_the_most_telling_comes_first() -> None:
    """Who is faster, to first token first, then what cannot be told; a measure that says the same again is left out."""
    rng = np.random.default_rng(0)
    ttft = np.array([100.0, 200])[:, None, None] * np.exp(rng.normal(0, 0.05, (2, 20, 3)))
    values: dict[Measure, np.ndarray] = {
        "total_ms": np.exp(rng.normal(8, 0.4, (2, 20, 3))),
        "decode_tok_s": np.array([40.0, 50])[:, None, None] * np.exp(rng.normal(0, 0.02, (2, 20, 3))),
        "first_visible_ms": ttft,
        "prompt_tok_s": 1e5 / ttft,
        "ttft_ms": ttft,
    }
    sample = sample_of(values)
    said = claims(summarise(sample), sample.setup)
    assert 3 == len(said)
    assert "faster to first token than model-b" in said[0]
    assert "faster in decode speed than model-a" in said[1]
    assert said[2].startswith("These runs cannot tell model-a from model-b in total time (20 prompts x 3)")


def test_too_few_prompts() -> None:
    """A comparison with one prompt says that it is too few, not who won."""
    sample = sample_of({"ttft_ms": np.array([1.0, 9.0])[:, None, None] * np.ones((2, 1, 30))})
    assert ("1 prompt is too few to say who is faster; it takes 6 or more",) == claims(summarise(sample), sample.setup)


def test_some_runs_are_missing() -> None:
    """Where not every repeat was answered, the runs of both are counted."""
    times = np.array([100.0, 200])[:, None, None] * np.linspace(1, 2, 8)[None, :, None] * np.ones((2, 8, 2))
    times[0, 0, 0] = np.nan
    sample = sample_of({"ttft_ms": times})
    assert claims(summarise(sample), sample.setup)[0].endswith("8 prompts, 31 runs)")


def test_nothing_is_claimed_of_a_shared_machine() -> None:
    """What ran at once tells how a machine shares, not how fast a model is."""
    times = np.array([100.0, 200])[:, None, None] * np.linspace(1, 2, 8)[None, :, None]
    sample = sample_of({"ttft_ms": times}, together=True)
    assert () == claims(summarise(sample), sample.setup)


def _names(*contenders: Contender) -> tuple[str, ...]:
    setup = replace(SETUP, contenders=contenders)
    return tuple(name(number, setup) for number in range(len(contenders)))


def test_names_say_what_tells_contenders_apart() -> None:
    """Only that: the model, then quantisation, server and settings as far as they differ, at last a number."""
    gemma = Contender("pc", "google/gemma", "Q4")
    assert ("gemma", "qwen") == _names(gemma, Contender("mac", "qwen", "Q8"))
    assert ("gemma Q4", "gemma Q8") == _names(gemma, replace(gemma, quantisation="Q8"))
    assert ("gemma on pc", "gemma on mac") == _names(gemma, replace(gemma, server="mac"))
    assert ("google/gemma", "other/gemma") == _names(gemma, replace(gemma, model="other/gemma"))
    assert ("gemma", "gemma, warm") == _names(gemma, replace(gemma, variant="warm"))
    assert ("gemma Q4 on pc", "gemma Q4 on mac", "gemma Q8 on pc") == _names(
        gemma, replace(gemma, server="mac"), replace(gemma, quantisation="Q8")
    )
    assert ("gemma Q4 on pc #1", "gemma Q4 on pc #2") == _names(gemma, gemma)


def test_names_are_unique() -> None:
    """Whatever is compared, no two contenders have one name."""
    many = [
        Contender(server, model, quantisation, variant=variant)
        for server in ("a", "b")
        for model in ("x/m", "y/m", "m")
        for quantisation in (None, "Q4")
        for variant in ("", "hot")
    ] * 2
    assert len(many) == len(set(_names(*many)))
