"""Whether a server is well: what each look and each request says about it, and when to look again. Pure functions.

No look ever loads a model or spends a token: it asks for the greeting and for the listing of models.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from apehost_core.errors import Fault, FaultKind
from apehost_core.servers.views import ServerState

_KEPT_LATENCIES = 60
_PATIENT_FAILURES = 3
_LONGEST_PAUSE_S = 60.0
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
        failures: Looks that failed in a row.
        latencies: Of the last looks, oldest first, in ms; None for one that failed.
    """

    state: ServerState = "unknown"
    since: datetime | None = None
    checked_at: datetime | None = None
    fault: Fault | None = None
    failures: int = 0
    latencies: tuple[float | None, ...] = ()

    @property
    def latency_ms(self) -> float | None:
        """Of the last look that succeeded; None before one."""
        return next((ms for ms in reversed(self.latencies) if ms is not None), None)


def well(before: Condition, now: datetime, latency_ms: float) -> Condition:
    """Return the condition after a look that succeeded."""
    since = before.since if before.state == "online" else now
    latencies = (*before.latencies, latency_ms)[-_KEPT_LATENCIES:]
    return Condition("online", since, now, None, 0, latencies)


def unwell(before: Condition, now: datetime, fault: Fault, *, has_token: bool) -> Condition:
    """Return the condition after a look that failed."""
    latencies = (*before.latencies, None)[-_KEPT_LATENCIES:]
    after = told(before, now, fault, has_token=has_token)
    return replace(after, checked_at=now, failures=before.failures + 1, latencies=latencies)


def told(before: Condition, now: datetime, fault: Fault, *, has_token: bool) -> Condition:
    """Return the condition after a request that failed, so that nothing has to be looked at to know it."""
    state = state_of(fault, has_token=has_token)
    return replace(before, state=state, since=before.since if before.state == state else now, fault=fault)


def state_of(fault: Fault, *, has_token: bool) -> ServerState:
    """Return the state that a fault puts a server in."""
    if fault.kind == "unauthorized":
        return "token_refused" if has_token else "needs_token"
    return _STATES.get(fault.kind, "failing")


def next_look_s(condition: Condition, interval_s: float, chance: float) -> float:
    """Return the seconds until the next look.

    The interval, a little shortened by chance so that servers are not looked at in step. A server that asked to wait
    is left alone as long as it said. After three failures in a row the pause doubles, up to a minute.

    Args:
        condition: As it is now.
        interval_s: Between two looks at a server that is well.
        chance: 0-1, drawn anew for every look.
    """
    fault = condition.fault
    if fault is not None and fault.kind == "rate_limited" and fault.retry_after_s is not None:
        return max(fault.retry_after_s, interval_s)
    doublings = max(0, condition.failures - _PATIENT_FAILURES)
    longest_s = max(interval_s, _LONGEST_PAUSE_S)
    return min(interval_s * 2.0 ** min(doublings, 16), longest_s) * (1 - _JITTER * chance)
