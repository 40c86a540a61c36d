"""Claude's exports as conversations."""

import pytest

from apehost_core.formats import ImportedMessage, detect
from apehost_core.messages import ReasoningPart, TextPart, ToolCallPart
from tests.format_samples import FORMATS_FOLDER, conversations, outline, unreadable

FOLDER = FORMATS_FOLDER / "claude"
CHATS = FOLDER / "conversations.json"


@pytest.fixture
def horn() -> dict[str, ImportedMessage]:
    """The messages of the chat with a branch and a tool, by id."""
    return {found.source_id: found for found in conversations(CHATS)[0].messages}


def test_recognised() -> None:
    """An export is told by its messages."""
    assert detect(CHATS) == "claude"


def test_selected_branch() -> None:
    """The branch of the current leaf is shown, blocks and attached texts in their order."""
    assert outline(conversations(CHATS)[0]) == [
        ("user", "How loud is a fog horn?"),
        ("assistant", "Let me look."),
        ("tool", ""),
        ("assistant", "About 120 dB."),
        ("user", "And at two miles?\n\n[chart.txt]\n\n2 nm = 3.7 km"),
        ("assistant", "Some 54 dB."),
    ]


def test_edited_question_is_a_sibling(horn: dict[str, ImportedMessage]) -> None:
    """Both versions of an edited question stand under the same answer; the sentinel parent is none."""
    assert (horn["m3"].parent_source_id, horn["m4"].parent_source_id) == ("m2", "m2")
    assert horn["m1"].parent_source_id is None


def test_blocks(horn: dict[str, ImportedMessage]) -> None:
    """Thinking has its seconds, and a call without an id gets its result by its place."""
    assert horn["m2/1"].message.parts == (
        ReasoningPart("Decibels.", 2.5),
        TextPart("Let me look."),
        ToolCallPart("call", "web_search", '{"query":"fog horn dB"}'),
    )
    assert [(call.result, call.succeeded) for call in horn["m2/1"].tool_calls] == [("120 dB", True)]


def test_notes_and_star() -> None:
    """Files and unknown blocks are noted; the star is a tag."""
    chat = conversations(CHATS)[0]
    assert chat.notes == ("2 attached files were left out.", "1 block of an unknown kind was left out.")
    assert chat.tags == ("starred",)


def test_old_export_is_a_line() -> None:
    """Without parents and blocks, each message follows the one before."""
    assert outline(conversations(CHATS)[1]) == [("user", "Old question"), ("assistant", "Old answer")]


def test_damage() -> None:
    """An empty chat and a break are named with their places; the others are read."""
    assert unreadable(CHATS) == {'conversations.json, number 3, "Never used"': "There is no message in it."}
    cut = FOLDER / "conversations-cut.json"
    assert len(conversations(cut)) == 1
    assert list(unreadable(cut)) == ["conversations-cut.json, after number 1"]
