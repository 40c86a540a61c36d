"""JSON as people read it: indented, with what looks like a secret masked and what is too long cut. Pure functions.

What is shown stays JSON and keeps its values; where it differs from what it shows, it says so.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from apehost_ui.words import size

LONGEST = 20_000
_SECRET = re.compile(
    r"\bsk-lm-[\w:]+|\bsk-(?=[\w-]*\d)[\w-]{16,}|(?<=\bBearer )(?=[\w.~+/=:-]*\d)[\w.~+/=:-]{8,}",
    re.ASCII | re.IGNORECASE,
)
_MASK = "••••"
_IMAGE = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,")
_SHORTEST_IMAGE = 200
# They would turn the order of the letters around them, or cannot be sent to a browser.
_UNSEEN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Shown:
    """A JSON value as text.

    Attributes:
        text: Indented JSON; not of JSON where the value is none.
        masked: Something in it looked like a secret and is not shown.
        shortened: Images or long texts in it are not shown whole.
    """

    text: str
    masked: bool = False
    shortened: bool = False


@dataclass(slots=True)
class _Marks:
    """What was done to the texts of a value."""

    masked: bool = False
    shortened: bool = False


def shown(value: object) -> Shown:
    """Return a parsed JSON value as it is shown."""
    marks = _Marks()
    text = json.dumps(_each_text(value, lambda text: _seen(text, marks)), indent=2, ensure_ascii=False)
    return Shown(_UNSEEN.sub(_escaped, text), marks.masked, marks.shortened)


def shown_text(text: str) -> Shown:
    """Return a text that is no JSON as it is shown."""
    marks = _Marks()
    return Shown(_UNSEEN.sub(_escaped, _seen(text, marks)), marks.masked, marks.shortened)


def _each_text(value: object, change: Callable[[str], str]) -> object:
    """Return a JSON value with every text in it changed; names of fields stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each_text(item, change) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: _each_text(item, change) for name, item in cast("dict[str, Any]", value).items()}
    return value


def _seen(text: str, marks: _Marks) -> str:
    image = _IMAGE.match(text)
    if image and len(text) >= _SHORTEST_IMAGE:
        marks.shortened = True
        return f"{image.group()}… ({size((len(text) - image.end()) * 3 // 4)})"
    safe, secrets = _SECRET.subn(_MASK, text)
    marks.masked = marks.masked or secrets > 0
    if len(safe) <= LONGEST:
        return safe
    marks.shortened = True
    return f"{safe[:LONGEST]}… ({len(safe):,} characters in all)"


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"
