"""Conversations leave in several formats: without a loss in our own, as the others have them in theirs, and safely."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import duckdb
import orjson
import pytest

from apehost_core.formats.conversation import ImportedConversation
from apehost_core.formats.export import Exported, Node
from apehost_core.formats.reading import read
from apehost_core.messages import (
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    assistant_message,
    user_message,
)
from apehost_core.model import Preferences
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.exports import ExportFormat, Exports, file_name
from apehost_core.store.imports import Imports
from apehost_core.store.library import Library
from tests.format_samples import FORMATS_FOLDER
from tests.run_samples import UNKNOWN_ID

CALL = Message("assistant", (ReasoningPart("hm & <b>", 2.0), ToolCallPart("c1", "weather", '{"city": "Ulm"}')))
RESULT = Message("tool", (ToolResultPart("c1", 'rain "and" <wind>'),))
HOSTILE = "<script>alert(1)</script> ![i](http://192.0.2.1/x.png) [l](javascript:alert(1))"


@pytest.fixture
def conversations(database: Database) -> Conversations:
    """Conversations of an empty database."""
    return Conversations(database)


@pytest.fixture
def exports(database: Database) -> Exports:
    """What leaves it."""
    return Exports(database)


def chat(conversations: Conversations, *messages: Message, title: str = "Weather") -> str:
    """A conversation of one branch."""
    conversation_id = conversations.create(title, Preferences(system_prompt="Be brief."))
    parent = None
    for message in messages:
        parent = conversations.add_message(conversation_id, parent, message).id
    return conversation_id


def tree(conversations: Conversations) -> str:
    """A question with two answers, the second of them selected."""
    conversation_id = chat(conversations, user_message("Who?"), assistant_message("An ape."))
    asked = conversations.branch(conversation_id)[0]
    conversations.add_message(conversation_id, asked.id, assistant_message("A gorilla."))
    return conversation_id


def again(content: bytes, name: str) -> list[ImportedConversation]:
    """What our own readers make of a file."""
    found = list(read((name, io.BytesIO(content))))
    assert all(isinstance(each, ImportedConversation) for each in found), found
    return [each for each in found if isinstance(each, ImportedConversation)]


def said(messages: Sequence[Node]) -> list[tuple[str, str]]:
    """Who said what."""
    return [(node.message.role, node.message.text) for node in messages]


@pytest.mark.parametrize("fixtures", sorted(folder.name for folder in FORMATS_FOLDER.iterdir() if folder.is_dir()))
def test_nothing_is_lost_on_the_way_through_our_own_format(database: Database, tmp_path: Path, fixtures: str) -> None:
    """Whatever chats there are: exported and read into an empty database they have the same tree, parts and tags."""
    Imports(database).run(FORMATS_FOLDER / fixtures)
    with database.read() as cursor:
        ids = [row[0] for row in cursor.execute("SELECT id::VARCHAR FROM conversations ORDER BY id").fetchall()]
    first = list(Exports(database).conversations(ids))
    file = tmp_path / "all.jsonl"
    file.write_bytes(Exports(database).file(ids, "apehost").content)
    (tmp_path / "other").mkdir()
    other = Database.open(tmp_path / "other" / "apehost.duckdb")
    try:
        Imports(other).run(file)
        with other.read() as cursor:
            origins = dict(cursor.execute("SELECT origin_id, id::VARCHAR FROM conversations").fetchall())
        second = list(Exports(other).conversations([origins[each] for each in ids]))
    finally:
        other.close()
    assert ids
    for before, after in zip(first, second, strict=True):
        assert shape(before) == shape(after)


def shape(conversation: Exported) -> dict[str, object]:
    """What a conversation means, whatever its ids are."""
    places = {key: place for place, key in enumerate(conversation.nodes)}
    return {
        "title": conversation.title,
        "tags": conversation.tags,
        "archived": conversation.conversation["archived_at"] is not None,
        "system": conversation.system_prompt,
        "selected": [places[node.id] for node in conversation.selected],
        "messages": [
            (places.get(node.parent or ""), node.message, node.row["created_at"], node.row["hidden"])
            for node in conversation.nodes.values()
        ],
        "models": [node.model for node in conversation.nodes.values()],
        "tokens": sorted(str(row["completion_tokens"]) for row in conversation.generations),
        "tools": [(row["tool"], row["arguments"], row["result"]) for row in conversation.tool_calls],
    }


def test_the_selected_branch_and_all_of_them(conversations: Conversations, exports: Exports) -> None:
    """A conversation knows which messages are selected, and every way from a first message to a last."""
    (found,) = exports.conversations([tree(conversations), UNKNOWN_ID])
    assert [("user", "Who?"), ("assistant", "A gorilla.")] == said(found.selected)
    assert [["Who?", "An ape."], ["Who?", "A gorilla."]] == [
        [node.message.text for node in branch] for branch in found.branches
    ]


@pytest.mark.parametrize(("export_format", "lines"), [("openai", 1), ("openai_all", 2)])
def test_openai_messages(
    conversations: Conversations, exports: Exports, export_format: ExportFormat, lines: int
) -> None:
    """A line a branch, with the system prompt first; our reader finds the same messages in it."""
    content = exports.file([tree(conversations)], export_format).content
    found = [orjson.loads(line) for line in content.splitlines()]
    assert lines == len(found)
    assert {"role": "system", "content": "Be brief."} == found[-1]["messages"][0]
    read_back = again(content, "chats.jsonl")
    assert {"Weather"} == {each.title for each in read_back}
    assert "A gorilla." in [message.message.text for each in read_back for message in each.messages]


def test_tools_survive_openai_messages(conversations: Conversations, exports: Exports) -> None:
    """Calls, results and thoughts are read back as what they were; a tail without an answer is dropped."""
    messages = (user_message("Weather?"), CALL, RESULT, assistant_message("It rains."), user_message("And now?"))
    content = exports.file([chat(conversations, *messages)], "openai").content
    (found,) = again(content, "chats.jsonl")
    assert [ToolCallPart("c1", "weather", '{"city": "Ulm"}')] == [
        part for message in found.messages for part in message.message.parts if isinstance(part, ToolCallPart)
    ]
    assert 'rain "and" <wind>' in str(found.messages)
    assert "hm & <b>" in str(found.messages)
    assert "And now?" not in content.decode()


def test_what_was_never_answered_is_no_example(conversations: Conversations, exports: Exports) -> None:
    """A chat without an answer is in no data set."""
    ids = [chat(conversations, user_message("Anybody?"))]
    assert b"" == exports.file(ids, "openai").content
    assert [] == orjson.loads(exports.file(ids, "sharegpt").content)


def test_sharegpt_takes_turns(conversations: Conversations, exports: Exports) -> None:
    """A person begins, neighbours of one role are one turn, and tools stand between."""
    messages = (
        assistant_message("Welcome!"), user_message("Hello"), user_message("there"), CALL, RESULT,
        assistant_message("Hi."), assistant_message("It rains."),
    )  # fmt: skip
    content = exports.file([chat(conversations, *messages)], "sharegpt").content
    turns = orjson.loads(content)[0]["conversations"]
    assert [
        ("system", "Be brief."),
        ("human", "Hello\n\nthere"),
        ("function_call", '{"name":"weather","arguments":{"city":"Ulm"}}'),
        ("observation", 'rain "and" <wind>'),
        ("gpt", "Hi.\n\nIt rains."),
    ] == [(turn["from"], turn["value"]) for turn in turns]
    assert 1 == len(again(content, "sharegpt.json"))


def test_sharegpt_sides_alternate(conversations: Conversations, exports: Exports) -> None:
    """Calls that go together are one turn, those that led to nothing are left out, and sides take turns throughout."""
    call, other = ToolCallPart("c1", "weather", "{}"), ToolCallPart("c2", "time", "{}")
    messages = (
        user_message("One"), Message("assistant", (TextPart("Let me see."), call, other)),
        Message("tool", (ToolResultPart("c1", "rain"), ToolResultPart("c2", "noon"))), assistant_message("It rains."),
        user_message("Two"), Message("assistant", (TextPart("Again."), call)),
        user_message("Three"), Message("assistant", (call,)), Message("tool", (ToolResultPart("c1", "snow"),)),
        user_message("Four"), Message("assistant", (TextPart("At last."), call)),
    )  # fmt: skip
    content = exports.file([chat(conversations, *messages)], "sharegpt").content
    turns = [(turn["from"], turn["value"]) for turn in orjson.loads(content)[0]["conversations"][1:]]
    assert [
        ("human", "One"),
        ("function_call", '[{"name":"weather","arguments":{}},{"name":"time","arguments":{}}]'),
        ("observation", "rain\n\nnoon"),
        ("gpt", "It rains."),
        ("human", "Two"),
        ("gpt", "Again."),
        ("human", "Three\n\nFour"),
        ("gpt", "At last."),
    ] == turns
    (found,) = again(content, "sharegpt.json")
    assert ["weather", "time"] == [
        part.name for each in found.messages for part in each.message.parts if isinstance(part, ToolCallPart)
    ]


def test_open_webui_gets_the_whole_tree(conversations: Conversations, exports: Exports) -> None:
    """Every branch is there, the selected one is the current one, and our reader finds the same."""
    content = exports.file([tree(conversations)], "openwebui").content
    history = orjson.loads(content)[0]["chat"]["history"]
    assert 3 == len(history["messages"])
    assert "A gorilla." == history["messages"][history["currentId"]]["content"]
    (found,) = again(content, "webui.json")
    assert {"Who?", "An ape.", "A gorilla."} == {message.message.text for message in found.messages}
    assert "Be brief." == found.settings.system_prompt


def test_tools_survive_open_webui(conversations: Conversations, exports: Exports) -> None:
    """What are several messages here is one answer there, and comes back as it was."""
    messages = (user_message("Weather?"), CALL, RESULT, assistant_message("It rains."))
    content = exports.file([chat(conversations, *messages)], "openwebui").content
    assert 2 == len(orjson.loads(content)[0]["chat"]["history"]["messages"])
    (found,) = again(content, "webui.json")
    parts = [part for message in found.messages for part in message.message.parts]
    assert [CALL.parts[0], CALL.parts[1], RESULT.parts[0], TextPart("It rains.")] == parts[1:]


def test_markdown_is_a_document(conversations: Conversations, exports: Exports) -> None:
    """Front matter, the selected branch, thoughts and tools folded, code that no text breaks out of."""
    result = Message("tool", (ToolResultPart("c1", "```\nnot the end\n```"),))
    file = exports.file(
        [chat(conversations, user_message("Weather?"), CALL, result, assistant_message("Rain."))], "markdown"
    )
    text = file.content.decode()
    assert (".md", True) == (file.suffix, text.startswith('---\ntitle: "Weather"\n'))
    assert "<details><summary>Thoughts</summary>" in text
    assert "````\n```\nnot the end\n```\n````" in text
    assert text.index("# Weather") < text.index("> Be brief.") < text.index("## You") < text.index("Rain.")


def test_several_markdown_documents_are_a_zip(conversations: Conversations, exports: Exports) -> None:
    """Each has a name that any system takes, whatever its title is."""
    ids = [chat(conversations, user_message("x"), title=title) for title in ("../../etc/passwd", "a/b:c*?", "...")]
    with zipfile.ZipFile(io.BytesIO(exports.file(ids, "markdown").content)) as archive:
        assert ["0001 etc passwd.md", "0002 a b c.md", "0003 chat.md"] == archive.namelist()


@pytest.mark.parametrize("title", ["../x", "con\0", "a" * 500, "日本語", "..", " "])
def test_names_of_files_are_harmless(title: str) -> None:
    """No path, no control character, no endless name, never empty."""
    name = file_name(title)
    assert 1 <= len(name) <= 60
    assert not set(name) & set('/\\\0:*?"<>|.')


def test_a_page_of_html_runs_and_loads_nothing(conversations: Conversations, exports: Exports) -> None:
    """What people and models write is text: no script, no picture from elsewhere, no link that runs."""
    messages = (user_message(HOSTILE), Message("assistant", (ReasoningPart(HOSTILE), TextPart(HOSTILE))))
    page = exports.file([chat(conversations, *messages, title=HOSTILE)], "html").content.decode()
    assert "<script" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert "default-src 'none'" in page
    assert 4 == page.count("&lt;script&gt;")


def test_parquet_has_all_documented_views(conversations: Conversations, exports: Exports, tmp_path: Path) -> None:
    """A file a view, which DuckDB reads; nothing is left behind in the outbox."""
    tree(conversations)
    with zipfile.ZipFile(io.BytesIO(exports.file([], "parquet").content)) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "out")
    assert {"v_conversations.parquet", "v_messages.parquet", "v_generations.parquet"} <= set(names)
    with duckdb.connect() as reader:
        count = reader.execute(f"SELECT count(*) FROM '{tmp_path / 'out' / 'v_messages.parquet'}'").fetchall()
    assert [(3,)] == count


def test_tags_and_archive_are_part_of_it(database: Database, conversations: Conversations, exports: Exports) -> None:
    """What a person did with a chat leaves with it."""
    conversation_id = tree(conversations)
    library = Library(database, conversations.listed_anew)
    library.tag([conversation_id], "apes")
    library.archive([conversation_id])
    (found,) = again(exports.file([conversation_id], "apehost").content, "apehost.jsonl")
    assert (("apes",), True) == (found.tags, found.archived)
