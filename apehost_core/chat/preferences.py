"""What was chosen for answers, field by field: which fields there are, what each may be, and how they are written down.

Pure. A value outside its range is refused by name, and so is a field that is not known: what is dropped without a word
is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, cast, get_args

import orjson

from apehost_core.errors import Fault, InputRefused
from apehost_core.model import Preferences, Sampling, ToolMode

FieldName = Literal[
    "system_prompt",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "max_tokens",
    "stop",
    "reasoning_effort",
    "context_length",
    "tool_mode",
    "ttl_s",
]
FIELD_NAMES: tuple[FieldName, ...] = get_args(FieldName)
LABELS: dict[FieldName, str] = {
    "system_prompt": "System prompt",
    "temperature": "Temperature",
    "top_p": "Top p",
    "top_k": "Top k",
    "min_p": "Min p",
    "repeat_penalty": "Repeat penalty",
    "presence_penalty": "Presence penalty",
    "frequency_penalty": "Frequency penalty",
    "seed": "Seed",
    "max_tokens": "Max tokens",
    "stop": "Stop strings",
    "reasoning_effort": "Reasoning",
    "context_length": "Context length to load with",
    "tool_mode": "Tools",
    "ttl_s": "Unload after idle seconds",
}
"""What people call each field."""
Value = str | int | float | tuple[str, ...]

MOST_STOPS = 16
LONGEST_SYSTEM_PROMPT = 1_000_000
_LONGEST_EFFORT = 40
_LARGEST = 2**31 - 1
_SAMPLING = frozenset(field.name for field in fields(Sampling))
_QUOTED = 60


class ValueRefused(InputRefused):
    """A value is outside the range of its field.

    Attributes:
        field: Its name; the fault says what people call it.
    """

    def __init__(self, fault: Fault, field: FieldName) -> None:
        super().__init__(fault)
        self.field: FieldName = field


@dataclass(frozen=True, slots=True)
class Range:
    """What a number may be, both ends included.

    Attributes:
        low: The least.
        high: The most.
        whole: Whole numbers only.
    """

    low: float
    high: float
    whole: bool = False

    def holds(self, value: object) -> bool:
        """Whether it is such a number."""
        wanted = int if self.whole else int | float
        return isinstance(value, wanted) and not isinstance(value, bool) and self.low <= value <= self.high

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:,} to {self.high:,}"


RANGES: dict[FieldName, Range] = {
    "temperature": Range(0, 2),
    "top_p": Range(0, 1),
    "top_k": Range(0, _LARGEST, whole=True),
    "min_p": Range(0, 1),
    "repeat_penalty": Range(0.1, 10),
    "presence_penalty": Range(-2, 2),
    "frequency_penalty": Range(-2, 2),
    "seed": Range(-1, 2**32 - 1, whole=True),
    "max_tokens": Range(1, _LARGEST, whole=True),
    "context_length": Range(1, _LARGEST, whole=True),
    "ttl_s": Range(1, _LARGEST, whole=True),
}


def values_of(preferences: Preferences) -> dict[FieldName, Value]:
    """Return the fields that were set."""
    values: dict[FieldName, Any] = {
        name: getattr(preferences.sampling if name in _SAMPLING else preferences, name) for name in FIELD_NAMES
    }
    return {name: value for name, value in values.items() if value is not None and value != ()}


def checked(
    values: Mapping[str, object] | Mapping[FieldName, object], typed: Mapping[FieldName, str] | None = None
) -> Preferences:
    """Return the values as preferences; None leaves a field unset.

    Args:
        values: By field.
        typed: How values were written by whoever typed them; may leave fields out.

    Raises:
        ValueRefused: A value is outside its range; the fault says which by the field's label, and what it was.
        InputRefused: A field is not known.
    """
    for name, value in values.items():
        if name not in FIELD_NAMES:
            raise _refused(f"There is no setting named {name!r}", advice=f"Known are {', '.join(FIELD_NAMES)}.")
        wanted = None if value is None else _wanted(name, value)
        if wanted is not None:
            given = _quoted((typed or {}).get(name, value))
            title = f"{LABELS[name]} must be {wanted}, not {given}"
            raise ValueRefused(Fault(kind="bad_request", title=title), name)
    return _preferences({name: value for name, value in values.items() if value is not None})


def combined(*preferences: Preferences) -> Preferences:
    """Return each field as the first that sets it has it."""
    values: dict[FieldName, Value] = {}
    for given in reversed(preferences):
        values |= values_of(given)
    return _preferences(values)


def preferences_to_json(preferences: Preferences) -> str:
    """Return the fields that were set, as a JSON object.

    Raises:
        InputRefused: As for `checked`.
    """
    return orjson.dumps(values_of(checked(values_of(preferences)))).decode()


def preferences_from_json(text: str | bytes) -> Preferences:
    """Return what `preferences_to_json` wrote.

    Raises:
        InputRefused: It is no JSON object, or as for `checked`.
    """
    try:
        found: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _refused("The settings are not JSON", cause=str(error)) from error
    if not isinstance(found, dict):
        raise _refused("The settings are no JSON object")
    return checked(cast("dict[str, object]", found))


def _preferences(values: Mapping[Any, Any]) -> Preferences:
    given: dict[str, Any] = {name: tuple(value) if name == "stop" else value for name, value in values.items()}
    sampling = {name: given.pop(name) for name in tuple(given) if name in _SAMPLING}
    return Preferences(sampling=Sampling(**sampling), **given)


def _wanted(name: FieldName, value: object) -> str | None:
    """Return what a value of that field has to be; None when it is."""
    if name in RANGES:
        return None if RANGES[name].holds(value) else str(RANGES[name])
    if name == "stop":
        return None if _are_stops(value) else f"at most {MOST_STOPS} texts, none of them empty"
    if name == "tool_mode":
        modes = get_args(ToolMode)
        return None if value in modes else f"one of {', '.join(modes)}"
    if name == "reasoning_effort":
        return None if _is_text(value, _LONGEST_EFFORT) and value else f"1 to {_LONGEST_EFFORT} characters of text"
    longest = LONGEST_SYSTEM_PROMPT
    return None if _is_text(value, longest) else f"a text of at most {longest:,} characters"


def _are_stops(value: object) -> bool:
    if not isinstance(value, list | tuple):
        return False
    stops = cast("list[object] | tuple[object, ...]", value)
    return len(stops) <= MOST_STOPS and all(_is_text(stop, LONGEST_SYSTEM_PROMPT) and stop for stop in stops)


def _is_text(value: object, longest: int) -> bool:
    """Whether it is a text that can be sent: half a surrogate pair has no bytes in UTF-8."""
    return (
        isinstance(value, str) and len(value) <= longest and not any("\ud800" <= letter <= "\udfff" for letter in value)
    )


def _quoted(value: object) -> str:
    text = ascii(value) if not isinstance(value, str) or not value.isprintable() else repr(value)
    return text if len(text) <= _QUOTED else text[:_QUOTED] + "…"


def _refused(title: str, *, cause: str = "", advice: str = "") -> InputRefused:
    return InputRefused(Fault(kind="bad_request", title=title, cause=cause, advice=advice))
