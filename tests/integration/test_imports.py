"""Chats of other programs are taken in once, grow with their files, and leave without a trace."""

from datetime import timedelta
from pathlib import Path
from unittest.mock import ANY

import pytest

from apehost_core.errors import InputRefused
from apehost_core.history.imports import ImportProgress, ImportStopped
from apehost_core.messages import assistant_message, user_message
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.imports import Imports
from tests.format_samples import FORMATS_FOLDER
from tests.import_samples import contents, lm_studio_chat, rows, web_ui_chat
from tests.run_samples import UNKNOWN_ID

FIXTURES = FORMATS_FOLDER / "lmstudio"
ALL = sorted(folder.name for folder in FORMATS_FOLDER.iterdir() if folder.is_dir())


@pytest.fixture
def conversations(database: Database) -> Conversations:
    """Conversations of an empty database."""
    return Conversations(database)


@pytest.fixture
def imports(database: Database) -> Imports:
    """Imports into an empty database."""
    return Imports(database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two chats."""
    lm_studio_chat(tmp_path / "chats", "first", "Who?", "An ape.")
    lm_studio_chat(tmp_path / "chats", "second", "Where?", "In a tree.")
    return tmp_path / "chats"


def spoken(conversations: Conversations, conversation_id: str) -> list[str]:
    """The texts of the selected branch."""
    return [stored.message.text for stored in conversations.branch(conversation_id)]


def only(conversations: Conversations) -> str:
    """The id of the only conversation that is listed."""
    (found,) = conversations.recent(10)
    return found.id


def imported_twice(imports: Imports, database: Database, source: Path) -> None:
    """Import, and see that once more changes nothing, not even what is listed as done."""
    first = imports.run(source)
    before, listed = contents(database), imports.list()
    again = imports.run(source)
    assert (None, 0, 0) == (again.import_id, again.findings.new, again.findings.changed)
    assert first.findings.new + first.findings.changed + first.findings.same == again.findings.same
    assert (before, listed) == (contents(database), imports.list())


@pytest.mark.parametrize("name", ALL)
def test_importing_twice_changes_nothing(imports: Imports, database: Database, name: str) -> None:
    """The second import of a format's fixtures finds all of them here; no row of any table differs."""
    imported_twice(imports, database, FORMATS_FOLDER / name)


@pytest.mark.parametrize("name", ALL)
def test_undo_of_every_format(imports: Imports, database: Database, name: str) -> None:
    """Whatever a format brings is gone after the undo, to the last row."""
    before = contents(database)
    report = imports.run(FORMATS_FOLDER / name)
    assert before != contents(database)
    assert () == imports.undo(report.import_id or "").kept
    assert before == contents(database)


def test_exports_of_several_days(imports: Imports, database: Database, tmp_path: Path) -> None:
    """A folder that holds one chat in an older and a newer state brings the newer one, once."""
    web_ui_chat(tmp_path / "1.json", "Who?", "An ape.", "Which?")
    web_ui_chat(tmp_path / "2.json", "Who?", "An ape.")
    imported_twice(imports, database, tmp_path)
    assert [(1, 3)] == rows(database, "SELECT count(DISTINCT conversation_id), count(*) FROM messages")


def test_looking_changes_nothing(imports: Imports, database: Database) -> None:
    """A look says what the import then does, and changes no row."""
    before = contents(database)
    looked = imports.look(FIXTURES)
    assert before == contents(database)
    assert looked == imports.run(FIXTURES).findings
    assert looked.new > 0
    assert looked.unreadable == len(looked.refusals) > 0
    assert looked.new == len(looked.sample)


def test_undo_leaves_the_file_as_it_was(imports: Imports, database: Database, conversations: Conversations) -> None:
    """After an import and its undo every table has the rows that it had, to the last value."""
    mine = conversations.create("mine")
    conversations.add_message(mine, None, user_message("Hello?"))
    before = contents(database)
    report = imports.run(FIXTURES)
    assert before != contents(database)
    assert report.import_id is not None
    undone = imports.undo(report.import_id)
    assert (report.findings.new, 0, ()) == (undone.removed, undone.restored, undone.kept)
    assert before == contents(database)
    (batch,) = imports.list()
    assert batch.undone_at is not None


def test_what_is_undone_can_be_imported_again(imports: Imports, database: Database) -> None:
    """Undo forgets the chats as well: the next import takes all of them in."""
    report = imports.run(FIXTURES)
    imports.undo(report.import_id or "")
    assert report.findings.new == imports.run(FIXTURES).findings.new


def test_a_chat_that_grew(imports: Imports, database: Database, conversations: Conversations, tmp_path: Path) -> None:
    """What a file has more is added and selected; undo takes it back, and leaves the first import alone."""
    chat = lm_studio_chat(tmp_path, "chat", "Who?", "An ape.")
    imports.run(chat)
    before, opened = contents(database), only(conversations)
    lm_studio_chat(tmp_path, "chat", "Who?", "An ape.", "Which?", "A gorilla.", title="Apes")
    report = imports.run(chat)
    assert (0, 1, 2) == (report.findings.new, report.findings.changed, report.findings.messages)
    assert ["Who?", "An ape.", "Which?", "A gorilla."] == spoken(conversations, opened)
    assert "Apes" == conversations.recent(1)[0].title
    imported_twice(imports, database, chat)
    undone = imports.undo(report.import_id or "")
    assert (0, 1, ()) == (undone.removed, undone.restored, undone.kept)
    assert before == contents(database)


def test_another_answer_stands_beside_the_first(imports: Imports, conversations: Conversations, tmp_path: Path) -> None:
    """A message that reads otherwise under the same id is added beside what is here, and what is here stays."""
    chat = web_ui_chat(tmp_path / "export.json", "Who?", "An a")
    imports.run(chat)
    web_ui_chat(chat, "Who?", "An ape.")
    assert 1 == imports.run(chat).findings.messages
    assert ["Who?", "An ape."] == spoken(conversations, only(conversations))
    assert 0 == imports.run(chat).findings.changed
    web_ui_chat(chat, "Who?", "An ape.", "Which?")
    assert 1 == imports.run(chat).findings.messages
    assert ["Who?", "An ape.", "Which?"] == spoken(conversations, only(conversations))


def test_what_a_person_went_on_with_stays(
    imports: Imports, conversations: Conversations, database: Database, folder: Path
) -> None:
    """Undo keeps a conversation in which something was said since, whole, and says which; the rest goes."""
    report = imports.run(folder)
    opened = next(found.id for found in conversations.recent(10) if found.title == "first")
    leaf = conversations.branch(opened)[-1].id
    conversations.add_message(opened, leaf, user_message("And then?"))
    undone = imports.undo(report.import_id or "")
    assert (1, 0, ("first",)) == (undone.removed, undone.restored, undone.kept)
    assert ["Who?", "An ape.", "And then?"] == spoken(conversations, only(conversations))
    assert 1 == imports.list()[0].kept
    assert 2 == rows(database, "SELECT count(*) FROM messages WHERE import_id IS NOT NULL")[0][0]


def test_what_was_added_is_kept_where_a_person_built_on_it(
    imports: Imports, conversations: Conversations, tmp_path: Path
) -> None:
    """A second import is not taken out of a conversation in which a person answered to what it added."""
    chat = lm_studio_chat(tmp_path, "chat", "Who?", "An ape.")
    imports.run(chat)
    lm_studio_chat(tmp_path, "chat", "Who?", "An ape.", "Which?")
    report = imports.run(chat)
    opened = only(conversations)
    conversations.add_message(opened, conversations.branch(opened)[-1].id, assistant_message("A gorilla."))
    undone = imports.undo(report.import_id or "")
    assert (0, 0, ("chat",)) == (undone.removed, undone.restored, undone.kept)
    assert ["Who?", "An ape.", "Which?", "A gorilla."] == spoken(conversations, opened)


def test_a_branch_of_the_persons_own_outlives_the_undo(
    imports: Imports, conversations: Conversations, tmp_path: Path
) -> None:
    """What a person wrote beside what an import added stays when that is taken out, and stays selected."""
    chat = lm_studio_chat(tmp_path, "chat", "Who?", "An ape.")
    imports.run(chat)
    opened = only(conversations)
    conversations.add_message(opened, conversations.branch(opened)[-1].id, user_message("Mine."))
    lm_studio_chat(tmp_path, "chat", "Who?", "An ape.", "Theirs.")
    report = imports.run(chat)
    assert ["Who?", "An ape.", "Mine."] == spoken(conversations, opened)
    undone = imports.undo(report.import_id or "")
    assert (0, 1, ()) == (undone.removed, undone.restored, undone.kept)
    assert ["Who?", "An ape.", "Mine."] == spoken(conversations, opened)


def test_a_selected_message_that_goes(imports: Imports, conversations: Conversations, tmp_path: Path) -> None:
    """Where a person had selected a message that the undo takes out, the newest one that is left is selected."""
    chat = lm_studio_chat(tmp_path, "chat", "Who?", "An ape.")
    imports.run(chat)
    lm_studio_chat(tmp_path, "chat", "Who?", "An ape.", "Which?", "A gorilla.")
    report = imports.run(chat)
    opened = only(conversations)
    conversations.select(opened, conversations.branch(opened)[2].id)
    imports.undo(report.import_id or "")
    assert ["Who?", "An ape."] == spoken(conversations, opened)


def test_undoing_the_first_takes_the_later_ones_along(
    imports: Imports, conversations: Conversations, database: Database, tmp_path: Path
) -> None:
    """What stands on an import goes with it; undoing the later import then finds nothing more to do."""
    before = contents(database)
    chat = lm_studio_chat(tmp_path, "chat", "Who?", "An ape.")
    first = imports.run(chat)
    lm_studio_chat(tmp_path, "chat", "Who?", "An ape.", "Which?")
    second = imports.run(chat)
    assert 1 == imports.undo(first.import_id or "").removed
    assert before == contents(database)
    assert (0, 0) == ((undone := imports.undo(second.import_id or "")).removed, undone.restored)


def test_a_name_given_here_stays(imports: Imports, conversations: Conversations, tmp_path: Path) -> None:
    """No import renames what a person has named, and no undo does."""
    chat = lm_studio_chat(tmp_path, "chat", "Who?", "An ape.")
    imports.run(chat)
    opened = only(conversations)
    conversations.rename(opened, "Mine")
    lm_studio_chat(tmp_path, "chat", "Who?", "An ape.", "Which?", title="Theirs")
    report = imports.run(chat)
    assert "Mine" == conversations.recent(1)[0].title
    imports.undo(report.import_id or "")
    assert "Mine" == conversations.recent(1)[0].title


def test_what_is_in_the_trash_stays_there(
    imports: Imports, conversations: Conversations, database: Database, tmp_path: Path
) -> None:
    """A deleted conversation neither comes back nor grows, and the import says so."""
    chat = lm_studio_chat(tmp_path, "chat", "Who?", "An ape.")
    imports.run(chat)
    conversations.trash(only(conversations))
    before = contents(database)
    lm_studio_chat(tmp_path, "chat", "Who?", "An ape.", "Which?")
    report = imports.run(chat)
    assert (None, 1, 0) == (report.import_id, report.findings.trashed, report.findings.changed)
    assert before == contents(database)


def test_deleting_for_good_takes_everything_along(
    imports: Imports, conversations: Conversations, database: Database
) -> None:
    """Of an imported conversation that is deleted for good no word and no call stays, and undo finds the rest."""
    before = contents(database)
    report = imports.run(FIXTURES)
    for found in conversations.recent(10)[:2]:
        conversations.trash(found.id)
    assert 2 == conversations.empty_trash(timedelta(0))
    imports.undo(report.import_id or "")
    assert before | {"import_gone": ANY} == contents(database)


def test_undo_of_what_cannot_be_undone(imports: Imports, tmp_path: Path) -> None:
    """An import that was undone, or never was, is refused."""
    report = imports.run(lm_studio_chat(tmp_path, "chat", "Who?"))
    imports.undo(report.import_id or "")
    for import_id in (report.import_id or "", UNKNOWN_ID, "nonsense"):
        with pytest.raises(InputRefused):
            imports.undo(import_id)


def test_a_person_stops_it(imports: Imports, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken in before the stop stays, says so, and can be undone."""
    monkeypatch.setattr("apehost_core.store.import_tally._PORTION_MESSAGES", 1)
    before = contents(database)

    def stop(progress: ImportProgress) -> None:
        if progress.conversations:
            raise ImportStopped

    report = imports.run(folder, stop)
    assert ("stopped", 1) == (report.ending, report.findings.new)
    assert ["stopped"] == [batch.ending for batch in imports.list()]
    imports.undo(report.import_id or "")
    assert before == contents(database)


def test_an_import_that_was_killed(imports: Imports, database: Database, folder: Path) -> None:
    """An import whose program ended in the middle is listed as interrupted, and can be undone."""
    before = contents(database)
    report = imports.run(folder)
    running = "UPDATE imports SET report = replace(report, '\"done\"', '\"running\"')"
    database.write(lambda transaction: transaction.execute(running, []))
    (batch,) = Imports(database).list()
    assert ("interrupted", 2) == (batch.ending, batch.findings.new)
    imports.undo(report.import_id or "")
    assert before == contents(database)
