"""The rows of a statement as a frame of pandas; apart from `console_rows`, since importing pandas takes a second."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from apehost_core.history.console import ResultColumn

_MOST_INTEGER = 2**63 - 1


def frame_of(columns: Sequence[ResultColumn], values: Sequence[list[Any]]) -> pd.DataFrame:
    """Return a frame; each column has the type that its kind asks for."""
    return pd.DataFrame({column.name: _series(column, of) for column, of in zip(columns, values, strict=True)})


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
