"""Checks of the record, sizes, and the work in the background."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from apehost_core.errors import InputRefused
from apehost_core.history.care import Check, Integrity
from apehost_core.messages import Message, TextPart
from apehost_core.store import care_checks
from apehost_core.store.care import Care
from apehost_core.store.care_checks import examine
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.search import Search
from tests.integration.caring import change, count
from tests.ui.running import until


def made(search: Search) -> None:
    """Wait until the search index has all that there is."""
    until(lambda: search.progress.state == "ready")
    assert search.settle()


def found(care: Care) -> Integrity:
    """Check the record."""
    care.check()
    care.settle()
    assert care.job is not None
    assert care.job.fault is None
    assert care.integrity is not None
    return care.integrity


@pytest.mark.usefixtures("chat")
def test_a_sound_record(search: Search, care: Care) -> None:
    """Where all is well every check says so, and how much it looked at."""
    made(search)
    integrity = found(care)
    assert [] == list(integrity.problems)
    assert 4 == len(integrity.checks)
    assert all(check.looked_at > 0 and not check.unfinished for check in integrity.checks)


def test_an_empty_record(care: Care) -> None:
    """A record without anything in it is sound."""
    assert () == found(care).problems


MESSAGE = "(SELECT max(id) FROM messages)"
WRONG = {
    "links": {
        "UPDATE generations SET run_id = uuid()": "Model calls of a run",
        "UPDATE tool_calls SET run_id = uuid(), generation_id = uuid(), message_id = uuid()": "Tool calls of a run",
        "INSERT INTO tags VALUES (uuid(), 'x', now())": "Tags",
        "UPDATE run_events SET run_id = uuid()": "Event logs",
        "SELECT 1": "Tool calls of a model call",
        "SELECT 2": "Tool calls of a message",
    },
    "parents": {
        "UPDATE messages SET parent_id = uuid() WHERE parent_id IS NOT NULL": "answer one that does not exist",
        "UPDATE conversations SET leaf_id = uuid()": "selected message does not exist",
        "UPDATE search_index SET taken = 999999": "another index",
    },
    "circles": {
        f"UPDATE messages SET parent_id = {MESSAGE}": "in a circle",
        "UPDATE conversations SET leaf_id = NULL": "selected message does not exist",
        "DELETE FROM search_index": "another index",
    },
    "rows": {
        "INSERT INTO messages SELECT * FROM messages ORDER BY id LIMIT 1": "there twice",
        f"UPDATE messages SET conversation_id = uuid() WHERE id = {MESSAGE}": "chat that does not exist",
        "UPDATE generations SET message_id = uuid()": "Model calls of a message",
    },
    "nothing left": {"DELETE FROM messages": "Empty chats"},
}


@pytest.mark.usefixtures("chat")
@pytest.mark.parametrize("harms", WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_named(database: Database, search: Search, care: Care, harms: dict[str, str]) -> None:
    """Each kind of damage is found and named, and something can be done about it."""
    made(search)
    change(database, *harms)
    problems = found(care).problems
    named = "\n".join(problem.what for problem in problems)
    assert [] == [words for words in harms.values() if words not in named]
    assert all(problem.count > 0 and problem.remedy for problem in problems)


def test_messages_of_two_chats(database: Database, care: Care, chat: str) -> None:
    """An answer in another chat than its question is found, with the chat's title."""
    conversations = Conversations(database)
    other = conversations.create("Another one")
    with database.read() as cursor:
        question = cursor.execute("SELECT min(id)::VARCHAR FROM messages WHERE conversation_id = ?", [chat]).fetchall()
    conversations.add_message(other, question[0][0], Message("assistant", (TextPart("Where?"),)))
    (problem,) = found(care).problems
    assert ("Messages that answer one of another chat", ("Another one",)) == (problem.what, problem.where)


@pytest.mark.usefixtures("chat")
def test_look_ups_that_differ(database: Database, care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that a scan finds and a look-up by id does not is named by its table and id."""
    monkeypatch.setattr(care_checks, "_LOOK_UP", "SELECT 1 FROM {table} AS rows WHERE id = ?::UUID AND false")
    (problem,) = found(care).problems
    assert problem.count == count(database, "conversations") + 2 + 1 + 1
    assert any(where.startswith("conversations ") for where in problem.where)


@pytest.mark.usefixtures("chat")
def test_the_search_misses_something(database: Database, search: Search, care: Care) -> None:
    """A message that came past the index is noticed; made anew, the index has it."""
    made(search)
    change(database, "INSERT INTO messages SELECT * REPLACE (uuid() AS id) FROM messages LIMIT 1")
    (problem,) = found(care).problems
    assert ("rebuild_index", ("3 messages in the record, 2 in the index",)) == (problem.remedy, problem.where)
    care.rebuild_index()
    until(lambda: search.held == 3 and search.progress.state == "ready")
    assert () == found(care).problems


def test_another_leaf(database: Database, care: Care, chat: str) -> None:
    """Where the selected message does not exist, the newest one can be selected, and the chat is whole again."""
    change(database, "UPDATE conversations SET leaf_id = uuid()")
    assert "select_newest" in {problem.remedy for problem in found(care).problems}
    care.select_newest()
    care.settle()
    assert care.integrity is not None
    assert () == care.integrity.problems
    assert ["Which?", "Gorillas."] == [each.message.text for each in Conversations(database).branch(chat)]


@pytest.mark.usefixtures("chat")
def test_a_check_ends_in_time(database: Database, search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that takes too long is interrupted and says so; the others have had their turn."""

    def endless(cursor: duckdb.DuckDBPyConnection) -> Check:
        cursor.execute("SELECT count(*) FROM range(10000000000) a(i), range(1000) b(j) WHERE hash(i + j) = 1")
        raise AssertionError("it came to an end")

    monkeypatch.setattr(care_checks, "_links", endless)
    integrity = examine(database, search, seconds=0.5, tell=lambda *_: None, ending=threading.Event())
    assert [True, True] == [check.unfinished for check in integrity.checks[2:]]


@pytest.mark.usefixtures("chat")
def test_it_happens_by_itself(database: Database, search: Search, tmp_path: Path) -> None:
    """Some time after the start the rules are applied and the record is checked, without anybody asking."""
    care = Care(database, tmp_path, search, first_s=0.01)
    until(lambda: care.integrity is not None and care.applied is not None)
    care.close()
    assert care.integrity is not None
    assert () == care.integrity.problems
    assert care.job is None


def test_closing_ends_a_check(database: Database, search: Search, tmp_path: Path) -> None:
    """The end of the program does not wait for a check."""
    care = Care(database, tmp_path, search, first_s=3600)
    care.check()
    care.close()
    with pytest.raises(InputRefused):
        care.check()


def test_one_thing_at_a_time(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    """While something goes on nothing else is begun; what it says can be put away afterwards."""
    begun, go_on = threading.Event(), threading.Event()

    def waiting(*_arguments: object, **_named: object) -> Integrity:
        begun.set()
        assert go_on.wait(60)
        return Integrity(datetime.now(UTC), 0.0, ())

    monkeypatch.setattr("apehost_core.store.care.examine", waiting)
    care.check()
    assert begun.wait(60)
    with pytest.raises(InputRefused):
        care.back_up()
    care.forget()
    assert care.job is not None
    go_on.set()
    care.settle()
    care.forget()
    assert care.job is None


def test_a_defect_is_told_without_its_words(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours ends the job; the page learns that it failed, not the words."""

    def broken(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("apehost_core.store.care.examine", broken)
    care.check()
    care.settle()
    assert care.job is not None
    assert care.job.fault is not None
    assert "secret" not in str(care.job.fault)


@pytest.mark.usefixtures("chat")
def test_sizes(care: Care) -> None:
    """Every table is listed with its rows; the bytes of all are what the file has, log and index beside it."""
    before = care.sizes()
    assert before.log > 0
    care.fold()
    care.settle()
    sizes = care.sizes()
    rows = {table.name: table.rows for table in sizes.tables}
    assert (1, 2, 1) == (rows["conversations"], rows["messages"], rows["runs"])
    assert 0 < sum(table.size for table in sizes.tables) <= sizes.file
    assert (True, True) == (sizes.log < before.log, sizes.disk_free > 0)
    care.back_up()
    care.settle()
    assert care.sizes().backups > 0


def test_tidying_waits_for_a_write(database: Database, care: Care, chat: str) -> None:
    """Tidying comes to its end beside a transaction that is open, once that is closed; writes go on."""
    holding, go_on = threading.Event(), threading.Event()

    def slowly(transaction: object) -> None:
        change_open: Callable[[str], object] = transaction.connection.execute  # type: ignore[attr-defined]
        change_open("UPDATE conversations SET title = 'Other'")
        holding.set()
        assert go_on.wait(60)

    written = database.submit(slowly)
    assert holding.wait(60)
    care.fold()
    go_on.set()
    written.result(60)
    care.settle()
    assert care.job is not None
    assert care.job.fault is None
    title = Conversations(database).get(chat)
    assert title is not None
    assert "Other" == title.title
