"""Charts of how much was asked, of whom, when, and what went wrong. Blocking reads; every one may raise StoreError."""

from typing import TYPE_CHECKING

from apehost_core.history.charts import Bucket, Chart, Scope, Series
from apehost_core.store.analytics_sql import calls, checked_zone, frame, local, series, unasked
from apehost_core.store.database import Database
from apehost_core.store.sql_text import literal

if TYPE_CHECKING:
    import pandas as pd

_TOLD = "prompt_tokens IS NOT NULL OR completion_tokens IS NOT NULL"
_GUESSED = (
    "(prompt_tokens IS NOT NULL AND prompt_tokens_estimated) "
    "OR (completion_tokens IS NOT NULL AND completion_tokens_estimated)"
)
_SUMS = f"""count(*) AS calls,
    count(*) FILTER (outcome = 'failed') AS failed,
    coalesce(sum(prompt_tokens), 0)::BIGINT AS prompt_tokens,
    coalesce(sum(completion_tokens), 0)::BIGINT AS completion_tokens,
    count(*) FILTER ({_GUESSED}) / nullif(count(*) FILTER ({_TOLD}), 0) AS estimated_share,
    count(*) FILTER (NOT ({_TOLD})) AS untold"""


def by_day(database: Database, scope: Scope, bucket: Bucket, by: Series) -> Chart:
    """Return what was used, by time.

    Columns: starts_at, source, series, calls, failed, prompt_tokens, completion_tokens, estimated_share (of the calls
    that tell tokens, 0-1; NaN of none), untold (calls that tell none).
    """
    sql = f"""{calls(scope)}SELECT
    {local(scope, bucket)} AS starts_at, source, {series(by)} AS series,
    {_SUMS}
FROM calls
GROUP BY ALL
ORDER BY starts_at, source, series"""
    return _usage(database, "usage_by_day", "Calls and tokens over time", sql)


def by_model(database: Database, scope: Scope) -> Chart:
    """Return what was used, by model and quantisation; columns model, quantisation, source and as in `by_day`."""
    sql = f"""{calls(scope)}SELECT
    model, coalesce(quantisation, '') AS quantisation, source,
    {_SUMS}
FROM calls
GROUP BY ALL
ORDER BY calls DESC, model, quantisation, source"""
    return _usage(database, "usage_by_model", "Calls and tokens by model", sql)


def by_server(database: Database, scope: Scope) -> Chart:
    """Return what was used, by server; columns server, source and as in `by_day`."""
    sql = f"""{calls(scope)}SELECT
    server, source,
    {_SUMS}
FROM calls
GROUP BY ALL
ORDER BY calls DESC, server, source"""
    return _usage(database, "usage_by_server", "Calls and tokens by server", sql)


def errors(database: Database, scope: Scope, bucket: Bucket) -> Chart:
    """Return how calls failed, by kind of error over time.

    Columns: starts_at, source, error_kind, failed, calls (all of that time and source), share (0-1). Runs that failed
    before a server was asked count as calls. A time without failures has one row, with error_kind "" and failed 0.
    """
    at = local(scope, bucket)
    sql = f"""{calls(scope)}, asked AS (
    SELECT {at} AS starts_at, source,
        CASE WHEN outcome = 'failed' THEN coalesce(error_kind, 'unknown') ELSE '' END AS error_kind, count(*) AS n
    FROM calls
    GROUP BY ALL
), unasked AS (
    SELECT {at} AS starts_at, source, coalesce(error_kind, 'unknown') AS error_kind, count(*) AS n
    {unasked(scope)}
    GROUP BY ALL
), counted AS (
    SELECT starts_at, source, error_kind, sum(n)::BIGINT AS n
    FROM (SELECT * FROM asked UNION ALL SELECT * FROM unasked)
    GROUP BY ALL
), shared AS (
    SELECT *, sum(n) OVER same_time AS calls, count(*) OVER same_time AS kinds FROM counted
    WINDOW same_time AS (PARTITION BY starts_at, source)
)
SELECT starts_at, source, error_kind, CASE WHEN error_kind <> '' THEN n ELSE 0 END AS failed, calls::BIGINT AS calls,
    failed / calls AS share
FROM shared
WHERE error_kind <> '' OR kinds = 1
ORDER BY starts_at, source, failed DESC, error_kind"""
    found = frame(database, sql)
    n = int(found.drop_duplicates(["starts_at", "source"])["calls"].sum())
    return Chart("errors", "Failed calls by kind", found, n, sql)


def heat_map(database: Database, scope: Scope) -> Chart:
    """Return when in the week calls are made: columns weekday (1 Monday - 7), hour (0-23), calls, completion_tokens.

    All 168 hours have a row. Calls of both sources count together, since the clock is the same.

    Raises:
        InputRefused: There is no such time zone.
    """
    zone = literal(checked_zone(scope.time_zone))
    sql = f"""{calls(scope)}, quarters AS (
    SELECT make_timestamptz(epoch_us(started_at) // 900000000 * 900000000) AT TIME ZONE {zone} AS starts_at,
        count(*) AS calls, sum(completion_tokens) AS completion_tokens
    FROM calls
    GROUP BY epoch_us(started_at) // 900000000
), hours AS (
    SELECT isodow(starts_at) AS weekday, hour(starts_at) AS hour, sum(calls) AS calls,
        sum(completion_tokens) AS completion_tokens
    FROM quarters
    GROUP BY ALL
)
SELECT days.range AS weekday, all_hours.range AS hour,
    coalesce(calls, 0)::BIGINT AS calls, coalesce(completion_tokens, 0)::BIGINT AS completion_tokens
FROM range(1, 8) days CROSS JOIN range(24) all_hours
LEFT JOIN hours ON hours.weekday = days.range AND hours.hour = all_hours.range
ORDER BY weekday, hour"""
    found = frame(database, sql)
    return Chart("heat_map", "When in the week", found, int(found["calls"].sum()), sql, _zone_note(scope))


def _zone_note(scope: Scope) -> tuple[str, ...]:
    return (f"Hours are those of {scope.time_zone}.",)


def _usage(database: Database, name: str, title: str, sql: str) -> Chart:
    found = frame(database, sql)
    return Chart(name, title, found, int(found["calls"].sum()), sql, _usage_notes(found))


def _usage_notes(found: "pd.DataFrame") -> tuple[str, ...]:
    told = found["calls"] - found["untold"]
    guessed = round(float((found["estimated_share"].fillna(0) * told).sum()))
    untold = int(found["untold"].sum())
    notes: list[str] = []
    if guessed:
        notes.append(f"Calls whose token counts are estimates, because the server did not count: {guessed:,}.")
    if untold:
        notes.append(f"Calls of which no token counts are known, so that they add nothing to the sums: {untold:,}.")
    return tuple(notes)
