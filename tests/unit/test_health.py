"""What looks and requests say about a server, and when it is looked at again."""

import itertools
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
    assert ("offline", LATER, (3.0, 4.0, None), 4.0) == (down.state, down.since, down.latencies, down.latency_ms)
    up = well(down, LATER, 2.0)
    assert ("online", None) == (up.state, up.fault)


def test_a_failed_request_is_no_look() -> None:
    """A request that failed changes the state at once, and neither the time of the last look nor the latencies."""
    after = told(well(Condition(), NOON, 3.0), LATER, fault("refused"), has_token=False)
    assert ("offline", LATER, NOON, (3.0,)) == (after.state, after.since, after.checked_at, after.latencies)


def test_sixty_latencies_are_kept() -> None:
    """The oldest go first."""
    condition = Condition()
    for ms in range(70):
        condition = well(condition, NOON, float(ms))
    assert (60, 10.0, 69.0) == (len(condition.latencies), condition.latencies[0], condition.latency_ms)


def pauses(condition: Condition, begin: datetime, *, until_s: float) -> list[float]:
    """The pauses between looks at a server that stays as it is, chance left out."""
    found: list[float] = []
    while sum(found) < until_s:
        found.append(next_look_s(condition, begin + timedelta(seconds=sum(found)), 5, 0))
    return found


def test_pauses_grow_while_a_server_is_away() -> None:
    """At first the interval holds, so that one that comes and goes is seen in time; then pauses grow to a minute."""
    down = told(Condition(), NOON, fault("refused"), has_token=False)
    found = pauses(down, NOON, until_s=3600)
    assert [4.75] * 5 == found[:5]
    growing = found[5:15]
    assert all(1.2 < after / before < 1.3 for before, after in itertools.pairwise(growing))
    assert 57 == found[-1] == max(found)
    assert {4.75} == set(pauses(well(Condition(), NOON, 1), NOON, until_s=3600))


def test_a_server_that_asks_to_wait_is_left_alone() -> None:
    """Retry-After counts, not the interval; a shorter one than the interval does not hurry us."""
    limited = unwell(Condition(), NOON, fault("rate_limited", 90), has_token=False)
    assert 90 == next_look_s(limited, NOON, 10, 1)
    assert 10 == next_look_s(unwell(Condition(), NOON, fault("rate_limited", 1), has_token=False), NOON, 10, 1)


@given(
    away_s=st.floats(0, 1e7),
    interval_s=st.floats(0.1, 3600),
    chance=st.floats(0, 1),
    kind=st.sampled_from(("refused", "dns")),
)
def test_no_pause_is_longer_than_said(away_s: float, interval_s: float, chance: float, kind: FaultKind) -> None:
    """Chance shortens a pause by a fifth at most; with the look itself it stays below interval or minute."""
    down = told(Condition(), NOON, fault(kind), has_token=False)
    now = NOON + timedelta(seconds=away_s)
    longest, pause = next_look_s(down, now, interval_s, 0), next_look_s(down, now, interval_s, chance)
    assert longest * 0.75 <= pause <= longest < max(interval_s, 60)
