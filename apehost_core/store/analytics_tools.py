"""Charts of tool calls. Blocking reads; every one may raise StoreError.

A call is invalid when the model asked for a tool that there is not, or with arguments that it does not take; these are
the model's failures. Of valid calls, those that a person denied or stopped are nobody's failure and are left out.
"""

import numpy as np

from apehost_core.compare.intervals import wilson
from apehost_core.history.charts import Chart, Scope
from apehost_core.store.analytics_sql import frame, spread, tool_calls
from apehost_core.store.database import Database

INVALID = "(error_kind IN ('unknown_tool', 'bad_arguments') OR NOT arguments_valid)"
STOPPED = "(error_kind IN ('denied', 'cancelled') OR approval = 'denied')"
COUNTED = f"(succeeded IS NOT NULL AND NOT coalesce({INVALID}, false) AND NOT coalesce({STOPPED}, false))"
SUCCESS = f"""count(*) FILTER ({COUNTED} AND succeeded) AS succeeded,
    count(*) FILTER ({COUNTED}) AS counted,
    count(*) FILTER ({INVALID}) AS invalid"""


def tools(database: Database, scope: Scope) -> Chart:
    """Return how tools do.

    Columns: tool, tool_source, source, calls, succeeded, counted (of which), share (0-1), low, high (Wilson, 95 %),
    invalid, stopped (by a person), unknown (no result is known), ms_p10, ms_p50, ms_p90, ms_n.
    """
    sql = f"""{tool_calls(scope)}SELECT
    tool, tool_source, source, count(*) AS calls,
    {SUCCESS},
    count(*) FILTER ({STOPPED}) AS stopped,
    count(*) FILTER (succeeded IS NULL) AS unknown,
    {spread("duration_ms", "ms_")}
FROM calls
GROUP BY ALL
ORDER BY calls DESC, tool, tool_source, source"""
    found = frame(database, sql)
    k, n = found["succeeded"].to_numpy(), found["counted"].to_numpy()
    bounds = [wilson(int(good), int(of)) for good, of in zip(k, n, strict=True)]
    found.insert(6, "share", np.divide(k, n, out=np.full(len(n), np.nan), where=n > 0))
    found.insert(7, "low", np.array([one.low for one in bounds], float))
    found.insert(8, "high", np.array([one.high for one in bounds], float))
    notes = (
        "Calls with arguments that no tool takes are the model's failures and count as invalid; calls that a person "
        "denied or stopped count as neither.",
    )
    return Chart("tools", "Tools: how often they succeed", found, int(found["calls"].sum()), sql, notes)


def tool_errors(database: Database, scope: Scope) -> Chart:
    """Return how tool calls go wrong: columns tool, tool_source, source, error_kind, calls (so many of them)."""
    sql = f"""{tool_calls(scope)}SELECT tool, tool_source, source, error_kind, count(*) AS calls
FROM calls
WHERE error_kind IS NOT NULL
GROUP BY ALL
ORDER BY calls DESC, tool, error_kind"""
    found = frame(database, sql)
    return Chart("tool_errors", "Tools: kinds of errors", found, int(found["calls"].sum()), sql)
