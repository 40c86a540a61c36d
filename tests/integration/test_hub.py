"""Runs in the hub: detached, logged in order, watched from any point, stopped at once, never lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from apehost_core.errors import Fault, ServerError, StoreError
from apehost_core.events import LoggedEvent, Outcome, ReasoningDelta, RunFinished, RunStarted, TextDelta, TurnStarted
from apehost_core.ids import new_id
from apehost_core.messages import TextPart
from apehost_core.runs.hub import Emit, Hub
from apehost_core.testing.memory_recorder import MemoryRecorder
from tests.run_samples import chat_spec

pytestmark = pytest.mark.anyio

Work = Callable[[Emit], Awaitable[Outcome]]


@pytest.fixture
def recorder() -> MemoryRecorder:
    """Where runs are kept."""
    return MemoryRecorder()


@pytest.fixture
def hub(recorder: MemoryRecorder) -> Hub:
    """A hub over the recorder in memory."""
    return Hub(recorder)


def says(*words: str, then: Outcome | Exception | None = "completed") -> Work:
    """Work that emits a turn of some words and ends in an outcome, an error, or (None) never."""

    async def work(emit: Emit) -> Outcome:
        emit(TurnStarted(new_id(), "mini", "a-model"))
        for word in words:
            emit(TextDelta(word))
            await asyncio.sleep(0)
        if isinstance(then, Exception):
            raise then
        if then is None:
            await asyncio.Event().wait()
        return then or "completed"

    return work


async def all_of(hub: Hub, run_id: str, after: int = 0) -> list[LoggedEvent]:
    """All events of a run from a point on, to its end."""
    run = hub.live(run_id)
    assert run is not None
    return [logged async for logged in run.events(after)]


async def test_a_run_goes_on_without_anybody_watching(hub: Hub, recorder: MemoryRecorder) -> None:
    """Nobody subscribes; the ending is recorded all the same, with the whole text."""
    run = hub.start(chat_spec(), says("one ", "two"))
    await hub.wait(run.spec.run_id)
    ending = recorder.endings[run.spec.run_id]
    assert "completed" == ending.outcome
    assert ending.message is not None
    assert (TextPart("one two"),) == ending.message.parts
    assert hub.live(run.spec.run_id) is None


async def test_subscribers_may_begin_anywhere(hub: Hub) -> None:
    """Watching from the start, from a point and late give the same log without gaps."""
    run = hub.start(chat_spec(), says(*"abcdef"))
    early, late = await asyncio.gather(all_of(hub, run.spec.run_id), all_of(hub, run.spec.run_id, after=3))
    assert list(range(1, len(early) + 1)) == [logged.seq for logged in early]
    assert early[3:] == late
    assert isinstance(early[0].event, RunStarted)
    assert isinstance(early[-1].event, RunFinished)


async def test_nothing_is_seen_that_was_not_handed_to_the_recorder(hub: Hub, recorder: MemoryRecorder) -> None:
    """At every moment the recorder has at least what a subscriber has."""
    run = hub.start(chat_spec(), says(*"abcdefgh"))
    async for logged in run.events():
        if not isinstance(logged.event, RunFinished):
            assert logged in recorder.events[run.spec.run_id]


async def test_stop_keeps_what_was_shown(hub: Hub, recorder: MemoryRecorder) -> None:
    """Cancelling ends the run as cancelled with its partial text; a second time there is nothing to stop."""
    run = hub.start(chat_spec(), says("half", then=None))
    async for logged in run.events():
        if isinstance(logged.event, TextDelta):
            assert hub.cancel(run.spec.run_id)
            break
    await hub.wait(run.spec.run_id)
    ending = recorder.endings[run.spec.run_id]
    assert ("cancelled", "half") == (ending.outcome, ending.message.text if ending.message else None)
    assert not hub.cancel(run.spec.run_id)


async def test_a_run_stopped_before_its_first_step_is_ended_too(hub: Hub, recorder: MemoryRecorder) -> None:
    """Cancelling right after the start leaves no run open."""
    run = hub.start(chat_spec(), says("never"))
    hub.cancel(run.spec.run_id)
    await hub.wait(run.spec.run_id)
    assert "cancelled" == recorder.endings[run.spec.run_id].outcome


async def test_an_error_of_a_server_is_the_runs_fault(hub: Hub, recorder: MemoryRecorder) -> None:
    """What came before the error is kept, and the error's words are recorded."""
    fault = Fault(kind="cut", title="The answer was cut off by mini")
    run = hub.start(chat_spec(), says("part", then=ServerError(fault)))
    await hub.wait(run.spec.run_id)
    ending = recorder.endings[run.spec.run_id]
    assert ("failed", fault) == (ending.outcome, ending.fault)
    assert [("failed", fault)] == [(g.outcome, g.fault) for g in ending.generations]
    assert ending.message is not None


async def test_a_defect_of_ours_leaks_nothing(
    hub: Hub, recorder: MemoryRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected exception fails the run; its message, which may hold a secret, is in no fault and no log."""
    with caplog.at_level(logging.DEBUG):
        run = hub.start(chat_spec(), says("x", then=ValueError("http://192.0.2.7:1234 sk-lm-secret")))
        await hub.wait(run.spec.run_id)
    ending = recorder.endings[run.spec.run_id]
    assert ending.fault is not None
    assert "internal" == ending.fault.kind
    for said in (str(ending.fault), caplog.text):
        assert "192.0.2.7" not in said
        assert "sk-lm" not in said


async def test_an_ending_that_cannot_be_recorded_is_kept_and_tried_again(hub: Hub, recorder: MemoryRecorder) -> None:
    """The run stays live and readable with its unsaved ending until the store takes it."""
    run = hub.start(chat_spec(), says("kept", then=None))
    async for logged in run.events():
        if isinstance(logged.event, TextDelta):
            break
    recorder.refuses = True
    hub.cancel(run.spec.run_id)
    await hub.wait(run.spec.run_id)
    assert hub.live(run.spec.run_id) is run
    assert run.unsaved is not None
    assert 1 == await hub.record_unsaved()
    recorder.refuses = False
    assert 0 == await hub.record_unsaved()
    assert "kept" == (recorder.endings[run.spec.run_id].message or pytest.fail("no message")).text
    assert hub.live(run.spec.run_id) is None


async def test_a_full_disk_in_mid_answer_stops_it(hub: Hub, recorder: MemoryRecorder) -> None:
    """Nothing more is shown than can be kept: the run fails with the store's words."""

    async def work(emit: Emit) -> Outcome:
        emit(TurnStarted(new_id(), "mini", "a-model"))
        emit(TextDelta("before"))
        await asyncio.sleep(0)
        recorder.refuses = True
        emit(TextDelta("after"))
        return "completed"

    run = hub.start(chat_spec(), work)
    await hub.wait(run.spec.run_id)
    assert run.unsaved is not None
    assert run.unsaved.fault is not None
    assert ("failed", "store", "before") == (
        run.unsaved.outcome,
        run.unsaved.fault.kind,
        run.unsaved.message.text if run.unsaved.message else None,
    )


async def test_deltas_of_one_moment_are_one_event(hub: Hub) -> None:
    """What comes within one turn of the loop is joined by kind, in order, with its count, and handed on at once."""

    async def work(emit: Emit) -> Outcome:
        emit(TurnStarted(new_id(), "mini", "a-model"))
        for delta in (ReasoningDelta("h"), ReasoningDelta("m"), TextDelta("a"), TextDelta("b"), TextDelta("c", 2)):
            emit(delta)
        await asyncio.sleep(0)
        emit(TextDelta("d"))
        return "completed"

    run = hub.start(chat_spec(), work)
    events = [logged.event for logged in await all_of(hub, run.spec.run_id)]
    deltas = [event for event in events if isinstance(event, TextDelta | ReasoningDelta)]
    assert [ReasoningDelta("hm", 2), TextDelta("abc", 4), TextDelta("d", 1)] == deltas


async def test_a_run_that_cannot_be_recorded_is_not_started(hub: Hub, recorder: MemoryRecorder) -> None:
    """The caller learns why, the work is stopped, and nothing is left behind."""
    work = says("unseen", then=None)

    recorder.refuses = True
    run = hub.start(chat_spec(), work)
    with pytest.raises(StoreError):
        await run.recorded
    await run.finished.wait()
    assert 0 == hub.active
    assert recorder.endings == {}
    assert run.transcript.finished is not None
    assert "failed" == run.transcript.finished.outcome


async def test_closing_ends_all_runs(hub: Hub, recorder: MemoryRecorder) -> None:
    """Every live run is interrupted, and its ending is recorded before close returns."""
    runs = [hub.start(chat_spec(), says("x", then=None)) for _ in range(5)]
    await hub.close()
    assert ["interrupted"] * 5 == [recorder.endings[run.spec.run_id].outcome for run in runs]
