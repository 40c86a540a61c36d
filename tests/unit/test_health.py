"""What looks and requests say about a server, and when it is looked at again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apehost_core.errors import Fault, FaultKind
from apehost_core.servers.health import Condition, next_look_s, state_of, told, unwell, well
from apehost_core.servers.views import ServerState

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=5)


def fault(kind: FaultKind, retry_after_s: float | None = None) -> Fault:
    """A fault of a kind."""
    return Fault(kind=kind, title=kind, retry_after_s=retry_after_s)


@pytest.mark.parametrize(
    ("kind", "has_token", "state"),
    [
        ("refused", False, "offline"),
        ("dns", False, "offline"),
        ("connect_timeout", False, "offline"),
        ("silent", False, "offline"),
        ("unauthorized", False, "needs_token"),
        ("unauthorized", True, "token_refused"),
        ("forbidden", True, "token_refused"),
        ("rate_limited", False, "rate_limited"),
        ("busy", False, "loading"),
        ("not_lm_studio", False, "not_lm_studio"),
        ("server_error", False, "failing"),
    ],
)
def test_states(kind: FaultKind, has_token: bool, state: ServerState) -> None:
    """Each fault of a look puts a server in a state that people can act on."""
    assert state == state_of(fault(kind), has_token=has_token)


def test_since_is_when_the_state_began() -> None:
    """A state that goes on keeps its beginning; another one begins now. What failed is a gap among the latencies."""
    second = well(well(Condition(), NOON, 3.0), LATER, 4.0)
    assert (NOON, LATER, (3.0, 4.0)) == (second.since, second.checked_at, second.latencies)
    down = unwell(second, LATER, fault("refused"), has_token=False)
    assert ("offline", LATER, 1, (3.0, 4.0, None), 4.0) == (
        down.state, down.since, down.failures, down.latencies, down.latency_ms,
    )  # fmt: skip
    up = well(down, LATER, 2.0)
    assert ("online", 0, None) == (up.state, up.failures, up.fault)


def test_a_failed_request_is_no_look() -> None:
    """A request that failed changes the state at once, and neither the count of failed looks nor the latencies."""
    after = told(well(Condition(), NOON, 3.0), LATER, fault("refused"), has_token=False)
    assert ("offline", LATER, NOON, 0, (3.0,)) == (
        after.state, after.since, after.checked_at, after.failures, after.latencies,
    )  # fmt: skip


def test_sixty_latencies_are_kept() -> None:
    """The oldest go first."""
    condition = Condition()
    for ms in range(70):
        condition = well(condition, NOON, float(ms))
    assert (60, 10.0, 69.0) == (len(condition.latencies), condition.latencies[0], condition.latency_ms)


def test_pauses_double_after_three_failures() -> None:
    """Three failures keep the interval, so that a server that comes and goes is seen in time; then pauses double."""
    pauses: list[float] = []
    condition = Condition()
    for _ in range(9):
        condition = unwell(condition, NOON, fault("refused"), has_token=False)
        pauses.append(next_look_s(condition, 5, 0))
    assert [5, 5, 5, 10, 20, 40, 60, 60, 60] == pauses


def test_a_server_that_asks_to_wait_is_left_alone() -> None:
    """Retry-After counts, not the interval; a shorter one than the interval does not hurry us."""
    limited = unwell(Condition(), NOON, fault("rate_limited", 90), has_token=False)
    assert 90 == next_look_s(limited, 10, 1)
    assert 10 == next_look_s(unwell(Condition(), NOON, fault("rate_limited", 1), has_token=False), 10, 1)


@given(failures=st.integers(0, 10_000), interval_s=st.floats(1, 3600), chance=st.floats(0, 1))
def test_no_pause_is_longer_than_said(failures: int, interval_s: float, chance: float) -> None:
    """Chance shortens a pause by a fifth at most, and never makes it longer."""
    condition = Condition(failures=failures)
    longest, pause = next_look_s(condition, interval_s, 0), next_look_s(condition, interval_s, chance)
    assert longest * 0.8 <= pause <= longest <= max(interval_s, 60)
