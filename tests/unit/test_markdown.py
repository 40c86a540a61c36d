"""Model text as Markdown: nothing in it loads, runs or hides where it leads."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from apehost_ui.markdown import divide, plain_label, safe


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        (
            "![cat](http://evil.example/c.png)",
            r"[cat](http://evil.example/c.png) \[image at evil.example, not loaded\]",
        ),
        (
            "![](http://evil.example/c.png)",
            r"[image](http://evil.example/c.png) \[image at evil.example, not loaded\]",
        ),
        ("![x](data:image/png;base64,AA)", r"x \[image, not loaded\]"),
        ("![x][1]", r"!\[x][1]"),
        (
            "![two\nlines](http://e.example/c.png)",
            "[two\nlines](http://e.example/c.png) \\[image at e.example, not loaded\\]",
        ),
        ("[two\nlines](https://e.example/)", "[two\nlines](https://e.example/) (e.example)"),
        ("[x](javascript:alert)", r"x \[link removed\]"),
        ("[x](JaVaScRiPt:alert)", r"x \[link removed\]"),
        ("[bank](https://evil.example/)", "[bank](https://evil.example/) (evil.example)"),
        ("[a.example](https://a.example/)", "[a.example](https://a.example/)"),
        ("It is $5 and $10.", r"It is \$5 and \$10."),
        (r"\(x^2\) and \[y\]", "$x^2$ and $$y$$"),
        ("$x^2$", "$x^2$"),
        (":material/home: at 10:30", r"\:material/home: at 10:30"),
        ("`![x](http://e.example)` $5", r"`![x](http://e.example)` \$5"),
        ("```\n![x](http://e.example) $5\n```\n", "```\n![x](http://e.example) $5\n```\n"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("a\n\n    echo $HOME 10:20:30\n\nb $5", "a\n\n    echo $HOME 10:20:30\n\nb \\$5"),
        ("1. Run:\n\n    ```\n    echo $PATH\n    ```\n", "1. Run:\n\n    ```\n    echo $PATH\n    ```\n"),
        ("- a\n\n    costs $5", "- a\n\n    costs \\$5"),
        ("and $$\nx\n$$\n\nmore", "and \n\n$$\nx\n$$\n\n\n\nmore"),
        ("`a $5\n\n$6` b", "`a \\$5\n\n\\$6` b"),
        ("handlers[i](event)", r"handlers\[i\](event)"),
        ("[there](//evil.example/x)", r"\[there\](//evil.example/x)"),
        ("שלום 👩‍👩‍👧 مرحبا", "שלום 👩‍👩‍👧 مرحبا"),
    ],
)
def test_safe(written: str, drawn: str) -> None:
    """Images become links that say so, links show their host, code stays as it is."""
    assert safe(written) == drawn


IMAGE = "![a](http://e.example/c.png)"


@given(
    st.lists(
        st.sampled_from(
            [IMAGE, "![a\nb][r]", "`", "``", "```", "~~~", "$", "$$", "\n", "\n\n", "    ", "- ", "> ", "\\", "x"]
        )
    )
)
def test_no_image_is_ever_drawn(pieces: list[str]) -> None:
    """However code, mathematics and images are mixed up, a Markdown parser finds no image in what is drawn."""
    drawn = safe("".join(pieces) + "\n\n[r]: http://e.example/d.png")
    inline = [child.type for token in MarkdownIt("commonmark").parse(drawn) for child in token.children or ()]
    assert "image" not in inline


@given(st.text(alphabet="ab \n`-1.$#*~\\[]()!", max_size=300), st.integers(1, 60))
def test_divided_text_is_whole(text: str, size: int) -> None:
    """Sealed pieces and tail together are the text, to the character."""
    blocks = divide(text, size=size)
    assert "".join(blocks.sealed) + blocks.tail == text


@given(st.text(alphabet="ab \n`-1.$#~", max_size=200), st.text(alphabet="ab \n`-1.$#~", max_size=80))
def test_sealed_pieces_never_change(text: str, more: str) -> None:
    """What was sealed stays sealed as it was, whatever comes after."""
    before = divide(text, size=8).sealed
    assert divide(text + more, size=8).sealed[: len(before)] == before


def test_fences_are_not_cut() -> None:
    """A blank line within a fence or a display formula is no end of a block."""
    text = "one\n\n```py\na\n\nb\n```\n\n$$\nx\n\ny\n$$\n\nend\n\nopen"
    assert divide(text, size=1).sealed == (
        "one\n\n",
        "```py\na\n\nb\n```\n\n",
        "$$\nx\n\ny\n$$\n\n",
        "end\n\n",
    ) or (divide(text, size=1).sealed[:3] == ("one\n\n", "```py\na\n\nb\n```\n\n", "$$\nx\n\ny\n$$\n\n"))


def test_list_continuation_is_not_cut() -> None:
    """An indented paragraph stays with its list item."""
    assert divide("- a\n\n  more of a\n\nend\n", size=1).sealed == ("- a\n\n  more of a\n\n",)


def test_label_shows_text_as_it_is() -> None:
    """A title full of Markdown is shown as typed, on one line."""
    assert "\\!\\[a\\]\\(http\\:\u2060//e\\) \\:red\\[b\\]" == plain_label("![a](http://e)\n:red[b]")


LIVE = re.compile(  # what the browser's Markdown makes of text once its escapes are gone
    r"(?:https?://|www(?=\.))[-.\w]+|[-.\w+]+@[-\w]+(?:\.[-\w]+)+|:[\w+-][\w/+-]*:|(?:^|\s)(?:<->|[-~<>]=|->|<-|--)(?:\s|$)",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    "text",
    [
        "http://box",
        "HTTPS://box.example/a?b=c",
        "see www.example.com",
        "WWW.example.com",
        "me.and+you@name.tld",
        ":material/home:",
        ":smile:",
        "::smile::+1:",
        ":streamlit:",
        "a -> b <- c <-> d -- e >= f <= g ~= h",
        "-> ->",
    ],
)
def test_nothing_in_a_label_is_alive(text: str) -> None:
    """Addresses, icons, emojis and arrows stay the letters that they are, and people read the same."""
    drawn = re.sub(r"\\(?=[^\w\s])", "", plain_label(text))
    assert LIVE.search(text) is not None
    assert LIVE.search(drawn) is None
    assert text == drawn.replace("\u2060", "")


@pytest.mark.parametrize("text", ["12:30", "qwen3: 8b", "a@b", "user: hello", "x-y -z", "awwww"])
def test_a_label_without_anything_alive_has_no_joiner(text: str) -> None:
    """What is copied from ordinary words is what stands there."""
    assert "\u2060" not in plain_label(text)
