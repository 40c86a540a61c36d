"""What two answers have in common."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from apehost_core.compare.diff import MOST_PIECES, Span, word_diff

TEXTS = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(["a", "b", " ", "\n", ",", "the cat "])).map("".join))


def sides(spans: tuple[Span, ...]) -> tuple[str, str]:
    """Return the left and the right text that the spans tell."""
    left = "".join(span.text for span in spans if span.kind != "added")
    return left, "".join(span.text for span in spans if span.kind != "removed")


@given(TEXTS, TEXTS)
def test_spans_tell_both_texts(left: str, right: str) -> None:
    """Whatever the texts are, their spans put together are the texts, and none is empty."""
    spans = word_diff(left, right)
    assert (left, right) == sides(spans)
    assert all(span.text for span in spans)
    assert all(one.kind != other.kind for one, other in itertools.pairwise(spans))


@given(TEXTS)
def test_equal_texts_are_one_span(text: str) -> None:
    """A text has everything in common with itself."""
    assert word_diff(text, text) == ((Span("same", text),) if text else ())


def test_a_changed_word() -> None:
    """Words are compared whole, and the white space around them is in common."""
    assert word_diff("The cat sat\ndown.", "The dog sat\ndown.") == (
        Span("same", "The "),
        Span("removed", "cat"),
        Span("added", "dog"),
        Span("same", " sat\ndown."),
    )


def test_a_word_added_at_the_end() -> None:
    """What only one text says is added, and the words before it are not touched."""
    assert word_diff("one two", "one two three") == (Span("same", "one two"), Span("added", " three"))


def test_long_texts_are_compared_by_lines() -> None:
    """Above the limit a line that differs in a word still shares the words around it."""
    lines = [f"line {number} says {number * 7}\n" for number in range(MOST_PIECES // 4)]
    left, right = lines.copy(), lines.copy()
    left[0], right[0] = "left begins\n", "right begins\n"
    left[500], right[500] = "a red fox\n", "a grey fox\n"
    left[-1], right[-1] = "left ends", "right ends"
    spans = word_diff("".join(left), "".join(right))
    assert ("".join(left), "".join(right)) == sides(spans)
    assert {"left", "red"} == {span.text for span in spans if span.kind == "removed"}
    assert {"right", "grey"} == {span.text for span in spans if span.kind == "added"}


def test_endless_texts_are_not_compared() -> None:
    """Texts of too many lines are taken as different as a whole, but for what they begin and end with."""
    draw = random.Random(4)
    left, right = ("".join(f"{draw.random()}\n" for _ in range(MOST_PIECES + 1)) for _ in range(2))
    assert (left, right) == sides(word_diff(left, right))


def test_texts_of_the_same_few_words_come_to_an_end() -> None:
    """Where everything could match everything, the work is bounded and the texts are still told whole."""
    left, right = "a b " * 900, "b c " * 900
    assert (left, right) == sides(word_diff(left, right))
