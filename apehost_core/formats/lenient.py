"""Values of untrusted JSON, taken for what they should be: what is something else counts as not there."""

import json
import math
from datetime import UTC, datetime
from typing import cast

import orjson

_FIRST_YEAR_S = 0.0
_LAST_YEAR_S = 7_258_118_400.0  # the year 2200
_SCALES = (1.0, 1e3, 1e6, 1e9)
_SHORTEST_UNIQUE = 16
_SURROGATES = range(0xD800, 0xE000)


class NoConversation(Exception):
    """Something in a file is no conversation that can be taken in; the message says why, for people."""


def mapping(value: object) -> dict[str, object]:
    """Return the object, or an empty one."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def sequence(value: object) -> list[object]:
    """Return the array, or an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def mappings(value: object) -> list[dict[str, object]]:
    """Return the objects of an array; whatever else stands in it is left out."""
    return [cast("dict[str, object]", item) for item in sequence(value) if isinstance(item, dict)]


def text(value: object) -> str:
    """Return the text, or an empty one."""
    return value if isinstance(value, str) else ""


def identifier(value: object) -> str:
    """Return a text or a whole number as an id; else an empty text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value)


def long_identifier(value: object) -> str:
    """Return an id that no other file has by chance too; an empty text for the short ones, which data sets count up."""
    found = text(value)
    return found if len(found) >= _SHORTEST_UNIQUE else ""


def number(value: object) -> float | None:
    """Return a finite number that is not negative; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and found >= 0 else None


def whole(value: object) -> int | None:
    """Return a count that fits the file: whole, not negative, below 2**53; else None."""
    found = number(value)
    return int(found) if found is not None and found.is_integer() and found < 2**53 else None


def flag(value: object) -> bool | None:
    """Return true or false; else None."""
    return value if isinstance(value, bool) else None


def milliseconds(seconds: object) -> float | None:
    """Return seconds as milliseconds; None where there is no such number."""
    found = number(seconds)
    return None if found is None else found * 1e3


def moment(value: object) -> datetime | None:
    """Return a time from 1970 to 2200 in UTC; None where it is none.

    Args:
        value: Seconds, milliseconds, microseconds or nanoseconds since 1970 (its size tells which), or ISO 8601,
            taken for UTC where it names no zone.
    """
    if isinstance(value, str):
        return _iso_moment(value)
    since = number(value)
    if not since:
        return None
    for scale in _SCALES:
        if _FIRST_YEAR_S < since / scale < _LAST_YEAR_S:
            return datetime.fromtimestamp(since / scale, UTC)
    return None


def _iso_moment(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        return found if _FIRST_YEAR_S <= found.timestamp() < _LAST_YEAR_S else None
    except (ValueError, OverflowError):
        return None


def json_text(value: object) -> str:
    """Return a value as compact JSON; a text stays as it is.

    Raises:
        NoConversation: It is nested too deeply to be written down.
    """
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        pass  # a number of more than 64 bits, or deeper than orjson goes
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (RecursionError, ValueError) as error:
        raise NoConversation("A value in it is nested too deeply, or too large a number.") from error


def storable(value: str) -> str:
    """Return a text without what a database or a browser stumbles over: NULs and halves of surrogate pairs."""
    if "\0" in value:
        value = value.replace("\0", "\ufffd")
    try:
        value.encode()
    except UnicodeEncodeError:
        value = "".join("\ufffd" if ord(letter) in _SURROGATES else letter for letter in value)
    return value


def one_line(value: object, longest: int = 300) -> str:
    """Return a text as a title: its printable characters on one line, cut where it is longer."""
    found = " ".join("".join(letter if letter.isprintable() else " " for letter in text(value)[:10_000]).split())
    return found if len(found) <= longest else found[: longest - 1] + "…"


def left_out(count: int, thing: str, things: str) -> list[str]:
    """Return the note that so many things were left out, if any were.

    Args:
        count: How many.
        thing: What one is called.
        things: What several are called.
    """
    return [f"{count:,} {thing if count == 1 else things} left out."] if count else []
