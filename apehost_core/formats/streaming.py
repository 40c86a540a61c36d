"""JSON of untrusted files, taken apart while it is read: never more than one conversation in memory.

ijson cuts the bytes into tokens; here they become values, within limits of depth and size.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Literal, Protocol, cast

import ijson  # pyright: ignore[reportMissingTypeStubs] (it ships none)

from apehost_core.formats.characters import WholeCharacters

LARGEST_ITEM = 256 * 1024 * 1024
"""Bytes of one conversation, or of one line."""
DEEPEST = 2_000
"""Levels of arrays and objects inside each other."""
_CHUNK = 64 * 1024
_STARTS, _ENDS = ("start_map", "start_array"), ("end_map", "end_array")
_PARSER_ERRORS = (ijson.JSONError, ValueError)
_SLOW = cast("Any", ijson).get_backend("python")
_NUMBER = re.compile(r"unexpected symbol '-?\d")
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_HEAD_TOKENS = 60_000
_HEAD_LINES = 50
_HEAD_BYTES = 8 * 1024 * 1024

Shape = Literal["array", "object", "lines"]
Parser = Literal["fast", "slow"]
"""The one in C, and the one in Python for files with numbers beyond 64 bits, which is twenty times slower."""
Progress = Callable[[int], None]
"""Told the bytes that were read since it was told last."""


class Damaged(Exception):
    """From here on a file cannot be read; the message says why, for people."""


class LargeNumber(Damaged):
    """A number in it does not fit 64 bits; the slow parser can read it."""


class Readable(Protocol):
    """Something that gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""
        ...


class Metered:
    """Bytes on their way to the parser: without a byte order mark, counted, and not too many for one item."""

    def __init__(self, stream: Readable, progress: Progress | None = None, limit: int = LARGEST_ITEM) -> None:
        self._stream = stream
        self._progress = progress
        self._limit = limit
        self._since = 0
        self._first = True
        self._characters = WholeCharacters()
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        """Return up to so many bytes.

        Raises:
            Damaged: The item is larger than the limit, or the file is no text in UTF-8.
        """
        while size:
            if self._characters.broken:
                raise Damaged("It is not written in UTF-8.")
            found = self._stream.read(_CHUNK if size < 0 else size)
            self._count(len(found))
            if not found:
                return self._characters.rest()
            if self._first:
                self._first = False
                found = _without_mark(found)
            whole = self._characters.feed(found)
            if whole:
                return whole
        return b""

    def _count(self, read: int) -> None:
        self.taken += read
        self._since += read
        if self._progress:
            self._progress(read)
        if self._since > self._limit:
            raise Damaged(f"An item in it is larger than {self._limit // 1024**2:,} MB; nothing after it was read.")

    def next_item(self) -> None:
        """Say that an item has ended."""
        self._since = 0


class Builder:
    """Values from tokens. An array at the top is not built: its elements are the values.

    Attributes:
        shape: Of what stands at the top; None before anything but a plain value has come.
    """

    def __init__(self) -> None:
        self.shape: Literal["array", "object"] | None = None
        self._top: list[object] = []
        self._holders: list[dict[str, object] | list[object]] = []

    def build(self, tokens: Iterable[tuple[str, Any]]) -> Iterator[object]:
        """Yield each value when it is complete.

        Args:
            tokens: As ijson gives them.

        Raises:
            Damaged: It is nested too deeply.
        """
        holder: dict[str, object] | list[object] = self._top
        key = ""  # one is enough: what it stands for is attached where it begins
        for token, value in tokens:
            if token == "map_key":
                key = value
                continue
            if token in _ENDS:
                holder = self._ended()
            else:
                if token in _STARTS:
                    value = cast("Any", self._started(token))
                    if value is None:
                        continue
                if isinstance(holder, list):
                    holder.append(value)
                else:
                    holder[key] = value
                if token in _STARTS:
                    self._holders.append(value)
                    holder = value
            if holder is self._top and self._top:
                yield self._top.pop()

    def partial(self) -> object:
        """Return the value that is being built, as far as it goes; None when there is none."""
        return self._top[0] if self._top else None

    def _ended(self) -> dict[str, object] | list[object]:
        """Return what holds the value that has ended now."""
        if self._holders:
            self._holders.pop()
        return self._holders[-1] if self._holders else self._top

    def _started(self, token: str) -> dict[str, object] | list[object] | None:
        """Return a new value to fill; None for the array at the top."""
        if self.shape is None:
            self.shape = "array" if token == "start_array" else "object"
            if self.shape == "array":
                return None
        if len(self._holders) >= DEEPEST:
            raise Damaged(f"It is nested deeper than {DEEPEST:,} levels.")
        return {} if token == "start_map" else []


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file, for telling what it is.

    Attributes:
        shape: "lines" when several values stand under each other; None where it is no JSON.
        items: The first values: of an array its elements, of lines their values; the last may not be complete.
        damage: Why no more could be read of it; None where it was read as far as wanted.
    """

    shape: Shape | None
    items: list[object]
    damage: str | None = None


def head_of(stream: BinaryIO) -> Head:
    """Return the beginning of a file as far as it can be read. Leaves the stream where it stops."""
    beginning = stream.read(_HEAD_BYTES)
    try:
        return _head(beginning, "fast")
    except LargeNumber:
        return _head(beginning, "slow")


def _head(beginning: bytes, parser: Parser) -> Head:
    """Return the head of a file's beginning.

    Raises:
        LargeNumber: The fast parser cannot read a number in it.
    """
    builder = Builder()
    items: list[object] = []
    damage: Damaged | None = None
    try:
        for value in builder.build(islice(_tokens(Metered(io.BytesIO(beginning)), parser), _HEAD_TOKENS)):
            items.append(value)
    except _PARSER_ERRORS as error:
        damage = _damage(error)
    except Damaged as error:
        damage = error
    if isinstance(damage, LargeNumber) and parser == "fast":
        raise damage
    if damage and builder.shape != "array" and not items:
        lines = _first_lines(beginning)
        if lines:
            return Head("lines", lines)
    partial = builder.partial()
    if partial is not None:
        items.append(partial)
    shape: Shape | None = builder.shape
    if shape == "object" and len(items) > 1:
        shape = "lines"
    return Head(shape, items, str(damage) if damage and len(beginning) < _HEAD_BYTES else None)


def _first_lines(beginning: bytes) -> list[object]:
    """Return the objects among the first lines, for a file whose very first line is damaged."""
    found = [_value_of(line) for line in beginning.splitlines()[:_HEAD_LINES] if line.startswith(b"{")]
    return [value for value in found if value and not isinstance(value, Damaged)]


def values_of(stream: Metered, parser: Parser = "fast") -> Iterator[object]:
    """Yield the elements of an array at the top, or the one value that stands there.

    Raises:
        LargeNumber: The fast parser cannot read a number in what follows.
        Damaged: What follows cannot be read; what was yielded before stands.
    """
    builder = Builder()
    try:
        for value in builder.build(_tokens(stream, parser)):
            stream.next_item()
            yield value
    except _PARSER_ERRORS as error:
        raise _damage(error) from error


def lines_of(stream: BinaryIO, progress: Progress | None = None) -> Iterator[tuple[int, object | Damaged]]:
    """Yield each line that is not empty: its number from 1, and its value or why it has none."""
    number = 0
    while line := stream.readline(LARGEST_ITEM + 1):
        number += 1
        if progress:
            progress(len(line))
        if len(line) > LARGEST_ITEM:
            yield number, Damaged(f"It is longer than {LARGEST_ITEM // 1024**2:,} MB; nothing after it was read.")
            return
        line = line.removeprefix(_BOM).strip() if number == 1 else line.strip()
        if line:
            yield number, _value_of(line)


def _value_of(line: bytes) -> object | Damaged:
    found = _parsed(line, "fast")
    return _parsed(line, "slow") if isinstance(found, LargeNumber) else found


def _parsed(line: bytes, parser: Parser) -> object | Damaged:
    builder = Builder()
    try:
        values = list(builder.build(_tokens(Metered(io.BytesIO(line)), parser)))
    except _PARSER_ERRORS as error:
        return _damage(error)
    except Damaged as error:
        return error
    return values if builder.shape == "array" else values[0]


def _tokens(stream: Readable, parser: Parser) -> Iterator[tuple[str, Any]]:
    """Return the tokens. Numbers are int and float: where the C parser makes Decimals it crashes on what is none."""
    if parser == "slow":
        return _slow_tokens(stream)
    tokens = ijson.basic_parse(stream, buf_size=_CHUNK, multiple_values=True, use_float=True)
    return cast("Iterator[tuple[str, Any]]", tokens)


def _slow_tokens(stream: Readable) -> Iterator[tuple[str, Any]]:
    """Yield the tokens of the parser in Python, which complains aloud when it is left before its end unless closed."""
    tokens = cast("list[tuple[str, Any]]", ijson.sendable_list())
    parser = _SLOW.basic_parse_coro(tokens, multiple_values=True, use_float=True)
    try:
        while chunk := stream.read(_CHUNK):
            parser.send(chunk)
            yield from tokens
            tokens.clear()
        parser.close()
        yield from tokens
    except ijson.JSONError:
        yield from tokens
        raise
    finally:
        with suppress(ijson.JSONError, RuntimeError):
            parser.close()


def _without_mark(beginning: bytes) -> bytes:
    if beginning.startswith(_UTF16):
        raise Damaged("It is written in UTF-16; save it as UTF-8.")
    if beginning.startswith(b"\0"):
        raise Damaged("It consists of zero bytes: the program that wrote it was interrupted.")
    return beginning.removeprefix(_BOM)


def _damage(error: Exception) -> Damaged:
    """Return what is wrong, without the file's own text, which the parser quotes."""
    words = str(error).partition("\n")[0].casefold()
    if "overflow" in words or _NUMBER.match(words):
        return LargeNumber("A number in it is larger than any that can be read.")
    if "premature" in words or "incomplete" in words:
        return Damaged("It ends in the middle: it was not written or downloaded to its end.")
    return Damaged("It is not valid JSON from here on.")
