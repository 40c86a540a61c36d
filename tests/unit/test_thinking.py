"""Reasoning between inline tags, told apart from the answer while it streams."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apehost_core.lmstudio.thinking import ThinkSplitter

SHREDS = ["<think>", "</think>", "<", "</", "<thi", "nk>", ">", "\n", " ", "ab", "`", "ü"]


def pieces_of(*chunks: str) -> tuple[str, str, bool, bool]:
    """Return reasoning and text after reclassification, and whether it was reclassified and left unclosed."""
    splitter = ThinkSplitter()
    pieces = [piece for chunk in chunks for piece in splitter.feed(chunk)] + splitter.flush()
    reasoning = "".join(piece.text for piece in pieces if piece.kind == "reasoning")
    text = "".join(piece.text for piece in pieces if piece.kind == "text")
    assert all(piece.text for piece in pieces)
    cut = splitter.reclassified_chars
    return reasoning + text[:cut], text[cut:], splitter.reclassified, splitter.unclosed


@pytest.mark.parametrize(
    ("content", "reasoning", "text"),
    [
        pytest.param("just text", "", "just text", id="no-tags"),
        pytest.param("  just text\n", "", "  just text\n", id="white-space-is-kept-without-tags"),
        pytest.param("<think>hm</think>yes", "hm", "yes", id="both-tags"),
        pytest.param("<think>\n\nhm\n</think>\n\nyes\n", "hm\n", "yes\n", id="newlines-around-the-tags"),
        pytest.param(" \n <think>hm</think> yes", "hm", "yes", id="white-space-before-the-tag"),
        pytest.param("<think></think>yes", "", "yes", id="empty-reasoning"),
        pytest.param("<think>\n\n</think>\n\nyes", "", "yes", id="blank-reasoning"),
        pytest.param("<think>hm</think>", "hm", "", id="no-answer"),
        pytest.param("<think>1 < 2 </ 3</think>a < b", "1 < 2 </ 3", "a < b", id="lesser-signs"),
        pytest.param("<think>a<think>b</think>c", "a<think>b", "c", id="opener-inside-the-reasoning"),
        pytest.param("<think>a</think>b\n</think>\nc", "a", "b\n</think>\nc", id="second-closer-is-text"),
        pytest.param("<thinking>a</thinking>", "", "<thinking>a</thinking>", id="another-tag"),
        pytest.param("Use <think>a</think> so", "", "Use <think>a</think> so", id="quoted-in-the-answer"),
        pytest.param("a\n<think>\nb", "", "a\n<think>\nb", id="opener-on-a-later-line"),
        pytest.param("The closer is `</think>`.", "", "The closer is `</think>`.", id="quoted-closer"),
        pytest.param("a</think>\nb", "", "a</think>\nb", id="closer-ends-a-line"),
        pytest.param("a\n</think> b", "", "a\n</think> b", id="closer-begins-a-line"),
        pytest.param("<think", "", "<think", id="half-an-opener"),
        pytest.param("a\n</thin", "", "a\n</thin", id="half-a-closer"),
        pytest.param("</think>\nyes", "", "yes", id="closer-first"),
        pytest.param("", "", "", id="nothing"),
    ],
)
def test_split(content: str, reasoning: str, text: str) -> None:
    """Only tags at the beginning divide an answer, and whole or letter by letter it is divided alike."""
    assert (reasoning, text, False, False) == pieces_of(content)
    assert (reasoning, text, False, False) == pieces_of(*content)


@pytest.mark.parametrize(
    ("content", "reasoning", "text"),
    [
        pytest.param("hm\nso\n</think>\n\nyes", "hm\nso\n", "yes", id="answer-follows"),
        pytest.param("hm\n</think>", "hm\n", "", id="closer-is-the-end"),
        pytest.param("hm\n</think>\n", "hm\n", "", id="closer-is-the-last-line"),
        pytest.param("`</think>`?\n</think>\nyes", "`</think>`?\n", "yes", id="quoted-before"),
        pytest.param("hm\n</think>\nyes\n</think>\n", "hm\n", "yes\n</think>\n", id="only-the-first-one"),
    ],
)
def test_missing_opener(content: str, reasoning: str, text: str) -> None:
    """A closer that stands alone on its line makes what came before it reasoning."""
    assert (reasoning, text, True, False) == pieces_of(content)
    assert (reasoning, text, True, False) == pieces_of(*content)


@pytest.mark.parametrize(
    ("content", "reasoning"),
    [("<think>hm", "hm"), ("<think>", ""), ("<think>\n", ""), ("<think>hm</thi", "hm</thi"), (" <think>\na\n", "a\n")],
)
def test_missing_closer(content: str, reasoning: str) -> None:
    """Reasoning that never ends stays reasoning, to the last letter, and is known to be unclosed."""
    assert (reasoning, "", False, True) == pieces_of(content)
    assert (reasoning, "", False, True) == pieces_of(*content)


@given(st.lists(st.sampled_from(SHREDS), max_size=14))
@example(["ab", "</think>", "\n", "ab"])
@example(["\n", "</think>", " ", "ab"])
@example(["<think>", "\n", "\n", "ab"])
def test_chunks_do_not_matter(chunks: list[str]) -> None:
    """The same content gives the same division, however it is cut."""
    content = "".join(chunks)
    assert pieces_of(content) == pieces_of(*chunks) == pieces_of(*content)


@given(st.lists(st.sampled_from(SHREDS), max_size=14))
def test_nothing_is_lost(chunks: list[str]) -> None:
    """Every letter of the content comes out, but for one opener, one closer and the white space around them."""
    reasoning, text, _, _ = pieces_of(*chunks)
    came, left = ("".join(whole.split()) for whole in ("".join(chunks), reasoning + text))
    allowed = {came, came.removeprefix("<think>")}
    for whole in tuple(allowed):
        halves = whole.split("</think>")
        allowed |= {"</think>".join(halves[:n]) + "</think>".join(halves[n:]) for n in range(1, len(halves))}
    assert left in allowed


def test_text_does_not_wait() -> None:
    """Once it is clear that no tag begins the answer, text goes out with its chunk; only half a tag waits."""
    splitter = ThinkSplitter()
    assert [] == splitter.feed("<th")
    assert ["<the"] == [piece.text for piece in splitter.feed("e")]
    assert [" end"] == [piece.text for piece in splitter.feed(" end")]
    assert [" a"] == [piece.text for piece in splitter.feed(" a<")]
    assert ["<b"] == [piece.text for piece in splitter.feed("b")]


def test_reasoning_does_not_wait() -> None:
    """Reasoning goes out as it comes; only half a closer waits."""
    splitter = ThinkSplitter()
    assert ["hm"] == [piece.text for piece in splitter.feed("<think>hm")]
    assert [" so"] == [piece.text for piece in splitter.feed(" so</thi")]
    assert [("text", "yes")] == [(piece.kind, piece.text) for piece in splitter.feed("nk>yes")]
