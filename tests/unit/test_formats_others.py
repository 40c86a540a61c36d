"""ShareGPT, llama.cpp's web page and Chatbot UI as conversations."""

import pytest

from apehost_core.formats import ImportedConversation, detect
from apehost_core.messages import ImagePart, ReasoningPart, ToolResultPart
from tests.format_samples import FORMATS_FOLDER, conversations, outline, selected_path, unreadable

SHAREGPT = FORMATS_FOLDER / "sharegpt"
LLAMACPP = FORMATS_FOLDER / "llamacpp"
CHATBOTUI = FORMATS_FOLDER / "chatbotui"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sharegpt/chats.json", "sharegpt"),
        ("sharegpt/chats.jsonl", "sharegpt"),
        ("llamacpp/anchor.json", "llamacpp"),
        ("llamacpp/all.json", "llamacpp"),
        ("llamacpp/chats.jsonl", "llamacpp"),
        ("chatbotui/chats.json", "chatbotui"),
        ("chatbotui/old.json", "chatbotui"),
    ],
)
def test_recognised(name: str, found: str) -> None:
    """Each variant is recognised."""
    assert detect(FORMATS_FOLDER / name) == found


def test_sharegpt_turns() -> None:
    """Turns, calls and results have their roles; turns in pairs are two messages; who is unknown is noted."""
    tools, pairs, _ = conversations(SHAREGPT / "chats.json")
    assert outline(tools) == [("user", "Course?"), ("assistant", ""), ("tool", ""), ("assistant", "West.")]
    (call,) = tools.messages[1].tool_calls
    assert (call.tool, call.arguments, call.result) == ("compass", '{"unit":"deg"}', "270")
    assert tools.settings.system_prompt == "Be a captain."
    assert tools.notes == ("1 turn of nobody known was left out.",)
    assert [words for _, words in outline(pairs)] == ["Hello", "Ahoy", "Bye", "Fair winds"]


def test_sharegpt_preference() -> None:
    """A chosen and a rejected answer are siblings with votes, and the chosen one is shown."""
    preference = conversations(SHAREGPT / "chats.json")[2]
    assert [(found.message.text, found.rating) for found in preference.messages[1:]] == [("Home.", 1), ("None.", -1)]
    assert outline(preference)[-1] == ("assistant", "Home.")


def test_sharegpt_damage() -> None:
    """An empty chat and a broken line are named with their places."""
    assert list(unreadable(SHAREGPT / "chats.json")) == ["chats.json, number 4"]
    assert list(unreadable(SHAREGPT / "chats.jsonl")) == ["chats.jsonl, line 3"]
    assert len(conversations(SHAREGPT / "chats.jsonl")) == 2


@pytest.fixture
def anchor() -> ImportedConversation:
    """The chat with a branch, a tool, attachments and timings."""
    return conversations(LLAMACPP / "anchor.json")[0]


def test_llamacpp_tree(anchor: ImportedConversation) -> None:
    """The current node's branch is shown, beside the other one; the root is no message."""
    assert outline(anchor) == [
        ("user", "How heavy?\n\n[deck.txt]\n\n12 m ship"),
        ("assistant", ""),
        ("tool", ""),
        ("assistant", "20 kg."),
    ]
    assert [found.source_id for found in anchor.messages if found.parent_source_id == "n1"] == ["n2", "n5"]
    assert isinstance(anchor.messages[0].message.parts[1], ImagePart)
    assert anchor.notes == ("1 attached file was left out.",)


def test_llamacpp_tool_and_timings(anchor: ImportedConversation) -> None:
    """The call has its result, and each answer the times that the server stated."""
    asked, answered, last = selected_path(anchor)[1:]
    assert [call.result for call in asked.tool_calls] == ["20 kg"]
    assert answered.message.parts == (ToolResultPart("k1", "20 kg"),)
    assert asked.message.parts[0] == ReasoningPart("Ask the table.")
    (call,) = asked.generations
    assert (call.prompt_tokens, call.ttft_ms, call.total_ms, call.decode_tok_s) == (54, 125.0, 625.0, 40.0)
    assert last.generations[0].runtime == "llama.cpp"


def test_llamacpp_lines_are_the_same() -> None:
    """Chats in lines are those of the array; a broken last line is named."""
    assert conversations(LLAMACPP / "chats.jsonl") == conversations(LLAMACPP / "all.json")
    assert list(unreadable(LLAMACPP / "chats.jsonl")) == ["chats.jsonl, line 12"]


def test_chatbotui() -> None:
    """Each chat of the history is one, with its folder as tag, its prompt and its model."""
    sails, late = conversations(CHATBOTUI / "chats.json")
    assert outline(sails) == [("user", "Which sail?"), ("assistant", "The jib.")]
    assert (sails.tags, sails.settings.system_prompt) == (("Ship",), "You are a sailmaker.")
    assert sails.messages[1].generations[0].model == "GPT-3.5"
    assert (late.tags, late.settings.system_prompt) == ((), None)
    assert outline(conversations(CHATBOTUI / "old.json")[0]) == [("user", "a"), ("assistant", "b")]


def test_chatbotui_damage() -> None:
    """An empty chat costs itself only; a file that breaks off is named."""
    assert unreadable(CHATBOTUI / "chats.json") == {'chats.json, "Empty"': "There is no message in it."}
    assert list(unreadable(CHATBOTUI / "chats-cut.json")) == ["chats-cut.json"]
