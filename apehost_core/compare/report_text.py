"""Markdown for reports: other people's texts made inert, numbers with what they rest on, tables. Pure functions.

A report is opened in whatever draws Markdown, so no text in it may load an image, be a link, call somebody by name or
be HTML.
"""

import re
from collections.abc import Iterable, Sequence

from apehost_core.compare.measures import Measure, Noted
from apehost_core.compare.numbers import number, percent, unit_of
from apehost_core.compare.summary import Bound, Estimate, Interval

MOST_CELL_CHARS = 200
MOST_QUOTED_CHARS = 2_000
NOTHING = "-"
_JOINER = "\u2060"
_MARKS = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])|^[-+#=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# What becomes a link, a mention or an emoji without any mark around it: a joiner, which nobody sees, stands in it.
_ALIVE = re.compile(r"(?<=:)(?=//|[\w+-]+:)|(?<=www)(?=\.)|(?=@)|(?<=@)|(?<=#)(?=\d)|(?<=mailto)(?=:)", re.IGNORECASE)
_BACKTICKS = re.compile(r"`+")


def inert(text: str, most: int = MOST_CELL_CHARS) -> str:
    """Return other people's text for a line or a table's cell: a line that is only text.

    Args:
        text: May hold anything.
        most: Characters after which it is cut.
    """
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if len(words) > most:
        words = words[: most - 1] + "…"
    words = _MARKS.sub(r"\\\g<0>", _ALIVE.sub(_JOINER, words))
    return re.sub("[&<>]", lambda found: _HTML[found.group()], words)


def quoted(text: str) -> str:
    """Return other people's text as a block in which nothing is read as Markdown; the end of a long one is left out."""
    told = text.replace("\r\n", "\n").replace("\r", "\n")
    plain = "".join(letter if letter.isprintable() or letter in "\n\t" else " " for letter in told[:MOST_QUOTED_CHARS])
    fence = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(plain)), default=0))
    more = f"\n\n({len(text):,} characters; the rest is left out.)" if len(told) > MOST_QUOTED_CHARS else ""
    return f"{fence}text\n{plain}\n{fence}{more}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its texts are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def with_interval(estimate: Estimate, unit: str = "", factor: float = 1.0) -> str:
    """Return an estimate: "412 ms (390 to 440)"; without an interval where there is too little for one."""
    words = f"{number(estimate.value * factor)} {unit}".rstrip()
    if estimate.interval is None:
        return words
    return f"{words} ({_span(estimate.interval, factor)})"


def measured(estimate: Estimate | None, name: Measure | Noted, usual_runs: int | None = None) -> str:
    """Return what was measured, in ms or s, or tokens a second; "-" where it was not.

    Args:
        estimate: In ms or tokens a second.
        name: What it is.
        usual_runs: Where the estimate rests on another number of runs, it says on how many. None always says it.
    """
    if estimate is None:
        return NOTHING
    unit = unit_of(name, estimate.value)
    words = with_interval(estimate, unit.word, unit.factor)
    return words if estimate.runs == usual_runs else f"{words}, n={estimate.runs:,}"


def bounded(bound: Bound | None, name: Measure) -> str:
    """Return what 95 % of the runs keep: "under 812 ms, n=60"; where there are too few, that."""
    if bound is None:
        return NOTHING
    if bound.value is None:
        return f"not enough runs (n={bound.runs:,}, {bound.needed:,} needed)"
    unit = unit_of(name, bound.value)
    side = "over" if name.endswith("tok_s") else "under"
    return f"{side} {number(bound.value * unit.factor)} {unit.word}, n={bound.runs:,}".replace(" ,", ",")


def percentage(share: float, interval: Interval | None) -> str:
    """Return a share (0-1): "3.3 % (0.6 to 17)"."""
    words = f"{percent(share)} %"
    return words if interval is None else f"{words} ({percent(interval.low)} to {percent(interval.high)})"


def _span(interval: Interval, factor: float) -> str:
    return f"{number(interval.low * factor)} to {number(interval.high * factor)}"
