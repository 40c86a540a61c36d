"""The last requests of a server: what is kept, in which order, and when they end."""

from datetime import UTC, datetime

import pytest

from apehost_core.errors import Fault, ServerRejected
from apehost_core.lmstudio.request_log import STOPPED, RequestKind, RequestLog, RequestRecord

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def record(kind: RequestKind = "chat", *, status: int | None = 200, problem: str = "") -> RequestRecord:
    """A request of that kind and end."""
    return RequestRecord(NOW, kind, "m", status, 1.0, problem)


def kept(log: RequestLog) -> list[tuple[str, int | None, str]]:
    """Kind, status and problem of what the log holds, newest first."""
    return [(found.kind, found.status, found.problem) for found in log.records]


def test_newest_first_and_no_more_than_fit() -> None:
    """The oldest go when the log is full."""
    log = RequestLog(capacity=2)
    for status in (200, 201, 202):
        log.add(record(status=status))
    assert [202, 201] == [found.status for found in log.records]


def test_checks_that_say_nothing_new_are_not_kept() -> None:
    """Only a change of status or problem is worth a line; other requests between them change nothing."""
    log = RequestLog()
    for status, problem in ((200, ""), (200, ""), (None, "down"), (None, "down"), (401, "down"), (200, "")):
        log.add(record("check", status=status, problem=problem))
        log.add(record("load"))
    expected = [("check", 200, ""), ("check", 401, "down"), ("check", None, "down"), ("check", 200, "")]
    assert expected == [found for found in kept(log) if found[0] == "check"]
    assert 6 == sum(found.kind == "load" for found in log.records)


def test_checks_of_different_things_are_told_apart() -> None:
    """A server whose greeting is always fine and whose list is always refused fills no log."""
    log = RequestLog()
    for _ in range(5):
        log.add(record("check"), subject="greeting")
        log.add(record("check", status=401, problem="needs a token"), subject="models")
    assert [("check", 401, "needs a token"), ("check", 200, "")] == kept(log)


def test_tests_are_always_kept() -> None:
    """What a person asked for is there each time."""
    log = RequestLog()
    log.add(record("test"))
    log.add(record("test"))
    assert 2 == len(log.records)


def test_an_entry_says_how_it_ended() -> None:
    """Well, with a fault, or stopped by whoever waited for it; the first that was noted stands."""
    log = RequestLog()
    with log.entry("chat", model="m", call_id="c1") as entry:
        entry.status = 200
        entry.end()
        entry.end("later")
    with pytest.raises(ServerRejected), log.entry("load", model="m"):
        raise ServerRejected(Fault("load_failed", "mini could not load the model", status=500))
    with log.entry("unload", model="m:2"):
        pass
    assert [("unload", None, STOPPED), ("load", 500, "mini could not load the model"), ("chat", 200, "")] == kept(log)
    assert ("m", "c1") == (log.records[-1].model, log.records[-1].call_id)
    assert log.records[-1].at.tzinfo is UTC


def test_what_was_read_does_not_change() -> None:
    """A reader in another thread keeps what it has while new requests come in."""
    log = RequestLog()
    log.add(record())
    seen = log.records
    log.add(record("load"))
    assert (1, 2) == (len(seen), len(log.records))
