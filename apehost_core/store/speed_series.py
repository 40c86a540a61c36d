"""The calls that the speed sentinel watches, read from the record into series.

Only calls that were measured here, ended well, were warm, and had their tokens counted by the server. Of those beside
which the same server answered another call, nobody knows how fast they would have been alone: they are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from apehost_core.history.charts import PROMPT_SPANS
from apehost_core.history.sentinel import Measure, Series, SeriesKey
from apehost_core.store.analytics_sql import UNCACHED, WARM, frame, moment, span
from apehost_core.store.database import Database
from apehost_core.store.sql_text import literal

if TYPE_CHECKING:
    import pandas as pd

LOOKS_BACK = timedelta(days=365)
"""How old calls may be that are compared."""
WATCHED_FOR = timedelta(days=90)
"""Series without a call for so long are not watched any more."""
FEWEST_TOKENS = 16
"""A decode speed of fewer tokens says more about the network than about the model."""
MEASURES: tuple[Measure, ...] = ("decode_tok_s", "ttft_ms")
_USABLE: dict[Measure, str] = {
    "decode_tok_s": f"decode_tok_s > 0 AND NOT completion_tokens_estimated AND completion_tokens >= {FEWEST_TOKENS}",
    "ttft_ms": f"ttft_ms > 0 AND {UNCACHED}",
}
_WATCHABLE = f"""source = 'measured' AND outcome = 'completed' AND {WARM}
    AND prompt_tokens > 0 AND NOT prompt_tokens_estimated"""
_KEYS = ["server", "model", "quantisation", "from_tokens"]
_CALLS = """WITH calls AS (
    SELECT *, epoch_us(started_at) / 1e6 + coalesce(queued_ms, 0) / 1e3 AS sent_s,
        epoch_us(started_at) / 1e6 + greatest(coalesce(total_ms, 0), coalesce(queued_ms, 0)) / 1e3 AS ended_s
    FROM v_generations
    WHERE source = 'measured' AND started_at >= {since}
), placed AS (
    SELECT *,
        coalesce(sent_s >= max(ended_s) OVER (
            PARTITION BY server ORDER BY sent_s ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), true)
            AND coalesce(ended_s <= lead(sent_s) OVER (PARTITION BY server ORDER BY sent_s), true) AS alone
    FROM calls
)
SELECT server, model, coalesce(quantisation, '') AS quantisation, {span} AS from_tokens,
    coalesce(runtime, '') AS runtime, sent_s, alone, prompt_tokens::DOUBLE AS prompt_tokens,
    coalesce(completion_tokens, 1)::DOUBLE AS completion_tokens, tool_schema_hash IS NOT NULL AS tools,
    CASE WHEN {decode} THEN decode_tok_s END AS decode_tok_s, CASE WHEN {ttft} THEN ttft_ms END AS ttft_ms
FROM placed
WHERE {watchable}
ORDER BY sent_s"""


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched.

    Attributes:
        series: With at least one call each.
        calls: How many calls they rest on.
        beside: How many more were left out, because their server answered something else at the same time.
    """

    series: tuple[Series, ...]
    calls: int
    beside: int


def watched(database: Database, now: datetime) -> Watched:
    """Return the series of the year up to a time that had a call lately; blocks.

    Raises:
        StoreError: The record could not be read.
    """
    sql = _CALLS.format(
        since=moment(now - LOOKS_BACK),
        span=span(),
        decode=_USABLE["decode_tok_s"],
        ttft=_USABLE["ttft_ms"],
        watchable=_WATCHABLE,
    )
    found = frame(database, sql)
    alone = found[found["alone"]]
    latest = (now - WATCHED_FOR).timestamp()
    series = tuple(series for series in _series(alone) if series.at[-1] >= latest)
    return Watched(series, calls=len(alone), beside=len(found) - len(alone))


def calls_sql(key: SeriesKey, since: datetime | None = None) -> str:
    """Return a statement for the SQL console that lists the calls of a series, the latest first.

    Args:
        key: The series.
        since: The first that is listed; None lists those of the whole year.
    """
    high = next((high for low, high in PROMPT_SPANS if low == key.from_tokens), None)
    upper = "" if high is None else f" AND prompt_tokens < {high}"
    after = datetime.now(UTC) - LOOKS_BACK if since is None else since
    return f"""SELECT started_at, runtime, prompt_tokens, completion_tokens, ttft_ms, decode_tok_s, conversation_title
FROM v_generations
WHERE {_WATCHABLE}
    AND {_USABLE[key.measure]}
    AND server = {literal(key.server)} AND model = {literal(key.model)}
    AND coalesce(quantisation, '') = {literal(key.quantisation)}
    AND prompt_tokens >= {key.from_tokens}{upper}
    AND started_at >= {moment(after)}
ORDER BY started_at DESC"""


def _series(calls: "pd.DataFrame") -> Iterator[Series]:
    """Divide calls, in the order of time, into series."""
    for names, of_key in calls.groupby(_KEYS, sort=True):
        server, model, quantisation, from_tokens = map(str, names)
        for measure in MEASURES:
            rows = of_key[of_key[measure].notna()]
            if len(rows):
                key = SeriesKey(server, model, quantisation, int(from_tokens), measure)
                yield _one(key, rows)


def _one(key: SeriesKey, rows: "pd.DataFrame") -> Series:
    said = rows["runtime"].tolist()
    numbers = {runtime: number for number, runtime in enumerate(dict.fromkeys(said))}
    return Series(
        key,
        at=_numbers(rows["sent_s"]),
        value=_numbers(rows[key.measure]),
        prompt_tokens=_numbers(rows["prompt_tokens"]),
        completion_tokens=_numbers(rows["completion_tokens"]),
        tools=rows["tools"].to_numpy(np.bool_),
        runtime=np.array([numbers[runtime] for runtime in said], np.int64),
        runtimes=tuple(map(str, numbers)),
    )


def _numbers(column: "pd.Series[float]") -> NDArray[np.float64]:
    return np.asarray(column, np.float64)
