"""Conversations in the store: trees, titles, trash and pages."""

from datetime import UTC, datetime, timedelta

import pytest

from apehost_core.messages import assistant_message, user_message
from apehost_core.store.conversations import TRASH_KEPT, Conversations
from apehost_core.store.database import Database
from tests.run_samples import UNKNOWN_ID


@pytest.fixture
def conversations(database: Database) -> Conversations:
    """Conversations of an empty database."""
    return Conversations(database)


def chain(conversations: Conversations, length: int) -> str:
    """A conversation of one branch of that many messages."""
    conversation_id, parent = conversations.create("long"), None
    for number in range(length):
        parent = conversations.add_message(conversation_id, parent, user_message(str(number))).id
    return conversation_id


def test_the_recent_part_of_a_branch(conversations: Conversations) -> None:
    """A page holds the last messages in order, and knows how many came before."""
    page = conversations.path(chain(conversations, 30), limit=20)
    assert [str(number) for number in range(10, 30)] == [stored.message.text for stored in page.messages]
    assert (10, 30) == (page.earlier, page.total)


def test_only_the_selected_branch_is_returned(conversations: Conversations) -> None:
    """Siblings are alternatives: selecting one leaves the other out."""
    conversation_id = conversations.create("tree")
    asked = conversations.add_message(conversation_id, None, user_message("q"))
    first = conversations.add_message(conversation_id, asked.id, assistant_message("one"))
    conversations.add_message(conversation_id, asked.id, assistant_message("two"))
    assert ["q", "two"] == [stored.message.text for stored in conversations.branch(conversation_id)]
    conversations.select(conversation_id, first.id)
    assert ["q", "one"] == [stored.message.text for stored in conversations.branch(conversation_id)]


def test_a_persons_title_stays(conversations: Conversations) -> None:
    """A model's title replaces the prompt's, never one that a person gave."""
    conversation_id = chain(conversations, 1)
    conversations.improve_title(conversation_id, "By a model")
    assert "By a model" == _title(conversations, conversation_id)
    conversations.rename(conversation_id, "By me")
    conversations.improve_title(conversation_id, "Better?")
    assert "By me" == _title(conversations, conversation_id)


def _title(conversations: Conversations, conversation_id: str) -> str:
    found = conversations.get(conversation_id)
    assert found is not None
    return found.title


def test_trash_and_back(conversations: Conversations) -> None:
    """What is in the trash is in no list and at no link, until it is restored."""
    conversation_id = chain(conversations, 2)
    conversations.trash(conversation_id)
    assert [] == conversations.recent(10)
    assert conversations.get(conversation_id) is None
    conversations.restore(conversation_id)
    assert [conversation_id] == [summary.id for summary in conversations.recent(10)]


def test_the_trash_is_emptied_after_thirty_days(conversations: Conversations, database: Database) -> None:
    """Words go with their conversation after 30 days; younger trash and everything else stays."""
    old, young, kept = (chain(conversations, 1) for _ in range(3))
    conversations.trash(young)
    long_ago = datetime.now(UTC) - TRASH_KEPT - timedelta(hours=1)
    database.write(
        lambda transaction: transaction.execute("UPDATE conversations SET trashed_at = ? WHERE id = ?", [long_ago, old])
    )
    assert 1 == conversations.empty_trash()
    assert 0 == len(conversations.branch(old))
    assert (1, 1) == (len(conversations.branch(young)), len(conversations.branch(kept)))


def test_a_full_trash_is_emptied_in_a_few_commits(conversations: Conversations, database: Database) -> None:
    """The app starts only then: two thousand chats that went one by one took it most of a minute."""
    for _ in range(250):
        chain(conversations, 1)
    database.write(
        lambda transaction: transaction.execute(
            "UPDATE conversations SET trashed_at = ?", [datetime(2026, 1, 1, tzinfo=UTC)]
        )
    )
    before = database.commits
    assert 250 == conversations.empty_trash()
    assert 2 == database.commits - before
    with database.read() as cursor:
        assert [(0,)] == cursor.execute("SELECT count(*) FROM messages").fetchall()


@pytest.mark.parametrize("link", ["", "nonsense", "'; DROP TABLE messages", UNKNOWN_ID])
def test_a_link_to_nothing(conversations: Conversations, link: str) -> None:
    """Any text in a link is answered with None."""
    assert conversations.get(link) is None


def test_newest_first(conversations: Conversations) -> None:
    """The list is sorted by the last message; conversations without any are left out."""
    first, second = chain(conversations, 1), chain(conversations, 1)
    conversations.create("empty")
    last = conversations.branch(first)[-1]
    conversations.add_message(first, last.id, user_message("again"))
    assert [first, second] == [summary.id for summary in conversations.recent(10)]


def test_the_same_message_is_never_twice(conversations: Conversations, database: Database) -> None:
    """Ids are unique, also without an index that would enforce it."""
    chain(conversations, 50)
    with database.read() as cursor:
        twice = cursor.execute("SELECT id FROM messages GROUP BY id HAVING count(*) > 1").fetchall()
    assert [] == twice
