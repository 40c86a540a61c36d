r"""Model text as Markdown that is safe to draw, and its division into finished blocks. Pure functions.

Model text is never trusted: an image becomes a link that says where it points and that it was not loaded, a
link to another host shows the host, and a dollar sign is mathematics only where it stands like it. The CSP
of the guard stops what would slip through; HTML is inert because Streamlit escapes it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from markdown_it import MarkdownIt

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_INDENTED = re.compile(r"^(?: {4}|\t)", re.MULTILINE)
_CODE_SPAN = re.compile(r"(`+)(?!`)(?:(?!\n\s*\n).)*?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"(!?)\[((?:[^\]\n]|\n(?!\s*\n))*)\]\(\s*<?([^)\s>]*)>?[^)\n]*\)")
_DIRECTIVE = re.compile(r":(?=[a-z0-9_/+-]+(?:\[|:))")
_INLINE_MATH = re.compile(r"\\\((.+?)\\\)", re.DOTALL)
_DISPLAY_MATH = re.compile(r"\\\[(.+?)\\\]", re.DOTALL)
_DOLLAR_MATH = re.compile(
    r"\$\$(?:(?!\n\s*\n).)+?\$\$|(?<![\\$\w])\$(?=[^\s$])(?:[^$\n]*?[^\s$\\])?\$(?![\d$\w])", re.DOTALL
)
_LIST_ITEM = re.compile(r"([-*+]|\d+[.)])\s")
_LIST_PATIENCE = 4  # a list is only cut between items when it has grown this many times the size
_SCHEME = re.compile(r"[^/?#]*:")
# What Streamlit turns into links, icons, emojis and arrows after the escapes are gone: broken behind, or before.
_ALIVE_AFTER = re.compile(r":(?=//|[\w+-][\w/+-]*:)|www(?=\.)", re.IGNORECASE)
_ALIVE_BEFORE = re.compile(r"(?=@[\w-]+\.)|(?<!\S)(?=(?:<->|->|<-|--|>=|<=|~=)(?!\S))")
_JOINER = "\u2060"
_SAFE_SCHEMES = ("http", "https", "mailto")
_MOST_KEPT = 512
_PARSER = MarkdownIt("commonmark")


@dataclass(frozen=True, slots=True)
class Blocks:
    """A growing text, divided.

    Attributes:
        sealed: Finished pieces, each drawn once; more text never changes them.
        tail: The piece that still grows; may be empty.
    """

    sealed: tuple[str, ...]
    tail: str


def divide(text: str, *, size: int) -> Blocks:
    """Divide a growing text at blank lines outside of fences, lists and display mathematics.

    Args:
        text: All of the text so far.
        size: Least number of characters of a sealed piece; smaller blocks are sealed together.
    """
    sealed: list[str] = []
    begin = 0
    for cut, inside_list in _cuts(text):
        if cut - begin >= (size * _LIST_PATIENCE if inside_list else size):
            sealed.append(text[begin:cut])
            begin = cut
    return Blocks(tuple(sealed), text[begin:])


def _cuts(text: str) -> Iterator[tuple[int, bool]]:
    """Yield (offset, whether it is a list item) of each line that surely begins a new top-level block."""
    fence: str | None = None
    math = False
    blank_before = False
    offset = 0
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        begins = blank_before and stripped and line.endswith("\n") and not line[0].isspace()
        if begins and fence is None and not math:
            yield offset, _LIST_ITEM.match(line) is not None
        fence = _fence_after(line, fence)
        if fence is None and (stripped.count("$$") % 2 or stripped in ("\\[", "\\]")):
            math = not math
        blank_before = not stripped
        offset += len(line)


def _fence_after(line: str, fence: str | None) -> str | None:
    found = _FENCE.match(line)
    if found is None:
        return fence
    marks = found.group(1)
    if fence is None:
        return marks
    closes = marks[0] == fence[0] and len(marks) >= len(fence) and line.strip() == marks
    return None if closes else fence


@lru_cache(_MOST_KEPT)
def safe(text: str) -> str:
    """Return model text as Markdown for `st.markdown`; code is left exactly as it is.

    Where what seemed to be code or mathematics turns out to hold an image, nothing is taken for code.
    """
    drawn = "".join(piece if code else _safe_prose(piece) for piece, code in _pieces(text))
    return _without_images(drawn) if "![" in drawn and _has_image(drawn) else drawn


def _without_images(prose: str) -> str:
    """Return Markdown in which no image begins: the bracket behind each exclamation mark is a mere character."""
    return prose.replace("![", "!\\[")


def _has_image(markdown: str) -> bool:
    inline = (token.children or () for token in _PARSER.parse(markdown))
    return any(child.type == "image" for children in inline for child in children)


def plain_label(text: str) -> str:
    """Return text for a label, in which Streamlit would read Markdown: every mark of it escaped.

    Bare addresses, `:shortcodes:` and arrows live without marks: a word joiner, which nobody sees, stands in them.
    """
    words = _ALIVE_BEFORE.sub(_JOINER, " ".join(text.split()))
    words = _ALIVE_AFTER.sub(rf"\g<0>{_JOINER}", words)
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:])", r"\\\1", words)


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the text in order as (piece, is code): blocks of code, then code spans within the rest."""
    if _INDENTED.search(text):
        yield from _parsed_pieces(text)
        return
    prose: list[str] = []
    fenced: list[str] = []
    fence: str | None = None
    for line in text.splitlines(keepends=True):
        after = _fence_after(line, fence)
        if fence is None and after is None:
            prose.append(line)
        else:
            if prose:
                yield from _spans("".join(prose))
                prose.clear()
            fenced.append(line)
            if after is None:
                yield "".join(fenced), True
                fenced.clear()
        fence = after
    if prose:
        yield from _spans("".join(prose))
    if fenced:
        yield "".join(fenced), True


def _parsed_pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Do as `_pieces` where something is indented: only a parser tells code from what belongs to a list."""
    lines = _LINE.findall(text)
    begin = 0
    for token in _PARSER.parse(text):
        if token.type in ("code_block", "fence") and token.map is not None and token.map[0] >= begin:
            yield from _spans("".join(lines[begin : token.map[0]]))
            yield "".join(lines[token.map[0] : token.map[1]]), True
            begin = token.map[1]
    yield from _spans("".join(lines[begin:]))


def _spans(prose: str) -> Iterator[tuple[str, bool]]:
    end = 0
    for span in _CODE_SPAN.finditer(prose):
        if span.start() > end:
            yield prose[end : span.start()], False
        yield span.group(), True
        end = span.end()
    if end < len(prose):
        yield prose[end:], False


def _safe_prose(prose: str) -> str:
    prose = _DISPLAY_MATH.sub(r"$$\1$$", prose)
    prose = _INLINE_MATH.sub(lambda found: f"${found.group(1).strip()}$", prose)
    pieces: list[str] = []
    end = 0
    for found in _DOLLAR_MATH.finditer(prose):
        pieces += [_safe_links(prose[end : found.start()]), _set_off(found.group())]
        end = found.end()
    return "".join([*pieces, _safe_links(prose[end:])])


def _set_off(formula: str) -> str:
    """Return a formula with its marks on lines of their own where it has several lines, as the browser wants them."""
    if "\n" not in formula or not formula.startswith("$$"):
        return formula
    return f"\n\n$$\n{formula[2:-2].strip()}\n$$\n\n"


def _safe_links(prose: str) -> str:
    prose = re.sub(r"(?<!\\)\$", r"\\$", prose)
    prose = _DIRECTIVE.sub(r"\\:", prose) if ":" in prose else prose
    prose = _LINK.sub(_shown_link, prose) if "](" in prose else prose
    return _without_images(prose)


def _shown_link(found: re.Match[str]) -> str:
    image, words, target = found.groups()
    host = _host(target)
    if image:
        shown = f"[{words or 'image'}]({target})" if host else (words or "image")
        return f"{shown} \\[image{f' at {host}' if host else ''}, not loaded\\]"
    if host is None and not _SCHEME.match(target):
        return f"\\[{words}\\]({target})"  # no link to anywhere: a call in prose, as in handlers[i](event)
    if host is None:
        return f"{words} \\[link removed\\]"
    return found.group() if host in words else f"{found.group()} ({host})"


def _host(target: str) -> str | None:
    """Return where a link leads, for people; None when it is of no kind that is safe to follow."""
    target = target.replace("\\", "")
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme not in _SAFE_SCHEMES:
        return None
    return parts.hostname or parts.path
