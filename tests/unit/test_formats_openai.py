"""Files of OpenAI messages as conversations."""

from datetime import UTC, datetime

import pytest

from apehost_core.formats import ImportedConversation, detect
from apehost_core.messages import ImagePart, ReasoningPart, TextPart
from tests.format_samples import FORMATS_FOLDER, conversations, from_bytes, outline, unreadable

FOLDER = FORMATS_FOLDER / "openai"


@pytest.fixture
def tower() -> ImportedConversation:
    """The chat with an image, two calls of one id and lost results."""
    return conversations(FOLDER / "chats.jsonl")[0]


@pytest.mark.parametrize("name", ["chats.jsonl", "chats.json", "log.jsonl", "first-line-damaged.jsonl"])
def test_recognised(name: str) -> None:
    """Chats in lines, chats in an array and a log of messages are recognised, also when the first line is damaged."""
    assert detect(FOLDER / name) == "openai"


def test_line(tower: ImportedConversation) -> None:
    """A line is a chat; the developer's message is the system prompt."""
    assert [role for role, _ in outline(tower)] == ["user", "assistant", "tool", "tool", "assistant"]
    assert tower.settings.system_prompt == "Answer in metres."
    assert tower.created_at == datetime(2025, 4, 18, 18, 13, 20, tzinfo=UTC)
    assert tower.messages[-1].message.parts == (ReasoningPart("31 + 9"), TextPart("40 metres."))
    assert [type(part) for part in tower.messages[0].message.parts] == [TextPart, ImagePart]


def test_calls_and_results(tower: ImportedConversation) -> None:
    """Calls of one id are told apart, and each gets its result."""
    assert [(call.call_id, call.arguments, call.result) for call in tower.messages[1].tool_calls] == [
        ("call_a", '{"of":"tower"}', "31"),
        ("call_a-2", '{"of":"rock"}', "9"),
    ]


def test_notes(tower: ImportedConversation) -> None:
    """An image by address, a result of no call and an unknown role are left out, and said so."""
    assert tower.notes == (
        "1 file or image was left out.",
        "1 tool result that belongs to no call was left out.",
        "1 message of an unknown role was left out.",
    )


def test_damaged_lines_cost_themselves_only() -> None:
    """Each damaged line is named by its number, and the lines after it are read."""
    assert list(unreadable(FOLDER / "chats.jsonl")) == [f"chats.jsonl, line {number}" for number in (4, 5, 6)]
    assert len(conversations(FOLDER / "chats.jsonl")) == 3
    assert len(conversations(FOLDER / "first-line-damaged.jsonl")) == 1


def test_same_chat_same_id() -> None:
    """A chat has the same id and digest wherever it stands, so that the second one is known as the same."""
    _, first, second = conversations(FOLDER / "chats.jsonl")
    third = conversations(FOLDER / "chats.json")[0]
    assert first == second == third


def test_short_ids_are_not_trusted(tower: ImportedConversation) -> None:
    """An id that another file may have too ("chat-7") is not what a chat is known by."""
    assert tower.source_id == tower.digest


def test_log_of_messages() -> None:
    """Messages in lines are one chat, with their times, model and usage."""
    (log,) = conversations(FOLDER / "log.jsonl")
    assert outline(log) == [("user", "One"), ("assistant", "Two")]
    assert log.messages[0].created_at == datetime(2025, 5, 5, 3, 5, 5, tzinfo=UTC)
    (call,) = log.messages[1].generations
    assert (call.model, call.prompt_tokens, call.completion_tokens) == ("m", 4, 1)


def test_windows_line_ends_and_mark() -> None:
    """A byte order mark and Windows' line ends change nothing."""
    content = (FOLDER / "log.jsonl").read_bytes()
    marked = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n") + b"\r\n"
    assert from_bytes(marked) == from_bytes(content)
