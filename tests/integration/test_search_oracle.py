"""The search beside a brute-force look at every text: 10,000 messages in five languages, 500 searches."""

import random
import re
import unicodedata
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from apehost_core.messages import user_message
from apehost_core.store.database import Database
from apehost_core.store.search import Search
from bench.corpus_words import Language, languages, ranks
from tests.search_samples import Said, keep, searching

MESSAGES = 10_000
VOCABULARY = 3_000
JOINTS = (" ", " ", " ", " ", ", ", "-", "_", "\n", " (", ") ", '" ', "/", ": ", "... ")
CASES = (str, str, str, str.upper, str.capitalize)
BETWEEN = r"[\W_]*"


@dataclass(frozen=True)
class Record:
    """A search, all texts by their message, and the texts as the brute force reads them."""

    search: Search
    texts: dict[str, str]
    folded: dict[str, str]


def fold(text: str) -> str:
    """A text without case and accents, by other means than the index uses."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(_base(character) for character in plain)


def _base(character: str) -> str:
    first = unicodedata.normalize("NFD", character)[0]
    return first if first.isascii() else {"œ": "oe", "æ": "ae"}.get(character, character)


def is_spaced(text: str) -> bool:
    """Whether a script puts spaces between words; that of Chinese and Japanese does not."""
    return all(ord(character) < 0x3000 for character in text)


def message(tongue: Language, random_: random.Random, drawn: np.random.Generator) -> str:
    """A text of a few words, joined as people join them."""
    words = [tongue.words[rank] for rank in ranks(drawn, random_.randint(3, 25), len(tongue.words))]
    if tongue.joint == "":
        return "".join(word + random_.choice(("", "", "", "、", "。", " ", "\n", "(")) for word in words)
    return "".join(random_.choice(CASES)(word) + random_.choice(JOINTS) for word in words)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Generator[Record, None, None]:
    """Messages in five languages, half of them there before the index, half written while it works."""
    folder = tmp_path_factory.mktemp("oracle")
    random_, drawn = random.Random(1), np.random.default_rng(1)
    tongues = languages(drawn, VOCABULARY)
    said = [
        Said("…", [user_message(message(tongues[number % 5], random_, drawn)) for _ in range(20)])
        for number in range(MESSAGES // 20)
    ]
    database = Database.open(folder / "apehost.duckdb")
    written = keep(database, said[::2], noted=False)
    with searching(database, folder / "search") as search:
        written += keep(database, said[1::2])
        assert search.settle(60)
        rows = zip([*said[::2], *said[1::2]], written, strict=True)
        texts = {key: each.text for one, keys in rows for key, each in zip(keys, one.messages, strict=True)}
        yield Record(search, texts, {key: fold(text) for key, text in texts.items()})
    database.close()


def words_of(text: str) -> list[str]:
    """The words of a text; of Chinese and Japanese its runs of characters."""
    return [word for word in re.split(r"[\W_]+", text) if word]


def matching(record: Record, words: Sequence[str], *, prefix: bool = False) -> set[str]:
    """The messages in which words stand side by side, found by reading them all."""
    spaced = is_spaced(words[0])
    pieces = [fold(word) for word in words] if spaced else list(fold("".join(words)))
    inner = BETWEEN.join(map(re.escape, pieces))
    begin, end = (r"(?<![^\W_])", "" if prefix else r"(?![^\W_])") if spaced else ("", "")
    find = re.compile(begin + inner + end).search
    first = pieces[0]
    return {key for key, text in record.folded.items() if first in text and find(text)}


def found(record: Record, query: str) -> list[str]:
    """Everything the search finds."""
    answer = record.search.find(query, limit=MESSAGES, facets=False)
    assert len(answer.hits) == answer.total
    return [hit.message_id for hit in answer.hits]


def picked(record: Record, count: int, seed: int, least: int = 1) -> Iterable[tuple[random.Random, list[str]]]:
    """Words of messages by chance, where there are so many."""
    random_, texts = random.Random(seed), list(record.texts.values())
    while count:
        words = words_of(random_.choice(texts))
        if len(words) >= least:
            count -= 1
            yield random_, words


def compare(record: Record, query: str, expected: set[str]) -> None:
    """Nothing is missing, nothing is there twice or too much."""
    got = found(record, query)
    assert (set(), set()) == (expected - set(got), set(got) - expected), query
    assert len(got) == len(set(got))


def test_words(record: Record) -> None:
    """200 exact words, and pieces of unspaced text, are found in every message that has them."""
    for random_, words in picked(record, 200, 1):
        word = random_.choice(words)
        if not is_spaced(word):
            start = random_.randrange(len(word))
            word = word[start : start + random_.randint(1, 4)]
        compare(record, f'"{word}"', matching(record, [word]))


def test_phrases(record: Record) -> None:
    """100 phrases of two or three words that stand side by side are found wherever they do."""
    for random_, words in picked(record, 100, 2, least=3):
        start = random_.randrange(len(words) - 2)
        phrase = words[start : start + random_.randint(2, 3)]
        compare(record, f'"{" ".join(phrase)}"', matching(record, phrase))


def test_beginnings(record: Record) -> None:
    """100 beginnings of words find all words that begin so."""
    for random_, words in picked(record, 100, 3):
        word = random_.choice(words)
        beginning = word[: random_.randint(1, len(word))]
        compare(record, f"{beginning}*", matching(record, [beginning], prefix=True))


def test_several_words(record: Record) -> None:
    """50 pairs of words of one message find the messages that have both."""
    for random_, words in picked(record, 50, 4, least=2):
        one, other = random_.sample(words, 2)
        compare(record, f'"{one}" "{other}"', matching(record, [one]) & matching(record, [other]))


def test_excluded_words(record: Record) -> None:
    """50 words without another find what has the one and not the other."""
    for random_, words in picked(record, 50, 5, least=2):
        one, other = random_.sample(words, 2)
        compare(record, f'"{one}" -"{other}"', matching(record, [one]) - matching(record, [other]))
