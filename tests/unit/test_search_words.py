"""What is written into the search box, taken apart."""

from datetime import date

import pytest

from apehost_core.errors import InputRefused
from apehost_core.history.search_words import FILTERS, LONGEST, MOST_WORDS, Filter, Term, Words, parse

TODAY = date(2026, 3, 31)


def word(text: str) -> Term:
    """A word that must be there."""
    return Term(text, "word")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("rust", [word("rust")]),
        ("  borrow \t checker\n", [word("borrow"), word("checker")]),
        ('"borrow checker"', [Term("borrow checker", "phrase")]),
        ("async*", [Term("async", "prefix")]),
        ("-python", [Term("python", "word", excluded=True)]),
        ('-"no way"', [Term("no way", "phrase", excluded=True)]),
        ("-foo*", [Term("foo", "prefix", excluded=True)]),
        ('"not closed', [Term("not closed", "phrase")]),
        ("機械学習 mañana", [word("機械学習"), word("mañana")]),
        ("don't e-mail C++ 3.14", [word("don't"), word("e-mail"), word("C++"), word("3.14")]),
        ("-> --force", [word("->"), word("--force")]),
        ('- -- * "" " "', []),
    ],
)
def test_terms(text: str, terms: list[Term]) -> None:
    """Words, phrases in quotes, beginnings with a star, and a minus before what must not be there."""
    assert Words(tuple(terms), ()) == parse(text, TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:1234/v1",
        "https://x.org",
        "12:30",
        "C:\\Users",
        "std::vector",
        "a:b",
        "mailto:me",
        "Note:",
        "::1",
    ],
)
def test_a_colon_inside_text(text: str) -> None:
    """Addresses, times, paths and code are words, not filters."""
    assert Words((word(text),), ()) == parse(text, TODAY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model:qwen", Filter("model", "qwen")),
        ('model:"qwen3-4b"', Filter("model", "qwen3-4b", exact=True)),
        ("-server:mini", Filter("server", "mini", negated=True)),
        ('server:"Mac mini"', Filter("server", "Mac mini", exact=True)),
        ("ROLE:User", Filter("role", "user")),
        ("has:Error", Filter("has", "error")),
        ('has:"code"', Filter("has", "code")),
        ("tool:web_search", Filter("tool", "web_search")),
        ("tag:Work", Filter("tag", "Work")),
        ("in:Trash", Filter("in", "trash")),
        ("-in:archive", Filter("in", "archive", negated=True)),
        ('in:"trash"', Filter("in", "trash", exact=True)),
        ("in:01890000-0000-7000-8000-000000000000", Filter("in", "01890000-0000-7000-8000-000000000000")),
    ],
)
def test_filters(text: str, expected: Filter) -> None:
    """A filter word has a value, perhaps in quotes, perhaps turned round; closed sets are read in any case."""
    assert Words((), (expected,)) == parse(text, TODAY)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2025", date(2025, 1, 1)),
        ("2025-07", date(2025, 7, 1)),
        ("2025-7-9", date(2025, 7, 9)),
        ("7d", date(2026, 3, 24)),
        ("2w", date(2026, 3, 17)),
        ("1m", date(2026, 2, 28)),
        ("3m", date(2025, 12, 31)),
        ("13m", date(2025, 2, 28)),
        ("today", TODAY),
        ("Yesterday", date(2026, 3, 30)),
    ],
)
def test_days(value: str, day: date) -> None:
    """A date, a month, a year or an age means the beginning of a day; a month back from the 31st is its last day."""
    assert (Filter("after", value, day=day), Filter("before", value, negated=True, day=day)) == parse(
        f"after:{value} -before:{value}", TODAY
    ).filters


def test_words_and_filters_mix() -> None:
    """Both come out in the order in which they were written, wherever they stand."""
    words = parse('a model:x "b c" -d has:code', TODAY)
    assert ["a", "b c", "d"] == [term.text for term in words.terms]
    assert ["model", "has"] == [each.name for each in words.filters]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("author:me", "author:"),
        ('key:"x y"', "key:"),
        ("role:robot", "robot"),
        ("has:wings", "wings"),
        ("after:2024-13", "2024-13"),
        ("before:soon", "soon"),
        ("after:99999m", "99999m"),
        ("model:", "model:"),
        ('tag:""', "tag:"),
        ("x" * (LONGEST + 1), f"{LONGEST:,}"),
        ("x " * (MOST_WORDS + 1), str(MOST_WORDS)),
    ],
)
def test_refusals(text: str, named: str) -> None:
    """What cannot be meant is refused in words that name it and say what could be written."""
    with pytest.raises(InputRefused) as refused:
        parse(text, TODAY)
    assert named in refused.value.fault.title
    assert refused.value.fault.advice


def test_an_unknown_filter_word_is_told_the_known_ones() -> None:
    """The person learns every filter word there is."""
    with pytest.raises(InputRefused) as refused:
        parse("author:me", TODAY)
    assert all(f"{name}:" in refused.value.fault.advice for name in FILTERS)
