"""Checks of the record, rules of how long things are kept, sizes, and the work in the background."""

import threading
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from apehost_core.errors import InputRefused, StoreError
from apehost_core.history.care import Check, Integrity, Preview, Rules
from apehost_core.ids import new_id
from apehost_core.messages import Message, TextPart
from apehost_core.store import care_checks
from apehost_core.store.care import Care
from apehost_core.store.care_checks import examine
from apehost_core.store.care_rules import empty_trash
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.search import Search
from tests.ui.running import until

LONG_AGO = datetime.now(UTC) - timedelta(days=400)


@pytest.fixture
def search(database: Database, tmp_path: Path) -> Generator[Search, None, None]:
    """The search index of the database."""
    search = Search(database, tmp_path / "search")
    yield search
    search.close()


@pytest.fixture
def care(database: Database, search: Search, tmp_path: Path) -> Generator[Care, None, None]:
    """What cares for the database, without what is done by itself."""
    care = Care(database, tmp_path, search, first_s=3600)
    yield care
    care.close()


@pytest.fixture
def chat(database: Database) -> str:
    """A chat of a question and an answer, with the run and the call that made it; its id."""
    conversations = Conversations(database)
    chat_id = conversations.create("Great apes")
    question = conversations.add_message(chat_id, None, Message("user", (TextPart("Which?"),)))
    answer = conversations.add_message(chat_id, question.id, Message("assistant", (TextPart("Gorillas."),)))
    run, call = new_id(), new_id()
    change(
        database,
        "INSERT INTO runs (id, kind, conversation_id, message_id, server, model, started_at, finished_at, outcome) "
        f"VALUES ('{run}', 'chat', '{chat_id}', '{answer.id}', 'pc', 'm', now(), now(), 'completed')",
        "INSERT INTO generations (id, run_id, message_id, conversation_id, started_at, server, model_asked, sampling, "
        "prompt_parts, prompt_hash, prompt_tokens_estimated, completion_tokens_estimated, outcome, warnings) VALUES "
        f"('{call}', '{run}', '{answer.id}', '{chat_id}', now(), 'pc', 'm', '{{}}', '[]', '', false, false, "
        "'completed', '[]')",
        "INSERT INTO run_events VALUES "
        f"('{run}', 1, 1, 0, 0, 'text', 'Gorillas.', 2, NULL), ('{run}', 2, 2, 0, 0, 'milestone', NULL, NULL, '{{}}')",
        f"INSERT INTO requests VALUES ('{run}', 1, '/v1', '{{}}', 'x')",
        "INSERT INTO tool_calls (id, run_id, generation_id, message_id, call_id, tool, source, arguments) "
        f"VALUES ('{new_id()}', '{run}', '{call}', '{answer.id}', 'a', 'now', 'test', '{{}}')",
    )
    return chat_id


def change(database: Database, *statements: str) -> None:
    """Do something to the record that the app would not."""
    for statement in statements:
        database.write(lambda transaction, sql=statement: transaction.execute(sql, []))


def count(database: Database, table: str) -> int:
    """How many rows a table has."""
    with database.read() as cursor:
        return cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]


def found(care: Care) -> Integrity:
    """Check the record."""
    care.check()
    care.settle()
    assert care.job is not None
    assert care.job.fault is None
    assert care.integrity is not None
    return care.integrity


@pytest.mark.usefixtures("chat")
def test_a_sound_record(care: Care) -> None:
    """Where all is well every check says so, and how much it looked at."""
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
    assert search.settle()
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
    assert search.settle()
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
    integrity = examine(database, search, seconds=2, tell=lambda *_: None, ending=threading.Event())
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


def aged(database: Database) -> None:
    """Have everything have happened long ago."""
    at = f"TIMESTAMPTZ '{LONG_AGO:%Y-%m-%d %H:%M:%S}+00'"
    change(
        database,
        f"UPDATE runs SET finished_at = {at}",
        f"UPDATE conversations SET updated_at = {at}, created_at = {at}",
    )


def previewed(care: Care, rules: Rules) -> dict[str, tuple[int, int]]:
    """What rules would touch: counts and bytes by rule, without the trash."""
    care.preview(rules)
    care.settle()
    assert care.job is not None
    assert isinstance(care.job.result, Preview)
    return {each.rule: (each.count, each.size) for each in care.job.result.touched if each.rule != "emptied"}


def applied(care: Care, rules: Rules) -> None:
    """Keep rules and apply them."""
    care.set_rules(rules)
    care.apply()
    care.settle()
    assert care.job is not None
    assert care.job.fault is None


def test_nothing_goes_by_itself(database: Database, care: Care, chat: str) -> None:
    """Unless a person says otherwise nothing is deleted or put away, however old."""
    aged(database)
    before = [count(database, table) for table in ("run_events", "requests", "messages")]
    assert Rules() == care.rules
    care.apply()
    care.settle()
    assert before == [count(database, table) for table in ("run_events", "requests", "messages")]
    assert Conversations(database).get(chat) is not None


@pytest.mark.usefixtures("chat")
def test_logs_and_bodies(database: Database, care: Care) -> None:
    """What is older goes as the preview said; the messages and what was measured stay."""
    rules = Rules(log_days=30, body_days=30)
    assert {"logs": (0, 0), "bodies": (0, 0)} == previewed(care, rules)
    aged(database)
    assert {"logs": (1, 11), "bodies": (1, 2)} == previewed(care, rules)
    assert (2, 1) == (count(database, "run_events"), count(database, "requests"))
    applied(care, rules)
    assert (0, 0) == (count(database, "run_events"), count(database, "requests"))
    assert (2, 1, 1) == tuple(count(database, table) for table in ("messages", "generations", "tool_calls"))
    assert rules == care.rules
    assert () == found(care).problems


@pytest.mark.usefixtures("chat")
@pytest.mark.parametrize(
    "spared", ["UPDATE runs SET comparison_id = uuid()", "UPDATE runs SET outcome = NULL, finished_at = NULL"]
)
def test_logs_that_stay(database: Database, care: Care, spared: str) -> None:
    """Logs of comparisons and of runs that have not ended are not touched."""
    aged(database)
    change(database, spared)
    applied(care, Rules(log_days=1, body_days=1))
    assert (2, 1) == (count(database, "run_events"), count(database, "requests"))


@pytest.mark.parametrize("column", ["archived_at", "trashed_at"])
def test_idle_chats(database: Database, search: Search, care: Care, chat: str, column: str) -> None:
    """Chats that were not used for so long are put away, and the search knows; one that was used stays."""
    aged(database)
    conversations = Conversations(database)
    fresh = conversations.create("Fresh")
    conversations.add_message(fresh, None, Message("user", (TextPart("Now?"),)))
    rules = Rules(idle_days=30, idle_action="archive" if column == "archived_at" else "trash")
    assert {rules.idle_action: (1, 0)} == previewed(care, rules)
    revision = care.chats_revision
    applied(care, rules)
    with database.read() as cursor:
        away = cursor.execute(f"SELECT id::VARCHAR FROM conversations WHERE {column} IS NOT NULL").fetchall()
    assert [(chat,)] == away
    assert care.chats_revision > revision
    assert search.settle()
    words = "Gorillas in:archive" if column == "archived_at" else "Gorillas in:trash"
    assert search.find(words).total > 0


def test_days_in_the_trash(database: Database, care: Care, chat: str) -> None:
    """What is in the trash stays as long as the rules say, and then goes with its tool calls."""
    Conversations(database).trash(chat)
    change(database, "UPDATE conversations SET trashed_at = now() - INTERVAL 40 DAYS")
    care.set_rules(Rules(trash_days=60))
    assert 0 == empty_trash(database)
    care.set_rules(Rules(trash_days=39))
    assert 1 == empty_trash(database)
    assert (0, 0, 1) == tuple(count(database, table) for table in ("messages", "tool_calls", "generations"))


def test_an_imported_tool_call_goes_too(database: Database, chat: str) -> None:
    """Tool calls that belong to no run go with their messages."""
    Conversations(database).trash(chat)
    change(
        database,
        "UPDATE tool_calls SET run_id = NULL",
        "UPDATE conversations SET trashed_at = now() - INTERVAL 40 DAYS",
    )
    assert 1 == empty_trash(database)
    assert 0 == count(database, "tool_calls")


@pytest.mark.parametrize("rules", [Rules(log_days=0), Rules(body_days=-1), Rules(idle_days=4000), Rules(trash_days=0)])
def test_numbers_out_of_range(care: Care, rules: Rules) -> None:
    """Days are from 1 to 3,650: others are neither kept nor counted."""
    for verb in (care.set_rules, care.preview):
        with pytest.raises(InputRefused):
            verb(rules)
    assert Rules() == care.rules


@pytest.mark.parametrize("value", ["", "[]", '{"log_days": 0}', '{"other": 1}', '{"log_days": "x"}'])
def test_rules_that_cannot_be_read(database: Database, care: Care, chat: str, value: str) -> None:
    """Rules that are damaged delete nothing, and say so; new ones take their place."""
    Conversations(database).trash(chat)
    change(
        database,
        "UPDATE conversations SET trashed_at = now() - INTERVAL 400 DAYS",
        f"INSERT INTO kept_settings VALUES ('care_rules', '{value}', now())",
    )
    with pytest.raises(StoreError):
        empty_trash(database)
    care.apply()
    care.settle()
    assert care.job is not None
    assert care.job.fault is not None
    assert 2 == count(database, "messages")
    care.set_rules(Rules())
    assert Rules() == care.rules


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
