"""How the columns of charts are called in tables, and how their numbers are written there."""

from collections.abc import Callable
from typing import Any, Final

import pandas as pd

from apehost_core.compare.numbers import number, percent
from apehost_core.history.charts import PROMPT_SPANS, span_label
from apehost_ui.components.history_chart_scope import KIND_WORDS

MOST_ROWS: Final = 500
_NAMES: Final = {
    "starts_at": "From",
    "source": "Source",
    "series": "Series",
    "calls": "Calls",
    "failed": "Failed",
    "prompt_tokens": "Prompt tokens",
    "completion_tokens": "Answer tokens",
    "estimated_share": "Of these estimated",
    "untold": "Calls without counts",
    "model": "Model",
    "quantisation": "Quantisation",
    "server": "Server",
    "from_tokens": "Prompt tokens",
    "state": "Model was",
    "error_kind": "Error",
    "share": "Share",
    "low": "at least",
    "high": "at most",
    "tool": "Tool",
    "tool_source": "From",
    "succeeded": "Succeeded",
    "counted": "of",
    "invalid": "Invalid calls",
    "stopped": "Stopped by people",
    "unknown": "Result not known",
    "weekday": "Day",
    "hour": "Hour",
    "measure": "What",
    "n": "Calls (n)",
    "better": "Better is",
    "left": "A",
    "right": "B",
    "ratio": "B / A",
    "apart": "Differ",
    **{
        f"{side}_{end}": f"{name}, {words}"
        for side, name in (("left", "A"), ("right", "B"), ("ratio", "B / A"))
        for end, words in (("low", "at least"), ("high", "at most"), ("n", "calls"), ("groups", "chats"))
    },
}
_MEASURES: Final = {"ttft": "First token", "decode": "Decode speed", "load": "Load", "ms": "Duration"}
_QUANTILES: Final = {"p10": "10 % below", "p50": "median", "p90": "10 % above", "n": "n"}
_SHARES: Final = ("share", "low", "high", "estimated_share")
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ERROR_WORDS: Final = {
    "refused": "connection refused",
    "dns": "name not found",
    "silent": "no answer in time",
    "stalled": "stopped answering",
    "unauthorized": "token needed",
    "overflow": "context too long",
    "template": "prompt template",
    "cut": "connection cut",
    "empty": "empty answer",
    "not_a_stream": "not a stream",
    "not_lm_studio": "not LM Studio",
    "store": "database",
    "busy": "too busy",
    "unknown_tool": "no such tool",
    "bad_arguments": "arguments not taken",
}
"""Kinds of errors that their names do not say well."""


def table(frame: pd.DataFrame, unit: str = "ms") -> pd.DataFrame:
    """Return the first rows of a chart's frame as people read them.

    Args:
        frame: As the store gives it.
        unit: Of the columns p10, p50 and p90 where their name does not say.
    """
    shown = frame.head(MOST_ROWS)
    return pd.DataFrame({heading(str(name), unit): _cells(str(name), shown[name]) for name in shown.columns})


def heading(column: str, unit: str = "ms") -> str:
    """Return what a column is called: "First token, median (ms)"; columns that are not known keep their name."""
    if column in _NAMES:
        return _NAMES[column]
    what, _, quantile = column.rpartition("_")
    if quantile in _QUANTILES and (what in _MEASURES or not what):
        said = "tok/s" if what == "decode" else unit if not what else "ms"
        ending = "" if quantile == "n" else f" ({said})"
        return ", ".join(filter(None, (_MEASURES.get(what, ""), _QUANTILES[quantile]))) + ending
    return column.replace("_", " ")


def error_words(kind: str) -> str:
    """Return what a kind of error is called."""
    return ERROR_WORDS.get(kind, kind.replace("_", " "))


def kind_words(kind: str) -> str:
    """Return what calls are for; names of other things stay as they are."""
    return KIND_WORDS.get(kind, kind)


def day_words(weekday: int) -> str:
    """Return what a day of the week is called; 1 is Monday."""
    return DAYS[weekday - 1]


def span_words(from_tokens: int) -> str:
    """Return the span of prompt lengths that begins with so many tokens."""
    return next((span_label(span) for span in PROMPT_SPANS if span[0] == from_tokens), f"{from_tokens:,}")


def model_words(model: str, quantisation: str) -> str:
    """Return what a model in one quantisation is called: "gemma-3-12b Q8_0"."""
    return f"{model} {quantisation}" if quantisation else model


def _cells(column: str, values: "pd.Series[Any]") -> list[object]:
    return [None if value is None or value != value else _cell(column, value) for value in values.tolist()]


def _cell(column: str, value: Any) -> object:  # what a column holds is known by its name alone
    if column in _SHARES:
        return f"{percent(value)} %"
    if (words := _WORDS.get(column)) is not None:
        return words(value)
    plain: object = value
    return float(number(plain).replace(",", "")) if isinstance(plain, float) else plain


_WORDS: Final[dict[str, Callable[[Any], str]]] = {
    "error_kind": error_words,
    "from_tokens": span_words,
    "series": kind_words,
    "weekday": day_words,
}
