"""A comparison as a file for other programs: CSV and Parquet."""

import csv
import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from apehost_core.compare.comparison import Contender, Prompt
from apehost_core.errors import StoreError
from apehost_core.events import Admitted, Retried, ServerTiming, TextDelta
from apehost_core.ids import new_id
from apehost_core.store.comparison_export import export
from apehost_core.store.comparisons import Comparisons
from apehost_core.store.database import Database
from apehost_core.store.trials import attempts
from tests.comparison_samples import PLAN, SETUP, attempt, told, turn

FORMATS = ("csv", "parquet")


@pytest.fixture
def comparison_id(database: Database) -> str:
    """A comparison that nothing was asked of yet."""
    return Comparisons(database).create("Sums", SETUP, PLAN).id


def read(database: Database, comparison_id: str, path: Path) -> list[dict[str, Any]]:
    """The rows of the Parquet export."""
    path.write_bytes(export(database, comparison_id, "parquet"))
    with duckdb.connect() as connection:
        found = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def read_csv(database: Database, comparison_id: str) -> list[dict[str, str]]:
    """The rows of the CSV export."""
    return list(csv.DictReader(io.StringIO(export(database, comparison_id, "csv").decode(), newline="")))


def test_a_row_says_who_was_asked_what_and_how_it_went(database: Database, comparison_id: str, tmp_path: Path) -> None:
    """Contender, prompt, numbers from 1, every measure, the server's own figures and the answer stand in one row."""
    timing = ServerTiming(ttft_ms=80.5, prompt_tok_s=900.25, decode_tok_s=41.5)
    attempt(database, comparison_id, 3, "completed", *turn(*told("Once", " upon", timing=timing)))
    (row,) = read(database, comparison_id, tmp_path / "out.parquet")
    generation = attempts(database, comparison_id)[0].generation
    assert generation is not None
    expected = {
        "server": "mini",
        "model": "gemma",
        "quantisation": "Q4_K_M",
        "variant": "temperature 0.8",
        "prompt_number": 2,
        "topic": "stories",
        "prompt": "Tell a story.",
        "repeat": 2,
        "kind": "timed",
        "attempt": 1,
        "counts": True,
        "outcome": "completed",
        "finish_reason": "stop",
        "model_answered": "gemma",
        "as_asked": True,
        "cold": False,
        "ttft_ms": generation.timing.ttft,
        "first_visible_ms": generation.timing.first_visible,
        "total_ms": generation.timing.last_token,
        "call_ms": generation.timing.total,
        "decode_tok_s": generation.decode_rate,
        "prompt_tokens": 7,
        "cached_tokens": 2,
        "completion_tokens": 3,
        "visible_chars": 9,
        "server_ttft_ms": 80.5,
        "server_prompt_tok_s": 900.25,
        "server_decode_tok_s": 41.5,
        "fault": None,
        "answer": "Once upon",
    }
    assert expected == {name: row[name] for name in expected}
    assert "temperature 0.8" in row["contender"]


def test_both_formats_have_the_same_rows(database: Database, comparison_id: str, tmp_path: Path) -> None:
    """Header, order and content agree; what is unknown is empty in CSV."""
    for cell in (0, 1, 2, 3):
        attempt(database, comparison_id, cell)
    flat, rows = read_csv(database, comparison_id), read(database, comparison_id, tmp_path / "out.parquet")
    assert [list(row) for row in flat] == [list(row) for row in rows]
    assert ["warm_up", "timed", "cached", "timed"] == [row["kind"] for row in rows] == [row["kind"] for row in flat]
    assert [float(row["ttft_ms"]) for row in flat] == [row["ttft_ms"] for row in rows]
    assert {("", None)} == {(left["load_ms"], right["load_ms"]) for left, right in zip(flat, rows, strict=True)}


def test_every_attempt_has_a_row_and_one_counts(database: Database, comparison_id: str, tmp_path: Path) -> None:
    """Attempts at a cell are numbered, the one that counts is marked; live ones and the judge's are left out."""
    attempt(database, comparison_id, 1, "failed", *turn(Admitted(False), TextDelta("Fi")))
    attempt(database, comparison_id, 1)
    attempt(database, comparison_id, 1, "cancelled")
    attempt(database, comparison_id, 2, "failed", Retried("nobody was there"))
    attempt(database, comparison_id, 2, None)
    attempt(database, comparison_id, 3, "interrupted")
    attempt(database, comparison_id, 4)
    rows = read(database, comparison_id, tmp_path / "out.parquet")
    refused = 'Server "mini" answered with an error'
    assert [
        ("timed", 1, "failed", False, refused, "Fi"),
        ("timed", 2, "completed", True, None, "Four."),
        ("timed", 3, "cancelled", False, None, "Four."),
        ("cached", 1, "failed", True, refused, ""),
        ("timed", 1, "interrupted", False, None, "Four."),
    ] == [tuple(row[name] for name in ("kind", "attempt", "outcome", "counts", "fault", "answer")) for row in rows]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\N{FULLWIDTH EQUALS SIGN}1"])
def test_no_text_is_a_formula_in_csv(database: Database, text: str, tmp_path: Path) -> None:
    """What a spreadsheet would run gets an apostrophe in CSV, whoever wrote it; Parquet has it as it is."""
    setup = replace(
        SETUP, prompts=(Prompt(text, topic=text),), contenders=(Contender("mini", "gemma", None, variant=text),) * 2
    )
    comparison_id = Comparisons(database).create("Sums", setup, PLAN).id
    attempt(database, comparison_id, 1, "completed", *turn(*told(text, model=text)))
    names = ("prompt", "topic", "variant", "answer", "model_answered")
    (flat,), (row,) = read_csv(database, comparison_id), read(database, comparison_id, tmp_path / "out.parquet")
    assert {f"'{text}"} == {flat[name] for name in names}
    assert {text} == {row[name] for name in names}


@pytest.mark.parametrize(
    "text", ['"quoted", and more', "two\nlines", "Grüße 🌍", "1 - 1 = 0", "NULL", "'", " =1", "\\N"]
)
def test_other_texts_come_back_from_csv_as_they_are(database: Database, comparison_id: str, text: str) -> None:
    """Commas, quotes, line ends and what looks like nothing are kept, and harmless texts are not touched."""
    attempt(database, comparison_id, 1, "completed", *turn(*told(text)))
    assert [text] == [row["answer"] for row in read_csv(database, comparison_id)]


@pytest.mark.parametrize("table_format", FORMATS)
def test_nothing_is_left_behind(database: Database, comparison_id: str, table_format: Any) -> None:
    """The file that was written on the way is gone, as is an old one of a process that was killed."""
    attempt(database, comparison_id, 1)
    left = database.outbox / f"export-{new_id()}.csv"
    busy = database.outbox / f"export-{new_id()}.csv"
    for other in (left, busy):
        other.touch()
    os.utime(left, (0, 0))
    assert export(database, comparison_id, table_format)
    assert [busy] == [other for other in database.outbox.iterdir() if other.name.startswith("export-")]


@pytest.mark.parametrize("table_format", FORMATS)
def test_before_the_first_attempt(database: Database, comparison_id: str, table_format: Any) -> None:
    """A comparison that nothing was asked of is a file without rows; none at all is an error."""
    assert export(database, comparison_id, table_format)
    assert [] == read_csv(database, comparison_id)
    for link in (new_id(), "nonsense"):
        with pytest.raises(StoreError, match="no such comparison"):
            export(database, link, table_format)
