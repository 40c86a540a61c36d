"""The recorder that writes to DuckDB; see `apehost_core.runs.recorder.Recorder` for what it promises."""

import asyncio
from dataclasses import asdict
from functools import partial

from apehost_core.events import LoggedEvent
from apehost_core.runs.run import RunEnding, RunSpec
from apehost_core.store.database import Database
from apehost_core.store.endings import write_ending
from apehost_core.store.transaction import Transaction


class DuckRecorder:
    """Keeps runs in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[str, RunSpec] = {}

    async def open_run(self, spec: RunSpec) -> None:
        """Record that a run begins; returns after the commit."""
        await asyncio.wrap_future(self._database.submit(partial(_insert_run, spec=spec)))
        self._open[spec.run_id] = spec

    def append(self, run_id: str, event: LoggedEvent) -> None:
        """Take one event; it is committed within 250 ms."""
        self._database.append(run_id, event)

    async def close_run(self, ending: RunEnding) -> None:
        """Record the ending; returns after the commit. May be called again after a failure."""
        spec = self._open[ending.run_id]
        await asyncio.wrap_future(self._database.submit(partial(write_ending, spec=spec, ending=ending)))
        del self._open[ending.run_id]


def _insert_run(transaction: Transaction, spec: RunSpec) -> None:
    row = asdict(spec)
    row["id"] = row.pop("run_id")
    transaction.insert("runs", row)
