"""The charts of the history page: one method each, over everything that is on record.

Adds nothing of its own: `analytics_usage`, `analytics_speed`, `analytics_tools` and `analytics_compare` do the work.
Every chart is read in one statement from a cursor of its own, so no writer waits; nothing is summed up beforehand,
since a million calls do not need it (docs/benchmarks.md).
"""

from datetime import UTC, datetime
from typing import cast

from apehost_core.history.charts import Bucket, Chart, Options, Scope, Series, bucket_for
from apehost_core.store import analytics_compare, analytics_speed, analytics_tools, analytics_usage
from apehost_core.store.analytics_sql import calls
from apehost_core.store.database import Database

_CHOICES = """SELECT
    server, model, coalesce(quantisation, ''), kind, source, min(started_at), max(started_at), count(*)
FROM calls GROUP BY ALL"""
_Choice = tuple[str, str, str, str, str, datetime, datetime, int]


class Charts:
    """Reads charts from one database. Every method blocks and may raise StoreError.

    A chart over time takes the bucket that suits the scope where none is given. Methods that tell local time raise
    InputRefused for a time zone that there is not.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def options(self) -> Options:
        """Return which servers, models, quantisations and kinds there are, imported calls included."""
        with self._database.read() as cursor:
            rows = cast("list[_Choice]", cursor.execute(calls(Scope(imported=True)) + _CHOICES).fetchall())
        servers, models, quantisations, kinds = (_most_used(rows, place) for place in range(4))
        return Options(
            servers,
            models,
            quantisations,
            kinds,
            first=min((row[5].astimezone(UTC) for row in rows), default=None),
            last=max((row[6].astimezone(UTC) for row in rows), default=None),
            measured=sum(row[-1] for row in rows if row[4] == "measured"),
            imported=sum(row[-1] for row in rows if row[4] == "imported"),
        )

    def usage_by_day(self, scope: Scope, *, bucket: Bucket | None = "day", by: Series = "all") -> Chart:
        """Return calls and tokens over time; see `analytics_usage.by_day` for the columns."""
        return analytics_usage.by_day(self._database, scope, bucket or self.bucket(scope), by)

    def usage_by_model(self, scope: Scope) -> Chart:
        """Return calls and tokens by model; see `analytics_usage.by_model` for the columns."""
        return analytics_usage.by_model(self._database, scope)

    def usage_by_server(self, scope: Scope) -> Chart:
        """Return calls and tokens by server; see `analytics_usage.by_server` for the columns."""
        return analytics_usage.by_server(self._database, scope)

    def ttft_over_time(self, scope: Scope, bucket: Bucket | None = None, *, by: Series = "all") -> Chart:
        """Return the time to first token over time; see `analytics_speed.ttft_over_time` for the columns."""
        return analytics_speed.ttft_over_time(self._database, scope, bucket or self.bucket(scope), by)

    def decode_over_time(self, scope: Scope, bucket: Bucket | None = None, *, by: Series = "all") -> Chart:
        """Return the speed of writing over time; see `analytics_speed.decode_over_time` for the columns."""
        return analytics_speed.decode_over_time(self._database, scope, bucket or self.bucket(scope), by)

    def speed_by_prompt_length(self, scope: Scope) -> Chart:
        """Return speeds by prompt length and model; see `analytics_speed.by_prompt_length` for the columns."""
        return analytics_speed.by_prompt_length(self._database, scope)

    def cold_warm(self, scope: Scope) -> Chart:
        """Return cold beside warm starts by model; see `analytics_speed.cold_warm` for the columns."""
        return analytics_speed.cold_warm(self._database, scope)

    def errors(self, scope: Scope, bucket: Bucket | None = None) -> Chart:
        """Return failures by kind over time; see `analytics_usage.errors` for the columns."""
        return analytics_usage.errors(self._database, scope, bucket or self.bucket(scope))

    def tools(self, scope: Scope) -> Chart:
        """Return how tools do; see `analytics_tools.tools` for the columns."""
        return analytics_tools.tools(self._database, scope)

    def tool_errors(self, scope: Scope) -> Chart:
        """Return how tool calls go wrong; see `analytics_tools.tool_errors` for the columns."""
        return analytics_tools.tool_errors(self._database, scope)

    def heat_map(self, scope: Scope) -> Chart:
        """Return when in the week calls are made; see `analytics_usage.heat_map` for the columns."""
        return analytics_usage.heat_map(self._database, scope)

    def compare(self, left: Scope, right: Scope) -> Chart:
        """Return two scopes side by side; see `analytics_compare.compare` for the columns."""
        return analytics_compare.compare(self._database, left, right)

    def bucket(self, scope: Scope) -> Bucket:
        """Return the bucket that suits a scope: the time between its ends, or between its first and last call."""
        after, before = scope.after, scope.before
        if after is None or before is None:
            with self._database.read() as cursor:
                first, last = cursor.execute(
                    f"{calls(scope)}SELECT min(started_at), max(started_at) FROM calls"
                ).fetchall()[0]
            after, before = after or first, before or last
        return "day" if after is None or before is None else bucket_for(after, before)


def _most_used(rows: list[_Choice], place: int) -> tuple[str, ...]:
    """Return what stands at a place of the rows, by the sum of their counts."""
    sums: dict[str, int] = {}
    for row in rows:
        name = str(row[place])
        sums[name] = sums.get(name, 0) + row[-1]
    return tuple(sorted(sums, key=lambda name: (-sums[name], name)))
