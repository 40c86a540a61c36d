"""What an answer really uses, and where each value comes from: the chat, a profile of the model, the server. Pure.

A reasoning setting that the model does not allow becomes the nearest that it does, and says so: servers refuse others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from apehost_core.chat.preferences import FIELD_NAMES, FieldName, Value, checked, values_of
from apehost_core.chat.profiles import Profile, applying
from apehost_core.model import ModelInfo, Preferences

__all__ = ["Effective", "Origin", "Profile", "Setting", "clamp_reasoning", "effective"]

Origin = Literal["chat", "profile", "server"]

_ORDER = ("off", "minimal", "low", "medium", "high", "xhigh", "max")
_RANKS = {word: rank for rank, word in enumerate(_ORDER)} | {"on": _ORDER.index("medium")}
_OFF = "off"
_OFF_ON_THE_WIRE = "none"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that an answer uses.

    Attributes:
        value: As it is sent; None when it is left to the server.
        origin: Who set it; "server" when nobody did.
        profile: Pattern of the profile that set it; None when none did.
        note: What there is to say about it; may be empty.
    """

    value: Value | None
    origin: Origin
    profile: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Effective:
    """What an answer uses.

    Attributes:
        settings: Every field, in the order of `FIELD_NAMES`.
        preferences: The same values together.
    """

    settings: Mapping[FieldName, Setting]
    preferences: Preferences


def effective(chat: Preferences, profiles: Iterable[Profile], model_key: str, info: ModelInfo | None) -> Effective:
    """Return what an answer uses: the chat's values, else those of the most specific profile, else the server's.

    Args:
        chat: What was set for this chat alone.
        profiles: All of them; those of other models are left out.
        model_key: The model that answers.
        info: What is known of it; None when nothing is.
    """
    given = [_Given("chat", None, values_of(chat))]
    given += [_Given("profile", each.pattern, values_of(each.preferences)) for each in applying(profiles, model_key)]
    settings: dict[FieldName, Setting] = {name: _first(name, given) for name in FIELD_NAMES}
    settings["reasoning_effort"] = _allowed(settings["reasoning_effort"], info)
    return Effective(settings, checked({name: setting.value for name, setting in settings.items()}))


def clamp_reasoning(wanted: str, options: Sequence[str]) -> str | None:
    """Return the allowed reasoning setting that is nearest to what is wanted, the lower of two.

    "off" and "none" are one setting with two names. "on" stands where "medium" does, and is never turned into "off"
    while there is another.

    Args:
        wanted: Any word; servers know others than ours.
        options: What the model allows; empty when that is not known, and then anything goes.

    Returns:
        One of the options, or what was wanted where they are not known; None when they cannot be compared.
    """
    if not options:
        return wanted
    word = _word(wanted)
    same = [option for option in options if _word(option) == word]
    if same:
        return wanted if wanted in same else same[0]
    comparable = [option for option in options if _word(option) in _RANKS]
    if word == "on":
        comparable = [option for option in comparable if _word(option) != _OFF] or comparable
    if word not in _RANKS or not comparable:
        return None
    rank = _RANKS[word]
    return min(comparable, key=lambda option: (abs(_RANKS[_word(option)] - rank), _RANKS[_word(option)]))


@dataclass(frozen=True, slots=True)
class _Given:
    origin: Origin
    profile: str | None
    values: Mapping[FieldName, Value]


def _first(name: FieldName, given: Sequence[_Given]) -> Setting:
    """Return the value of the first that sets it."""
    for each in given:
        if name in each.values:
            return Setting(each.values[name], each.origin, each.profile)
    return Setting(None, "server")


def _allowed(setting: Setting, info: ModelInfo | None) -> Setting:
    """Return a reasoning setting as the model takes it, in chat/completions' words. Source: api notes 3."""
    if not isinstance(setting.value, str):
        default = info.reasoning_default if info else None
        return Setting(None, "server", note=f"the model's own is {default!r}" if default else "")
    wanted = setting.value
    chosen = clamp_reasoning(wanted, info.reasoning_options if info else ())
    sent = _OFF_ON_THE_WIRE if chosen is not None and _word(chosen) == _OFF else chosen
    note = ""
    if chosen is None:
        note = f"{wanted!r} is not allowed by this model; nothing is sent"
    elif _word(chosen) != _word(wanted):
        note = f"{wanted!r} is not allowed by this model; {sent!r} is sent"
    return Setting(sent, setting.origin, setting.profile, note)


def _word(setting: str) -> str:
    word = setting.strip().casefold()
    return _OFF if word == "none" else word
