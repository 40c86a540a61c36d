"""A recorder that keeps runs in memory, and can be told to refuse, for tests of the hub."""

from dataclasses import dataclass, field

from apehost_core.errors import Fault, StoreError
from apehost_core.events import LoggedEvent
from apehost_core.runs.run import RunEnding, RunSpec


@dataclass(slots=True)
class MemoryRecorder:
    """Keeps runs in lists.

    Attributes:
        specs: Runs that were opened.
        events: What was appended, by run.
        endings: Endings that were recorded, by run.
        refuses: While True, nothing is taken.
    """

    specs: list[RunSpec] = field(default_factory=list[RunSpec])
    events: dict[str, list[LoggedEvent]] = field(default_factory=dict[str, list[LoggedEvent]])
    endings: dict[str, RunEnding] = field(default_factory=dict[str, RunEnding])
    refuses: bool = False

    async def open_run(self, spec: RunSpec) -> None:
        """Keep the spec."""
        self._check()
        self.specs.append(spec)

    def append(self, run_id: str, event: LoggedEvent) -> None:
        """Keep the event."""
        self._check()
        self.events.setdefault(run_id, []).append(event)

    async def close_run(self, ending: RunEnding) -> None:
        """Keep the ending."""
        self._check()
        self.endings[ending.run_id] = ending

    def _check(self) -> None:
        if self.refuses:
            raise StoreError(Fault(kind="store", title="The disk is full"))
