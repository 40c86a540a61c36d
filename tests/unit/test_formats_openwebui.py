"""Open WebUI's exports as conversations."""

import copy

import orjson
import pytest

from apehost_core.formats import ImportedConversation, ImportedMessage, Unreadable, detect
from apehost_core.formats.inline import write_answer
from apehost_core.formats.rounds import Rounds
from apehost_core.messages import ImagePart, ReasoningPart, TextPart, ToolCallPart
from tests.format_samples import FORMATS_FOLDER, conversations, from_value, outline, unreadable

FOLDER = FORMATS_FOLDER / "openwebui"
CHATS = FOLDER / "chats.json"


@pytest.fixture
def wind() -> dict[str, ImportedMessage]:
    """The messages of the chat with two models side by side, by id."""
    return {found.source_id: found for found in conversations(CHATS)[0].messages}


def test_recognised() -> None:
    """An export of all chats and one of a single old chat are recognised."""
    assert detect(CHATS) == "openwebui"
    assert detect(FOLDER / "legacy.json") == "openwebui"


def test_selected_branch() -> None:
    """The branch that was shown is the selected one."""
    assert outline(conversations(CHATS)[0]) == [
        ("user", "What wind?"),
        ("assistant", "One moment."),
        ("tool", ""),
        ("assistant", "Five, rising. <details><summary>mine</summary>kept</details>"),
        ("user", "And the waves?"),
        ("assistant", ""),
        ("tool", ""),
        ("assistant", "1.2 metres."),
    ]


def test_models_side_by_side_are_siblings(wind: dict[str, ImportedMessage]) -> None:
    """The answers of two models to one question stand beside each other, each with its vote."""
    assert wind["a2"].parent_source_id == "u1"
    assert wind["a1/1"].parent_source_id == "u1"
    assert (wind["a1"].rating, wind["a2"].rating) == (-1, 1)


def test_reasoning_and_tools_in_the_text(wind: dict[str, ImportedMessage]) -> None:
    """What stands in the text as details or in think tags is reasoning and a tool call; a person's HTML is text."""
    assert wind["a1/1"].message.parts == (
        ReasoningPart("I look it up.\nThen I say it.", 4.0),
        TextPart("One moment."),
        ToolCallPart("call_1", "wind", '{"place": "harbour", "note": "5 > 3 & \\"quoted\\""}'),
    )
    assert wind["a1/1"].tool_calls[0].result == "Wind: 5 & rising"
    assert wind["a2"].message.parts == (ReasoningPart("guess"), TextPart("A breeze."))


def test_output_goes_before_the_text(wind: dict[str, ImportedMessage]) -> None:
    """Where an answer's output is there, its rendered text is not read."""
    assert wind["a3/1"].message.reasoning == "Ask the buoy."
    assert [(call.tool, call.result) for call in wind["a3/1"].tool_calls] == [("waves", "1.2 m")]
    assert wind["a3"].message.text == "1.2 metres."


@pytest.mark.parametrize(
    ("key", "numbers"),
    [
        ("a1", ("qwen3:8b", "ollama", 210, 40, 300.0, 1500.0, 40.0, None)),
        ("a2", ("gemma3", "llama.cpp", 112, 10, 80.0, 330.0, 40.0, None)),
        ("a3", ("gpt-oss:20b", None, 300, 25, None, None, None, 9)),
    ],
)
def test_usage_in_each_vocabulary(wind: dict[str, ImportedMessage], key: str, numbers: tuple[object, ...]) -> None:
    """Counts and times are understood in Ollama's, llama.cpp's and OpenAI's words."""
    (call,) = wind[key].generations
    assert numbers == (
        call.model,
        call.runtime,
        call.prompt_tokens,
        call.completion_tokens,
        call.ttft_ms,
        call.total_ms,
        call.decode_tok_s,
        call.reasoning_tokens,
    )


def test_images_of_the_file_are_kept(wind: dict[str, ImportedMessage]) -> None:
    """An image that the file holds comes along; a file that it only names is noted."""
    assert [type(part) for part in wind["u1"].message.parts] == [TextPart, ImagePart]
    assert conversations(CHATS)[0].notes == (
        "1 attached file was left out.",
        "1 list of web sources was left out.",
        "1 failed answer without text was left out.",
        "1 tool result that belongs to no call was left out.",
    )


def test_facts_of_the_chat() -> None:
    """Tags, pin, archive and parameters come along."""
    chat = conversations(CHATS)[0]
    assert (chat.tags, chat.archived) == (("weather", "sea", "pinned"), True)
    assert chat.settings.system_prompt == "You keep the log."
    assert (chat.settings.context_length, chat.settings.sampling.stop) == (8192, ("END",))


def test_chat_without_a_tree() -> None:
    """The linear copy is read where there is no tree, also with content in parts."""
    chat = conversations(CHATS)[2]
    assert outline(chat) == [("user", "One"), ("assistant", "Two")]
    assert isinstance(chat.messages[0].message.parts[1], ImagePart)


def test_chat_without_an_id_has_one_of_its_content() -> None:
    """An old chat has no id: it gets the same one each time it is read."""
    first, again = conversations(CHATS)[1], conversations(FOLDER / "legacy.json")[0]
    assert first.source_id == again.source_id == first.digest


def test_newest_leaf_where_none_is_named() -> None:
    """Without a current message, the newest leaf is the selected one."""
    chat = orjson.loads(CHATS.read_bytes())[0]
    del chat["chat"]["history"]["currentId"]
    (found,) = from_value([chat])
    assert isinstance(found, ImportedConversation)
    assert found.selected == "a3"


def test_cut_file() -> None:
    """What stands before the break is read, and the break is named."""
    cut = FOLDER / "chats-cut.json"
    assert [found.title for found in conversations(cut)] == ["Old style"]
    assert list(unreadable(cut)) == ["chats-cut.json, after number 1"]


@pytest.mark.parametrize(
    "words",
    [
        "<details",
        "<details type=",
        '<details type="reasoning"' * 2_000,
        '<details type="reasoning">never closed',
        '</details><details type="tool_calls" done="true"></details>x',
        "<think>never closed",
        "<think></think>",
        '<details type="reasoning" duration="٣">x</details>y',
    ],
)
def test_broken_markup_is_never_lost_or_slow(words: str) -> None:
    """Markup that is not complete stays text; nothing raises."""
    rounds = Rounds()
    write_answer(words + " end", rounds)
    assert rounds.messages("a", None)[-1].message.text.endswith("end")


def test_wrong_types_everywhere() -> None:
    """Whatever stands where something else is expected, each item gives a conversation or a reason."""
    chat = orjson.loads(CHATS.read_bytes())[0]
    items = []
    for wrong in (None, 7, "text", [], {}, [None], True):
        items += [chat | {name: wrong} for name in chat]
        for key in ("u1", "a1", "a3"):
            for name in chat["chat"]["history"]["messages"][key]:
                broken = copy.deepcopy(chat)
                broken["chat"]["history"]["messages"][key][name] = wrong
                items.append(broken)
    found = from_value([chat, *items])
    assert len(items) + 1 == len(found)
    assert all(isinstance(each, ImportedConversation | Unreadable) for each in found)
