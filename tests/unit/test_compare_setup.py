"""What a comparison may be, and what is said of one that may not."""

from dataclasses import replace

import pytest

from apehost_core.compare.comparison import Check, Contender, Power, Prompt, Setup
from apehost_core.compare.setup import checked
from apehost_core.errors import InputRefused
from apehost_core.model import Preferences, Sampling

TWO = (Contender("PC", "a"), Contender("PC", "b"))
FINE = Setup("benchmark", (Prompt("Why?"), Prompt("How?")), TWO)
SIDE = Setup("side_by_side", (Prompt("Why?"),), TWO)
WARM = Preferences(sampling=Sampling(temperature=1))


@pytest.mark.parametrize(
    "setup",
    [
        FINE,
        SIDE,
        replace(SIDE, together=True),
        replace(FINE, contenders=(TWO[0], replace(TWO[0], preferences=WARM))),
    ],
)
def test_what_can_be_asked_is_taken_as_it_is(setup: Setup) -> None:
    """Nothing is changed on the way."""
    assert setup is checked(setup)


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        (replace(FINE, contenders=TWO[:1]), "two models or more"),
        (replace(FINE, contenders=tuple(Contender("PC", str(number)) for number in range(13))), "13 models"),
        (replace(SIDE, contenders=tuple(Contender("PC", str(number)) for number in range(7))), "7 models"),
        (replace(FINE, contenders=(TWO[0], Contender("PC", "A"))), "twice"),
        (replace(FINE, prompts=()), "no prompt"),
        (replace(FINE, prompts=(Prompt("Why?"), Prompt(" \n"))), "Prompt 2 is empty"),
        (replace(FINE, prompts=(Prompt("\ud83d"),)), "cannot be sent"),
        (replace(FINE, prompts=(Prompt("x" * 8_000_001),)), "8,000,001 bytes"),
        (replace(SIDE, prompts=FINE.prompts), "one prompt"),
        (replace(FINE, repeats=0), "1 to 100, not 0"),
        (replace(FINE, warm_ups=-1), "0 to 20, not -1"),
        (replace(FINE, prompts=FINE.prompts[:1] * 1001, repeats=100), "200,202 requests"),
        (replace(FINE, power=(Power("PC", 0),)), "power of PC"),
        (replace(FINE, price_kwh=-1), "price"),
        (replace(FINE, together=True), "one request at a time"),
        (replace(SIDE, together=True, repeats=2), "only once"),
        (replace(FINE, checks=(Check("regex", "("),)), "regular expression"),
    ],
)
def test_what_cannot_be_asked_says_why(setup: Setup, said: str) -> None:
    """Each limit is named, with what was given."""
    with pytest.raises(InputRefused, match=said):
        checked(setup)
