r"""What a person writes into the search box, as a value: words, phrases, prefixes and filter words.

    rust "borrow checker" async* -python model:qwen after:7d -has:error

All words must be in a message, none of the excluded ones. Filters narrow; only what a message has one of can be named
several times to widen (`role:user role:tool`). A colon inside ordinary text (http://, 12:30, C:\) belongs to the text.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, get_args

from apehost_core.errors import Fault, InputRefused
from apehost_core.messages import Role

Kind = Literal["word", "phrase", "prefix"]
FilterName = Literal["model", "server", "role", "tool", "has", "before", "after", "tag", "in"]

LONGEST: Final = 1_000
MOST_WORDS: Final = 64
FILTERS: Final[dict[FilterName, str]] = {
    "model": 'model:qwen (name contains it), model:"qwen3-4b" (exactly it)',
    "server": 'server:mini (name contains it), server:"Mac mini" (exactly it)',
    "role": "role:user, role:assistant, role:tool, role:system",
    "tool": "tool:search (name contains it)",
    "has": "has:error, has:reasoning, has:tool, has:code, has:image, has:link",
    "before": "before:2026-03, before:today",
    "after": "after:2026-03-15, after:7d, after:yesterday",
    "tag": "tag:work (exactly it)",
    "in": 'in:archive, in:trash, in:imported, in:"words of a title"',
}
HAS: Final = ("error", "reasoning", "tool", "code", "image", "link")
PLACES: Final = ("trash", "archive", "imported")
_ROLES: Final = get_args(Role)
_UNITS: Final = {"d": 1, "w": 7}
_NOT_FILTERS: Final = ("mailto", "urn", "data", "tel")
_NAMES: Final = {"today": 0, "yesterday": 1}

# A piece: an optional -, an optional name and colon, then a value in quotes or up to the next space.
_PIECE = re.compile(
    r'(?P<minus>-(?=["\w]))?(?:(?P<name>[^\W\d_]+):)?(?:"(?P<quoted>[^"]*)(?P<closed>"?)|(?P<plain>\S+))|(?P<rest>\S+)'
)
_MONTHS = re.compile(r"(\d{1,4})m")
_DAYS = re.compile(r"(\d{1,5})([dw])")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


@dataclass(frozen=True, slots=True)
class Term:
    """Something that must, or must not, be in a message.

    Attributes:
        text: As written, without quotes, minus or star.
        kind: A phrase has its words in this order, side by side; a prefix is the beginning of a word.
        excluded: Whether it must not be there.
    """

    text: str
    kind: Kind
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter word with its value.

    Attributes:
        name: Without the colon.
        value: As written, without quotes; role, has and the places of `in` in lower case. "" for dates.
        exact: Whether the value was in quotes.
        negated: Whether what has it is left out.
        day: For before and after: before the beginning of that day, or from its beginning on; else None.
    """

    name: FilterName
    value: str
    exact: bool = False
    negated: bool = False
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """A search, taken apart; both in the order in which they were written."""

    terms: tuple[Term, ...]
    filters: tuple[Filter, ...]

    def __bool__(self) -> bool:
        return bool(self.terms or self.filters)


def parse(text: str, today: date) -> Words:
    """Return what a search text asks for; nothing for an empty one.

    Args:
        text: As typed.
        today: The person's date, for words such as 7d and yesterday.

    Raises:
        InputRefused: A filter word is unknown or has a wrong value, or the text is too long; the fault names it.
    """
    if len(text) > LONGEST:
        raise _refused(f"The search has more than {LONGEST:,} characters", "Leave the less important words out.")
    terms: list[Term] = []
    filters: list[Filter] = []
    for piece in _PIECE.finditer(text):
        found = _read(piece, today)
        if isinstance(found, Filter):
            filters.append(found)
        elif found is not None:
            terms.append(found)
    if len(terms) + len(filters) > MOST_WORDS:
        raise _refused(f"The search has more than {MOST_WORDS} words", "Leave the less important words out.")
    return Words(tuple(terms), tuple(filters))


def _read(piece: re.Match[str], today: date) -> Term | Filter | None:
    """Return what one piece of the text is; None for one that says nothing."""
    name, quoted, plain = piece["name"], piece["quoted"], piece["plain"]
    negated = bool(piece["minus"])
    if name is not None:
        known = name.lower()
        if known in FILTERS:
            return _filter(Filter(known, plain or quoted or "", quoted is not None, negated), today)
        if quoted is not None or _is_name(name, plain):
            raise _unknown(name)
        return _term(f"{name}:{plain}", negated)
    if quoted is not None:
        return Term(quoted, "phrase", negated) if quoted.strip() else None
    written = plain or piece["rest"] or ""
    if written.endswith(":") and written[:-1].lower() in FILTERS:
        raise _no_value(written[:-1].lower())
    return _term(written, negated)


def _is_name(name: str, value: str) -> bool:
    """Whether name:value was meant as a filter: a plain word that is followed by letters, as no address or path is."""
    return len(name) > 1 and value[:1].isalpha() and name.lower() not in _NOT_FILTERS


def _term(text: str, excluded: bool) -> Term | None:
    if text.endswith("*") and text.rstrip("*"):
        return Term(text.rstrip("*"), "prefix", excluded)
    if not text.strip("-*"):
        return None
    return Term(text, "word", excluded)


def _filter(given: Filter, today: date) -> Filter:
    """Return a filter with its value checked."""
    if not given.value.strip():
        raise _no_value(given.name)
    if given.name in ("before", "after"):
        return Filter(given.name, given.value, negated=given.negated, day=_day(given, today))
    lower = given.value.lower()
    allowed = {"role": _ROLES, "has": HAS}.get(given.name)
    if allowed is not None:
        if lower not in allowed:
            raise _wrong(given, f"It can be {', '.join(allowed)}.")
        return Filter(given.name, lower, negated=given.negated)
    if given.name == "in" and not given.exact and lower in PLACES:
        return Filter("in", lower, negated=given.negated)
    return given


def _day(given: Filter, today: date) -> date:
    """Return the day that a date or an age means."""
    value = given.value.lower()
    try:
        if value in _NAMES:
            return today - timedelta(days=_NAMES[value])
        if age := _DAYS.fullmatch(value):
            return today - timedelta(days=int(age[1]) * _UNITS[age[2]])
        if age := _MONTHS.fullmatch(value):
            return _months_before(today, int(age[1]))
        if written := _DATE.fullmatch(value):
            return date(int(written[1]), int(written[2] or 1), int(written[3] or 1))
    except (ValueError, OverflowError) as error:
        raise _wrong(given, "There is no such day.") from error
    raise _wrong(given, "It can be 2026, 2026-03, 2026-03-15, 7d, 2w, 3m, today or yesterday.")


def _months_before(day: date, months: int) -> date:
    """Return the same day some months earlier, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    first = date(year, month + 1, 1)
    after = date(year + month // 11, (month + 1) % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), after - timedelta(days=1))


def _no_value(name: str) -> InputRefused:
    example = next(text for known, text in FILTERS.items() if known == name)
    return _refused(f'"{name}:" needs a value', f"For example {example}.")


def _unknown(name: str) -> InputRefused:
    known = ", ".join(f"{each}:" for each in FILTERS)
    return _refused(
        f'There is no filter word "{name}:"',
        f'The filter words are {known}. To look for the text itself, put it in quotes: "{name}:...".',
    )


def _wrong(given: Filter, advice: str) -> InputRefused:
    return _refused(f'"{given.name}:" cannot be "{given.value}"', advice)


def _refused(title: str, advice: str) -> InputRefused:
    return InputRefused(Fault(kind="bad_request", title=title, advice=advice))
