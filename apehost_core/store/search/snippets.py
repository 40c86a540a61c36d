"""Snippets: the place in a text where most of the words stand, with the words marked.

The text is folded as the index folds it, but character for character, so that a place in the one is the same place
in the other.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from apehost_core.history.found import Snippet
from apehost_core.store.search.schema import analyzer, normal

LENGTH: Final = 180
_LEAD: Final = 40
_MOST_MATCHES: Final = 60
_ELLIPSIS: Final = "…"
_BLANKS: Final = re.compile(r"\s{2,}|[^\S ]")
# What the index spells with two letters, beside the one character that texts may have there.
_JOINED: Final = {"ss": "ß", "ae": "æ", "oe": "œ", "th": "þ", "fi": "ﬁ", "fl": "ﬂ", "ij": "ĳ"}
_PAIRS: Final = re.compile("|".join(_JOINED))


class Highlighter:
    """Finds the words of one search in texts.

    Args:
        patterns: The words of each term, as the index has them.
        prefixes: For each term whether its last word is only a beginning.
    """

    def __init__(self, patterns: Sequence[Sequence[str]], prefixes: Sequence[bool]) -> None:
        groups = [f"({_pattern(*each)})" for each in zip(patterns, prefixes, strict=True)]
        self._find = re.compile("|".join(groups)) if groups else None

    def snippet(self, text: str) -> Snippet | None:
        """Return a piece of the text with the words marked; None where none of them is in it."""
        if self._find is None:
            return None
        found = islice(self._find.finditer(_folded(text)), _MOST_MATCHES)
        matches = [(match.start(), match.end(), match.lastindex or 0) for match in found]
        return _cut(text, matches) if matches else None


def beginning(text: str) -> Snippet:
    """Return the beginning of a text, with nothing marked."""
    return _cut(text, [])


def _pattern(tokens: Sequence[str], prefix: bool) -> str:
    """Return the regular expression for words side by side, whatever stands between them."""
    first, *others = (_PAIRS.sub(_either, re.escape(token)) for token in tokens)
    after = "" if prefix or _is_whole(tokens[-1][-1]) else r"(?![^\W_])"
    return r"[\W_]*".join([_beginning(tokens[0], first), *others]) + after


def _beginning(token: str, pattern: str) -> str:
    """Return a pattern for a word that nothing stands before.

    What stands before is looked at last where that can be, since a search for what begins with letters is four times
    as fast.
    """
    if _is_whole(token[0]):
        return pattern
    return rf"(?<![^\W_]){pattern}" if _PAIRS.search(token) else rf"{pattern}(?<![^\W_]{pattern})"


def _either(pair: re.Match[str]) -> str:
    return f"(?:{pair[0]}|{_JOINED[pair[0]]})"


@lru_cache(maxsize=4096)
def _is_whole(character: str) -> bool:
    """Whether a character is a word by itself in the index."""
    return len(analyzer().analyze(f"{character}a")) > 1


def _folded(text: str) -> str:
    """Return a text as the index folds it, with as many characters."""
    return text.lower() if text.isascii() else text.translate(_FOLDS)


class _Folds(dict[int, str]):
    """How each character is folded, found when it is first met."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        tokens = analyzer().analyze(normal(character))
        lower = unicodedata.normalize("NFKC", character).lower()
        folded = tokens[0] if len(tokens) == 1 and len(tokens[0]) == 1 else lower if len(lower) == 1 else character
        if len(self) < 20_000:
            self[point] = folded
        return folded


_FOLDS: Final = _Folds()


def _cut(text: str, matches: Sequence[tuple[int, int, int]]) -> Snippet:
    """Return the stretch of the text that has the most different words, in marked and unmarked pieces."""
    best = _densest(matches)
    first, last = matches[best][:2] if matches else (0, 0)
    begin = _begin(text, first)
    end = _end(text, max(begin + LENGTH, last))
    piece = text[begin:end]
    blanks = "  " in piece or not piece.isprintable()  # quicker than to look for them
    pieces: list[tuple[str, bool]] = [(_ELLIPSIS, False)] if begin else []
    at = begin
    for start, stop, _ in matches:
        if begin <= start and stop <= end:
            if at < start:
                pieces.append((text[at:start], False))
            pieces.append((text[start:stop], True))
            at = stop
    if at < end:
        pieces.append((text[at:end], False))
    if end < len(text):
        pieces.append((_ELLIPSIS, False))
    return tuple((_BLANKS.sub(" ", piece), marked) for piece, marked in pieces) if blanks else tuple(pieces)


def _densest(matches: Sequence[tuple[int, int, int]]) -> int:
    """Return the number of the match from which on a snippet has the most different words."""
    words = len({group for _, _, group in matches}) if len(matches) > 1 else 1
    best, most = 0, 1
    for number, (start, _, _) in enumerate(matches if words > 1 else ()):
        groups = {group for _, end, group in matches[number:] if end <= start + LENGTH - _LEAD}
        if len(groups) > most:
            best, most = number, len(groups)
            if most == words:
                break
    return best


def _begin(text: str, match: int) -> int:
    """Return where to begin so that a match has something before it, at a word where there is one."""
    begin = max(match - _LEAD, 0)
    if begin == 0:
        return 0
    space = text.find(" ", begin, match)
    return space + 1 if space >= 0 else begin


def _end(text: str, end: int) -> int:
    """Return where to end, at a word where there is one."""
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", end - 20, end)
    return space if space >= 0 else end
