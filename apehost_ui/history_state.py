"""What the history page remembers between reruns, as plain data; what is looked at stands in the URL."""

from dataclasses import dataclass

from apehost_core.errors import Fault


@dataclass(slots=True)
class HistoryState:
    """What the history page remembers between reruns.

    Attributes:
        refusal: Why the last action was not done; shown until the next one.
    """

    refusal: Fault | None = None
