"""Stops choosing a server that keeps failing, and tries it again after a while. Pure but for the clock."""

import time
from collections.abc import Callable

from apehost_core.errors import FaultKind

_THRESHOLD = 3
_FIRST_REST_S = 10.0
_LONGEST_REST_S = 300.0
UNREACHABLE: frozenset[FaultKind] = frozenset(("refused", "dns", "connect_timeout"))
"""Faults of the way to a server: a look that succeeds proves them over."""
_ANSWERING: frozenset[FaultKind] = frozenset(
    ("silent", "stalled", "cut", "empty", "model_crashed", "server_error", "not_a_stream")
)


class Breaker:
    """Counts failures in a row. After three it opens: the server rests, twice as long after each failed trial."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._rest_s = 0.0
        self._until = 0.0
        self._only_unreachable = True

    @property
    def resting_s(self) -> float:
        """Seconds until the next trial; 0 while requests may go there."""
        return max(0.0, self._until - self._clock())

    @property
    def is_open(self) -> bool:
        """Whether it has opened and no trial has succeeded since."""
        return self._failures >= _THRESHOLD

    def failed(self, kind: FaultKind) -> None:
        """Take a failed request; faults that are no sign of the server's health do not count.

        Nor do those of a server that rests already: requests that one crash ended all at once are one failure.
        """
        if kind not in UNREACHABLE | _ANSWERING or self.resting_s:
            return
        self._failures += 1
        self._only_unreachable = self._only_unreachable and kind in UNREACHABLE
        if self._failures >= _THRESHOLD:
            self._rest_s = min(max(_FIRST_REST_S, self._rest_s * 2), _LONGEST_REST_S)
            self._until = self._clock() + self._rest_s

    def succeeded(self) -> None:
        """Take a request that was answered: all is forgotten."""
        self._failures, self._rest_s, self._until, self._only_unreachable = 0, 0.0, 0.0, True

    def reachable(self) -> None:
        """Take a successful look: it heals what a missing connection had opened, not what answers had."""
        if self._only_unreachable:
            self.succeeded()
