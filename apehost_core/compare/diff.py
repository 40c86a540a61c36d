"""What two texts have in common, word by word. Pure; texts for which that takes too long are compared line by line."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from itertools import accumulate, groupby
from typing import Literal

SpanKind = Literal["same", "removed", "added"]

MOST_PIECES = 4_000
"""Words, and marks between them, of either text where they differ; longer ones are compared by lines."""
MOST_WORK = 4_000_000
"""Pairs of equal pieces that are looked at: about a second. Only texts that say the same few words over and over need
so many; what is not matched by then counts as different."""
_SPACED = re.compile(r"\w+ ?|[^\w\s] ?|\s+")  # a space goes with its word: alone it would match every other space
_WORD = re.compile(r"\w+|[^\w\s]|\s+")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text, with the white space in it.

    Attributes:
        kind: In both texts; in the left one alone; in the right one alone.
        text: Never empty.
    """

    kind: SpanKind
    text: str


def word_diff(left: str, right: str) -> tuple[Span, ...]:
    """Return spans: the same and removed ones together are the left text, the same and added ones the right one."""
    for pieces in (_SPACED, _LINE):
        a, b = pieces.findall(left), pieces.findall(right)
        begin, end = _alike(a, b)
        middle_a, middle_b = a[begin : len(a) - end], b[begin : len(b) - end]
        if max(len(middle_a), len(middle_b)) <= MOST_PIECES:
            around = Span("same", "".join(a[:begin])), Span("same", "".join(a[len(a) - end :]))
            return _joined((around[0], *_matched(middle_a, middle_b), around[1]))
    return _joined(_replaced(left, right))


def _matched(a: Sequence[str], b: Sequence[str]) -> Iterator[Span]:
    done_a = done_b = 0
    for match in (*_matches(a, b), Match(len(a), len(b), 0)):
        yield from _replaced("".join(a[done_a : match.a]), "".join(b[done_b : match.b]))
        done_a, done_b = match.a + match.size, match.b + match.size
        yield Span("same", "".join(a[match.a : done_a]))


def _matches(a: Sequence[str], b: Sequence[str]) -> list[Match]:
    """Do as `SequenceMatcher.get_matching_blocks`, whole texts before their parts, and stop after enough work."""
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    in_b = Counter(b)
    pairs = [0, *accumulate(in_b[piece] for piece in a)]  # how many the pieces before each one take part in
    found: list[Match] = []
    waiting = deque([(0, len(a), 0, len(b))])
    work = 0
    while waiting:
        a1, a2, b1, b2 = waiting.popleft()
        work += pairs[a2] - pairs[a1]
        if a1 == a2 or b1 == b2 or work > MOST_WORK:
            continue
        match = matcher.find_longest_match(a1, a2, b1, b2)
        if match.size:
            found.append(match)
            waiting.append((a1, match.a, b1, match.b))
            waiting.append((match.a + match.size, a2, match.b + match.size, b2))
    return sorted(found)


def _replaced(left: str, right: str) -> Iterator[Span]:
    """Yield the spans of two texts that differ, without the words at both ends that do not."""
    a, b = _WORD.findall(left), _WORD.findall(right)
    begin, end = _alike(a, b)
    yield Span("same", "".join(a[:begin]))
    yield Span("removed", "".join(a[begin : len(a) - end]))
    yield Span("added", "".join(b[begin : len(b) - end]))
    yield Span("same", "".join(a[len(a) - end :]))


def _alike(a: Sequence[str], b: Sequence[str]) -> tuple[int, int]:
    """Return how many pieces are the same at the beginning, and how many of the others at the end."""
    least = min(len(a), len(b))
    begin = next((n for n in range(least) if a[n] != b[n]), least)
    end = next((n for n in range(least - begin) if a[-1 - n] != b[-1 - n]), least - begin)
    return begin, end


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans without empty ones, neighbours of one kind made one."""
    told = (span for span in spans if span.text)
    return tuple(Span(kind, "".join(span.text for span in group)) for kind, group in groupby(told, _kind))


def _kind(span: Span) -> SpanKind:
    return span.kind
