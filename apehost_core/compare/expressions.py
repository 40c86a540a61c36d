"""Regular expressions that other people wrote: compiled where that is safe, and looked for with a time limit."""

import math
import re

import regex

from apehost_core.errors import Fault, InputRefused

MOST_CHARS = 2_000
MOST_WRITTEN_OUT = 1_000_000
"""Characters of an expression times the counts in its braces: `regex` writes these out, and dies of too many."""
TIMEOUT_S = 0.2
_MOST_SHOWN = 80
_COUNT = re.compile(r"\{(\d{1,9})")


def checked_expression(expression: str) -> regex.Pattern[str]:
    """Return the expression, compiled.

    Raises:
        InputRefused: It is none, or too long, or repeats something too often.
    """
    if len(expression) > MOST_CHARS:
        title = f"An expression has {len(expression):,} characters; {MOST_CHARS:,} are the most"
        raise _refused(title, "Shorten it.")
    if len(expression) * _copies(expression) > MOST_WRITTEN_OUT:
        raise _refused("The expression repeats something too often", "Make the numbers in braces smaller.")
    try:
        return regex.compile(expression)
    except (regex.error, RecursionError, OverflowError) as error:
        reason = f"{error}.".capitalize() if isinstance(error, regex.error) else "It is nested too deeply."
        shown = expression if len(expression) <= _MOST_SHOWN else expression[: _MOST_SHOWN - 1] + "…"
        raise _refused(f"{shown} is no regular expression", "Correct it.", reason) from None


def found_in(text: str, pattern: regex.Pattern[str]) -> bool:
    """Whether the expression is found anywhere in the text.

    Raises:
        TimeoutError: It took longer than 0.2 s.
    """
    return pattern.search(text, timeout=TIMEOUT_S) is not None


def _copies(expression: str) -> int:
    """Return how many copies counts in braces make of something, if all of them stand in each other."""
    return math.prod(max(1, int(digits)) for digits in _COUNT.findall(expression))


def _refused(title: str, advice: str, cause: str = "") -> InputRefused:
    return InputRefused(Fault(kind="bad_request", title=title, cause=cause, advice=advice))
