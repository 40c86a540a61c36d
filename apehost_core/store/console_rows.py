"""The rows of a statement as a table for a page: each value of a kind that can be drawn, long texts cut."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from apehost_core.history.console import ColumnKind, Limits, ResultColumn

if TYPE_CHECKING:
    import pandas as pd

_KINDS: dict[ColumnKind, re.Pattern[str]] = {
    "number": re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|BIGNUM"),
    "text": re.compile(r"VARCHAR|UUID|ENUM\(.*\)"),
    "time": re.compile(r"DATE|TIMESTAMP.*"),
    "boolean": re.compile("BOOLEAN"),
}


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

    def frame(self, most: int) -> "pd.DataFrame":
        """Return the first rows as a table."""
        # pandas takes a second to import, which the start of ApeHost need not wait for
        from apehost_core.store.console_frame import frame_of  # noqa: PLC0415

        return frame_of(self._columns, [values[:most] for values in self._values])

    def _value(self, column: ResultColumn, value: Any) -> object:
        if value is None or (column.kind not in ("text", "other")):
            return value
        text = str(value)
        if len(text) > self._limits.text_characters:
            self.cut = True
            text = text[: self._limits.text_characters - 1] + "…"
        self._characters += len(text)
        return text
