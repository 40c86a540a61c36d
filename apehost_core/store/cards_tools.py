"""How models call tools, and how tools do, from the record; `analytics_tools` says what counts. Blocking reads."""

from collections.abc import Hashable
from typing import Any

from apehost_core.compare.intervals import wilson
from apehost_core.history.cards import Rate, Spread, ToolCard, ToolReliability
from apehost_core.history.charts import Scope
from apehost_core.store.analytics_sql import spread, tool_calls
from apehost_core.store.analytics_tools import SUCCESS
from apehost_core.store.cards_speed import Key
from apehost_core.store.database import Database

ToolKey = tuple[str, str, str]
"""Tool, where it comes from, and source."""

_LOOPING = 3
_RELIABILITY = f"""SELECT model, coalesce(quantisation, ''), source, count(*),
    {SUCCESS}
FROM calls WHERE model IS NOT NULL GROUP BY ALL"""
_LOOPS = f""", same AS (
    SELECT model, quantisation, source, coalesce(run_id, conversation_id) AS run, count(*) AS n
    FROM calls
    WHERE model IS NOT NULL AND coalesce(run_id, conversation_id) IS NOT NULL
    GROUP BY model, quantisation, source, run, tool, arguments
), runs AS (
    SELECT model, coalesce(quantisation, '') AS quantisation, source, run, max(n) AS most FROM same GROUP BY ALL
)
SELECT model, quantisation, source, count(*) FILTER (most >= {_LOOPING}), count(*) FROM runs GROUP BY ALL"""
_TOOLS = f"""SELECT tool, tool_source, source, count(*) AS calls,
    {SUCCESS},
    {spread("duration_ms")},
    max(started_at) AS last_at
FROM calls GROUP BY ALL ORDER BY calls DESC, tool, tool_source, source"""
_ERRORS = """SELECT tool, tool_source, source, error_kind, count(*) AS n
FROM calls WHERE error_kind IS NOT NULL GROUP BY ALL ORDER BY n DESC, error_kind"""
_MODELS = f"""SELECT tool, tool_source, source, model, count(*) AS calls,
    {SUCCESS}
FROM calls WHERE model IS NOT NULL GROUP BY ALL ORDER BY calls DESC, model"""


def rate(k: int, n: int) -> Rate:
    """Return k in n with Wilson's interval."""
    at = wilson(k, n)
    return Rate(k, n, at.low, at.high)


def spread_of(low: float | None, middle: float | None, high: float | None, n: int) -> Spread | None:
    """Return how n values lie; None of none."""
    return None if not n or low is None or middle is None or high is None else Spread(low, middle, high, n)


def reliability(database: Database, scope: Scope) -> dict[Key, ToolReliability]:
    """Return how well models call tools, by model; those that called none are left out."""
    with database.read() as cursor:
        counts = cursor.execute(tool_calls(scope) + _RELIABILITY).fetchall()
        loops = {tuple(key): rate(k, n) for *key, k, n in cursor.execute(tool_calls(scope) + _LOOPS).fetchall()}
    return {
        (model, quantisation, source): ToolReliability(
            calls,
            valid=rate(calls - invalid, calls),
            succeeded=rate(succeeded, counted),
            looping=loops.get((model, quantisation, source), rate(0, 0)),
        )
        for model, quantisation, source, calls, succeeded, counted, invalid in counts
    }


def tool_cards(database: Database, scope: Scope) -> tuple[ToolCard, ...]:
    """Return a card for each tool, the most called first."""
    start = tool_calls(scope)
    with database.read() as cursor:
        tools = cursor.execute(start + _TOOLS).fetchall()
        errors = _by_tool(cursor.execute(start + _ERRORS).fetchall())
        models = _by_tool(cursor.execute(start + _MODELS).fetchall())
    return tuple(
        ToolCard(
            tool,
            origin,
            source,
            calls,
            succeeded=rate(succeeded, counted),
            valid=rate(calls - invalid, calls),
            duration_ms=spread_of(*durations),
            errors=tuple((kind, n) for kind, n in errors.get((tool, origin, source), ())),
            models=tuple((model, rate(k, n)) for model, _, k, n, _ in models.get((tool, origin, source), ())),
            last_at=last_at,
        )
        for tool, origin, source, calls, succeeded, counted, invalid, *durations, last_at in tools
    )


def _by_tool(rows: list[tuple[Any, ...]]) -> dict[tuple[Hashable, ...], list[tuple[Any, ...]]]:
    """Return the rest of each row by its first three columns, in the order of the rows."""
    found: dict[tuple[Hashable, ...], list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[:3], []).append(row[3:])
    return found
