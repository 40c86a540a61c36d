"""The speed sentinel over the record: looks, in a thread of its own, when there is something new.

A look reads a year of calls, which takes a second or two of a large file. So a page is given what was found last, at
once, and whether a new look is under way.
"""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from apehost_core.errors import ApeHostError, Fault
from apehost_core.history.sentinel import Decisions, Report, SeriesKey
from apehost_core.history.sentinel_verdicts import judged
from apehost_core.store.database import Database
from apehost_core.store.speed_decisions import decide, decisions
from apehost_core.store.speed_series import calls_sql, watched
from apehost_core.store.speed_settings import with_settings

REST_S = 60.0
"""While calls go on, it is looked again after so long at the earliest."""
_Revision = tuple[int, datetime | None, Decisions]


@dataclass(frozen=True, slots=True)
class Look:
    """What is known now.

    Attributes:
        report: What was found last; None before the first look has ended.
        decided: What a person decided.
        working: A new look is under way.
        fault: Why the last look failed; None when it did not.
    """

    report: Report | None
    decided: Decisions
    working: bool
    fault: Fault | None = None


class SpeedWatch:
    """Watches the speed of one database's calls. Safe to use from any thread; `close` it."""

    def __init__(self, database: Database, *, rest_s: float = REST_S) -> None:
        """Look at nothing yet.

        Args:
            database: Where the calls are.
            rest_s: While calls go on, how long a look stays good.
        """
        self._database = database
        self._rest_s = rest_s
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="speed")
        self._looking: Future[None] | None = None
        self._seen: _Revision | None = None
        self._report: Report | None = None
        self._fault: Fault | None = None

    def look(self, wait_s: float = 0.0) -> Look:
        """Return what was found last, and begin to look anew where something has changed since.

        Args:
            wait_s: How long to wait for a look that is under way.

        Raises:
            StoreError: The record cannot be read.
        """
        revision = self._revision()
        with self._lock:
            if self._looking is None and self._is_news(revision):
                self._looking = self._thread.submit(self._work, revision)
            looking = self._looking
        ended = looking is not None and bool(wait([looking], timeout=wait_s).done)
        with self._lock:
            if ended and self._looking is looking:
                self._looking = None
            working = self._looking is not None
            now = Look(self._report, revision[2], working, self._fault)
        if looking is not None and ended:
            looking.result()
        return now

    def mute(self, key: SeriesKey, *, muted: bool = True) -> None:
        """Show no alarms of a series, or show them again; may raise StoreError."""

        def change(decided: Decisions) -> Decisions:
            return replace(decided, muted=decided.muted | {key} if muted else decided.muted - {key})

        decide(self._database, change)

    def accept(self, key: SeriesKey, since: datetime | None) -> datetime | None:
        """Take the speed since a time as the new normal of a series; None forgets that. May raise StoreError.

        Returns:
            Since when it was so before; None where it was not.
        """
        before: list[float | None] = []

        def change(decided: Decisions) -> Decisions:
            before.append(decided.accepted.get(key))
            accepted = {other: at for other, at in decided.accepted.items() if other != key}
            return replace(decided, accepted=accepted if since is None else {**accepted, key: since.timestamp()})

        decide(self._database, change)
        return None if before[-1] is None else datetime.fromtimestamp(before[-1], UTC)

    def sql(self, key: SeriesKey, since: datetime | None = None) -> str:
        """Return a statement for the SQL console that lists the calls of a series; see `speed_series.calls_sql`."""
        return calls_sql(key, since)

    def close(self) -> None:
        """Begin no new look; one that is under way ends first."""
        self._thread.shutdown(cancel_futures=True)

    def _revision(self) -> _Revision:
        with self._database.read() as cursor:
            row = cursor.execute("SELECT count(*), max(started_at) FROM generations").fetchall()[0]
        return int(row[0]), row[1], decisions(self._database)

    def _is_news(self, revision: _Revision) -> bool:
        """Return whether a look would find something else; the lock is held."""
        if self._report is None or self._seen is None or revision[2].accepted != self._seen[2].accepted:
            return True
        rested = (datetime.now(UTC) - self._report.at).total_seconds() >= self._rest_s
        return rested and revision[:2] != self._seen[:2]

    def _work(self, revision: _Revision) -> None:
        report, fault = self._report, None
        try:
            report = self._found(revision[2])
        except ApeHostError as error:
            fault = error.fault
        with self._lock:
            self._report, self._fault, self._seen = report, fault, revision

    def _found(self, decided: Decisions) -> Report:
        begun, now = time.perf_counter(), datetime.now(UTC)
        found = watched(self._database, now)
        verdicts = with_settings(self._database, judged(found.series, decided.accepted))
        return Report(verdicts, found.calls, found.beside, now, (time.perf_counter() - begun) * 1000)
