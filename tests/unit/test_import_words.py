"""How imports are said."""

from datetime import UTC, datetime

import pytest

from apehost_core.errors import Fault
from apehost_core.history.imports import (
    Ending,
    Findings,
    ImportBatch,
    ImportJob,
    ImportProgress,
    ImportReport,
    Undone,
    WatchedFolder,
    Work,
)
from apehost_ui.import_words import (
    batch_words,
    findings_words,
    job_words,
    report_words,
    source_words,
    undone_words,
    watched_words,
)

NOW = datetime(2026, 11, 25, 14, tzinfo=UTC)
FULL = Findings("export.zip", "chatgpt", new=312, changed=4, same=1204, trashed=1, messages=3120, unreadable=2)


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        (FULL, "312 new, 4 changed, 1,204 known already, 1 deleted here, 2 unreadable"),
        (Findings("a"), "nothing"),
    ],
)
def test_findings(findings: Findings, words: str) -> None:
    """Only what there is is counted."""
    assert words == findings_words(findings)


def test_sources() -> None:
    """A file is named with its format, as people call it; where none was recognised, alone."""
    assert "export.zip · ChatGPT" == source_words(FULL)
    assert "a · several formats" == source_words(Findings("a", "several"))
    assert "a" == source_words(Findings("a"))


def test_jobs() -> None:
    """What goes on is said with what was read so far, and that it is to end."""
    progress = ImportProgress(0.5, 1204, 3, 2)
    assert "Importing a · 1,204 conversations · 2 unreadable" == job_words(ImportJob("import", "a", progress=progress))
    assert "Undoing the import of a · stopping" == job_words(ImportJob("undo", "a", stopping=True))


@pytest.mark.parametrize(
    ("work", "progress", "words"),
    [
        ("import", ImportProgress(0.2, 1234, expected=5000, bytes=5, size=9), "1,234 of about 5,000 conversations"),
        ("import", ImportProgress(0.2, 0, expected=5000), "0 of about 5,000 conversations"),
        ("import", ImportProgress(0.9, 12, expected=11, bytes=5, size=9), "12 conversations · 5 B of 9 B"),
        ("undo", ImportProgress(0.5, 200, expected=400), "200 of 400 conversations"),
        ("look", ImportProgress(0.2, 1, bytes=12_000_000, size=48_000_000), "1 conversation · 12 MB of 48 MB"),
        ("look", ImportProgress(0.0, 0, size=48_000_000), "0 B of 48 MB"),
    ],
)
def test_how_far_a_job_is(work: Work, progress: ImportProgress, words: str) -> None:
    """What was done is said with how much there is: conversations where their number is known, else bytes."""
    assert job_words(ImportJob(work, "a", progress=progress)).endswith(f" a · {words}")


@pytest.mark.parametrize(
    ("ending", "findings", "words"),
    [
        ("done", FULL, "312 new, 4 changed · 3,120 messages taken in from export.zip."),
        ("done", Findings("a", same=2), "Nothing to take in from a: 2 known already."),
        (
            "stopped",
            Findings("a", new=1, messages=1),
            "Stopped. 1 new · 1 message taken in before that; Undo takes it out",
        ),
        ("stopped", Findings("a"), "Stopped. Nothing was changed."),
    ],
)
def test_reports(ending: Ending, findings: Findings, words: str) -> None:
    """An import says what it took in, also when it was stopped."""
    assert report_words(ImportReport("id", ending, findings)).startswith(words)


def test_undone() -> None:
    """What stays is named, the first three, with the reason."""
    assert "The import of a is undone: 1 conversation removed." == undone_words("a", Undone(1, 0, ()))
    kept = undone_words("a", Undone(0, 2, ("one", "two", "three", "four")))
    assert "0 conversations removed, 2 conversations as before." in kept
    assert kept.endswith("Kept, because you went on with them: “one”, “two”, “three” and 1 more.")


def test_past_imports() -> None:
    """An import of the past says how it ended where that was not well, and what became of it."""
    words = batch_words(ImportBatch("id", NOW, "interrupted", FULL, NOW, 3))
    for piece in ("312 new, 4 changed", "3,120 messages", "2 unreadable", "cut off", "undone 25 Nov", "3 kept"):
        assert piece in words
    assert "known already" not in words


def test_the_watched_folder() -> None:
    """The folder says when it was looked at, and what could not be read."""
    folder = WatchedFolder("conversations", NOW, NOW, 1, Fault("bad_request", "gone"))
    words = watched_words(folder)
    for piece in ("Watching folder conversations", "looked at 25 Nov", "last import 25 Nov", "1 file unreadable"):
        assert piece in words
    assert "Watching folder conversations" == watched_words(WatchedFolder("conversations"))
