"""Charts of how fast answers came. Blocking reads; every one may raise StoreError.

Only calls that ended well (or at a limit of tokens) are timed. The time to first token of calls for which the model
was loaded has a chart of its own and is in no other: it is the load's.
"""

from apehost_core.history.charts import Bucket, Chart, Scope, Series
from apehost_core.store.analytics_sql import ANSWERED, UNCACHED, WARM, calls, frame, local, series, span, spread
from apehost_core.store.database import Database

_LEFT_OUT = f"""SELECT
    count(*) FILTER (cold AND ttft IS NOT NULL) AS cold,
    count(*) FILTER (cold IS NULL AND ttft IS NOT NULL AND source = 'measured') AS unknown,
    count(*) FILTER ({WARM} AND NOT ({UNCACHED}) AND ttft IS NOT NULL) AS cached,
    count(*) FILTER ({WARM} AND cached_tokens IS NULL AND ttft IS NOT NULL AND source = 'measured') AS cache_unknown,
    count(*) FILTER (completion_tokens_estimated AND decode IS NOT NULL) AS estimated,
    count(*) FILTER (prompt_tokens IS NULL OR prompt_tokens_estimated) AS prompt_unknown
FROM calls WHERE {ANSWERED}"""
_COLD = "Calls for which the model was loaded are left out: {n:,}."
_UNKNOWN = "Calls of which it is not known whether the model was loaded before are taken as warm: {n:,}."
_CACHED = "Calls whose prompt the server had partly read before are left out of the time to first token: {n:,}."
_CACHE_UNKNOWN = "Calls of which the server does not tell how much of the prompt it had read before: {n:,}."
_ESTIMATED = "Calls whose tokens are estimates, because the server did not count, and so are their rates: {n:,}."
_PROMPT_UNKNOWN = "Calls of which the server did not count the prompt are left out: {n:,}."
_IMPORTED = "Times of imported calls are what the other program said; they stand apart."


def ttft_over_time(database: Database, scope: Scope, bucket: Bucket, by: Series) -> Chart:
    """Return the time to first token of warm calls: columns starts_at, source, series, p10, p50, p90 (ms), n."""
    sql = f"""{calls(scope)}SELECT {local(scope, bucket)} AS starts_at, source, {series(by)} AS series,
    {spread("ttft")}
FROM calls
WHERE {ANSWERED} AND {WARM} AND ttft IS NOT NULL
GROUP BY ALL
ORDER BY starts_at, source, series"""
    return _over_time(
        database, scope, ("ttft_over_time", "Time to first token"), sql, {"cold": _COLD, "unknown": _UNKNOWN}
    )


def decode_over_time(database: Database, scope: Scope, bucket: Bucket, by: Series) -> Chart:
    """Return the speed of writing: columns starts_at, source, series, p10, p50, p90 (tokens a second), n."""
    sql = f"""{calls(scope)}SELECT {local(scope, bucket)} AS starts_at, source, {series(by)} AS series,
    {spread("decode")}
FROM calls
WHERE {ANSWERED} AND decode IS NOT NULL
GROUP BY ALL
ORDER BY starts_at, source, series"""
    return _over_time(database, scope, ("decode_over_time", "Speed of writing"), sql, {"estimated": _ESTIMATED})


def by_prompt_length(database: Database, scope: Scope) -> Chart:
    """Return how fast models are with prompts of which length.

    Columns: model, quantisation, source, from_tokens (see PROMPT_SPANS), ttft_p10, ttft_p50, ttft_p90 (ms; warm calls
    whose prompt was not cached), ttft_n, decode_p10, decode_p50, decode_p90 (tokens a second), decode_n.
    """
    sql = by_prompt_length_sql(scope)
    found = frame(database, sql)
    notes = _notes(
        database,
        scope,
        {"cold": _COLD, "cached": _CACHED, "cache_unknown": _CACHE_UNKNOWN, "prompt_unknown": _PROMPT_UNKNOWN},
    )
    n = int(found[["ttft_n", "decode_n"]].max(axis=1).sum())
    return Chart("speed_by_prompt_length", "Speed by length of the prompt", found, n, sql, notes)


def by_prompt_length_sql(scope: Scope) -> str:
    """Return the statement of `by_prompt_length`, which finds its columns."""
    return f"""{calls(scope)}SELECT
    model, coalesce(quantisation, '') AS quantisation, source, {span()} AS from_tokens,
    {spread("timed", "ttft_")},
    {spread("decode", "decode_")}
FROM (SELECT *, CASE WHEN {WARM} AND {UNCACHED} THEN ttft END AS timed FROM calls)
WHERE {ANSWERED} AND prompt_tokens IS NOT NULL AND NOT prompt_tokens_estimated AND coalesce(timed, decode) IS NOT NULL
GROUP BY ALL
ORDER BY model, quantisation, source, from_tokens"""


def cold_warm(database: Database, scope: Scope) -> Chart:
    """Return how much longer the first token takes when the model has to be loaded.

    Columns: model, quantisation, source, state (cold, warm or unknown), ttft_p10, ttft_p50, ttft_p90 (ms after the
    request was sent), ttft_n, load_p10, load_p50, load_p90 (ms of waiting for the model before that), load_n, calls.
    """
    sql = f"""{calls(scope)}SELECT
    model, coalesce(quantisation, '') AS quantisation, source,
    CASE WHEN cold IS NULL THEN 'unknown' WHEN cold THEN 'cold' ELSE 'warm' END AS state,
    {spread("ttft", "ttft_")},
    {spread("load_ms", "load_")},
    count(*) AS calls
FROM calls
WHERE {ANSWERED} AND ttft IS NOT NULL
GROUP BY ALL
ORDER BY model, quantisation, source, state"""
    found = frame(database, sql)
    notes = ("A model is loaded before the request is sent where the server allows it; then the wait is in the load.",)
    return Chart("cold_warm", "Cold and warm starts", found, int(found["calls"].sum()), sql, notes)


def _over_time(database: Database, scope: Scope, called: tuple[str, str], sql: str, left_out: dict[str, str]) -> Chart:
    found = frame(database, sql)
    return Chart(*called, found, int(found["n"].sum()), sql, _notes(database, scope, left_out))


def _notes(database: Database, scope: Scope, wanted: dict[str, str]) -> tuple[str, ...]:
    """Return the sentences, by what they count, of which there is something to say."""
    counts = frame(database, calls(scope) + _LEFT_OUT).iloc[0]
    notes = [sentence.format(n=int(counts[name])) for name, sentence in wanted.items() if int(counts[name])]
    return (*notes, _IMPORTED) if scope.imported else tuple(notes)
