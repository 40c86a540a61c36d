"""Streamed tool calls with all the quirks of section 2.2 of the API notes."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apehost_core.events import ToolCallDelta
from apehost_core.lmstudio.tool_calls import ToolCalls
from apehost_core.messages import ToolCallPart

ROME = ToolCallPart("814890118", "get_weather", '{"city":"Rome"}')
TIME = ToolCallPart("519801730", "get_time", "{}")


def opening(index: int | None, call_id: str, name: str, arguments: Any = "") -> dict[str, Any]:
    """Return the first delta of a call as LM Studio writes it; without its index when that is None."""
    where = {} if index is None else {"index": index}
    return {**where, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def more(index: int | None, arguments: str, **function: Any) -> dict[str, Any]:
    """Return a continuation."""
    where = {} if index is None else {"index": index}
    return {**where, "function": {"arguments": arguments, **function}}


def folded(*deltas: Any) -> tuple[ToolCallPart, ...]:
    """Return the calls of deltas that come one by one, and check that the events fold to the same."""
    calls = ToolCalls()
    events = [event for delta in deltas for event in calls.take([delta])]
    found: dict[int, ToolCallPart] = {}
    for event in events:
        old = found.get(event.index, ToolCallPart("", "", ""))
        found[event.index] = ToolCallPart(
            old.call_id or event.call_id, old.name or event.name, old.arguments + event.arguments
        )
    assert list(range(len(found))) == list(found)
    assert sorted(found.values(), key=str) == sorted(calls.parts, key=str)
    return calls.parts


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        pytest.param(
            [
                opening(0, "814890118", "get_weather"),
                more(0, '{"'),
                more(0, 'city":"Rome"}'),
                opening(1, "519801730", "get_time"),
                more(1, "{}"),
            ],
            (ROME, TIME),
            id="as-recorded",
        ),
        pytest.param([opening(0, ROME.call_id, ROME.name, ROME.arguments)], (ROME,), id="all-in-one-frame"),
        pytest.param(
            [opening(0, ROME.call_id, ROME.name), {**more(0, ROME.arguments, name=""), "type": "function", "id": ""}],
            (ROME,),
            id="empty-name-on-continuations",
        ),
        pytest.param(
            [opening(0, ROME.call_id, ROME.name, '{"city"'), opening(0, ROME.call_id, ROME.name, ':"Rome"}')],
            (ROME,),
            id="repeated-name-and-id",
        ),
        pytest.param(
            [opening(0, ROME.call_id, ROME.name), more(0, ROME.arguments, name=ROME.name)],
            (ROME,),
            id="repeated-name-without-id",
        ),
        pytest.param(
            [
                opening(0, ROME.call_id, ROME.name, ROME.arguments),
                opening(0, TIME.call_id, TIME.name),
                more(0, "{}"),
            ],
            (ROME, TIME),
            id="same-index-for-two-calls",
        ),
        pytest.param(
            [
                opening(0, ROME.call_id, ROME.name),
                opening(1, TIME.call_id, TIME.name),
                more(1, "{"),
                more(0, '{"city":'),
                more(1, "}"),
                more(0, '"Rome"}'),
            ],
            (ROME, TIME),
            id="interleaved",
        ),
        pytest.param(
            [
                opening(None, ROME.call_id, ROME.name),
                more(None, ROME.arguments),
                opening(None, TIME.call_id, TIME.name),
                more(None, "{}"),
            ],
            (ROME, TIME),
            id="no-index",
        ),
        pytest.param(
            [opening(None, ROME.call_id, ROME.name, '{"city"'), opening(None, ROME.call_id, ROME.name, ':"Rome"}')],
            (ROME,),
            id="no-index-and-repeated-id",
        ),
        pytest.param(
            [opening(1, ROME.call_id, ROME.name), more(1, ROME.arguments), opening(2, TIME.call_id, TIME.name, "{}")],
            (ROME, TIME),
            id="counted-from-one",
        ),
        pytest.param(
            [more(0, '{"city"', name=""), opening(0, ROME.call_id, ROME.name, ':"Rome"}')], (ROME,), id="late-name"
        ),
        pytest.param(
            [opening(0, "", "get_time", "{}")], (ToolCallPart("call_0", "get_time", "{}"),), id="id-is-made-up"
        ),
        pytest.param(
            [opening(0, "1", "f", {"city": "Rome"})],
            (ToolCallPart("1", "f", '{"city":"Rome"}'),),
            id="object-arguments",
        ),
        pytest.param([opening(0, "1", "f", None)], (ToolCallPart("1", "f", ""),), id="null-arguments"),
        pytest.param([opening(0, "1", "f", "{}"), opening(1, "1", "f", "{}")], None, id="same-id-at-two-indices"),
        pytest.param(
            ["x", None, 7, {}, {"index": 0}, {"index": 0, "function": None}, {"index": 0, "function": "f"}],
            (),
            id="nonsense",
        ),
    ],
)
def test_quirks(deltas: list[Any], expected: tuple[ToolCallPart, ...] | None) -> None:
    """Every quirk of the wire ends in clean calls, numbered from 0 without gaps."""
    twice = (ToolCallPart("1", "f", "{}"),) * 2
    assert (twice if expected is None else expected) == folded(*deltas)


def test_clean_deltas() -> None:
    """The first delta of a call carries id and name, every other one only its index and the next text."""
    calls = ToolCalls()
    deltas = [opening(3, "814890118", "get_weather"), more(3, '{"', name="get_weather"), more(3, "}")]
    expected = [
        ToolCallDelta(0, "814890118", "get_weather", ""),
        ToolCallDelta(0, arguments='{"'),
        ToolCallDelta(0, arguments="}"),
    ]
    assert expected == calls.take(deltas)


def test_nameless_call_shows_only_when_named() -> None:
    """A call without a name is held back, then comes with all that was held; nobody else's number is taken."""
    calls = ToolCalls()
    assert [] == calls.take([{"index": 0, "id": "1", "function": {"arguments": '{"a":'}}])
    assert [ToolCallDelta(0, "2", "g", "{}")] == calls.take([opening(1, "2", "g", "{}")])
    assert 1 == calls.nameless
    assert [ToolCallDelta(1, "1", "f", '{"a":1}')] == calls.take([more(0, "1}", name="f")])
    assert 0 == calls.nameless


def test_nameless_calls_are_left_out() -> None:
    """A call that never gets a name is no call, and is counted."""
    calls = ToolCalls()
    assert [] == calls.take([opening(0, "", "", "{}")])
    assert ((), 1) == (calls.parts, calls.nameless)


def test_identical_calls_all_stand() -> None:
    """The same call many times over with other ids stays as many calls: each one wants its answer."""
    deltas = [opening(number, str(number), "f", "{}") for number in range(9)]
    assert tuple(ToolCallPart(str(number), "f", "{}") for number in range(9)) == folded(*deltas)


@given(st.text(max_size=30), st.lists(st.integers(0, 30), max_size=5))
def test_fragments_do_not_matter(arguments: str, borders: list[int]) -> None:
    """Arguments come out exactly as they came in, however they are cut."""
    edges = [0, *sorted(borders), len(arguments)]
    shreds = [arguments[begin:end] for begin, end in pairwise(edges)]
    expected = (ToolCallPart("1", "f", arguments),)
    assert expected == folded(opening(0, "1", "f"), *(more(0, shred) for shred in shreds))
