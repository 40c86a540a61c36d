"""What a comparison may be: refuses, by name, what cannot be asked."""

from collections import Counter

from apehost_core.compare.checks import checked_check
from apehost_core.compare.comparison import (
    MOST_CELLS,
    MOST_CONTENDERS,
    MOST_REPEATS,
    MOST_SIDE_BY_SIDE,
    Setup,
)
from apehost_core.errors import Fault, InputRefused

MOST_WARM_UPS = 20
LONGEST_PROMPT_BYTES = 8_000_000


def checked(setup: Setup) -> Setup:
    """Return the setup.

    Raises:
        InputRefused: It cannot be asked; the fault says why and what to change.
    """
    _contenders(setup)
    _prompts(setup)
    _numbers(setup)
    _together(setup)
    for check in (*setup.checks, *(check for prompt in setup.prompts for check in prompt.checks)):
        checked_check(check.kind, check.value)
    return setup


def requests_of(setup: Setup) -> int:
    """Return about how many requests a setup makes: exactly, but for warm-ups of models with several settings."""
    asked = len(setup.prompts) * len(setup.contenders) * setup.repeats * (2 if setup.cache == "measure" else 1)
    pairs = len(setup.contenders) * (len(setup.contenders) - 1) // 2
    judged = 2 * pairs * len(setup.prompts) if setup.judge else 0
    return asked + judged + setup.warm_ups * len(setup.contenders)


def _contenders(setup: Setup) -> None:
    most = MOST_SIDE_BY_SIDE if setup.mode == "side_by_side" else MOST_CONTENDERS
    count = len(setup.contenders)
    if count < 2:
        raise _refused("A comparison needs two models or more", "Choose at least two, or one with two settings.")
    if count > most:
        raise _refused(f"{count} models are too many; {most} can be compared at once", "Take some out.")
    same = [
        one
        for one, times in Counter((c.server, c.model.casefold(), c.preferences) for c in setup.contenders).items()
        if times > 1
    ]
    if same:
        title = f"{same[0][1]} on {same[0][0]} is chosen twice with the same settings"
        raise _refused(title, "Take one out, or give it other settings.")


def _prompts(setup: Setup) -> None:
    if not setup.prompts:
        raise _refused("There is no prompt", "Write one, or choose some from the history.")
    for number, prompt in enumerate(setup.prompts, start=1):
        if not prompt.text.strip():
            raise _refused(f"Prompt {number} is empty", "Write something, or take it out.")
        size = len(prompt.text.encode("utf-8", "replace"))
        if size > LONGEST_PROMPT_BYTES:
            raise _refused(f"Prompt {number} has {size:,} bytes; the limit is {LONGEST_PROMPT_BYTES:,}", "Shorten it.")
        if any("\ud800" <= letter <= "\udfff" for letter in prompt.text):
            raise _refused(f"Prompt {number} holds characters that cannot be sent", "Paste it again as plain text.")
    if setup.mode == "side_by_side" and len(setup.prompts) != 1:
        raise _refused("Side by side takes one prompt", "Choose a benchmark for several.")


def _numbers(setup: Setup) -> None:
    if not 1 <= setup.repeats <= MOST_REPEATS:
        raise _refused(f"Repeats must be 1 to {MOST_REPEATS}, not {setup.repeats}")
    if not 0 <= setup.warm_ups <= MOST_WARM_UPS:
        raise _refused(f"Warm-ups must be 0 to {MOST_WARM_UPS}, not {setup.warm_ups}")
    count = requests_of(setup)
    if count > MOST_CELLS:
        advice = "Take fewer prompts, models or repeats."
        raise _refused(f"That makes {count:,} requests; the limit is {MOST_CELLS:,}", advice)
    for power in setup.power:
        if not 0 < power.watts <= 100_000:
            raise _refused(f"The power of {power.server} must be above 0 and at most 100,000 W, not {power.watts:g}")
    if setup.price_kwh is not None and not 0 <= setup.price_kwh <= 1_000_000:
        raise _refused(f"The price of a kWh must be 0 or more, not {setup.price_kwh:g}")


def _together(setup: Setup) -> None:
    if not setup.together:
        return
    if setup.mode != "side_by_side":
        raise _refused("A benchmark asks one request at a time", "Choose side by side to ask all at once.")
    if setup.repeats != 1 or setup.cache == "measure":
        title = "What is asked all at once is asked only once"
        raise _refused(title, "Set repeats to 1 and leave cached prompts alone, or ask one after the other.")


def _refused(title: str, advice: str = "") -> InputRefused:
    return InputRefused(Fault(kind="bad_request", title=title, advice=advice))
