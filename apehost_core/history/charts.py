"""What charts are asked and what they answer, as values. `store/analytics` fills them from the record.

A number of a chart is never without what it rests on: every row of a frame says its n, and every chart its own.
Measured and imported calls stand in rows of their own (column `source`), whatever is asked.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias
from zoneinfo import available_timezones

if TYPE_CHECKING:
    import pandas as pd

Bucket = Literal["hour", "day", "week", "month"]
Series = Literal["all", "model", "server", "kind"]
"""What a chart over time draws a line for."""
Span: TypeAlias = tuple[int, int | None]

MOST_BUCKETS = 400
"""So many points of time are drawn well; with more, the next wider bucket is chosen."""
UNKNOWN = ""
"""How a quantisation that nobody told stands in a scope."""
PROMPT_SPANS: tuple[Span, ...] = (
    (0, 256),
    (256, 1024),
    (1024, 2048),
    (2048, 4096),
    (4096, 8192),
    (8192, 16384),
    (16384, 32768),
    (32768, 65536),
    (65536, None),
)
"""Prompt lengths that are looked at together, in tokens: from (inclusive) and up to (exclusive)."""
_WIDTHS_H: tuple[tuple[Bucket, int], ...] = (("hour", 1), ("day", 24), ("week", 168))


@cache
def time_zones() -> frozenset[str]:
    """Return the names of time zones that there are; finding them reads the system's folders, which takes 40 ms."""
    return frozenset(available_timezones())


@dataclass(frozen=True, slots=True)
class Scope:
    """Which model calls are looked at. Empty means all.

    Attributes:
        after: From this time on (inclusive, with its zone); None has no start.
        before: Up to this time (exclusive, with its zone); None has no end.
        servers: Names of servers.
        models: Keys of models, in any case.
        quantisations: Quantisations, "" for unknown.
        kinds: What the calls were for: chat, title, agent, compare, replay.
        imported: Whether calls that other programs recorded are looked at too; they stay apart as a source.
        time_zone: Where days and hours begin, an IANA name.
    """

    after: datetime | None = None
    before: datetime | None = None
    servers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    quantisations: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    imported: bool = False
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """What one chart draws.

    Attributes:
        name: Which chart, as its method is called.
        title: For its heading.
        frame: One row for each mark, tidy; its columns are told by the method that makes it.
        n: How many calls the chart rests on.
        sql: The whole statement, values written out, over the views that the SQL console knows.
        notes: What was left out, and what the numbers do not say; plain sentences.
    """

    name: str
    title: str
    frame: "pd.DataFrame"
    n: int
    sql: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What there is to choose from.

    Attributes:
        servers: Names, the most used first.
        models: Keys, the most used first.
        quantisations: The most used first; "" where some calls do not tell.
        kinds: What calls were for, the most frequent first.
        first: When the first call began, UTC; None when there is no call.
        last: When the last call began, UTC; None when there is no call.
        measured: How many calls were measured here.
        imported: How many calls other programs recorded.
    """

    servers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    quantisations: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    first: datetime | None = None
    last: datetime | None = None
    measured: int = 0
    imported: int = 0


def bucket_for(first: datetime, last: datetime) -> Bucket:
    """Return the narrowest bucket with which the time between is still drawn in at most `MOST_BUCKETS` points."""
    hours = (last - first).total_seconds() / 3600
    for bucket, width in _WIDTHS_H:
        if hours <= width * MOST_BUCKETS:
            return bucket
    return "month"


def span_label(span: Span) -> str:
    """Return a span of prompt tokens in words: "1,024 to 2,047", "65,536 and more"."""
    low, high = span
    return f"{low:,} and more" if high is None else f"{low:,} to {high - 1:,}"
