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
        self._state: Literal["start", "reasoning", "lead", "text"] = "start"
        self._held = ""
        self._closer_seen = False

    @property
    def reclassified(self) -> bool:
        """Whether text that was already emitted turned out to be reasoning."""
        return self.reclassified_chars > 0

    @property
    def unclosed(self) -> bool:
        """Whether the reasoning has begun and not ended."""
        return self._state == "reasoning"

    def feed(self, chunk: str) -> list[Piece]:
        """Return what is certain with this chunk; a beginning of a tag is held back."""
        if self._state == "text" and "<" not in chunk and not self._held:
            self._text_chars += len(chunk)
            return [Piece("text", chunk)] if chunk else []
        self._held += chunk
        pieces: list[Piece] = []
        while self._step(pieces):
            pass
        return pieces

    def flush(self) -> list[Piece]:
        """Return what was held back, at the end of the answer."""
        held, self._held = self._held, ""
        if not held or (self._state == "lead" and not held.strip()):
            return []
        return [Piece("reasoning" if self._state == "reasoning" else "text", held)]

    def _step(self, pieces: list[Piece]) -> bool:
        """Do what the held text allows; returns whether the state changed, so that more may be done."""
        match self._state:
            case "start":
                return self._begin()
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
            self._held = begun[len(_OPEN) :].lstrip("\n")
            self._state = "reasoning"
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
        before, closer, after = self._held.partition(_CLOSE)
        if self._closer_seen:
            before, closer, after = self._held, "", ""
            keep = 0
        else:
            keep = 0 if closer else _overlap(before, _CLOSE)
        alone = bool(closer) and before[-1:] in ("", "\n") and after[:1] in ("", "\n")
        text = before if alone else before + closer
        shown = text[: len(text) - keep]
        if shown:
            pieces.append(Piece("text", shown))
            self._text_chars += len(shown)
        self._held = after if closer else before[len(before) - keep :]
        if alone:
            self._closer_seen = True
            self.reclassified_chars = self._text_chars
            self._state = "lead"
        return bool(closer)


def _overlap(text: str, tag: str) -> int:
    """Return how many characters at the end of the text may be the beginning of the tag."""
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if tag.startswith(text[-length:]):
            return length
    return 0
