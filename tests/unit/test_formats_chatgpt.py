"""ChatGPT's exports as conversations."""

import copy
from datetime import UTC, datetime

import orjson
import pytest

from apehost_core.formats import ImportedConversation, Unreadable, detect, read
from apehost_core.messages import ReasoningPart, ToolCallPart, ToolResultPart
from tests.format_samples import FORMATS_FOLDER, conversations, from_value, outline, selected_path, unreadable

FOLDER = FORMATS_FOLDER / "chatgpt"
PLAIN = FOLDER / "conversations.json"


@pytest.fixture
def oil() -> ImportedConversation:
    """The chat with a branch, thoughts, code and browsing."""
    return conversations(PLAIN)[0]


def test_recognised() -> None:
    """An export is recognised, packed or not."""
    assert detect(PLAIN) == "chatgpt"
    assert detect(FOLDER / "export.zip") == "chatgpt"


def test_selected_branch(oil: ImportedConversation) -> None:
    """What was shown last is the selected branch; nodes that are no turns are not in it."""
    assert outline(oil) == [
        ("user", "[image]\n\nHow much oil is left in the can?"),
        ("assistant", ""),
        ("tool", ""),
        ("assistant", "1.25 litres are left."),
        ("user", "Where do I buy more?"),
        ("assistant", ""),
        ("tool", ""),
        ("tool", ""),
        ("assistant", "At the shop by the pier."),
    ]


def test_branch_is_kept(oil: ImportedConversation) -> None:
    """An answer that was regenerated stands beside the other one, each with its model."""
    siblings = [found for found in oil.messages if found.parent_source_id == "u1"]
    assert [
        (found.source_id, found.generations[0].model, found.generations[0].finish_reason) for found in siblings
    ] == [
        ("a1", "gpt-4o", "length"),
        ("c1", "o3", "stop"),
    ]


def test_thoughts_lead_the_answer(oil: ImportedConversation) -> None:
    """Thoughts are the reasoning of the message after them; the recap gives their seconds."""
    assert selected_path(oil)[1].message.parts == (
        ReasoningPart("**Measuring**\n\nThe can is half full.\n\nLet me compute.", 9.0),
        ToolCallPart("c1", "python", '{"input":"print(2.5 / 2)"}'),
    )


def test_thoughts_without_an_answer_stay() -> None:
    """Thoughts that no answer follows are kept as a message of their own."""
    chat = orjson.loads(PLAIN.read_bytes())[0]
    for key in ("r1", "c1", "x1", "a2", "u2", "b1", "b2", "b3", "b4"):
        del chat["mapping"][key]
    chat["mapping"]["t1"]["children"] = []
    (found,) = from_value([chat | {"current_node": "t1"}])
    assert isinstance(found, ImportedConversation)
    assert found.messages[-1].message.reasoning.startswith("**Measuring**")


def test_tools(oil: ImportedConversation) -> None:
    """A message to a tool is a call; what the tool says is its result, also when it speaks twice."""
    code, search = [call for found in selected_path(oil) for call in found.tool_calls]
    assert (code.tool, code.result, code.succeeded) == ("python", "1.25", True)
    assert (search.tool, search.arguments) == ("browser.search", '{"query":"lamp oil"}')
    assert (search.result, search.succeeded) == ("Shop by the pier\n\nOil, 3 coins", None)
    assert selected_path(oil)[7].message.parts == (ToolResultPart("b1", "Oil, 3 coins"),)


def test_output_of_no_call_is_a_thought() -> None:
    """What a tool says without having been called is kept where no server gets to see it."""
    second = conversations(PLAIN)[1]
    assert second.messages[-1].message.parts == (ReasoningPart("bio: Model set context updated."),)


def test_facts_of_the_conversation(oil: ImportedConversation) -> None:
    """Times, the star and the archive come along; a time that is missing is the one before it."""
    assert oil.created_at == datetime(2025, 2, 19, 21, 20, 0, 250_000, tzinfo=UTC)
    assert (oil.tags, oil.archived) == (("starred",), True)
    asked = {found.source_id: found for found in oil.messages}["u2"]
    assert (asked.created_at, asked.time_source) == (datetime(2025, 2, 19, 21, 20, 16, tzinfo=UTC), "interpolated")


def test_notes(oil: ImportedConversation) -> None:
    """Images, custom instructions and marks of sources are left out, and said so."""
    assert oil.notes == (
        "1 image or file was left out.",
        "1 block of custom instructions was left out.",
        "1 mark of a web source was left out.",
    )


def test_hidden_messages_are_flagged() -> None:
    """A message that was not shown there is kept, and flagged."""
    chat = orjson.loads(PLAIN.read_bytes())[0]
    chat["mapping"]["u2"]["message"]["metadata"] = {"is_visually_hidden_from_conversation": True}
    (found,) = from_value([chat])
    assert isinstance(found, ImportedConversation)
    assert [message.source_id for message in found.messages if message.hidden] == ["u2"]


def test_several_files_in_an_archive() -> None:
    """All parts of a split export are read; the other files of the archive are passed over."""
    found = list(read(FOLDER / "export.zip"))
    assert found == [*conversations(PLAIN)]


def test_cut_file_gives_what_came_before() -> None:
    """A download that broke off gives the conversations before the break, and says where it ends."""
    cut = FOLDER / "conversations-cut.json"
    assert [found.source_id[-1] for found in conversations(cut)] == ["2"]
    assert unreadable(cut) == {
        "conversations-cut.json, after number 1": "It ends in the middle: it was not written or downloaded to its end."
    }
    assert unreadable(FOLDER / "export-cut.zip") == {
        "export-cut.zip": "The archive is damaged, or was not downloaded to its end."
    }


def test_odd_items_do_not_cost_the_others() -> None:
    """A circle is cut, an item that is no conversation is named by its number and title, and what follows is read."""
    odd = FOLDER / "conversations-odd.json"
    circle, after = conversations(odd)
    assert circle.notes == ("Messages that follow each other in a circle were cut apart.",)
    assert [(found.source_id, found.parent_source_id, found.message.text) for found in circle.messages] == [
        ("b", None, "second\ufffd"),
        ("a", "b", "first"),
        ("c", None, "third"),
    ]
    assert circle.selected == "c"
    assert after.title == ""
    assert list(unreadable(odd)) == [
        'conversations-odd.json, number 2, "Nothing"',
        "conversations-odd.json, number 3",
        'conversations-odd.json, number 4, "No map"',
    ]


def test_parents_are_repaired_from_children() -> None:
    """Where a node does not name its parent, the parent's list of children does."""
    chats = orjson.loads(PLAIN.read_bytes())
    whole = copy.deepcopy(chats)
    for node in chats[0]["mapping"].values():
        del node["parent"]
    assert from_value(chats) == from_value(whole)


def test_same_meaning_same_digest() -> None:
    """The order of keys and of nodes, and times of mere looking, do not change the digest; a word does."""
    chat = orjson.loads(PLAIN.read_bytes())[0]
    (before,) = from_value([chat])
    other = dict(reversed(chat.items())) | {"update_time": 1.8e9, "safe_urls": ["x"]}
    (same,) = from_value([other])
    chat["mapping"]["a2"]["message"]["content"]["parts"] = ["2 litres are left."]
    (changed,) = from_value([chat])
    assert isinstance(before, ImportedConversation)
    assert isinstance(same, ImportedConversation)
    assert isinstance(changed, ImportedConversation)
    assert before.digest == same.digest
    assert before.digest != changed.digest


def test_wrong_types_everywhere() -> None:
    """Whatever stands where something else is expected, each item gives a conversation or a reason."""
    chat = orjson.loads(PLAIN.read_bytes())[0]
    for wrong in (None, -1e300, "text", [], {}, [None], True):
        items = [chat | {name: wrong} for name in chat]
        for key in ("t1", "c1", "x1"):
            message = chat["mapping"][key]["message"]
            for changed in (
                *({name: wrong} for name in message),
                *({"content": message["content"] | {name: wrong}} for name in message["content"]),
            ):
                broken = copy.deepcopy(chat)
                broken["mapping"][key]["message"] |= changed
                items.append(broken)
        found = from_value([chat, *items])
        assert len(items) + 1 == len(found)
        assert all(isinstance(each, ImportedConversation | Unreadable) for each in found)
