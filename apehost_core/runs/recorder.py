"""The port through which runs become durable. The store implements it; tests use an in-memory one."""

from typing import Protocol

from apehost_core.events import LoggedEvent
from apehost_core.runs.run import RunEnding, RunSpec


class Recorder(Protocol):
    """Keeps runs. All methods are called on the event loop and never block it.

    What is recorded for one run is committed in the order of the calls.
    """

    async def open_run(self, spec: RunSpec) -> None:
        """Record that a run begins; returns after the commit.

        Raises:
            StoreError: Nothing was recorded.
        """
        ...

    def append(self, run_id: str, event: LoggedEvent) -> None:
        """Take one event of an open run; it is committed within 250 ms.

        Raises:
            StoreError: An earlier write failed; nothing more is taken until writes succeed again.
        """
        ...

    async def close_run(self, ending: RunEnding) -> None:
        """Record the ending, its message and its generations in one transaction; returns after the commit.

        The message is appended under the run's parent message, with the id of the spec.

        Raises:
            StoreError: The ending was not recorded; the events before it stand.
        """
        ...
