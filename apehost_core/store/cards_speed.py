"""How fast models read prompts, from the record. Blocking reads.

The time to first token grows with the prompt; the slope is what a token takes. It is found with Theil's incomplete
method: calls are put in order of their prompts, each of the shorter half is paired with the one as far on in the longer
half, and the middle of the pairs' slopes is the slope. Pairs share no call, so that the interval by order statistics
holds whatever the times are distributed like, and however much more they vary for long prompts; outliers do no harm.

Source: Theil, A rank-invariant method of linear and polynomial regression analysis, 1950.
"""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from apehost_core.compare.intervals import median_interval
from apehost_core.history.cards import PromptSpeed
from apehost_core.history.charts import Scope
from apehost_core.store.analytics_sql import ANSWERED, WARM, calls, frame
from apehost_core.store.database import Database

Key = tuple[str, str, str]
"""Model, quantisation ("" when not told) and source."""

FEWEST_CALLS = 20
LATEST = 2_000
"""So many calls of a model on a server say how fast it reads: of a machine that changed, the old ones leave soon."""
NARROWEST = 200
"""Where four fifths of the prompts lie within so many tokens, the time to read them drowns in what else takes time."""

_POINTS = f""", begun AS (
    SELECT conversation_id, server, model, min(started_at) AS first_at FROM all_calls
    WHERE cached_tokens IS NULL AND conversation_id IS NOT NULL
    GROUP BY ALL
), warm AS MATERIALIZED (
    SELECT conversation_id, server, model, coalesce(quantisation, '') AS quantisation, source, started_at,
        cached_tokens, {{'tokens': prompt_tokens::DOUBLE, 'ms': ttft}} AS point
    FROM calls
    WHERE {ANSWERED} AND {WARM} AND ttft > 0 AND prompt_tokens > 0 AND NOT prompt_tokens_estimated
        AND coalesce(cached_tokens, 0) = 0
)
SELECT model, quantisation, source, server,
    list_transform(points, lambda point: point.tokens) AS tokens,
    list_transform(points, lambda point: point.ms) AS ttft_ms
FROM (
    SELECT model, quantisation, source, server, arg_max(point, started_at, {LATEST}) AS points
    FROM warm LEFT JOIN begun USING (conversation_id, server, model)
    WHERE cached_tokens = 0 OR conversation_id IS NULL OR started_at = first_at
    GROUP BY ALL
)"""


def prompt_speeds(database: Database, scope: Scope) -> dict[Key, tuple[PromptSpeed, ...]]:
    """Return how fast prompts are read, by model; the server with the most calls first.

    Where a server does not tell what it had read before, the first call of a conversation to a model there, and calls
    outside of conversations, count as uncached.
    """
    found: dict[Key, list[PromptSpeed]] = {}
    for row in frame(database, calls(scope) + _POINTS).itertuples(index=False):
        model, quantisation, source, server, tokens, ttft_ms = cast("tuple[Any, ...]", row)
        speed = prompt_speed(np.asarray(tokens, float), np.asarray(ttft_ms, float), server)
        if speed is not None:
            found.setdefault((model, quantisation, source), []).append(speed)
    return {key: tuple(sorted(of, key=lambda speed: (-speed.n, speed.server))) for key, of in found.items()}


def prompt_speed(tokens: NDArray[np.float64], ttft_ms: NDArray[np.float64], server: str) -> PromptSpeed | None:
    """Return how fast prompts are read; None where there are too few calls, or too much alike, to tell.

    Args:
        tokens: Of each prompt.
        ttft_ms: Time to its first token.
        server: Where.
    """
    n = len(tokens)
    if n < FEWEST_CALLS or np.subtract(*np.quantile(tokens, [0.9, 0.1])) < NARROWEST:
        return None
    order = np.argsort(tokens, kind="stable")
    x, y = tokens[order], ttft_ms[order]
    half = n // 2
    longer = x[-half:] - x[:half]
    slopes = (y[-half:] - y[:half])[longer > 0] / longer[longer > 0]
    slope, interval = float(np.median(slopes)), median_interval(slopes)
    if interval is None or interval.low <= 0:
        return None
    fixed = max(0.0, float(np.median(y - slope * x)))
    return PromptSpeed(1000 / slope, 1000 / interval.high, 1000 / interval.low, fixed, n, server)
