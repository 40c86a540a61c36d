"""Rules of how long things are kept: seen before they are kept, and applied."""

from datetime import UTC, datetime, timedelta

import pytest

from apehost_core.errors import InputRefused, StoreError
from apehost_core.history.care import Preview, Rules
from apehost_core.messages import Message, TextPart
from apehost_core.store.care import Care
from apehost_core.store.care_rules import empty_trash
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.search import Search
from tests.integration.caring import change, count

LONG_AGO = datetime.now(UTC) - timedelta(days=400)


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
    care.check()
    care.settle()
    assert care.integrity is not None
    assert () == care.integrity.problems


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


def test_numbers_out_of_range(care: Care) -> None:
    """Days are from 1 to 3,650: others are neither kept nor counted."""
    for rules in (Rules(log_days=0), Rules(body_days=-1), Rules(idle_days=4000), Rules(trash_days=0)):
        for verb in (care.set_rules, care.preview):
            with pytest.raises(InputRefused):
                verb(rules)
    assert Rules() == care.rules


def test_rules_that_cannot_be_read(database: Database, care: Care, chat: str) -> None:
    """Rules that are damaged delete nothing, and say so; new ones take their place."""
    Conversations(database).trash(chat)
    change(database, "UPDATE conversations SET trashed_at = now() - INTERVAL 400 DAYS")
    for value in ("", "[]", '{"log_days": 0}', '{"other": 1}', '{"log_days": "x"}'):
        said = f"INSERT INTO kept_settings VALUES ('care_rules', '{value}', now())"
        change(database, "DELETE FROM kept_settings", said)
        with pytest.raises(StoreError):
            empty_trash(database)
        care.apply()
        care.settle()
        assert care.job is not None
        assert care.job.fault is not None
    assert 2 == count(database, "messages")
    care.set_rules(Rules())
    assert Rules() == care.rules
