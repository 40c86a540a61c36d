"""What a comparison is expected to take: from records where there are any, from named guesses else."""

from dataclasses import replace

import pytest

from apehost_core.compare.comparison import Contender, Prompt, Setup
from apehost_core.compare.estimate import Usual, pace_of, preview
from apehost_core.compare.facts import Facts, ServerFacts
from apehost_core.compare.plan import plan_of
from apehost_core.compare.progress import Preview
from apehost_core.model import ModelInfo, Preferences, Sampling

KNOWN = Usual((1000, 2000, 4000), (100, 200, 400), (10, 20, 40), (100, 100, 100), n=50)
BOTH = (Contender("PC", "a"), Contender("Mini", "a"))
SETUP = Setup("benchmark", tuple(Prompt(f"Question {number}") for number in range(5)), BOTH, repeats=2, warm_ups=0)


def server(name: str, machine: int, **models: str) -> ServerFacts:
    """A server with models by key and state."""
    infos = tuple(ModelInfo(key, key.title(), state=state, loaded_context=4096) for key, state in models.items())  # pyright: ignore[reportArgumentType]
    return ServerFacts(name, machine, infos)


def seen(setup: Setup, *servers: ServerFacts, usual: Usual = KNOWN) -> Preview:
    """The preview of a setup on these servers."""
    facts = Facts(servers)
    return preview(setup, plan_of(setup, facts), facts, lambda _contender: usual)


def test_records_say_how_long_it_takes() -> None:
    """Machines work at the same time: the slower end of the records and the faster one, for the longest track."""
    made = seen(SETUP, server("PC", 0, a="loaded"), server("Mini", 1, a="loaded"))
    assert (0, 10 * (0.1 + 100 / 40), 10 * (0.4 + 100 / 10)) == (
        made.loads,
        pytest.approx(made.low_s),
        pytest.approx(made.high_s),
    )
    assert ((), (), 20) == (made.guessed, made.warnings, made.requests)


def test_one_machine_takes_twice_as_long() -> None:
    """Servers of one machine come one after the other, and that is said."""
    apart = seen(SETUP, server("PC", 0, a="loaded"), server("Mini", 1, a="loaded"))
    shared = seen(SETUP, server("PC", 0, a="loaded"), server("Mini", 0, a="loaded"))
    assert (2 * apart.low_s, 2 * apart.high_s) == (pytest.approx(shared.low_s), pytest.approx(shared.high_s))
    assert ("PC and Mini run on one machine and are asked one after the other",) == shared.warnings


def test_loads_take_their_time() -> None:
    """A model that must be loaded adds a load."""
    warm = seen(SETUP, server("PC", 0, a="loaded"), server("Mini", 1, a="loaded"))
    cold = seen(SETUP, server("PC", 0, a="not_loaded"), server("Mini", 1, a="loaded"))
    assert (1, warm.low_s + 1, warm.high_s + 4) == (cold.loads, pytest.approx(cold.low_s), pytest.approx(cold.high_s))


def test_guesses_are_named() -> None:
    """What rests on no record says so, once for each model and server."""
    made = seen(SETUP, server("PC", 0, a="loaded"), server("Mini", 1, a="loaded"), usual=Usual())
    assert 2 == len(made.guessed)
    assert "No warm answer of a on PC is on record" in made.guessed[0]
    assert 0 < made.low_s < made.high_s


def test_a_limit_of_tokens_counts() -> None:
    """Answers are not expected to be longer than they may become."""
    short = replace(BOTH[0], preferences=Preferences(sampling=Sampling(max_tokens=10)))
    assert (0.1 + 10 / 40, 0.2 + 10 / 20, 0.4 + 10 / 10) == pace_of(short, KNOWN).answer_s


def test_what_makes_numbers_less_sure_is_said() -> None:
    """A model in the way, a server that is away, one that is gone, a model that is not listed, another context."""
    wide = replace(BOTH[1], preferences=Preferences(context_length=8192))
    away = replace(server("PC", 0, a="loaded"), answers=False)
    said = seen(replace(SETUP, contenders=(BOTH[0], wide)), away, server("Mini", 1, a="loaded", b="loaded")).warnings
    assert said == (
        "PC does not answer at the moment",
        "A is loaded on Mini with a context of 4,096 tokens; it will be unloaded, to be loaded with 8,192",
        "B is loaded on Mini and not compared: it takes memory",
    )
    said = seen(SETUP, server("Mini", 1, b="not_loaded")).warnings
    assert said == ("There is no server named PC any more", "Mini does not list a")
