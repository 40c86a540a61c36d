"""Resting after failures in a row, trials, and what heals."""

from dataclasses import dataclass

import pytest

from apehost_core.errors import FaultKind
from apehost_core.servers.breaker import Breaker


@dataclass
class Clock:
    """Seconds that pass when the test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def failing(breaker: Breaker, *kinds: FaultKind) -> Breaker:
    """The breaker after these failures."""
    for kind in kinds:
        breaker.failed(kind)
    return breaker


def test_opens_after_three_in_a_row() -> None:
    """Two failures are borne, the third opens it for ten seconds."""
    clock = Clock()
    breaker = failing(Breaker(clock), "cut", "server_error")
    assert (0.0, False) == (breaker.resting_s, breaker.is_open)
    breaker.failed("model_crashed")
    assert (10.0, True) == (breaker.resting_s, breaker.is_open)
    clock.now = 10
    assert 0.0 == breaker.resting_s


def test_a_success_between_counts_anew() -> None:
    """Only failures in a row count."""
    breaker = failing(Breaker(Clock()), "cut", "cut")
    breaker.succeeded()
    assert not failing(breaker, "cut", "cut").is_open


def test_failed_trials_rest_longer() -> None:
    """Each failed trial doubles the rest, up to five minutes; a trial that succeeds closes it."""
    clock = Clock()
    breaker = failing(Breaker(clock), "cut", "cut", "cut")
    rests: list[float] = []
    for _ in range(6):
        clock.now += breaker.resting_s
        breaker.failed("cut")
        rests.append(breaker.resting_s)
    assert [20, 40, 80, 160, 300, 300] == rests
    breaker.succeeded()
    assert (0.0, False) == (breaker.resting_s, breaker.is_open)


def test_one_crash_is_one_failure() -> None:
    """Requests that fail together while it rests already do not make it rest longer."""
    breaker = failing(Breaker(Clock()), *["cut"] * 8)  # type: ignore[arg-type]
    assert 10.0 == breaker.resting_s


@pytest.mark.parametrize("kind", ["bad_request", "overflow", "rate_limited", "unauthorized", "model_not_found"])
def test_refusals_do_not_count(kind: FaultKind) -> None:
    """A server that answers with a refusal is well."""
    assert not failing(Breaker(Clock()), kind, kind, kind, kind).is_open


def test_a_look_heals_the_way_there() -> None:
    """A look that succeeds proves that the server can be reached, not that its answers come through."""
    unreachable = failing(Breaker(Clock()), "refused", "connect_timeout", "refused")
    unreachable.reachable()
    assert not unreachable.is_open
    crashing = failing(Breaker(Clock()), "refused", "model_crashed", "model_crashed")
    crashing.reachable()
    assert crashing.is_open
