"""Imports in the background, and the folder that is watched."""

import shutil
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path

import pytest

from apehost_core.errors import InputRefused, StoreError
from apehost_core.history.imports import ImportJob
from apehost_core.settings import Settings
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.import_jobs import ImportJobs
from apehost_core.store.import_watch import ImportWatch
from apehost_core.store.imports import Imports
from tests.import_samples import lm_studio_chat, rows
from tests.ui.running import until


@pytest.fixture
def jobs(database: Database) -> Generator[ImportJobs, None, None]:
    """Nothing goes on."""
    jobs = ImportJobs(Imports(database))
    yield jobs
    jobs.close()


@pytest.fixture
def watch(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[ImportWatch, None, None]:
    """A watch over an empty folder that looks when it is told to."""
    monkeypatch.setattr(ImportWatch, "_run", lambda _self: None)
    (tmp_path / "chats").mkdir()
    watch = ImportWatch(Imports(database), tmp_path / "chats")
    yield watch
    watch.close()


def ended(jobs: ImportJobs) -> ImportJob:
    """Wait for the end of what goes on, and return it."""
    until(lambda: jobs.job is not None and not jobs.job.running)
    assert jobs.job is not None
    return jobs.job


def titles(database: Database) -> list[str]:
    """The titles of all conversations, by name."""
    return sorted(found.title for found in Conversations(database).recent(100))


def look_twice(watch: ImportWatch) -> None:
    """Look, and once more as nothing has changed meanwhile."""
    watch.look()
    watch.look()


def test_look_import_undo(jobs: ImportJobs, database: Database, tmp_path: Path) -> None:
    """Each begins at once, and says at its end what it found or did."""
    jobs.look(lm_studio_chat(tmp_path, "chat", "Who?"))
    looked = ended(jobs)
    assert looked.findings is not None
    assert (1, []) == (looked.findings.new, titles(database))
    jobs.take_in()
    imported = ended(jobs)
    assert imported.report is not None
    assert ("done", ["chat"]) == (imported.report.ending, titles(database))
    jobs.undo(jobs.list()[0])
    undone = ended(jobs).undone
    assert undone is not None
    assert (1, []) == (undone.removed, titles(database))


def test_jobs_know_how_much_there_is(jobs: ImportJobs, tmp_path: Path) -> None:
    """What was looked at is counted in conversations when it is imported or undone; else bytes are known."""
    chat = lm_studio_chat(tmp_path, "chat", "Who?")
    jobs.look(chat)
    looked = ended(jobs).progress
    assert (chat.stat().st_size, None) == (looked.size, looked.expected)
    jobs.take_in()
    assert (1, 1) == (ended(jobs).progress.conversations, ended(jobs).progress.expected)
    jobs.undo(jobs.list()[0])
    assert (1, 1) == (ended(jobs).progress.conversations, ended(jobs).progress.expected)
    jobs.take_in(chat)
    assert ended(jobs).progress.expected is None


def test_what_was_looked_at_is_imported_once(jobs: ImportJobs, tmp_path: Path) -> None:
    """Without a look, or after its import or its end, there is nothing to import."""
    with pytest.raises(InputRefused):
        jobs.take_in()
    jobs.look(lm_studio_chat(tmp_path, "chat", "Who?"))
    ended(jobs)
    jobs.forget()
    assert jobs.job is None
    with pytest.raises(InputRefused):
        jobs.take_in()


def test_a_database_that_fails(jobs: ImportJobs, database: Database, tmp_path: Path) -> None:
    """What the database refuses ends the job with the reason, and the next one can begin."""
    database.close()
    jobs.look(lm_studio_chat(tmp_path, "chat", "Who?"))
    fault = ended(jobs).fault
    assert fault is not None
    assert "The database is closed" == fault.title
    with pytest.raises(StoreError):
        jobs.list()
    jobs.look(tmp_path)
    ended(jobs)


def test_a_defect_is_told_without_its_words(
    jobs: ImportJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of ours ends the job and stands in the log; the page learns that it failed."""

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Imports, "look", broken)
    jobs.look(lm_studio_chat(tmp_path, "chat", "Who?"))
    fault = ended(jobs).fault
    assert fault is not None
    assert "secret" not in str(fault)
    assert "secret" in caplog.text


def test_closing_ends_it(database: Database, tmp_path: Path) -> None:
    """The end of the program ends what goes on at its next portion; what was taken in can be undone."""
    for number in range(3):
        lm_studio_chat(tmp_path, f"chat {number}", "Who?")
    jobs = ImportJobs(Imports(database))
    jobs.look(tmp_path)
    jobs.close()
    assert not ended(jobs).running


@pytest.mark.parametrize("typed", ["{}", " '{}' ", '"{}"'])
def test_paths_as_people_type_them(jobs: ImportJobs, tmp_path: Path, typed: str) -> None:
    """Blanks and quotes around a path do not matter."""
    jobs.look_at(typed.format(lm_studio_chat(tmp_path / "my chats", "chat", "Who?")))
    findings = ended(jobs).findings
    assert findings is not None
    assert 1 == findings.new


@pytest.mark.parametrize("typed", ["", "  ", "chats", "./chats", "/no/such/place", "~nobody/chats", "/a\0b", "/"])
def test_paths_to_nowhere(jobs: ImportJobs, typed: str) -> None:
    """What is no whole path to something is refused before anything begins."""
    with pytest.raises(InputRefused):
        jobs.look_at(typed)
    assert jobs.job is None


def test_the_watch_takes_in_what_is_new(watch: ImportWatch, database: Database, tmp_path: Path) -> None:
    """A new chat is taken in once it stands still, and nothing is read again until something changes."""
    lm_studio_chat(tmp_path / "chats", "first", "Who?")
    watch.look()
    assert [] == titles(database)
    watch.look()
    assert ["first"] == titles(database)
    shutil.rmtree(tmp_path / "chats")
    (tmp_path / "chats").mkdir()
    look_twice(watch)
    assert ["first"] == titles(database)


def test_a_day_is_one_import(watch: ImportWatch, database: Database, tmp_path: Path) -> None:
    """What comes later on the same day joins the import that is there; undo takes all of it out."""
    lm_studio_chat(tmp_path / "chats", "first", "Who?", "An ape.")
    look_twice(watch)
    lm_studio_chat(tmp_path / "chats", "first", "Who?", "An ape.", "Which?", "A gorilla.")
    lm_studio_chat(tmp_path / "chats", "second", "Where?")
    look_twice(watch)
    imports = Imports(database)
    (batch,) = imports.list()
    assert (2, 1, 5) == (batch.findings.new, batch.findings.changed, batch.findings.messages)
    assert 2 == imports.undo(batch.id).removed
    assert [] == titles(database)


@pytest.mark.parametrize("way", ["undone", "emptied trash"])
def test_what_a_person_removed_stays_away(watch: ImportWatch, database: Database, tmp_path: Path, way: str) -> None:
    """What was undone or deleted for good does not come back by itself; imported by hand it does, and is followed."""
    lm_studio_chat(tmp_path / "chats", "first", "Who?", "An ape.")
    look_twice(watch)
    imports, conversations = Imports(database), Conversations(database)
    if way == "undone":
        imports.undo(imports.list()[0].id)
    else:
        conversations.trash(conversations.recent(1)[0].id)
        assert 1 == conversations.empty_trash(timedelta(0))
    lm_studio_chat(tmp_path / "chats", "second", "Where?")
    look_twice(watch)
    assert ["second"] == titles(database)
    assert 1 == imports.run(tmp_path / "chats").findings.new
    lm_studio_chat(tmp_path / "chats", "first", "Who?", "An ape.", "Which?")
    look_twice(watch)
    assert ["first", "second"] == titles(database)
    assert [(3,)] == rows(database, "SELECT count(*) FROM messages WHERE text <> 'Where?'")


def test_another_import_in_between(watch: ImportWatch, database: Database, tmp_path: Path) -> None:
    """After an import of a person's the watch begins a new one, so that each can be undone alone."""
    lm_studio_chat(tmp_path / "chats", "first", "Who?")
    look_twice(watch)
    imports = Imports(database)
    imports.run(lm_studio_chat(tmp_path / "others", "by hand", "Who?"))
    lm_studio_chat(tmp_path / "chats", "second", "Where?")
    look_twice(watch)
    assert 3 == len(imports.list())
    imports.undo(imports.list()[0].id)
    assert ["by hand", "first"] == titles(database)


def test_a_folder_that_is_away(watch: ImportWatch, tmp_path: Path) -> None:
    """A watched folder that cannot be read is named with the reason, until it is there again."""
    shutil.rmtree(tmp_path / "chats")
    watch.look()
    assert watch.seen.fault is not None
    assert "chats" in watch.seen.fault.title
    assert str(tmp_path) not in str(watch.seen.fault)
    (tmp_path / "chats").mkdir()
    watch.look()
    assert watch.seen.fault is None


def test_a_damaged_file_is_counted(watch: ImportWatch, database: Database, tmp_path: Path) -> None:
    """What cannot be read is counted, and taken in once it is whole."""
    path = lm_studio_chat(tmp_path / "chats", "first", "Who?")
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    look_twice(watch)
    assert (1, []) == (watch.seen.unreadable, titles(database))
    path.write_bytes(whole)
    look_twice(watch)
    assert (0, ["first"]) == (watch.seen.unreadable, titles(database))


def test_the_watch_runs_by_itself(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread looks again and again until it is closed."""
    monkeypatch.setattr("apehost_core.store.import_watch._EVERY_S", 0.01)
    lm_studio_chat(tmp_path, "first", "Who?")
    jobs = ImportJobs(Imports(database), tmp_path)
    until(lambda: ["first"] == titles(database))
    jobs.close()
    assert jobs.watched is not None
    assert jobs.revision > 0


@pytest.mark.parametrize(("given", "wanted"), [("", None), ("~/chats", lambda: Path.home() / "chats")])
def test_the_setting(monkeypatch: pytest.MonkeyPatch, given: str, wanted: Callable[[], Path] | None) -> None:
    """An empty setting watches nothing; ~ is the home folder."""
    monkeypatch.setenv("APEHOST_LMSTUDIO_FOLDER", given)
    assert (wanted and wanted()) == Settings().lmstudio_folder
