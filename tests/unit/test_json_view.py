"""JSON as the inspector shows it: correct, without secrets, and short enough to read."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apehost_ui.json_view import LONGEST, shown, shown_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)


@given(VALUES)
def test_what_is_shown_is_the_value(value: object) -> None:
    """Any value that needs no mask and no cut is read back as it was."""
    view = shown(value)
    assert (value, False, False) == (json.loads(view.text), view.masked, view.shortened)
    view.text.encode()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("my sk-lm-AbCdEfGh:01234567890123456789!", "my ••••!"),
        ("sk-proj-abcdefghijkl0123456789", "••••"),
        ("Authorization: Bearer abc.DEF-123=", "Authorization: Bearer ••••"),
        ("bearer token1234", "bearer ••••"),
    ],
)
def test_what_looks_like_a_token_is_masked(text: str, wanted: str) -> None:
    """In any place of a value, and the view says so."""
    view = shown({"messages": [{"content": text}]})
    assert (wanted, True) == (json.loads(view.text)["messages"][0]["content"], view.masked)
    assert wanted == shown_text(text).text


@pytest.mark.parametrize(
    "text", ["the bearer of bad news", "Bearer information", "sk-learn-contrib", "ask-me-anything1"]
)
def test_words_are_not_masked(text: str) -> None:
    """Prose stays what it is."""
    assert (text, False) == (shown_text(text).text, shown_text(text).masked)


def test_an_image_is_its_size() -> None:
    """Base64 is nothing to read; kind and size of the file are."""
    data = "data:image/jpeg;base64," + base64.b64encode(bytes(182_000)).decode()
    view = shown([{"image_url": {"url": data}}])
    assert ("data:image/jpeg;base64,… (182 kB)", True) == (
        json.loads(view.text)[0]["image_url"]["url"],
        view.shortened,
    )


def test_a_very_long_text_is_cut() -> None:
    """Its length is told; nothing of megabytes goes to a page."""
    view = shown(["x" * 1_000_000])
    assert view.shortened
    assert "x" * LONGEST + "… (1,000,000 characters in all)" == json.loads(view.text)[0]


def test_no_mark_turns_the_letters_around() -> None:
    """Marks of direction stand as escapes, so that code reads in the order in which it was sent."""
    assert '"a\\u202eb"' == shown("a\u202eb").text
