"""Search over a large history: how long it takes, beside DuckDB's ILIKE and SQLite's FTS5 on the same messages.

    uv run python -m bench.search FOLDER [--messages 1000000]

Makes the history, its index and the FTS5 table in the folder where they are not there yet, and measures. Give an empty
folder to have the making measured too. A search is the whole call: words taken apart, query, rows from the database,
snippets.
"""

import argparse
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from apehost_core.history.found import Found
from apehost_core.messages import user_message
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.search import Search
from bench.corpus import TAGS, make
from bench.corpus_calls import MODELS
from bench.corpus_words import Language, languages
from bench.search_rivals import fts_size, make_fts, match_ms, scan_ms
from bench.tables import percentile, table

_SEARCHES: Final = 100
_RIVALS: Final = 15
_WRITES: Final = 200
_FILTERS: Final = (
    "role:user", "role:assistant", f'model:"{MODELS[0]}"', "model:gemma", "after:2026-05", "before:2025", "has:code",
    f"tag:{TAGS[0]}", "-in:archive", "after:2025 role:assistant model:qwen",
)  # fmt: skip


def searches(seed: int) -> dict[str, list[str]]:
    """Return searches of several kinds; words of every frequency, most of them among the 2,000 most common."""
    spaced = [tongue for tongue in languages(np.random.default_rng(1)) if tongue.joint]
    unspaced = [tongue for tongue in languages(np.random.default_rng(1)) if not tongue.joint]
    draw = random.Random(seed)

    def word(tongues: Sequence[Language] = spaced, most: int = 40_000) -> str:
        tongue = draw.choice(tongues)
        return tongue.words[int(min(draw.paretovariate(0.35), most) - 1)]

    kinds: dict[str, Callable[[], str]] = {
        "one word": word,
        "one of the 20 most common words": lambda: draw.choice(spaced).words[draw.randrange(20)],
        "two words": lambda: f"{word(spaced[:1], 2_000)} {word(spaced[:1], 2_000)}",
        "phrase of two words": lambda: f'"{word(spaced[:1], 300)} {word(spaced[:1], 300)}"',
        "beginning of a word": lambda: f"{word()[:4]}*",
        "Chinese or Japanese": lambda: word(unspaced),
        "a word without another": lambda: f"{word(spaced[:1])} -{word(spaced[:1], 2_000)}",
    }
    return {kind: [made() for _ in range(_SEARCHES)] for kind, made in kinds.items()}


def filtered(texts: Sequence[str], seed: int) -> list[str]:
    """Return searches with a filter word each."""
    draw = random.Random(seed)
    return [f"{text} {draw.choice(_FILTERS)}" for text in texts]


def timed(search: Search, texts: Sequence[str], *, facets: bool = False) -> tuple[list[float], list[Found]]:
    """Return how long each search takes, in ms, and what it found."""
    times: list[float] = []
    answers: list[Found] = []
    for text in texts:
        begun = time.perf_counter()
        answers.append(search.find(text, limit=50, facets=facets))
        times.append((time.perf_counter() - begun) * 1000)
    return times, answers


def measured(search: Search) -> tuple[list[list[object]], list[float]]:
    """Return the table of searches, and all times without facets."""
    rows: list[list[object]] = []
    every: list[float] = []
    timed(search, [each[0] for each in searches(0).values()])
    for kind, texts in searches(1).items():
        plain, answers = timed(search, texts)
        narrowed, _ = timed(search, filtered(texts, 2))
        counted, _ = timed(search, texts, facets=True)
        every += plain + narrowed
        hits = percentile([float(answer.total) for answer in answers], 0.5)
        rows.append([
            kind, hits, percentile(plain, 0.5), percentile(plain, 0.95), percentile(narrowed, 0.5),
            percentile(narrowed, 0.95), percentile(counted, 0.5), percentile(counted, 0.95),
        ])  # fmt: skip
    rows.append(["all", "", percentile(every, 0.5), percentile(every, 0.95), "", "", "", ""])
    return rows, every


def beside(search: Search, database: Database, fts_path: Path) -> list[list[object]]:
    """Return the same words by three means: what ours takes, what the others take, and how many times as long."""
    words = [text for text in searches(3)["one word"] if len(text) > 2][:_RIVALS]
    ours, _ = timed(search, words)
    scans = [scan_ms(database, word) for word in words]
    with sqlite3.connect(fts_path) as fts:
        match_ms(fts, words[0])
        matches = [match_ms(fts, word) for word in words]
    fts.close()
    rows: list[list[object]] = []
    for name, times in (("ours", ours), ("DuckDB ILIKE", scans), ("SQLite FTS5", matches)):
        p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
        rows.append([name, p50, p95, p50 / percentile(ours, 0.5), p95 / percentile(ours, 0.95)])
    return rows


@contextmanager
def opened(folder: Path, searched: bool) -> Iterator[Conversations]:
    """Conversations of a new database."""
    database = Database.open(folder / "apehost.duckdb")
    search = Search(database, folder / "search") if searched else None
    yield Conversations(database)
    if search is not None:
        search.close()
    database.close()


def acknowledged(searched: bool) -> list[float]:
    """Return how long each of some messages takes to be acknowledged, in ms."""
    times: list[float] = []
    with tempfile.TemporaryDirectory() as name, opened(Path(name), searched) as conversations:
        conversation_id, parent = conversations.create("t"), None
        for number in range(_WRITES):
            begun = time.perf_counter()
            parent = conversations.add_message(conversation_id, parent, user_message(f"message {number} " * 20)).id
            times.append((time.perf_counter() - begun) * 1000)
    return times


def indexed(database: Database, folder: Path) -> tuple[Search, tuple[str, float, float]]:
    """Open the search, making the index where it is not there, and return what that took."""
    begun = time.perf_counter()
    search = Search(database, folder)
    search.find("the")
    first = time.perf_counter() - begun
    made = search.progress.state != "ready"
    while not search.settle(600):
        print(f"{search.progress}", flush=True)
    return search, ("made" if made else "kept", first, time.perf_counter() - begun)


def text_bytes(database: Database) -> int:
    """Return how many bytes of text the index has taken in."""
    with database.read() as cursor:
        rows = cursor.execute("""
            SELECT (SELECT sum(strlen(text)) FROM messages) + (SELECT sum(strlen(title)) FROM conversations)
            + (SELECT coalesce(sum(strlen(arguments) + strlen(result) + strlen(tool)), 0) FROM tool_calls)
            + (SELECT coalesce(sum(strlen(json_extract_string(parts, '$[0].text'))), 0) FROM messages
               WHERE json_extract_string(parts, '$[0].type') = 'reasoning')""").fetchall()
    return int(rows[0][0])


def bytes_in(folder: Path) -> int:
    """Return the size of all files in a folder and its folders."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def run(folder: Path, messages: int) -> None:
    """Make what is missing, measure, print."""
    file, fts_path = folder / "apehost.duckdb", folder / "texts.sqlite"
    if not file.exists():
        make(file, messages)
    fts_s = make_fts(file, fts_path)
    database = Database.open(file)
    search, (how, _, ready_s) = indexed(database, folder / "search")
    begun = time.perf_counter()
    search.warm()
    warm_s = time.perf_counter() - begun
    rows, every = measured(search)
    headings = ["search", "hits p50", "p50 ms", "p95 ms", "filtered p50", "p95 ", "with facets p50", "p95  "]
    print(table(headings, rows), end="\n\n")
    print(table(["", "p50 ms", "p95 ms", "ratio p50", "ratio p95"], beside(search, database, fts_path)), end="\n\n")
    text, index = text_bytes(database), bytes_in(folder / "search")
    print(table(
        ["", "text MB", "index MB", "share of the text", "made in s"],
        [
            ["ours", text / 1e6, index / 1e6, index / text, ready_s if how == "made" else "kept"],
            ["SQLite FTS5", text / 1e6, fts_size(fts_path) / 1e6, fts_size(fts_path) / text, fts_s],
        ],
    ), end="\n\n")  # fmt: skip
    search.close()
    database.close()
    print(starts(file, folder / "search", warm_s), end="\n\n")
    print(table(
        ["a message acknowledged", "p50 ms", "p95 ms"],
        [
            [name, percentile(times, 0.5), percentile(times, 0.95)]
            for name, times in (("without a search", acknowledged(False)), ("with it", acknowledged(True)))
        ],
    ), end="\n\n")  # fmt: skip
    p50, p95 = percentile(every, 0.5), percentile(every, 0.95)
    print(table(
        ["bar", "measured", "holds"],
        [
            ["search p50 <= 5 ms", f"{p50:.1f} ms", "yes" if p50 <= 5 else "no"],
            ["search p95 <= 25 ms", f"{p95:.1f} ms", "yes" if p95 <= 25 else "no"],
            ["index <= 60 % of the text", f"{index / text:.0%}", "yes" if index <= 0.6 * text else "no"],
        ],
    ))  # fmt: skip


def starts(file: Path, index: Path, warm_s: float) -> str:
    """Return what a start over the finished files takes."""
    begun = time.perf_counter()
    database = Database.open(file)
    opened_s = time.perf_counter() - begun
    search, (_, first_s, checked_s) = indexed(database, index)
    search.close()
    database.close()
    headings = ["start", "database opened s", "first search answered s", "index checked and up to date s"]
    headings.append("newest messages in memory, after that s")
    return table(headings, [["again", opened_s, first_s, checked_s, warm_s]])


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    print(f"{arguments.messages:,} messages, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    run(arguments.folder, arguments.messages)


if __name__ == "__main__":
    main()
