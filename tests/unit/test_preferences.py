"""Preferences as JSON, and what is refused in them."""

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apehost_core.chat.preferences import (
    FIELD_NAMES,
    LABELS,
    MOST_STOPS,
    RANGES,
    FieldName,
    ValueRefused,
    checked,
    combined,
    preferences_from_json,
    preferences_to_json,
    values_of,
)
from apehost_core.errors import InputRefused
from apehost_core.model import Preferences, Sampling

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def any_value(name: FieldName) -> st.SearchStrategy[object]:
    """Any value that a field may have, or None."""
    if name in RANGES:
        low, high = RANGES[name].low, RANGES[name].high
        return st.none() | (st.integers(int(low), int(high)) if RANGES[name].whole else st.floats(low, high))
    others: dict[FieldName, st.SearchStrategy[object]] = {
        "system_prompt": TEXT,
        "stop": st.lists(TEXT.filter(bool), max_size=MOST_STOPS).map(tuple),
        "reasoning_effort": TEXT.filter(bool),
        "tool_mode": st.sampled_from(["native", "prompted", "off"]),
    }
    return st.none() | others[name]


ANY = st.fixed_dictionaries({name: any_value(name) for name in FIELD_NAMES}).map(checked)


@given(ANY)
def test_nothing_is_lost(preferences: Preferences) -> None:
    """What was written is read as it was."""
    assert preferences == preferences_from_json(preferences_to_json(preferences))


@given(ANY)
def test_only_what_was_set_is_written(preferences: Preferences) -> None:
    """A field that nobody set is not in the JSON, so that defaults may change."""
    assert values_of(preferences).keys() == orjson.loads(preferences_to_json(preferences)).keys()


@given(ANY, ANY)
def test_the_first_wins(first: Preferences, second: Preferences) -> None:
    """Field by field, and what is set anywhere is there."""
    assert values_of(second) | values_of(first) == values_of(combined(first, second))


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("temperature", 2.1, "a number from 0 to 2"),
        ("temperature", -0.1, "a number from 0 to 2"),
        ("temperature", math.nan, "a number from 0 to 2"),
        ("temperature", "0.7", "a number from 0 to 2"),
        ("temperature", True, "a number from 0 to 2"),
        ("top_p", 1.5, "a number from 0 to 1"),
        ("min_p", -1, "a number from 0 to 1"),
        ("top_k", -1, "a whole number from 0 to 2,147,483,647"),
        ("top_k", 1.5, "a whole number"),
        ("repeat_penalty", 0, "a number from 0.1 to 10"),
        ("presence_penalty", 3, "a number from -2 to 2"),
        ("frequency_penalty", -3, "a number from -2 to 2"),
        ("seed", 2**40, "a whole number from -1 to 4,294,967,295"),
        ("max_tokens", 0, "a whole number from 1 to"),
        ("context_length", 0, "a whole number from 1 to"),
        ("ttl_s", 0, "a whole number from 1 to"),
        ("stop", "END", "at most 16 texts, none of them empty"),
        ("stop", ["a", ""], "at most 16 texts, none of them empty"),
        ("stop", ["x"] * 17, "at most 16 texts, none of them empty"),
        ("tool_mode", "always", "one of native, prompted, off"),
        ("reasoning_effort", "", "1 to 40 characters of text"),
        ("system_prompt", 3, "a text of at most 1,000,000 characters"),
        ("system_prompt", "half a pair: \ud83d", "a text of at most 1,000,000 characters"),
    ],
)
def test_a_value_outside_its_range(name: FieldName, value: object, wanted: str) -> None:
    """The refusal names the field, also as people call it, what it may be, and what it was."""
    with pytest.raises(ValueRefused) as refused:
        checked({name: value})
    assert name == refused.value.field
    assert refused.value.fault.title.startswith(f"{LABELS[name]} must be {wanted}")
    assert refused.value.fault.title.encode()


def test_every_field_has_a_label() -> None:
    """No error has to fall back on a name that nobody sees."""
    assert list(FIELD_NAMES) == list(LABELS)


def test_a_refusal_quotes_what_was_typed() -> None:
    """Not what was made of it."""
    with pytest.raises(ValueRefused, match="Top p must be a number from 0 to 1, not '9,50'"):
        checked({"top_p": 9.5}, {"top_p": "9,50"})


@pytest.mark.parametrize("text", ['{"temprature": 1}', '{"sampling": {}}', "[]", "{", '"text"'])
def test_what_is_not_known(text: str) -> None:
    """Another program's fields are refused, and so is what is no object: nothing is dropped without a word."""
    with pytest.raises(InputRefused):
        preferences_from_json(text)


def test_a_wrong_value_is_not_written() -> None:
    """What could not be read again never reaches the database."""
    with pytest.raises(InputRefused, match="Top p must be"):
        preferences_to_json(Preferences(sampling=Sampling(top_p=7)))
