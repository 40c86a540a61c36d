"""A completion's bytes as events and as the response they fold to."""

from dataclasses import asdict
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apehost_core.errors import ModelNotFound, ServerProtocolError
from apehost_core.events import (
    ModelEvent,
    ModelResponse,
    Progress,
    ReasoningDelta,
    ServerTiming,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from apehost_core.lmstudio.decoding import StreamDecoder
from apehost_core.lmstudio.endpoint import Endpoint
from apehost_core.messages import ReasoningPart, TextPart, ToolCallPart

MINI, DONE = Endpoint("mini", "http://192.0.2.10:1234"), b"data: [DONE]\n\n"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | st.sampled_from(["", "x", "<think>"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "index", "x"]), inner),
    max_leaves=4,
)


def framed(**body: Any) -> bytes:
    """Return a frame of any body."""
    return b"data: " + orjson.dumps(body) + b"\n\n"


def chunk(finish: str | None = None, **delta: Any) -> bytes:
    """Return a frame of one delta, in LM Studio's envelope."""
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    return framed(id="chatcmpl-1", object="chat.completion.chunk", model="M", system_fingerprint="M", choices=choices)


def error_event(message: str) -> bytes:
    """Return an error event as captured on 0.4.21: the message stands in it twice."""
    return b"event: error\n" + framed(error={"message": message}, message=message)


USAGE = {"prompt_tokens": 17, "completion_tokens": 116, "completion_tokens_details": {"reasoning_tokens": 102}}
TIMINGS = {
    "cache_n": 0,
    "prompt_n": 32,
    "prompt_ms": 185.6,
    "prompt_per_second": 172.4,
    "predicted_n": 7,
    "predicted_ms": 82.7,
    "predicted_per_second": 84.7,
}
USAGE_FRAME, STOP = framed(model="M", choices=[], usage=USAGE), chunk("stop")

STREAM = b"".join(
    [
        b"\xef\xbb\xbf: hello\r\n\r\n",
        chunk(role="assistant", content=None),
        chunk(reasoning_content="Hä? "),
        chunk(reasoning="ok 🌍"),
        chunk(content=" <thi").replace(b"\n", b"\r\n"),
        chunk(content="nk>\nso\n</think"),
        b"data: {broken\n\n",
        chunk(content=">\n\nGrüße"),
        chunk(content=" 🌍 </thi"),
        chunk(tool_calls=[{"index": 0, "id": "814890118", "function": {"name": "f", "arguments": ""}}]),
        chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"x":1}', "name": ""}}]),
        chunk("tool_calls"),
        USAGE_FRAME,
        DONE,
    ]
)


def decoded(*chunks: bytes) -> tuple[list[ModelEvent], StreamDecoder]:
    """Return all events of a body that arrives in these chunks, and the decoder."""
    decoder = StreamDecoder(MINI)
    events = [event for part in chunks for event in decoder.feed(part)]
    return events + decoder.finish(), decoder


def response_of(*chunks: bytes) -> ModelResponse:
    """Return the response of a stream that ends well."""
    events, decoder = decoded(*chunks)
    assert decoder.failure is None
    assert isinstance(events[-1], ModelResponse)
    assert not any(isinstance(event, ModelResponse) for event in events[:-1])
    return events[-1]


def folded(*chunks: bytes) -> tuple[Any, ...]:
    """Return what a reader of the events ends up with: text, reasoning, arguments, counts and the response."""
    events, decoder = decoded(*chunks)
    text, reasoning = ([event for event in events if isinstance(event, kind)] for kind in (TextDelta, ReasoningDelta))
    return (
        "".join(event.text for event in text),
        "".join(event.text for event in reasoning),
        "".join(event.arguments for event in events if isinstance(event, ToolCallDelta)),
        sum(event.count for event in [*text, *reasoning]),
        [event for event in events if isinstance(event, ModelResponse)],
        decoder.failure and decoder.failure.fault,
    )


def cut(stream: bytes, borders: list[int]) -> list[bytes]:
    """Return the stream cut at these positions."""
    edges = [0, *sorted(borders), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(edges)]


def test_fold_of_a_stream_with_everything() -> None:
    """Both reasoning fields, inline tags, text, a call, usage, garbage: all of it lands in the response."""
    response = response_of(STREAM)
    expected = (ReasoningPart("Hä? ok 🌍so\n"), TextPart("Grüße 🌍 </thi"), ToolCallPart("814890118", "f", '{"x":1}'))
    assert expected == response.parts
    assert ("tool_calls", "M") == (response.finish_reason, response.model)
    assert Usage(17, 116, 102, None) == response.usage
    assert ("1 unreadable frames were skipped",) == response.warnings


def test_every_cut_gives_the_same_fold() -> None:
    """A stream in two chunks folds to the same, wherever it is cut; so it does byte by byte."""
    whole = folded(STREAM)
    assert [] == [border for border in range(len(STREAM)) if whole != folded(STREAM[:border], STREAM[border:])]
    assert whole == folded(*cut(STREAM, list(range(len(STREAM)))))


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_cuts_give_the_same_fold(borders: list[int]) -> None:
    """A stream in any number of chunks folds to the same."""
    assert folded(STREAM) == folded(*cut(STREAM, borders))


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "</", "think>", "\n", " ", "ä", "data: {"]), min_size=1),
    st.lists(st.integers(0, 4000), max_size=6),
)
def test_content_is_divided_alike_in_any_deltas(shreds: list[str], borders: list[int]) -> None:
    """The same content gives the same parts as one delta and as many, and the events hold all of the parts."""
    stream = b"".join(chunk(content=shred) for shred in shreds) + STOP + DONE
    parts = response_of(chunk(content="".join(shreds)), STOP, DONE).parts
    assert parts == response_of(*cut(stream, [min(border, len(stream)) for border in borders])).parts


def test_deltas_of_one_chunk_are_joined() -> None:
    """Deltas of one kind that come together are one event that counts them; kinds keep their order."""
    decoder = StreamDecoder(MINI)
    events = decoder.feed(
        chunk(reasoning_content="a") + chunk(reasoning_content="b") + chunk(content="c") + chunk(content="d")
    )
    assert [ReasoningDelta("ab", 2), TextDelta("cd", 2)] == events
    assert [TextDelta("e", 1)] == decoder.feed(chunk(content="e"))


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"reasoning_content": "r", "content": ""}, (ReasoningPart("r"),)),
        ({"reasoning": "r"}, (ReasoningPart("r"),)),
        ({"reasoning_content": "", "reasoning": "r"}, (ReasoningPart("r"),)),
        ({"reasoning_content": "r", "reasoning": "r"}, (ReasoningPart("r"),)),
        ({"content": "<think>r</think>t"}, (ReasoningPart("r"), TextPart("t"))),
        ({"content": "r\n</think>\n\nt"}, (ReasoningPart("r"), TextPart("t"))),
        ({"content": "t", "reasoning_content": "", "tool_calls": []}, (TextPart("t"),)),
    ],
)
def test_fields_of_a_delta(delta: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """Reasoning is found in both fields and inline; empty fields mean nothing."""
    assert expected == response_of(chunk(role="assistant", content=None), chunk(**delta), STOP, DONE).parts


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([STOP, USAGE_FRAME], Usage(17, 116, 102), id="frame-without-choices"),
        pytest.param([framed(choices=[{"delta": {}, "finish_reason": "stop"}], usage=USAGE)], Usage(17, 116, 102)),
        pytest.param([USAGE_FRAME, STOP, framed(choices=[], usage=None)], Usage(17, 116, 102), id="null-later"),
        pytest.param([STOP, USAGE_FRAME, framed(usage={"completion_tokens": 5})], Usage(17, 5, 102), id="last-wins"),
        pytest.param([STOP, framed(usage={"prompt_tokens": 0, "completion_tokens": 0})], Usage(), id="zeros"),
        pytest.param([STOP], Usage(), id="none"),
        pytest.param(
            [STOP, framed(usage={"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}})],
            Usage(prompt_tokens=9, cached_tokens=4),
            id="cached",
        ),
        pytest.param([STOP, framed(timings={"cache_n": 7, "prompt_n": 3})], Usage(cached_tokens=7), id="llama.cpp"),
    ],
)
def test_usage(frames: list[bytes], expected: Usage) -> None:
    """Counts come from any frame; the last ones that are not null or zero win."""
    assert expected == response_of(chunk(content="x"), *frames, DONE).usage


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param(
            [framed(choices=[], usage=USAGE, timings=TIMINGS)], ServerTiming(185.6, 172.4, 84.7), id="llama.cpp"
        ),
        pytest.param(
            [framed(stats={"tokens_per_second": 51.4, "time_to_first_token": 0.111})],
            ServerTiming(ttft_ms=111.0, decode_tok_s=51.4),
            id="api-v0",
        ),
        pytest.param([framed(stats={})], ServerTiming(), id="lm-studio-v1"),
        pytest.param([framed(timings=TIMINGS), framed(timings={})], ServerTiming(185.6, 172.4, 84.7), id="empty-later"),
        pytest.param(
            [framed(timings=TIMINGS | {"predicted_n": 1, "predicted_per_second": 1e6})],
            ServerTiming(185.6, 172.4),
            id="one-token",
        ),
        pytest.param(
            [framed(timings={"prompt_ms": 0, "prompt_per_second": None, "predicted_per_second": -1})],
            ServerTiming(),
            id="nothing-measured",
        ),
        pytest.param([framed(timings={"prompt_ms": True, "prompt_per_second": "9"})], ServerTiming(), id="no-numbers"),
        pytest.param([framed(timings=[1], stats="fast")], ServerTiming(), id="no-objects"),
    ],
)
def test_what_the_server_says_of_its_speed(frames: list[bytes], expected: ServerTiming) -> None:
    """llama.cpp's and /api/v0's figures come in ms and tokens a second; what is no figure is unknown."""
    timing = response_of(chunk("stop", content="x"), *frames, DONE).timing
    assert asdict(expected) == pytest.approx(asdict(timing))


def test_prompt_progress() -> None:
    """llama.cpp's progress of the prompt becomes a fraction of it, before any text."""
    events, _ = decoded(
        framed(choices=[{"delta": {}}], prompt_progress={"total": 200, "cache": 0, "processed": 50, "time_ms": 9}),
        framed(choices=[], prompt_progress={"total": 0, "processed": 0}),
        chunk("stop", content="x"),
    )
    assert [Progress("prompt", 0.25), TextDelta("x")] == events[:-1]


def test_runtime_and_model() -> None:
    """The runtime is kept whatever later frames say, and the model is the one that answered."""
    runtime = {"name": "llama.cpp-mac-arm64", "version": "1.3.0", "supported_formats": ["gguf"]}
    response = response_of(chunk("stop", content="x"), framed(runtime=runtime), framed(timings={}), DONE)
    assert ("llama.cpp-mac-arm64 1.3.0", "M") == (response.runtime, response.model)
    assert None is response_of(framed(choices=[{"delta": {"content": "x"}, "finish_reason": "stop"}])).model


def test_finish_reason_ends_well_without_marker() -> None:
    """A finish reason is enough, and comes through as the server wrote it."""
    for reason in ("stop", "length", "tool_calls", "eosFound"):
        assert reason == response_of(chunk(content="x"), chunk(reason)).finish_reason


def test_marker_ends_well_without_finish_reason() -> None:
    """[DONE] after some answer is enough; what comes behind it is not looked at."""
    response = response_of(chunk(content="x"), DONE + chunk(content="y"), error_event("late"))
    assert ((TextPart("x"),), None) == (response.parts, response.finish_reason)


@pytest.mark.parametrize(
    ("stream", "warning"),
    [
        (b"data: {x\n\ndata: [1]\n\ndata: 7\n\n" + chunk(content="x") + STOP, "3 unreadable frames were skipped"),
        (chunk(content="<think>x") + STOP, "the reasoning was never closed"),
        (STOP, "the model ended without writing anything"),
        (
            chunk(content="a", tool_calls=[{"index": 0, "id": "", "function": {"name": ""}}]) + STOP,
            "1 tool calls without a name were dropped",
        ),
        (
            chunk(content="a\n</think>\nb") + STOP,
            "the reasoning had no opening tag and was shown as text while it was written",
        ),
    ],
)
def test_oddities_are_told(stream: bytes, warning: str) -> None:
    """What was tolerated stands among the warnings, alone."""
    assert (warning,) == response_of(stream, DONE).warnings


def test_merged_frames_cost_one_frame() -> None:
    """Of two frames merged in mid-JSON the second one still counts."""
    merged = chunk(content="lost")[:-30] + chunk(content='say "hi"')
    assert (TextPart('a say "hi"'),) == response_of(chunk(content="a "), merged, STOP, DONE).parts


@pytest.mark.parametrize(
    ("frames", "kind", "text"),
    [
        pytest.param([chunk(content="x")], "cut", "x", id="no-end"),
        pytest.param([chunk(content="x"), chunk(content="y")[:-9]], "cut", "x", id="in-mid-frame"),
        pytest.param([chunk(content="x")[:-2]], "cut", "x", id="all-in-a-last-frame-without-blank-line"),
        pytest.param([chunk(content="</thi")], "cut", "</thi", id="all-of-it-held-back"),
        pytest.param([chunk(tool_calls=[{"index": 0, "id": "1", "function": {"name": "f"}}])], "cut", "", id="call"),
        pytest.param([], "empty", "", id="not-a-byte"),
        pytest.param([DONE], "empty", "", id="only-the-marker"),
        pytest.param([chunk(role="assistant", content=None)], "empty", "", id="only-the-role"),
        pytest.param([USAGE_FRAME, DONE], "empty", "", id="only-usage"),
        pytest.param([b"data: hello\n\ndata: world\n\n"], "not_a_stream", "", id="no-json"),
    ],
)
def test_bad_ends(frames: list[bytes], kind: str, text: str) -> None:
    """An end without finish reason is cut, empty or no stream at all; what came before it stands."""
    events, decoder = decoded(*frames)
    assert isinstance(decoder.failure, ServerProtocolError)
    assert kind == decoder.failure.fault.kind
    assert text == "".join(event.text for event in events if isinstance(event, TextDelta))
    assert not any(isinstance(event, ModelResponse) for event in events)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (error_event("Input does not fit in context length. The input has 31430 tokens, but …"), "overflow"),
        (error_event("Compute error."), "model_crashed"),
        (error_event("The model has crashed without additional information. (Exit code: null)"), "model_crashed"),
        (error_event("No user query found in messages."), "template"),
        (b'event: error\ndata: {"message":"Compute error."}\n\n', "model_crashed"),
        (b"event: error\ndata: Compute error.\n\n", "model_crashed"),
        (b'event: error\ndata: "Channel Error"\n\n', "model_crashed"),
        (framed(error={"message": "x", "code": 500, "type": "server_error"}), "server_error"),
        (framed(error="Compute error."), "model_crashed"),
    ],
)
@pytest.mark.parametrize("before", [[], [chunk(content="x")]])
def test_errors_in_the_stream(frame: bytes, kind: str, before: list[bytes]) -> None:
    """An error event or object is the end, with or without text before it, which stands."""
    decoder = StreamDecoder(MINI)
    events = [event for part in [*before, frame, chunk(content="y"), STOP] for event in decoder.feed(part)]
    assert decoder.failure is not None
    assert kind == decoder.failure.fault.kind
    assert [TextDelta("x") for _ in before] == events + decoder.finish()


def test_missing_model() -> None:
    """A model that is not there has an error class of its own, in the stream too."""
    assert isinstance(decoded(error_event("No models loaded."))[1].failure, ModelNotFound)


@given(
    st.dictionaries(
        st.sampled_from(["choices", "usage", "timings", "stats", "prompt_progress", "runtime", "model"]), JSON
    ),
    st.dictionaries(st.sampled_from(["content", "reasoning", "reasoning_content", "tool_calls"]), JSON),
)
def test_nonsense_never_raises(body: dict[str, Any], delta: dict[str, Any]) -> None:
    """Fields of any shape are tolerated, and the answer around them stands."""
    assert "a" in str(response_of(chunk(content="a"), framed(**body), chunk(**delta), STOP, DONE).parts)
