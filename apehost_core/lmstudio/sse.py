"""Server-sent events from bytes. Pure: chunks in, frames out; no I/O.

The common shape, `data: {...}` and a blank line, is cut out by `bytes.split`; everything else takes the slow path.
Source: WHATWG HTML, 9.2.6 "Interpreting an event stream"; merged frames as seen on LM Studio (api notes 1.2.6).
"""

from dataclasses import dataclass

import orjson

from apehost_core.errors import Fault, ServerProtocolError

LARGEST_FRAME = 8 * 1024 * 1024
_MERGED = b"data: {"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event.

    Attributes:
        data: The data lines joined by newlines.
        event: The event's name; empty when none was given.
    """

    data: bytes
    event: str = ""


class SseDecoder:
    """Cuts a byte stream into frames, however the chunks fall."""

    def __init__(self) -> None:
        self._rest = b""
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[Frame]:
        """Return the frames that the chunk completes.

        Raises:
            ServerProtocolError: One frame has grown beyond 8 MiB.
        """
        if b"\r" in chunk or self._after_cr:
            chunk = self._plain_newlines(chunk)
        rest = self._rest + chunk if self._rest else chunk
        if self._at_start and rest:
            rest = rest.removeprefix(b"\xef\xbb\xbf")
            self._at_start = len(rest) < 3
        *blocks, self._rest = rest.split(b"\n\n")
        if len(self._rest) > LARGEST_FRAME:
            raise ServerProtocolError(
                Fault(kind="not_a_stream", title="The server sent more than 8 MiB without ending an event")
            )
        return [frame for block in blocks for frame in _frames(block)]

    def flush(self) -> list[Frame]:
        """Return what is left at the end of the stream: a last frame may lack its blank line."""
        rest, self._rest = self._rest, b""
        return _frames(rest) if rest.strip() else []

    def _plain_newlines(self, chunk: bytes) -> bytes:
        """Turn CRLF and lone CR into LF, also when a pair is cut between two chunks."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        elif not chunk:
            return chunk
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _frames(block: bytes) -> list[Frame]:
    if block.startswith(b"data: ") and b"\n" not in block:
        return _unmerged(block[6:], "")
    data: list[bytes] = []
    event = ""
    for line in block.split(b"\n"):
        if not line or line.startswith(b":"):
            continue
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
    return _unmerged(b"\n".join(data), event) if data else []


def _unmerged(data: bytes, event: str) -> list[Frame]:
    """Split a frame into which the next one was written in mid-JSON; the first part is garbage to the caller.

    Empty data is no event (9.2.6: a server may send it to keep the connection alive).
    """
    if not data:
        return []
    cut = data.find(_MERGED)
    if cut <= 0 or _is_json(data):
        return [Frame(data, event)]
    return [Frame(data[:cut], event), *_unmerged(data[cut + 6 :], "")]


def _is_json(data: bytes) -> bool:
    """Whether the data is one whole JSON text, in which "data: {" is only text."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True
