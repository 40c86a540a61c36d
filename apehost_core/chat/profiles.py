"""What was set for models: which profiles a model falls under, and what they set together. Pure.

A pattern is a model key, or has * (any characters) or ? (one) in it. Capitals do not matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from apehost_core.chat.preferences import combined
from apehost_core.errors import Fault, InputRefused
from apehost_core.model import Preferences

LONGEST_PATTERN = 200
_WILD = "*?"


@dataclass(frozen=True, slots=True)
class Profile:
    """What answers of some models use, where the chat does not say otherwise.

    Attributes:
        id: UUIDv7.
        pattern: Model key, or a pattern of keys.
        preferences: What it sets.
        updated_at: UTC.
    """

    id: str
    pattern: str
    preferences: Preferences
    updated_at: datetime


def checked_pattern(pattern: str) -> str:
    """Return the pattern without space around it.

    Raises:
        InputRefused: It is empty, too long, or has characters that cannot be seen.
    """
    pattern = pattern.strip()
    if not pattern:
        title = "A profile needs a model key or a pattern"
        raise InputRefused(Fault(kind="bad_request", title=title, advice="For example qwen*; * alone is every model."))
    if len(pattern) > LONGEST_PATTERN or not pattern.isprintable():
        title = f"A pattern has at most {LONGEST_PATTERN} characters, all of which can be seen"
        raise InputRefused(Fault(kind="bad_request", title=title))
    return pattern


def is_exact(pattern: str) -> bool:
    """Whether the pattern is one model's key."""
    return not any(wild in pattern for wild in _WILD)


def matches(pattern: str, key: str) -> bool:
    """Whether a model of that key falls under the pattern."""
    pattern, key = pattern.casefold(), key.casefold()
    if is_exact(pattern):
        return pattern == key
    return fnmatchcase(key, pattern.replace("[", "[[]"))  # brackets are letters here


def applying(profiles: Iterable[Profile], key: str) -> tuple[Profile, ...]:
    """Return the profiles that a model falls under, the most specific first.

    Its key comes before patterns, a pattern with more letters before one with fewer, the newer before the older.
    """
    found = (profile for profile in profiles if matches(profile.pattern, key))
    return tuple(sorted(found, key=_specificity, reverse=True))


def preferences_for(profiles: Iterable[Profile], key: str) -> Preferences:
    """Return what the profiles set for a model; the most specific one wins, field by field."""
    return combined(*(profile.preferences for profile in applying(profiles, key)))


def _specificity(profile: Profile) -> tuple[bool, int, datetime, str]:
    letters = sum(letter not in _WILD for letter in profile.pattern)
    return is_exact(profile.pattern), letters, profile.updated_at, profile.id
