"""The same searches by other means on the same messages: DuckDB reading every text, and SQLite's FTS5."""

import sqlite3
import time
from pathlib import Path

import duckdb

from apehost_core.store.database import Database

_SCAN = """
SELECT m.id, c.title, m.text FROM messages m JOIN conversations c ON c.id = m.conversation_id
WHERE m.text ILIKE ? AND c.trashed_at IS NULL ORDER BY m.created_at DESC LIMIT 50"""
_MATCH = """
SELECT rowid, snippet(said, 0, '[', ']', '…', 24) FROM said WHERE said MATCH ? ORDER BY rank LIMIT 50"""


def scan_ms(database: Database, word: str) -> float:
    """Return how long DuckDB takes to read all texts for a word, in ms."""
    begun = time.perf_counter()
    with database.read() as cursor:
        cursor.execute(_SCAN, [f"%{word}%"]).fetchall()
    return (time.perf_counter() - begun) * 1000


def make_fts(source: Path, target: Path) -> float:
    """Write all texts into an FTS5 table, if it is not there yet, and return how long it took, in s."""
    begun = time.perf_counter()
    if target.exists():
        return float("nan")
    unfinished = target.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with duckdb.connect(source, read_only=True) as texts, sqlite3.connect(unfinished) as fts:
        fts.execute("PRAGMA journal_mode = off")
        fts.execute("PRAGMA synchronous = off")
        fts.execute("CREATE VIRTUAL TABLE said USING fts5(text)")
        read = texts.execute("SELECT text FROM messages")
        while rows := read.fetchmany(20_000):
            fts.executemany("INSERT INTO said (text) VALUES (?)", rows)
        fts.execute("INSERT INTO said (said) VALUES ('optimize')")
    fts.close()
    unfinished.rename(target)
    return time.perf_counter() - begun


def fts_size(path: Path) -> int:
    """Return how many bytes FTS5 takes beside the texts."""
    with sqlite3.connect(path) as fts:
        tables = fts.execute("SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'said%' AND name <> 'said_content'")
        return int(tables.fetchone()[0])


def match_ms(fts: sqlite3.Connection, words: str) -> float:
    """Return how long FTS5 takes for some words, with rows and snippets, in ms."""
    quoted = " ".join(f'"{word}"' for word in words.split())
    begun = time.perf_counter()
    fts.execute(_MATCH, [quoted]).fetchall()
    return (time.perf_counter() - begun) * 1000
