"""Search over a record: words, filters, order, snippets, facets, and what changes underneath."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from apehost_core.errors import InputRefused
from apehost_core.history.found import Found
from apehost_core.ids import new_id
from apehost_core.messages import (
    ImagePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    assistant_message,
    user_message,
)
from apehost_core.store.database import Database
from apehost_core.store.search import Search
from tests.search_samples import START, Said, find, ids, keep, keep_texts, plain, searching

FOUND = [
    ("The Borrow checker.", "borrow"),
    ("The Borrow checker.", "BORROW"),
    ("the borrow-checker", '"borrow checker"'),
    ("the borrow-checker", "borrow-checker"),
    ("call read_file now", "read_file"),
    ("call read_file now", "file"),
    ("it is 3.14", "3.14"),
    ("Übergröße", "übergrösse"),
    ("Übergröße", "Übergröße"),
    ("Cafe\u0301", "café"),
    ("caf\u00e9", "cafe"),
    ("\uff21\uff22\uff23\uff11\uff12", "abc12"),
    ("これは機械学習のテストです", "機械学習"),
    ("これは機械学習のテストです", "習の"),
    ("データベース", "タベ"),
    ("这是一个数据库", "数据"),
    ("학교에서 배웠다", "학교"),
    ("ภาษาไทย", "ไทย"),
    ("शब्द नमस्ते", "नमस्ते"),
    ("done 🎉🎉", "🎉"),
    ("x" * 300, "x" * 300),
    ("wonderful", "wonder*"),
    ("read-only memory", "read-on*"),
    ("機械学習", "機械*"),
    ("nul \x00 byte", "byte"),
]
NOT_FOUND = [
    ("borrowed", "borrow"),
    ("the checker of borrow", '"borrow checker"'),
    ("機が械を", "機械"),
    ("rust and python", "rust -python"),
    ("rust and python", 'rust -"and python"'),
    ("rust and python", "rust -pyth*"),
    ("only rust", "rust go"),
    ("x" * 299, "x" * 300),
]
RICH = Message(
    "assistant",
    (
        ReasoningPart("pondering lifetimes"),
        ToolCallPart("1", "web_search", '{"query": "ferris"}'),
        ToolResultPart("1", "a crab"),
        ImagePart("image/png", "AAAA"),
        TextPart("See https://example.org\n```rust\nfn main() {}\n```"),
    ),
)


@dataclass(frozen=True)
class Many:
    """A search, and the messages that it can find by their texts."""

    search: Search
    written: dict[str, str]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Generator[Many, None, None]:
    """A record with every text of these tests, each in a conversation of its own, and a search over it."""
    folder = tmp_path_factory.mktemp("many")
    database = Database.open(folder / "apehost.duckdb")
    with searching(database, folder / "search") as search:
        texts = sorted({text for text, _ in (*FOUND, *NOT_FOUND)})
        written = dict(zip(texts, keep_texts(database, *texts), strict=True))
        assert search.settle(30)
        yield Many(search, written)
    database.close()


@pytest.mark.parametrize(("text", "query"), FOUND)
def test_found(many: Many, text: str, query: str) -> None:
    """A word is found in any case, script, spelling and place in which it can be written."""
    assert many.written[text] in ids(many.search.find(query, limit=100))


@pytest.mark.parametrize(("text", "query"), NOT_FOUND)
def test_not_found(many: Many, text: str, query: str) -> None:
    """Parts of words, other orders, and what has an excluded word, are not found."""
    assert many.written[text] not in ids(many.search.find(query, limit=100))


@pytest.fixture(scope="module")
def crustaceans(tmp_path_factory: pytest.TempPathFactory) -> Generator[Search, None, None]:
    """A search over one conversation of a question and a rich answer."""
    folder = tmp_path_factory.mktemp("crustaceans")
    database = Database.open(folder / "apehost.duckdb")
    keep(database, [Said("All about crustaceans", [user_message("Tell me."), RICH])])
    with searching(database, folder / "search") as search:
        assert search.settle(30)
        yield search
    database.close()


@pytest.mark.parametrize(
    ("query", "where", "snippet"),
    [
        ("lifetimes", "reasoning", "pondering [lifetimes]"),
        ("ferris", "tool", 'web_search {"query": "[ferris]"} a crab'),
        ("crab", "tool", 'web_search {"query": "ferris"} a [crab]'),
        ("main", "text", "See https://example.org ```rust fn [main]() {} ```"),
        ('"about crustaceans"', "title", "All [about crustaceans]"),
    ],
)
def test_where(crustaceans: Search, query: str, where: str, snippet: str) -> None:
    """Reasoning, tools, text and titles are searched, and a hit says which of them has the words."""
    (hit,) = crustaceans.find(query).hits
    assert (where, snippet) == (hit.where, plain(hit.snippet))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("has:reasoning", 1),
        ("has:tool", 1),
        ("has:image", 1),
        ("has:code", 1),
        ("has:link", 1),
        ("has:error", 0),
        ("has:code has:image", 1),
        ("-has:code", 1),
        ("role:user", 1),
        ("role:user role:assistant", 2),
        ("role:system", 0),
        ("tool:SEARCH", 1),
        ('tool:"search"', 0),
        ('tool:"web_search"', 1),
        ("in:crustaceans", 2),
        ('in:"crustaceans all"', 2),
        ("in:molluscs", 0),
        ("in:imported", 0),
        ("in:archive", 0),
        ("-in:archive", 2),
        ("after:2025-12-31", 2),
        ("after:2026-01-03", 0),
        ("before:2026", 0),
        ("after:2025-12-31 before:2026-01-03", 2),
        ("-after:2026-01-03", 2),
        ("tell -role:user", 0),
    ],
)
def test_filters(crustaceans: Search, query: str, count: int) -> None:
    """Filter words choose among messages by what they are; without words they find messages only."""
    assert count == crustaceans.find(query).total


def called(database: Database, message_id: str, model: str, server: str) -> None:
    """Record which model on which server wrote a message."""
    row = {
        "id": new_id(), "message_id": message_id, "started_at": START, "server": server, "model_asked": model,
        "sampling": "{}", "prompt_parts": "[]", "prompt_hash": "", "prompt_tokens_estimated": False,
        "completion_tokens_estimated": False, "outcome": "completed", "warnings": "[]",
    }  # fmt: skip
    database.write(lambda transaction: transaction.insert("generations", row))


@dataclass(frozen=True)
class Answers:
    """A search, and the messages that it can find."""

    search: Search
    ids: list[str]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Generator[Answers, None, None]:
    """Three answers by two models on two servers."""
    folder = tmp_path_factory.mktemp("three")
    database = Database.open(folder / "apehost.duckdb")
    said = [Said("a", [assistant_message(f"answer {number}")]) for number in range(3)]
    answers = [each[0] for each in keep(database, said)]
    for message_id, model, server in zip(
        answers, ("qwen/qwen3-4b", "qwen/qwen3-4b", "google/gemma-3"), ("Mac mini", "PC", "PC"), strict=True
    ):
        called(database, message_id, model, server)
    with searching(database, folder / "search") as search:
        assert search.settle(30)
        yield Answers(search, answers)
    database.close()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("model:QWEN", {0, 1}),
        ('model:"qwen3-4b"', set[int]()),
        ('model:"qwen/qwen3-4b"', {0, 1}),
        ("model:qwen model:gemma", {0, 1, 2}),
        ("-model:qwen", {2}),
        ('server:"Mac mini"', {0}),
        ("model:qwen server:pc", {1}),
        ("answer model:gemma server:mac", set[int]()),
    ],
)
def test_models_and_servers(three: Answers, query: str, expected: set[int]) -> None:
    """A name may be a part of it, in quotes it is all of it; one word twice widens, two words narrow."""
    assert {three.ids[number] for number in expected} == set(ids(three.search.find(query)))


def test_a_hit_says_who_wrote_it(three: Answers) -> None:
    """Model, server, role and time stand beside the snippet."""
    hit = next(hit for hit in three.search.find("answer").hits if hit.message_id == three.ids[0])
    assert ("qwen/qwen3-4b", "Mac mini", "assistant", START) == (hit.model, hit.server, hit.role, hit.at)


def test_facets(three: Answers) -> None:
    """All hits are counted by what they are, most first; a value in quotes finds exactly so many."""
    found = three.search.find("answer", limit=1)
    facets = {facet.name: facet.values for facet in found.facets}
    assert (1, 3) == (len(found.hits), found.total)
    assert (("qwen/qwen3-4b", 2), ("google/gemma-3", 1)) == facets["model"]
    assert (("PC", 2), ("Mac mini", 1)) == facets["server"]
    for name, values in facets.items():
        assert [count for _, count in values] == [
            three.search.find(f'answer {name}:"{value}"').total for value, _ in values
        ]
    assert () == three.search.find("answer", facets=False).facets


def test_newer_first_where_the_text_fits_alike(database: Database, search: Search) -> None:
    """Of messages that fit alike the newest stand first; one that fits far better stands above them."""
    ages = (400, 3, 1200, 30)
    now = datetime.now(UTC)
    said = [Said("t", [user_message("a word about ferns")], now - timedelta(days=age)) for age in ages]
    said.append(Said("t", [user_message("ferns, ferns, ferns")], now - timedelta(days=40)))
    written = [each[0] for each in keep(database, said)]
    best, *rest = find(search, "ferns")
    assert written[4] == best
    assert [written[number] for number in (1, 3, 0, 2)] == rest


def test_newest_first(database: Database, search: Search) -> None:
    """By time, whatever the text says, also within a second; pages follow on each other."""
    said = [
        Said("t", [user_message("fern " * (6 - number))], START + timedelta(milliseconds=number)) for number in range(5)
    ]
    written = [each[0] for each in keep(database, said)]
    assert search.settle(30)
    assert written[::-1] == ids(search.find("fern", order="newest"))
    pages = [ids(search.find("fern", limit=2, offset=offset)) for offset in (0, 2, 4)]
    assert [2, 2, 1] == [len(page) for page in pages]
    assert set(written) == {each for page in pages for each in page}


@pytest.mark.parametrize("query", ["fer*", "role:user", "after:2020-01-01 -moss"])
def test_what_has_no_word_to_be_weighed_comes_newest_first(database: Database, search: Search, query: str) -> None:
    """A beginning of a word, filters, exclusions: all that is found fits alike, however long it is."""
    said = [
        Said(f"t{number}", [user_message("fern " * (6 - number))], START + timedelta(minutes=number))
        for number in (3, 0, 4, 1, 2)
    ]
    written = {each.at: found[0] for each, found in zip(said, keep(database, said), strict=True)}
    assert [written[at] for at in sorted(written, reverse=True)] == find(search, query)


def test_notes(database: Database, search: Search) -> None:
    """A person is told what was ignored and which name does not exist."""
    keep_texts(database, "ferns")
    assert search.settle(30)
    assert ('"->" has no letters or digits and was ignored.',) == search.find("ferns ->").notes
    assert ('No model here has a name with "gpt".',) == search.find("ferns model:gpt").notes
    assert ('No tag here is "x".',) == search.find("tag:x").notes
    assert ('No tag here is "x y".',) == search.find('tag:"x y"').notes
    assert ('"*" has no letters or digits and was ignored.',) == search.find(" * ").notes
    assert (0, (), ()) == (search.find("").total, search.find("   ").hits, search.find("   ").notes)
    assert 0 == search.find("->").total


def test_a_wrong_filter_is_refused(search: Search) -> None:
    """The parser's words reach whoever asked."""
    with pytest.raises(InputRefused, match="author"):
        search.find("author:me")


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "-",
        "*",
        "(",
        "a AND (b OR",
        "foo^2 ~ [a TO b] +c !d",
        "\\",
        "/.*/",
        "\u202e",
        "a\x00b",
        "-" * 900,
        "\U0001d518",
    ],
)
def test_no_text_breaks_it(many: Many, text: str) -> None:
    """Whatever is typed is a search; no query language shines through."""
    assert isinstance(many.search.find(text), Found)


def test_a_snippet_shows_where_most_words_stand(database: Database, search: Search) -> None:
    """Of a long text the stretch with most of the words is shown, cut at words, on one line."""
    keep_texts(database, "fern " + "filler " * 200 + "about\nfern and moss " + "filler " * 200)
    assert search.settle(30)
    (hit,) = search.find("fern moss").hits
    shown = plain(hit.snippet)
    assert "about [fern] and [moss] filler" in shown
    assert (True, True) == (shown.startswith("…"), shown.endswith("…"))
    assert len(shown) < 250
