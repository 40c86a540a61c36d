"""ApeHost's own export as conversations."""

from typing import cast

import orjson
import pytest

from apehost_core.formats import ImportedConversation, detect
from apehost_core.formats.apehost import OTHER_GENERATIONS, OTHER_TOOL_CALLS
from tests.format_samples import FORMATS_FOLDER, conversations, from_bytes, one, outline, unreadable

FOLDER = FORMATS_FOLDER / "apehost"
EXPORT = FOLDER / "apehost.jsonl"


@pytest.fixture
def ropes() -> ImportedConversation:
    """The conversation with all kinds of rows."""
    return conversations(EXPORT)[0]


def line_of(found: ImportedConversation) -> dict[str, object]:
    """The line of the export that a conversation came from, made of its columns alone."""
    row = dict(found.columns)
    generations = [call.columns for message in found.messages for call in message.generations]
    calls = [call.columns for message in found.messages for call in message.tool_calls]
    return {
        "conversation": row,
        "generations": [*generations, *cast("list[object]", row.pop(OTHER_GENERATIONS))],
        "tool_calls": [*calls, *cast("list[object]", row.pop(OTHER_TOOL_CALLS))],
        "messages": [message.columns for message in found.messages],
    }


def test_recognised() -> None:
    """The header tells it."""
    assert detect(EXPORT) == "apehost"


def test_nothing_is_lost(ropes: ImportedConversation) -> None:
    """The columns that were read are the line that was written, whole."""
    assert orjson.loads(EXPORT.read_bytes().splitlines()[1]) == line_of(ropes)


def test_tree_is_taken_as_it_is(ropes: ImportedConversation) -> None:
    """Messages keep their ids, also one that says nothing."""
    assert outline(ropes) == [
        ("user", "Which knot?"),
        ("assistant", ""),
        ("tool", ""),
        ("assistant", "A bowline."),
    ]
    silent = ropes.messages[-1]
    assert (silent.message.parts, silent.hidden, silent.time_source) == ((), True, "interpolated")


@pytest.mark.parametrize(("written", "read"), [(1, 1), (-1, -1), (None, None), (True, None), (5, None), ("1", None)])
def test_vote(written: object, read: int | None) -> None:
    """A vote on an answer comes along; what is no vote does not."""
    header, line, _ = EXPORT.read_bytes().splitlines()
    changed = orjson.loads(line)
    changed["messages"][0]["rating"] = written
    assert one(from_bytes(header + b"\n" + orjson.dumps(changed) + b"\n")).messages[0].rating == read


def test_facts(ropes: ImportedConversation) -> None:
    """Archive, tags and settings come along."""
    assert (ropes.archived, ropes.tags) == (True, ("knots", "sea"))
    assert (ropes.settings.system_prompt, ropes.settings.sampling.temperature) == ("Be brief.", 0.2)


def test_timings_in_the_words_of_all_formats(ropes: ImportedConversation) -> None:
    """Measured times go before what the server said; where nothing was measured, the server's are given."""
    calls = [call for message in ropes.messages for call in message.generations]
    assert [(call.ttft_ms, call.decode_tok_s) for call in calls] == [
        (110.0, 4 * 1e3 / 110.0),
        (120.0, 40.0),
        (110.0, 42.0),
    ]
    assert [call.finish_reason for call in calls] == ["tool_calls", "stop", "stop"]


def test_tool_call(ropes: ImportedConversation) -> None:
    """A tool call has its result and how it went."""
    (call,) = [call for message in ropes.messages for call in message.tool_calls]
    assert (call.result, call.succeeded, call.duration_ms, call.approval) == ("bowline", True, 3.5, "allowed")


def test_damaged_lines_cost_themselves_only() -> None:
    """A cut line, a line with an unknown part and an empty one are named; the one after them is read."""
    damaged = FOLDER / "damaged.jsonl"
    assert [found.title for found in conversations(damaged)] == ["Short"]
    assert list(unreadable(damaged)) == [
        "damaged.jsonl, line 2",
        "damaged.jsonl, line 3",
        "damaged.jsonl, line 4",
    ]


def test_newer_version_is_refused() -> None:
    """Of an export of a newer version nothing is read, and it is said what to do."""
    assert conversations(FOLDER / "newer.jsonl") == []
    assert unreadable(FOLDER / "newer.jsonl") == {
        "newer.jsonl, line 1": "It was written by a newer ApeHost; update ApeHost to read it."
    }
