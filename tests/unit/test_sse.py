"""Server-sent events cut out of bytes, however the bytes arrive."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apehost_core.errors import ServerProtocolError
from apehost_core.lmstudio.sse import LARGEST_FRAME, Frame, SseDecoder

STREAM = (
    ": keep-alive\n\n"
    'data: {"choices":[{"delta":{"content":"Grüße 🌍"}}]}\n\n'
    'data:{"no":"space"}\r\n\r\n'
    "event: error\ndata: one\ndata: two\n\n"
    "id: 7\nretry: 10\ndata: lone\r\r"
    "data: [DONE]\n\n"
).encode()

FRAMES = [
    Frame('{"choices":[{"delta":{"content":"Grüße 🌍"}}]}'.encode()),
    Frame(b'{"no":"space"}'),
    Frame(b"one\ntwo", "error"),
    Frame(b"lone"),
    Frame(b"[DONE]"),
]

WHOLE = '{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"lo"},"logprobs":null}]}'


def frames_of(*chunks: bytes) -> list[Frame]:
    """Return all frames of a stream that arrives in these chunks."""
    decoder = SseDecoder()
    found = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return found + decoder.flush()


def cut(stream: bytes, borders: list[int]) -> list[bytes]:
    """Return the stream cut at these positions."""
    edges = [0, *sorted(borders), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(edges)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(b"data: a\n\n", [Frame(b"a")], id="plain"),
        pytest.param(b"data:a\n\n", [Frame(b"a")], id="no-space"),
        pytest.param(b"data:  a\n\n", [Frame(b" a")], id="only-one-space-is-syntax"),
        pytest.param(b"data: a\r\n\r\n", [Frame(b"a")], id="crlf"),
        pytest.param(b"data: a\r\rdata: b\r\r", [Frame(b"a"), Frame(b"b")], id="lone-cr"),
        pytest.param(b"data: a\ndata: b\n\n", [Frame(b"a\nb")], id="multi-line"),
        pytest.param(b"data: a\ndata:\ndata: b\n\n", [Frame(b"a\n\nb")], id="empty-line-inside"),
        pytest.param(b"event: error\ndata: a\n\n", [Frame(b"a", "error")], id="event-name"),
        pytest.param(b"data: a\nevent:error\n\n", [Frame(b"a", "error")], id="event-name-after-data"),
        pytest.param(b"event: x\ndata: a\n\ndata: b\n\n", [Frame(b"a", "x"), Frame(b"b")], id="name-for-one-event"),
        pytest.param(b": ping\n\ndata: a\n\n", [Frame(b"a")], id="comment-alone"),
        pytest.param(b": ping\ndata: a\n:pong\n\n", [Frame(b"a")], id="comment-inside"),
        pytest.param(b"id: 1\nretry: 5\nfoo: x\ndata: a\n\n", [Frame(b"a")], id="other-fields"),
        pytest.param(b"event: ping\n\n", [], id="no-data-no-frame"),
        pytest.param(b"data: \n\ndata:\n\ndata\n\ndata: a\n\n", [Frame(b"a")], id="empty-data-no-frame"),
        pytest.param(b"data: a\n\n\n\n\ndata: b\n\n", [Frame(b"a"), Frame(b"b")], id="many-blank-lines"),
        pytest.param(b"data: a", [Frame(b"a")], id="no-end-of-line"),
        pytest.param(b"data: a\n\ndata: b\n", [Frame(b"a"), Frame(b"b")], id="no-last-blank-line"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [Frame(b"a")], id="bom"),
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"\n\n\n", [], id="only-blank-lines"),
    ],
)
def test_framing(stream: bytes, expected: list[Frame]) -> None:
    """Every form that the standard allows gives its frames, whole or byte by byte."""
    assert expected == frames_of(stream)
    assert expected == frames_of(*cut(stream, list(range(len(stream)))))


@pytest.mark.parametrize("border", range(len(STREAM) + 1))
def test_every_cut_gives_the_same_frames(border: int) -> None:
    """A stream in two chunks gives the same frames wherever it is cut, also inside a character or a CRLF."""
    assert FRAMES == frames_of(STREAM[:border], STREAM[border:])


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_cuts_give_the_same_frames(borders: list[int]) -> None:
    """A stream in any number of chunks, empty ones among them, gives the same frames."""
    assert FRAMES == frames_of(*cut(STREAM, borders))


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\ufeff"), min_size=1), max_size=6), st.data()
)
def test_line_ends_do_not_matter(lines: list[str], data: st.DataObject) -> None:
    """LF and CRLF in any mixture mean the same, whatever the text and the cuts."""
    stream = b""
    for line in lines:
        ends = [data.draw(st.sampled_from(["\n", "\r\n"])) for _ in "12"]
        stream += f"data:  {line}".encode() + "".join(ends).encode()
    borders = data.draw(st.lists(st.integers(0, len(stream)), max_size=5))
    expected = [Frame(f" {line}".encode()) for line in lines]
    assert expected == frames_of(*cut(stream, borders))


def test_crlf_cut_between_chunks() -> None:
    """The LF of a CRLF that comes with the next chunk is no second line end."""
    decoder = SseDecoder()
    assert [] == decoder.feed(b"data: a\r")
    assert [] == decoder.feed(b"")
    assert [] == decoder.feed(b"\ndata: b\r\n")
    assert [Frame(b"a\nb")] == decoder.feed(b"\r\n")
    assert [] == decoder.flush()


def test_frames_come_as_soon_as_they_are_complete() -> None:
    """The blank line completes a frame; what follows waits for its own."""
    decoder = SseDecoder()
    assert [Frame(b"a")] == decoder.feed(b"data: a\n\ndata: b")
    assert [Frame(b"b")] == decoder.feed(b"\n\n")


def test_mark_of_byte_order_counts_only_at_the_start() -> None:
    """A byte order mark is dropped at the very beginning and is content anywhere else."""
    bom = b"\xef\xbb\xbf"
    assert [Frame(b"a"), Frame(bom)] == frames_of(bom[:1], bom[1:] + b"data: a\n\ndata: " + bom + b"\n\n")


def test_merged_frames() -> None:
    """A frame written into the middle of another one is found; the broken part stays apart as garbage."""
    stream = f'data: {{"id":"chatcmpl-1","choices":[{{"index":0,"logprodata: {WHOLE}\n\ndata: [DONE]\n\n'.encode()
    broken = b'{"id":"chatcmpl-1","choices":[{"index":0,"logpro'
    assert [Frame(broken), Frame(WHOLE.encode()), Frame(b"[DONE]")] == frames_of(stream)


@pytest.mark.parametrize("border", range(1, len(WHOLE)))
@pytest.mark.parametrize("content", ["lo", 'say \\"hi', '\\"{\\"', "}"])
def test_merged_anywhere(border: int, content: str) -> None:
    """Wherever the first frame breaks off and whatever the second one quotes, the second one is found whole."""
    second = WHOLE.replace('"lo"', f'"{content}"')
    stream = f"data: {WHOLE[:border]}data: {second}\n\n".encode()
    assert [Frame(WHOLE[:border].encode()), Frame(second.encode())] == frames_of(stream)


def test_marker_in_content_is_content() -> None:
    """An answer that quotes a frame is not cut."""
    whole = rb'{"choices":[{"delta":{"content":"data: {\"id\": 1}"}}]}'
    assert [Frame(whole)] == frames_of(b"data: " + whole + b"\n\n")


def test_frame_beyond_the_limit() -> None:
    """An event that never ends stops at the limit, with a fault instead of all memory."""
    decoder = SseDecoder()
    assert [] == decoder.feed(b"data: " + b"x" * (LARGEST_FRAME - 6))
    with pytest.raises(ServerProtocolError) as caught:
        decoder.feed(b"x")
    assert "not_a_stream" == caught.value.fault.kind


def test_frames_below_the_limit_add_up() -> None:
    """Many frames may together be larger than the limit."""
    frame = b"data: " + b"x" * (LARGEST_FRAME // 2) + b"\n\n"
    assert 3 == len(frames_of(frame, frame, frame))
