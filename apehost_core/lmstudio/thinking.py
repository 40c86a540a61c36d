"""Reasoning that a server leaves inline, `<think>...</think>` at the beginning of an answer, split off as it streams.

Only a tag at the very beginning counts (white space before it is allowed): one that is quoted later is text. When
a template has put the opening tag into the prompt, the answer begins in the middle of the reasoning and only the
closing tag shows. What was emitted as text before it cannot be called back; `reclassified` tells the decoder to
count it as reasoning in the final response. That is done only when the closer stands alone on its line, so that an
answer which quotes the tag is left alone. Source: api notes 3 (#863, #378).
"""

from dataclasses import dataclass
from typing import Literal

_OPEN = "<think>"
_CLOSE = "</think>"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text and what it is."""

    kind: Literal["text", "reasoning"]
    text: str


class ThinkSplitter:
    """Splits content into reasoning and text. Feed it chunks; call `flush` at the end.

    Attributes:
        reclassified_chars: How much of the text turned out to be reasoning when a lone closing tag showed.
        unclosed: The reasoning never ended.
    """

    def __init__(self) -> None:
        self.reclassified_chars = 0
        self._text_chars = 0
        self._last = ""
        self._state: Literal["start", "opened", "reasoning", "lead", "text"] = "start"
        self._held = ""
        self._closer_seen = False
        self._ended = False

    @property
    def reclassified(self) -> bool:
        """Whether text that was already emitted turned out to be reasoning."""
        return self.reclassified_chars > 0

    @property
    def unclosed(self) -> bool:
        """Whether the reasoning has begun and not ended."""
        return self._state in ("opened", "reasoning")

    def feed(self, chunk: str) -> list[Piece]:
        """Return what is certain with this chunk; a beginning of a tag is held back."""
        if self._state == "text" and "<" not in chunk and not self._held:
            return self._shown(chunk)
        self._held += chunk
        pieces: list[Piece] = []
        while self._step(pieces):
            pass
        return pieces

    def flush(self) -> list[Piece]:
        """Return what was held back, at the end of the answer."""
        self._ended = True
        pieces: list[Piece] = []
        while self._step(pieces):
            pass
        held, self._held = self._held, ""
        if held:
            pieces.append(Piece("reasoning" if self._state == "reasoning" else "text", held))
        return pieces

    def _step(self, pieces: list[Piece]) -> bool:
        """Do what the held text allows; returns whether the state changed, so that more may be done."""
        match self._state:
            case "start":
                return self._begin()
            case "opened":
                self._held = self._held.lstrip("\n")
                if not self._held:
                    return False
                self._state = "reasoning"
                return True
            case "reasoning":
                return self._reason(pieces)
            case "lead":
                self._held = self._held.lstrip()
                if not self._held:
                    return False
                self._state = "text"
                return True
            case "text":
                return self._write(pieces)

    def _begin(self) -> bool:
        begun = self._held.lstrip()
        if begun.startswith(_OPEN):
            self._held = begun[len(_OPEN) :]
            self._state = "opened"
            return True
        if not begun or _OPEN.startswith(begun):
            return False
        self._state = "text"
        return True

    def _reason(self, pieces: list[Piece]) -> bool:
        before, closer, after = self._held.partition(_CLOSE)
        keep = 0 if closer else _overlap(before, _CLOSE)
        shown = before[: len(before) - keep]
        if shown:
            pieces.append(Piece("reasoning", shown))
        self._held = after if closer else before[len(before) - keep :]
        if closer:
            self._state, self._closer_seen = "lead", True
        return bool(closer)

    def _write(self, pieces: list[Piece]) -> bool:
        if self._closer_seen:
            pieces += self._shown(self._held)
            self._held = ""
            return False
        before, closer, after = self._held.partition(_CLOSE)
        if not closer or not (after or self._ended):
            keep = len(closer) or _overlap(before, _CLOSE)
            certain = len(self._held) - keep
            pieces += self._shown(self._held[:certain])
            self._held = self._held[certain:]
            return False
        alone = (before or self._last)[-1:] in ("", "\n") and after[:1] in ("", "\n")
        pieces += self._shown(before if alone else before + closer)
        self._held = after
        if alone:
            self._closer_seen = True
            self.reclassified_chars = self._text_chars
            self._state = "lead"
        return True

    def _shown(self, text: str) -> list[Piece]:
        """Count what goes out as text."""
        if not text:
            return []
        self._text_chars += len(text)
        self._last = text[-1]
        return [Piece("text", text)]


def _overlap(text: str, tag: str) -> int:
    """Return how many characters at the end of the text may be the beginning of the tag."""
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if tag.startswith(text[-length:]):
            return length
    return 0
