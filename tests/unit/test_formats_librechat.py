"""LibreChat's exports as conversations."""

from dataclasses import replace

from apehost_core.formats import ImportedConversation, Unreadable, detect
from apehost_core.messages import ReasoningPart, TextPart, ToolCallPart
from tests.format_samples import FORMATS_FOLDER, conversations, from_bytes, from_value, one, outline, unreadable

FOLDER = FORMATS_FOLDER / "librechat"


def test_recognised() -> None:
    """Lists and trees are recognised."""
    assert {detect(FOLDER / name) for name in ("rope.json", "rope-tree.json", "plain.json")} == {"librechat"}


def test_list_and_tree_are_the_same() -> None:
    """The same conversation comes out of the list and of the tree."""
    assert conversations(FOLDER / "rope.json") == conversations(FOLDER / "rope-tree.json")


def test_branches_tools_and_votes() -> None:
    """Both answers are kept with their models and votes; the content's blocks are what they are."""
    rope = conversations(FOLDER / "rope.json")[0]
    found = {message.source_id: message for message in rope.messages}
    assert found["r2/1"].message.parts == (
        ReasoningPart("Knots."),
        TextPart("Checking."),
        ToolCallPart("t1", "knots", '{"load":5}'),
    )
    assert found["r2/1"].tool_calls[0].result == "bowline"
    assert found["r2"].message.text == "A bowline."
    assert (found["r2"].rating, found["r3"].rating) == (-1, 1)
    assert [found[key].generations[0].model for key in ("r2", "r3")] == ["llama3.1", "gemma3"]
    assert {found["r2/1"].parent_source_id, found["r3"].parent_source_id} == {"r1"}
    assert rope.selected == "r4"


def test_settings_and_notes() -> None:
    """Options are settings; files and unknown blocks are noted."""
    rope = conversations(FOLDER / "rope.json")[0]
    assert rope.settings.system_prompt == "Talk like a sailor."
    assert (rope.settings.sampling.temperature, rope.settings.sampling.top_p) == (0.7, 1)
    assert rope.notes == ("1 attached file was left out.", "1 block of an unknown kind was left out.")


def test_messages_without_ids_are_a_line() -> None:
    """Messages that name nobody follow each other."""
    assert outline(conversations(FOLDER / "plain.json")[0]) == [("user", "Hi"), ("assistant", "Ahoy")]


def test_deep_tree() -> None:
    """A tree of 900 turns inside each other is read to its end; one that is deeper than any chat is refused."""
    turn = '{"messageId": "%s", "isCreatedByUser": true, "text": "turn", "children": ['

    def nested(depth: int) -> list[ImportedConversation | Unreadable]:
        tree = "".join(turn % number for number in range(depth)) + "]}" * depth
        return from_bytes(b'{"conversationId": "d", "recursive": true, "messages": [%s]}' % tree.encode())

    found = one(nested(900))
    assert (len(found.messages), found.selected) == (900, "899")
    assert nested(1_100) == [Unreadable("file.json", "It is nested deeper than 2,000 levels.")]


def test_damage() -> None:
    """A file that breaks off is named."""
    cut = FOLDER / "rope-cut.json"
    assert conversations(cut) == []
    assert unreadable(cut) == {"rope-cut.json": "It ends in the middle: it was not written or downloaded to its end."}


def test_title_change_changes_the_digest_alone() -> None:
    """A renamed conversation is the same one, changed."""
    plain = {"conversationId": "p", "title": "One", "messages": [{"text": "Hi", "isCreatedByUser": True}]}
    before, after = one(from_value(plain)), one(from_value(plain | {"title": "Two"}))
    assert before.digest != after.digest
    assert replace(after, title="One", digest=before.digest) == before
