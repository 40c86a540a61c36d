"""LM Studio's files as conversations."""

import copy
from datetime import UTC, datetime

import orjson
import pytest

from apehost_core.formats import ImportedConversation, detect
from apehost_core.messages import ReasoningPart, TextPart, ToolResultPart
from tests.format_samples import FORMATS_FOLDER, conversations, from_value, one, outline, selected_path, unreadable

FOLDER = FORMATS_FOLDER / "lmstudio"
TIDES = FOLDER / "Work" / "Ideas" / "1751366400000.conversation.json"


@pytest.fixture
def tides() -> ImportedConversation:
    """The chat with a branch, tools, timings and an attachment."""
    return {found.source_id: found for found in conversations(FOLDER)}["1751366400000"]


def test_recognised() -> None:
    """A chat of LM Studio's is told by what is in it, in a folder as well."""
    assert detect(TIDES) == "lmstudio"
    assert detect(FOLDER) == "lmstudio"


def test_selected_branch(tides: ImportedConversation) -> None:
    """The selected versions are the branch that is shown; an impossible selection means the last version."""
    assert outline(tides) == [
        ("user", "When is high tide?"),
        ("assistant", "Let me look."),
        ("tool", ""),
        ("assistant", "High tide is at 12:41."),
        ("user", "And here?"),
        ("assistant", ""),
        ("tool", ""),
        ("assistant", "I cannot"),
    ]


def test_other_version_is_a_sibling(tides: ImportedConversation) -> None:
    """A version that is not selected stands beside the selected one, with its reasoning, and has no children."""
    question = tides.messages[0]
    other, chosen = [found for found in tides.messages if found.parent_source_id == question.source_id]
    assert other.message.parts == (ReasoningPart("The person asks about tides."), TextPart("At noon, I guess."))
    assert chosen.message.text == "Let me look."
    assert not [found for found in tides.messages if found.parent_source_id == other.source_id]


def test_each_round_has_its_timings(tides: ImportedConversation) -> None:
    """Each model call of an answer is a generation of its own, at the message that it wrote."""
    calls = [call for found in selected_path(tides) for call in found.generations]
    assert [(call.ttft_ms, call.total_ms, call.decode_tok_s) for call in calls] == [
        (500.0, 1000.0, 40.0),
        (750.0, 2000.0, 39.0),
        (200.0, 400.0, 38.0),
    ]
    assert [(call.prompt_tokens, call.completion_tokens) for call in calls] == [(130, 20), (180, 12), (200, 4)]
    assert [call.finish_reason for call in calls] == ["tool_calls", "stop", "userStopped"]
    assert {(call.model, call.quantisation) for call in calls} == {("qwen3-8b", "Q4_K_M")}


def test_tool_call(tides: ImportedConversation) -> None:
    """A call has its arguments, its result, how it ended, how long it took and who allowed it."""
    (call,) = selected_path(tides)[1].tool_calls
    assert (call.call_id, call.tool, call.arguments) == ("req-1", "tide_table", '{"place":"pier","day":"today"}')
    assert (call.result, call.succeeded, call.duration_ms) == ("High: 12:41\nLow: 18:55", True, 73.0)
    assert call.approval == "allowed"
    assert selected_path(tides)[2].message.parts == (ToolResultPart("req-1", "High: 12:41\nLow: 18:55"),)


def test_call_whose_result_was_not_kept(tides: ImportedConversation) -> None:
    """A failed call without a text keeps its failure; the chain still has a message that answers it."""
    asked, answered = selected_path(tides)[5:7]
    assert (asked.tool_calls[0].result, asked.tool_calls[0].succeeded) == (None, False)
    assert answered.message.parts == (ToolResultPart("7", ""),)


def test_notes_name_what_is_left_out(tides: ImportedConversation) -> None:
    """Attachments, results of no call and settings out of range are left out, and said so."""
    assert [note.partition(" left out")[0] for note in tides.notes] == [
        "1 tool result that belongs to no call was",
        "1 attached file was",
        "A setting was",
    ]


def test_settings(tides: ImportedConversation) -> None:
    """The chat's own settings come along; one that was switched off does not."""
    assert tides.settings.system_prompt == "Answer like a harbour master."
    sampling = tides.settings.sampling
    assert (sampling.temperature, sampling.top_k, sampling.min_p, sampling.max_tokens) == (0.3, 40, 0.05, None)


def test_times(tides: ImportedConversation) -> None:
    """Only the first message's time is stated; the others lie between the chat's first and last time, in order."""
    times = [found.created_at for found in selected_path(tides)]
    assert times[0] == datetime(2025, 7, 1, 10, 40, tzinfo=UTC)
    assert times[-1] == datetime(2025, 7, 1, 10, 46, tzinfo=UTC)
    assert times == sorted(time for time in times if time)
    assert [found.time_source for found in selected_path(tides)] == ["stated"] + ["interpolated"] * 7


def test_folder_is_a_tag(tides: ImportedConversation) -> None:
    """The folder that a chat lies in there is its tag here."""
    assert tides.tags == ("Work/Ideas",)


def test_pinned_chat() -> None:
    """A chat that was pinned there has that as a tag."""
    chat = orjson.loads(TIDES.read_bytes())
    assert one(from_value(chat | {"pinned": True})).tags == ("pinned",)


def test_old_file() -> None:
    """A chat with a byte order mark, null counts, an old system prompt and answers of one step is read."""
    old = conversations(FOLDER / "1735689600000.conversation.json")[0]
    assert outline(old) == [("user", "Hi"), ("assistant", "Hello")]
    assert old.settings.system_prompt == "Be brief."


def test_damaged_files() -> None:
    """Damaged files of a folder are named with the reason, and do not keep the others from being read."""
    assert {where: why.split(":")[0] for where, why in unreadable(FOLDER).items()} == {
        "1735689600001.conversation.json": "It consists of zero bytes",
        "1735689600002.conversation.json": "It ends in the middle",
        "1735689600003.conversation.json": "There is no message in it.",
    }
    assert len(conversations(FOLDER)) == 2


def test_deleted_entry_keeps_the_ids_above_it() -> None:
    """When an entry is gone, what stood above it is known again, and what follows is not taken for other messages."""
    chat = orjson.loads(TIDES.read_bytes())
    before = one(from_value(chat))
    shorter = copy.deepcopy(chat)
    del shorter["messages"][2]
    after = one(from_value(shorter))
    said = {found.source_id: found.message for found in before.messages}
    kept = [found for found in after.messages if found.source_id in said]
    assert [found.message for found in kept] == [said[found.source_id] for found in kept]
    assert len(kept) == 5


def test_wrong_types_everywhere() -> None:
    """Whatever stands where something else is expected, a file never breaks the reader."""
    chat = orjson.loads(TIDES.read_bytes())
    for wrong in (None, 7, "text", {}, [None]):
        assert from_value(dict.fromkeys(chat, wrong) | {"lastUsedModel": {}})
        for name in chat:
            assert from_value(chat | {name: wrong})
        for place in range(4):
            broken = copy.deepcopy(chat)
            version = broken["messages"][place]["versions"][-1]
            for key in version:
                broken["messages"][place]["versions"][-1] = version | {key: wrong}
                assert from_value(broken)
