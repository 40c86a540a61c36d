"""The rows of a statement as a table for a page: each value of a kind that can be drawn, long texts cut."""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from apehost_core.history.console import ColumnKind, Limits, ResultColumn

_KINDS: dict[ColumnKind, re.Pattern[str]] = {
    "number": re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|BIGNUM"),
    "text": re.compile(r"VARCHAR|UUID|ENUM\(.*\)"),
    "time": re.compile(r"DATE|TIMESTAMP.*"),
    "boolean": re.compile("BOOLEAN"),
}
_MOST_INTEGER = 2**63 - 1


def column_of(name: str, data_type: str) -> ResultColumn:
    """Return a column with the kind that DuckDB's type is of."""
    for kind, pattern in _KINDS.items():
        if pattern.fullmatch(data_type):
            return ResultColumn(name, data_type, kind)
    return ResultColumn(name, data_type, "other")


def shorter(expression: str, column: ResultColumn, characters: int) -> str:
    """Return SQL for a column's values as `Rows` takes them: texts of at most so many characters, or simple values."""
    if column.kind not in ("text", "other"):
        return expression
    if column.type.endswith("]"):
        expression = f"list_slice({expression}, 1, {characters})"
    return f"left({expression}::VARCHAR, {characters})"


class Rows:
    """Rows on their way into a table.

    Attributes:
        count: How many there are.
        cut: Whether a text was cut.
    """

    def __init__(self, columns: Sequence[ResultColumn], limits: Limits) -> None:
        self.count = 0
        self.cut = False
        self._columns = columns
        self._values: list[list[object]] = [[] for _ in columns]
        self._limits = limits
        self._characters = 0

    @property
    def full(self) -> bool:
        """Whether more would be too much for a page."""
        return self._characters > self._limits.shown_characters

    def take(self, batch: Sequence[Sequence[Any]]) -> None:
        """Take rows in, until it is full."""
        for row in batch:
            if self.full:
                return
            for column, values, value in zip(self._columns, self._values, row, strict=True):
                values.append(self._value(column, value))
            self.count += 1

    def frame(self, most: int) -> pd.DataFrame:
        """Return the first rows as a table."""
        series = {
            column.name: _series(column, values[:most])
            for column, values in zip(self._columns, self._values, strict=True)
        }
        return pd.DataFrame(series)

    def _value(self, column: ResultColumn, value: Any) -> object:
        if value is None or (column.kind not in ("text", "other")):
            return value
        text = str(value)
        if len(text) > self._limits.text_characters:
            self.cut = True
            text = text[: self._limits.text_characters - 1] + "…"
        self._characters += len(text)
        return text


def _series(column: ResultColumn, values: list[Any]) -> "pd.Series[Any]":
    match column.kind:
        case "number":
            return _numbers(values)
        case "boolean":
            return pd.Series(values, dtype="boolean")
        case "time":
            return _times(values, zoned="TIME ZONE" in column.type)
        case "text" | "other":
            return pd.Series(values, dtype="object")


def _numbers(values: list[Any]) -> "pd.Series[Any]":
    whole = all(value is None or (isinstance(value, int) and abs(value) <= _MOST_INTEGER) for value in values)
    if whole and values:
        return pd.Series(values, dtype="Int64")
    return pd.Series([None if value is None else float(value) for value in values], dtype="float64")


def _times(values: list[Any], *, zoned: bool) -> "pd.Series[Any]":
    """Return times; as texts where one is beyond what a table of times can hold."""
    try:
        return pd.to_datetime(pd.Series(values, dtype="object"), utc=zoned)
    except (ValueError, OverflowError):
        return pd.Series([None if value is None else str(value) for value in values], dtype="object")
