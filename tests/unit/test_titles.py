"""Names of conversations."""

import pytest

from apehost_core.chat.titles import LONGEST, title_from_answer, title_from_prompt


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("Why is the sky blue?", "Why is the sky blue?"),
        ("\n\n## Plan\nmore", "Plan"),
        ("   ", "New chat"),
        ("\x07bell", "bell"),
        ("---\n> quoted **word**, *said* [there](http://x.test/y)", "quoted word, said there"),
        ("- [ ] a task `now`", "a task now"),
        ("Is `a > b`, or Vec<T> | __init__?", "Is a > b, or Vec<T> | __init__?"),
        ("2 * 3 * 4 and -5", "2 * 3 * 4 and -5"),
        ("word " * 40, "word word word word word word word word word word word word…"),
    ],
)
def test_title_from_prompt(prompt: str, title: str) -> None:
    """The first line that says something, plain, cut at a word."""
    assert title_from_prompt(prompt) == title
    assert len(title) <= LONGEST


def test_long_word_is_cut() -> None:
    """A first line without a space is cut at the limit."""
    title = title_from_prompt("x" * 500)
    assert len(title) == LONGEST
    assert title.endswith("…")


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ('"Blue Sky Physics."', "Blue Sky Physics"),
        ("Title: Rayleigh scattering", "Rayleigh scattering"),
        ("", None),
        ("1. one\n2. two", None),
        ("A very long explanation " * 10, None),
    ],
)
def test_title_from_answer(answer: str, title: str | None) -> None:
    """A short single line is a title; anything else is none."""
    assert title_from_answer(answer) == title
