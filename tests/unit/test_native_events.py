"""LM Studio's own events: what they say of a load, however they are written and cut."""

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apehost_core.errors import ModelNotFound, ServerRejected
from apehost_core.lmstudio.endpoint import Endpoint
from apehost_core.lmstudio.native_events import (
    Answering,
    Failed,
    LoadBegan,
    LoadEnded,
    LoadProgress,
    LoadWatch,
    NativeDecoder,
    NativeEvent,
)

MINI = Endpoint("mini", "http://192.0.2.10:1234")


def frame(kind: str, *, line: bool = True, **fields: object) -> bytes:
    """One event as LM Studio writes it; without its event line on request."""
    data = orjson.dumps({"type": kind, **fields})
    return (f"event: {kind}\n".encode() if line else b"") + b"data: " + data + b"\n\n"


COLD = [
    frame("chat.start", model_instance_id="m"),
    frame("model_load.start", model_instance_id="m"),
    frame("model_load.progress", progress=0.25),
    frame("model_load.progress", progress=1),
    frame("model_load.end", load_time_seconds=7.5),
    frame("prompt_processing.start"),
    frame("prompt_processing.progress", progress=0.5),
    frame("prompt_processing.end"),
    frame("prompt_processing.end"),
    frame("message.start"),
    frame("message.delta", content="Hi"),
    frame("message.end"),
    frame("chat.end", result={"stats": {}}),
]
LOADING = [LoadBegan(), LoadProgress(0.25), LoadProgress(1.0), LoadEnded(7.5)]


def decoded(*chunks: bytes) -> list[NativeEvent]:
    """The events of a stream that comes in these chunks."""
    decoder = NativeDecoder(MINI)
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.flush()


def test_a_cold_start() -> None:
    """The load comes out with its progress, and all that follows says that the model is there."""
    assert [*LOADING, *[Answering()] * 8] == decoded(*COLD)


@given(st.lists(st.integers(0, sum(map(len, COLD))), max_size=8))
def test_wherever_it_is_cut(cuts: list[int]) -> None:
    """The borders of the chunks change nothing."""
    stream = b"".join(COLD)
    borders = [0, *sorted(cuts), len(stream)]
    chunks = [stream[begin:end] for begin, end in pairwise(borders)]
    assert decoded(*COLD) == decoded(*chunks)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(frame("model_load.start", line=False), [LoadBegan()], id="type in the data only"),
        pytest.param(b"event: model_load.start\ndata: {}\n\n", [LoadBegan()], id="type on the event line only"),
        pytest.param(b"event: model_load.end\ndata: null\n\n", [LoadEnded(None)], id="no data to speak of"),
        pytest.param(frame("model_load.progress", progress=1.5), [LoadProgress(1.0)], id="more than all"),
        pytest.param(frame("model_load.progress", progress="half"), [], id="no number"),
        pytest.param(frame("model_load.progress", progress=True), [], id="a truth"),
        pytest.param(frame("model_load.progress", progress=-1), [], id="less than nothing"),
        pytest.param(frame("model_load.hiccup"), [], id="unknown"),
        pytest.param(frame("chat.start"), [], id="nothing known yet"),
        pytest.param(b"data: <html>\n\n: ping\n\ndata: [1]\n\n", [], id="garbage"),
        pytest.param(frame("tool_call.name"), [Answering()], id="an undocumented stage of the answer"),
        pytest.param(frame("chat.end").rstrip(), [Answering()], id="no last blank line"),
    ],
)
def test_odd_events(written: bytes, expected: list[NativeEvent]) -> None:
    """What can be understood is, and the rest is left out."""
    assert expected == decoded(written)


@pytest.mark.parametrize(
    ("error", "kind", "make"),
    [
        ({"type": "model_load_failed", "message": "Failed to load LLM 'm'"}, "load_failed", ServerRejected),
        ({"type": "model_load_failed", "message": "unknown"}, "load_failed", ServerRejected),
        ({"type": "model_not_found", "message": "There is none"}, "model_not_found", ModelNotFound),
        ({"type": "internal_error", "message": "at http://192.0.2.10:1234"}, "server_error", ServerRejected),
    ],
)
def test_errors(error: dict[str, str], kind: str, make: type[ServerRejected]) -> None:
    """An error event says what kind it is, and no address."""
    (event,) = decoded(frame("error", error=error))
    assert isinstance(event, Failed)
    assert (kind, make) == (event.error.fault.kind, type(event.error))
    assert "192.0.2.10" not in str(event.error)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def watched(*events: NativeEvent, step: float = 1.0) -> tuple[list[float], list[bool], float | None]:
    """What a watch reports, says event by event, and has for the load's time, with a step between events."""
    clock, told = Clock(), list[float]()
    watch = LoadWatch(told.append, clock)
    said: list[bool] = []
    for event in events:
        said.append(watch.take(event))
        clock.now += step
    return told, said, watch.seconds


def test_the_watch_ends_with_the_load() -> None:
    """Progress begins at nothing and ends at all; the time is the server's."""
    assert ([0.0, 0.25, 1.0, 1.0], [False, False, False, True], 7.5) == watched(*LOADING)


def test_many_reports_become_few() -> None:
    """A hundred reports in a second are told some ten times a second, beginning and end always."""
    progress = [LoadProgress(part / 100) for part in range(100)]
    told, _, _ = watched(LoadBegan(), *progress, LoadEnded(1.0), step=0.01)
    assert 11 <= len(told) <= 13
    assert (0.0, 1.0) == (told[0], told[-1])


def test_a_model_that_is_there_has_no_load() -> None:
    """Whoever finds it loaded hears of no progress and no time."""
    assert ([], [True], None) == watched(Answering())


@pytest.mark.parametrize("last", [LoadEnded(None), Answering()])
def test_a_load_that_nobody_timed(last: NativeEvent) -> None:
    """Where the server does not say how long it took, or that it ended, what was seen counts."""
    assert ([0.0, 1.0], [False, True], 3.0) == watched(LoadBegan(), last, step=3.0)


def test_progress_without_a_beginning() -> None:
    """A load that began before we came is one."""
    assert ([0.0, 0.5, 1.0], [False, False, True], 4.0) == watched(
        LoadProgress(0.4), LoadProgress(0.5), LoadEnded(None), step=2.0
    )


def test_a_load_that_fails() -> None:
    """The server's error is raised."""
    (failed,) = decoded(frame("error", error={"type": "model_load_failed", "message": "no"}))
    with pytest.raises(ServerRejected):
        watched(LoadBegan(), failed)
