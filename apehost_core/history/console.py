"""What the SQL console is asked and gives back, as plain values; what is typed for a parameter, read."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from apehost_core.errors import Fault

if TYPE_CHECKING:
    import pandas as pd

ColumnKind = Literal["number", "text", "time", "boolean", "other"]
Mark = Literal["line", "bar", "area", "point"]
TableFormat = Literal["csv", "parquet"]
RunState = Literal["waiting", "running", "done", "failed", "cancelled"]

_WHOLE = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d{1,3})?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}.*")


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result.

    Attributes:
        name: As the statement calls it; each once in a result.
        type: As DuckDB calls it: "DOUBLE", "VARCHAR", "TIMESTAMP WITH TIME ZONE".
        kind: What can be drawn with it.
    """

    name: str
    type: str
    kind: ColumnKind


@dataclass(frozen=True, slots=True)
class Result:
    """The first rows that a statement gave.

    Attributes:
        columns: In their order.
        frame: The rows, one column for each of `columns`. Times are UTC; what is neither number, text, time nor
            boolean is text.
        truncated: Whether there are more rows than these.
        cut: Whether long texts were cut.
        took_ms: From the start to the last of these rows.
    """

    columns: tuple[ResultColumn, ...]
    frame: "pd.DataFrame"
    truncated: bool
    cut: bool
    took_ms: float


@dataclass(frozen=True, slots=True)
class StatementRun:
    """A statement on its way, or what came of it.

    Attributes:
        id: UUIDv7.
        state: waiting (others are at work), running, done, failed, cancelled (as asked for).
        seconds: Since it was asked for, up to its end.
        result: Its first rows; None before it is done.
        fault: Why it failed; None when it did not.
    """

    id: str
    state: RunState
    seconds: float
    result: Result | None = None
    fault: Fault | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state not in ("waiting", "running")


@dataclass(frozen=True, slots=True)
class ChartChoice:
    """How a result is drawn.

    Attributes:
        mark: What stands for a row.
        x: Name of the column along the bottom.
        y: Name of the column along the side.
        colour: Name of the column that tells the lines or bars apart; None for one colour.
    """

    mark: Mark
    x: str
    y: str
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A statement with a name.

    Attributes:
        id: UUIDv7.
        name: Never empty.
        sql: One SELECT.
        parameters: What was typed last for each, by name.
        chart: How it is drawn; None for a table.
        pinned_at: UTC; since when it stands above the charts; None when it does not.
        created_at: UTC.
        updated_at: UTC.
    """

    id: str
    name: str
    sql: str
    parameters: dict[str, str]
    chart: ChartChoice | None
    pinned_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column of a view: its name, DuckDB's type, and what it says in a sentence."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True, slots=True)
class ViewInfo:
    """A view that statements may read: its name, what a row is, and its columns in order."""

    name: str
    comment: str
    columns: tuple[ViewColumn, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a statement may go.

    Attributes:
        rows: Rows that are shown.
        seconds: For rows that are shown.
        export_seconds: For a file of all rows.
        export_bytes: Size of that file.
        text_characters: Of one text that is shown; the rest is cut.
        shown_characters: Of all texts that are shown; where more come, fewer rows are shown.
    """

    rows: int = 1_000
    seconds: float = 30.0
    export_seconds: float = 120.0
    export_bytes: int = 200_000_000
    text_characters: int = 2_000
    shown_characters: int = 4_000_000


def typed(text: str) -> object:
    """Return what is typed for a parameter as the value that it most likely is.

    Nothing is NULL; a number, true, false, a day (2026-11-25) and a time (2026-11-25 14:30) are what they look like.
    All else is text; so is what stands in single quotes.
    """
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        return text
    return {"": None, "true": True, "false": False}.get(text.casefold(), text)
