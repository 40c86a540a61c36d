"""Statements of charts: a scope as a condition, values as literals, and the run of a statement into a frame.

A chart's statement is run as it is shown, so that whoever copies it into the SQL console sees the same numbers. That
is why values stand in it as literals, and why it knows only views.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apehost_core.errors import Fault, InputRefused
from apehost_core.history.charts import PROMPT_SPANS, Bucket, Scope, Series, time_zones
from apehost_core.store.database import Database
from apehost_core.store.sql_text import literal

if TYPE_CHECKING:
    import pandas as pd

ANSWERED = "outcome IN ('completed', 'length')"
WARM = "cold IS DISTINCT FROM true"
UNCACHED = "coalesce(cached_tokens, 0) = 0"
_SERIES: dict[Series, str] = {"all": "'all'", "model": "model", "server": "server", "kind": "kind"}


def moment(value: datetime) -> str:
    """Return a time as a literal; one without a zone is taken as UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return f"TIMESTAMPTZ '{aware.astimezone(UTC).isoformat(sep=' ')}'"


def condition(scope: Scope) -> str:
    """Return what holds of the scope's calls, over the columns of `calls`."""
    wanted: list[str] = [] if scope.imported else ["source = 'measured'"]
    if scope.after is not None:
        wanted.append(f"started_at >= {moment(scope.after)}")
    if scope.before is not None:
        wanted.append(f"started_at < {moment(scope.before)}")
    for column, values in (
        ("server", scope.servers),
        ("lower(model)", [model.lower() for model in scope.models]),
        ("coalesce(quantisation, '')", scope.quantisations),
        ("kind", scope.kinds),
    ):
        if values:
            wanted.append(f"{column} IN ({_list(values)})")
    return " AND ".join(wanted) or "true"


def calls(scope: Scope) -> str:
    """Return the start of a statement: `calls`, the scope's model calls with one name for each thing.

    `kind` is what the call was for (imported calls are chats); `ttft` and `decode` are this program's measurements, of
    imported calls what the other program said.
    """
    return f"""WITH all_calls AS (
    SELECT id, run_id, conversation_id, message_id, started_at, server, model, quantisation, source,
        outcome, error_kind, cold, finish_reason, load_ms, total_ms, prompt_tok_s,
        prompt_tokens, prompt_tokens_estimated, completion_tokens, completion_tokens_estimated, cached_tokens,
        coalesce(run_kind, 'chat') AS kind,
        CASE source WHEN 'imported' THEN server_ttft_ms ELSE ttft_ms END AS ttft,
        CASE source WHEN 'imported' THEN server_decode_tok_s ELSE decode_tok_s END AS decode
    FROM v_generations
), calls AS (
    SELECT * FROM all_calls
    WHERE {condition(scope)}
)
"""


def tool_calls(scope: Scope) -> str:
    """Return the start of a statement: `calls`, the tool calls that the scope's models asked for.

    Calls of which the time is not known are in no period. A tool call counts as of the kind of its run; imported ones
    are of chats.
    """
    return f"""WITH all_calls AS (
    SELECT t.*, coalesce(r.kind, 'chat') AS kind
    FROM v_tool_calls t LEFT JOIN (SELECT id, any_value(kind) AS kind FROM v_runs GROUP BY id) r ON r.id = t.run_id
), calls AS (
    SELECT * FROM all_calls
    WHERE {condition(scope)}
)
"""


def spread(column: str, prefix: str = "") -> str:
    """Return the columns p10, p50, p90 and n, each with a prefix: of the rows of a group that have the value."""
    quantiles = ", ".join(
        f"quantile_cont({column}, [0.1, 0.5, 0.9])[{place}] AS {prefix}p{p}" for place, p in enumerate((10, 50, 90), 1)
    )
    return f"{quantiles}, count({column}) AS {prefix}n"


def local(scope: Scope, bucket: Bucket) -> str:
    """Return the start of a call's bucket, in the scope's time zone and without a zone.

    Raises:
        InputRefused: There is no such time zone.
    """
    return f"date_trunc('{bucket}', started_at AT TIME ZONE {literal(checked_zone(scope.time_zone))})"


def checked_zone(name: str) -> str:
    """Return the name of a time zone.

    Raises:
        InputRefused: There is none of that name.
    """
    if name not in time_zones():
        title = f"There is no time zone {name!r}"
        raise InputRefused(Fault(kind="bad_request", title=title, advice="For example Europe/Berlin."))
    return name


def series(by: Series) -> str:
    """Return what a chart over time draws a line for."""
    return _SERIES[by]


def span(column: str = "prompt_tokens") -> str:
    """Return the lowest number of the span (see PROMPT_SPANS) in which a number of tokens lies."""
    steps = " ".join(f"WHEN {column} < {high} THEN {low}" for low, high in PROMPT_SPANS if high is not None)
    return f"CASE {steps} ELSE {PROMPT_SPANS[-1][0]} END"


def frame(database: Database, sql: str) -> "pd.DataFrame":
    """Return what a statement finds.

    Raises:
        StoreError: It could not be read.
    """
    with database.read() as cursor:
        return cursor.execute(sql).df()


def _list(values: Iterable[str]) -> str:
    return ", ".join(map(literal, values))


def unasked(scope: Scope) -> str:
    """Return what stands after SELECT for the runs that failed before any call was made: FROM and WHERE.

    They have the model and server that were asked for, and no quantisation.
    """
    return f"""FROM (SELECT *, 'measured' AS source, NULL::VARCHAR AS quantisation FROM v_runs)
    WHERE outcome = 'failed' AND {condition(scope)} AND id NOT IN (
        SELECT run_id FROM v_generations WHERE outcome = 'failed' AND run_id IS NOT NULL GROUP BY run_id
    )"""
