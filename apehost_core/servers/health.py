"""Whether a server is well: what each look and each request says about it, and when to look again. Pure functions.

No look ever loads a model or spends a token: it asks for the greeting and for the listing of models.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from apehost_core.errors import Fault, FaultKind
from apehost_core.servers.views import ServerState

_KEPT_LATENCIES = 60
_LONGEST_PAUSE_S = 60.0
_GROWTH = 0.25
_MARGIN = 0.05
_JITTER = 0.2
_STATES: dict[FaultKind, ServerState] = {
    "refused": "offline",
    "dns": "offline",
    "connect_timeout": "offline",
    "silent": "offline",
    "cut": "offline",
    "forbidden": "token_refused",
    "rate_limited": "rate_limited",
    "busy": "loading",
    "not_lm_studio": "not_lm_studio",
    "not_a_stream": "not_lm_studio",
    "wrong_endpoint": "not_lm_studio",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """How a server is.

    Attributes:
        state: unknown until the first look.
        since: UTC, when it entered the state; None while unknown.
        checked_at: UTC, end of the last look; None before the first.
        fault: Why it is not online; None when it is.
        latencies: Of the last looks, oldest first, in ms; None for one that failed.
    """

    state: ServerState = "unknown"
    since: datetime | None = None
    checked_at: datetime | None = None
    fault: Fault | None = None
    latencies: tuple[float | None, ...] = ()

    @property
    def latency_ms(self) -> float | None:
        """Of the last look that succeeded; None before one."""
        return next((ms for ms in reversed(self.latencies) if ms is not None), None)


def well(before: Condition, now: datetime, latency_ms: float) -> Condition:
    """Return the condition after a look that succeeded."""
    since = before.since if before.state == "online" else now
    latencies = (*before.latencies, latency_ms)[-_KEPT_LATENCIES:]
    return Condition("online", since, now, None, latencies)


def unwell(before: Condition, now: datetime, fault: Fault, *, has_token: bool) -> Condition:
    """Return the condition after a look that failed."""
    latencies = (*before.latencies, None)[-_KEPT_LATENCIES:]
    after = told(before, now, fault, has_token=has_token)
    return replace(after, checked_at=now, latencies=latencies)


def told(before: Condition, now: datetime, fault: Fault, *, has_token: bool) -> Condition:
    """Return the condition after a request that failed, so that nothing has to be looked at to know it."""
    state = state_of(fault, has_token=has_token)
    return replace(before, state=state, since=before.since if before.state == state else now, fault=fault)


def state_of(fault: Fault, *, has_token: bool) -> ServerState:
    """Return the state that a fault puts a server in."""
    if fault.kind == "unauthorized":
        return "token_refused" if has_token else "needs_token"
    return _STATES.get(fault.kind, "failing")


def next_look_s(condition: Condition, now: datetime, interval_s: float, chance: float) -> float:
    """Return the seconds until the next look.

    A little less than the interval, so that with the look itself no state is wrong for longer, and shortened by
    chance so that servers are not looked at in step. A server that asked to wait is left alone as long as it said. One
    that is not well is looked at ever more rarely, down to once a minute: after a quarter of the time that it has been
    so, which makes the pauses grow exponentially, and however often it was looked at on demand meanwhile.

    Args:
        condition: As it is now.
        now: UTC.
        interval_s: Between two looks at a server that is well.
        chance: 0-1, drawn anew for every look.
    """
    fault = condition.fault
    if fault is not None and fault.kind == "rate_limited" and fault.retry_after_s is not None:
        return max(fault.retry_after_s, interval_s)
    pause_s = interval_s
    if condition.state != "online" and condition.since is not None:
        unwell_s = (now - condition.since).total_seconds()
        pause_s = min(max(interval_s, unwell_s * _GROWTH), max(interval_s, _LONGEST_PAUSE_S))
    return pause_s * (1 - _MARGIN - _JITTER * chance)
