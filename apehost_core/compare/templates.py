"""Prompts with fields in double braces, and the grid of values that fills them. Pure functions."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence

from apehost_core.compare.comparison import Prompt
from apehost_core.errors import Fault, InputRefused

MOST_PROMPTS = 2_000
MOST_CHARS = 100_000
"""Of one prompt."""
MOST_TOTAL_CHARS = 10_000_000
"""Of all prompts of a template."""
_FIELD = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_MOST_NAMED = 5


def fields_of(text: str) -> tuple[str, ...]:
    """Return the names of a template's fields, each once, in the order in which they come."""
    return tuple(dict.fromkeys(found.group(1) for found in _FIELD.finditer(text)))


def sendable(text: str) -> str:
    """Return the text with what no request can carry replaced: NUL, and halves of surrogate pairs."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its fields filled in. What is filled in is not looked through for fields again.

    Raises:
        InputRefused: It has a field that no value is given for.
    """
    missing = [name for name in fields_of(text) if name not in values]
    if missing:
        raise _refused(f"No value is given for {_named(missing)}", "Give one, or take the braces away.")
    return _FIELD.sub(lambda found: values[found.group(1)], text)


def from_template(text: str, grid: Mapping[str, Sequence[str]]) -> list[Prompt]:
    """Return a prompt for each combination of values; the last field's values change fastest.

    Args:
        text: May hold fields such as {{topic}}: letters, digits and underscores.
        grid: Values by the name of their field, all of which the text must hold.

    Raises:
        InputRefused: The text is empty or too long, a field has no value, a value has no field, or there are more than
            2,000 combinations.
    """
    check_text(text)
    _check_names(text, grid)
    combinations = math.prod(len(values) for values in grid.values())
    if combinations > MOST_PROMPTS:
        title = f"The values make {combinations:,} prompts; {MOST_PROMPTS:,} are the most"
        raise _refused(title, "Give fewer values.")
    prompts: list[Prompt] = []
    total = 0
    for values in itertools.product(*grid.values()):
        variables = dict(zip(grid, values, strict=True))
        prompt = Prompt(sendable(fill(text, variables)), variables=tuple(variables.items()))
        check_text(prompt.text)
        total += len(prompt.text)
        if total > MOST_TOTAL_CHARS:
            title = f"The prompts are longer than {MOST_TOTAL_CHARS:,} characters together"
            raise _refused(title, "Give fewer or shorter values.")
        prompts.append(prompt)
    return prompts


def check_text(text: str) -> None:
    """Refuse a prompt that says nothing or too much.

    Raises:
        InputRefused: It is empty, or longer than 100,000 characters.
    """
    if not text.strip():
        raise _refused("The prompt is empty", "Write what the models are to be asked.")
    if len(text) > MOST_CHARS:
        title = f"A prompt has {len(text):,} characters; {MOST_CHARS:,} are the most"
        raise InputRefused(Fault(kind="input_too_large", title=title, advice="Shorten it."))


def _check_names(text: str, grid: Mapping[str, Sequence[str]]) -> None:
    fields = fields_of(text)
    unfilled = [name for name in fields if not grid.get(name)]
    if unfilled:
        raise _refused(f"No value is given for {_named(unfilled)}", "Give at least one, or take the braces away.")
    unknown = [name for name in grid if name not in fields]
    if unknown:
        advice = f"Write {{{{{unknown[0]}}}}} where its value belongs, or take the values away."
        raise _refused(f"The prompt has no field {_named(unknown)}", advice)


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(f"{{{{{name}}}}}" for name in names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more"


def _refused(title: str, advice: str) -> InputRefused:
    return InputRefused(Fault(kind="bad_request", title=title, advice=advice))
