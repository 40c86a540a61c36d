r"""JSON text of which every character is one, before the parser sees it.

Programs cut texts in the middle of an emoji and write `\ude00` alone, and files carry bytes that are no UTF-8. Python
has no text for either, and ijson's C parser cannot go on, or brings the process down, where Python refuses a text.
"""

import re

_HEX = b"[0-9a-fA-F]"
_HIGH = b"u[dD][89abAB]" + _HEX + b"{2}"
_LOW = b"u[dD][c-fC-F]" + _HEX + b"{2}"
_PAIRS = re.compile(rb"\\" + _HIGH + rb"\\" + _LOW)
_HALVES = re.compile(rb"\\u[dD][89a-fA-F]" + _HEX + b"{2}")
_ESCAPES = re.compile(rb"\\(?:" + _HIGH + rb"\\" + _LOW + rb"|(?P<half>" + _HIGH + rb"|" + _LOW + rb")|.)", re.DOTALL)
_CUT = re.compile(rb"\\(?:u" + _HEX + rb"{0,3}|" + _HIGH + rb"(?:\\(?:u" + _HEX + rb"{0,3})?)?)?\Z")
_LONGEST = 12
_BACKSLASH = ord("\\")
_REPLACEMENT = rb"\ufffd"


class WholeCharacters:
    """JSON text in chunks, cut anywhere, on its way to the parser.

    Attributes:
        broken: Something that is no UTF-8 has come; nothing from there on is given.
    """

    def __init__(self) -> None:
        self.broken = False
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return the text as far as it can be told; a character or escape that the chunk's end cuts is held back."""
        chunk = self._held + chunk
        end = len(chunk) if chunk.isascii() else self._decodable(chunk)
        end = _whole_end(chunk[:end]) if not self.broken else end
        self._held = chunk[end:]
        return _whole(chunk[:end])

    def rest(self) -> bytes:
        """Return what is held back, at the end of the text; it ends in the middle of something."""
        held, self._held = self._held, b""
        return held if held.isascii() else b""

    def _decodable(self, chunk: bytes) -> int:
        """Return how far a chunk is UTF-8."""
        try:
            chunk.decode()
        except UnicodeDecodeError as error:
            self.broken = error.end < len(chunk) or error.reason != "unexpected end of data"
            return error.start
        return len(chunk)


def _whole(text: bytes) -> bytes:
    """Return a text of whole escapes without halves."""
    if len(_HALVES.findall(text)) == 2 * len(_PAIRS.findall(text)):
        return text
    return _ESCAPES.sub(lambda escape: _REPLACEMENT if escape["half"] is not None else escape[0], text)


def _whole_end(chunk: bytes) -> int:
    """Return where an escape begins that the end of the chunk cuts; the chunk's length where it cuts none."""
    cut = _CUT.search(chunk, max(0, len(chunk) - _LONGEST))
    while cut is not None:
        run = cut.start()
        while run and chunk[run - 1] == _BACKSLASH:
            run -= 1
        if (cut.start() - run) % 2 == 0:
            return cut.start()
        cut = _CUT.search(chunk, cut.start() + 1)  # that backslash was escaped itself
    return len(chunk)
