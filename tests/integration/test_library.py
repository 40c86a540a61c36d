"""All conversations as a list, what is done to many at once, and the branch of a message that is looked for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from apehost_core.errors import InputRefused
from apehost_core.history.listing import Choices, Listed, ListFilter
from apehost_core.messages import assistant_message, user_message
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.library import LONGEST_TAG, Library
from tests.run_samples import UNKNOWN_ID


@pytest.fixture
def conversations(database: Database) -> Conversations:
    """Conversations of an empty database."""
    return Conversations(database)


@pytest.fixture
def library(database: Database, conversations: Conversations) -> Library:
    """The list of the conversations."""
    return Library(database, conversations.listed_anew)


def chat(conversations: Conversations, title: str) -> str:
    """A chat of one question; returns its id."""
    conversation_id = conversations.create(title)
    conversations.add_message(conversation_id, None, user_message(f"about {title}"))
    return conversation_id


def titles(library: Library, wanted: ListFilter | None = None) -> list[str]:
    """The titles of what is found."""
    return [listed.title for listed in library.find(wanted or ListFilter(), limit=50)[0]]


def one(library: Library, wanted: ListFilter | None = None) -> Listed:
    """The only conversation that is found."""
    found, total = library.find(wanted or ListFilter(place=None), limit=50)
    assert (1, 1) == (len(found), total)
    return found[0]


def test_pages_of_the_list(conversations: Conversations, library: Library) -> None:
    """Pages follow each other, last used first, and each knows how many there are; an empty chat is none."""
    for number in range(5):
        chat(conversations, str(number))
    conversations.create("nothing was said")
    first, total = library.find(ListFilter(), limit=2)
    second, _ = library.find(ListFilter(), limit=2, offset=2)
    assert (["4", "3"], ["2", "1"], 5) == ([x.title for x in first], [x.title for x in second], total)
    assert ([], 5) == library.find(ListFilter(), limit=2, offset=10)
    assert ([], 0) == library.find(ListFilter(contains="no such title"), limit=2)


def test_what_a_line_says(database: Database, conversations: Conversations, library: Library) -> None:
    """A line has the messages of all branches, the tokens, the models and the tags of its conversation alone."""
    conversation_id = chat(conversations, "tree")
    asked = conversations.branch(conversation_id)[0]
    conversations.add_message(conversation_id, asked.id, assistant_message("one"))
    conversations.add_message(conversation_id, asked.id, assistant_message("two"))
    for model, tokens in (("b", 3), ("a", 4), ("b", None)):
        database.write(
            lambda transaction, model=model, tokens=tokens: transaction.insert(
                "generations", generation(conversation_id, model, tokens)
            )
        )
    library.tag([conversation_id], "zoo")
    library.tag([conversation_id], "ape")
    listed = one(library)
    assert (3, 7, ("a", "b"), ("ape", "zoo")) == (listed.messages, listed.tokens, listed.models, listed.tags)
    assert (False, None, None) == (listed.archived, listed.trashed_at, listed.origin)


def generation(conversation_id: str, model: str, tokens: int | None = 1) -> dict[str, object]:
    """A model call of a conversation."""
    return {
        "id": UNKNOWN_ID,
        "run_id": UNKNOWN_ID,
        "conversation_id": conversation_id,
        "started_at": datetime.now(UTC),
        "server": "mini",
        "model_asked": model,
        "sampling": "{}",
        "prompt_parts": "[]",
        "prompt_hash": "",
        "prompt_tokens_estimated": False,
        "completion_tokens": tokens,
        "completion_tokens_estimated": False,
        "outcome": "completed",
        "warnings": "[]",
    }


def test_filters(database: Database, conversations: Conversations, library: Library) -> None:
    """Each filter lets through what it says, and together they narrow."""
    first, second = chat(conversations, "A Gorilla"), chat(conversations, "100% lemur")
    database.write(lambda transaction: transaction.insert("generations", generation(first, "Gemma")))
    library.tag([second], "Fast")
    assert ["A Gorilla"] == titles(library, ListFilter(contains="gORI"))
    assert ["100% lemur"] == titles(library, ListFilter(contains="%"))
    assert ["A Gorilla"] == titles(library, ListFilter(model="gemma"))
    assert ["A Gorilla"] == titles(library, ListFilter(server="mini"))
    assert ["100% lemur"] == titles(library, ListFilter(tag="fast"))
    assert [] == titles(library, ListFilter(tag="fast", server="mini"))
    assert [] == titles(library, ListFilter(imported=True))
    assert ["100% lemur", "A Gorilla"] == titles(library, ListFilter(imported=False))
    assert Choices(("Fast",), ("Gemma",), ("mini",)) == library.choices()


def test_filter_by_time(conversations: Conversations, library: Library) -> None:
    """The last message came at or after the one bound, and before the other."""
    chat(conversations, "now")
    at = one(library).updated_at
    second = timedelta(seconds=1)
    assert ["now"] == titles(library, ListFilter(after=at, before=at + second))
    assert [] == titles(library, ListFilter(before=at))
    assert [] == titles(library, ListFilter(after=at + second))


def test_archive_and_trash(conversations: Conversations, library: Library) -> None:
    """What is archived or thrown away leaves the sidebar, is listed where it went, and comes back."""
    ids = [chat(conversations, name) for name in ("a", "b", "c")]
    library.archive(ids[:1])
    library.trash(ids[1:2])
    assert ["c"] == [summary.title for summary in conversations.recent(10)] == titles(library)
    assert ["a"] == titles(library, ListFilter(place="archive"))
    assert ["b"] == titles(library, ListFilter(place="trash"))
    assert ["c", "a"] == titles(library, ListFilter(place=None))
    library.unarchive(ids)
    library.restore(ids)
    assert ["c", "b", "a"] == titles(library)


def test_throwing_away_twice_does_not_keep_it_longer(conversations: Conversations, library: Library) -> None:
    """The 30 days in the trash count from the first time."""
    ids = [chat(conversations, "a")]
    library.trash(ids)
    before = one(library, ListFilter(place="trash")).trashed_at
    library.trash(ids)
    assert before == one(library, ListFilter(place="trash")).trashed_at


def test_every_verb_says_what_it_changed(conversations: Conversations, library: Library) -> None:
    """Only those are named that are different now, so that an undo touches no others."""
    first, second = (chat(conversations, name) for name in ("a", "b"))
    for do, undo in (
        (library.archive, library.unarchive),
        (library.trash, library.restore),
        (partial(library.tag, tag="x"), partial(library.untag, tag="x")),
    ):
        assert (first,) == do([first])
        assert (second,) == do([first, second])
        assert {first, second} == set(undo([first, second]))
        assert () == undo([first, second])


def test_all_that_a_filter_lets_through(conversations: Conversations, library: Library) -> None:
    """The ids are those of all pages."""
    ids = [chat(conversations, name) for name in ("apple", "pear", "crab apple")]
    assert {ids[0], ids[2]} == set(library.ids(ListFilter(contains="apple")))


def test_what_stands_around_a_message(conversations: Conversations, library: Library) -> None:
    """The one before it, and the newest of those after it; nothing around what does not exist."""
    conversation_id = chat(conversations, "tree")
    asked = conversations.branch(conversation_id)[0]
    old = conversations.add_message(conversation_id, asked.id, assistant_message("old"))
    new = conversations.add_message(conversation_id, asked.id, assistant_message("new"))
    assert (asked, new) == library.around(asked.id)
    assert (asked, old) == library.around(old.id)
    assert () == library.around(UNKNOWN_ID) == library.around("no id")


def test_tags(conversations: Conversations, library: Library) -> None:
    """A tag is given once however often it is asked for, has no blanks, and goes when it is taken."""
    ids = [chat(conversations, name) for name in ("a", "b")]
    library.tag(ids[:1], "  to read\n")
    library.tag(ids, "to-read")
    assert ("to-read",) == library.choices().tags
    assert [("to-read",)] * 2 == [listed.tags for listed in library.find(ListFilter(), limit=9)[0]]
    library.untag(ids[:1], "to-read")
    assert ["b"] == titles(library, ListFilter(tag="to-read"))


@pytest.mark.parametrize("tag", ["", " \n", "x" * (LONGEST_TAG + 1)])
def test_tags_that_are_none(library: Library, tag: str) -> None:
    """An empty tag and an endless one are refused before anything is written."""
    with pytest.raises(InputRefused):
        library.tag([UNKNOWN_ID], tag)
    assert () == library.choices().tags


def test_every_change_is_noticed(conversations: Conversations, library: Library) -> None:
    """Whoever watches the list sees each change of many at once."""
    ids = [chat(conversations, "a")]
    changes: list[Callable[[], object]] = [
        lambda: library.tag(ids, "x"),
        lambda: library.untag(ids, "x"),
        lambda: library.archive(ids),
        lambda: library.unarchive(ids),
        lambda: library.trash(ids),
        lambda: library.restore(ids),
    ]
    for change in changes:
        before = conversations.revision
        change()
        assert conversations.revision > before


def test_opening_a_message_in_its_branch(conversations: Conversations) -> None:
    """A message in the selected branch leaves it selected; one of another branch selects the newest through it."""
    conversation_id = chat(conversations, "tree")
    asked = conversations.branch(conversation_id)[0]
    old = conversations.add_message(conversation_id, asked.id, assistant_message("old"))
    ends = [conversations.add_message(conversation_id, old.id, user_message(text)) for text in ("one", "two")]
    new = conversations.add_message(conversation_id, asked.id, assistant_message("new"))
    assert 1 == conversations.select_through(conversation_id, new.id)
    assert 2 == conversations.select_through(conversation_id, asked.id)
    assert [asked, new] == list(conversations.branch(conversation_id))
    assert 2 == conversations.select_through(conversation_id, old.id)
    assert [asked, old, ends[1]] == list(conversations.branch(conversation_id))
    assert 1 == conversations.select_through(conversation_id, ends[0].id)
    assert [asked, old, ends[0]] == list(conversations.branch(conversation_id))


@pytest.mark.parametrize("message_id", [UNKNOWN_ID, "", "no id"])
def test_opening_a_message_that_is_not_there(conversations: Conversations, message_id: str) -> None:
    """A message of another conversation, and none at all, change nothing."""
    conversation_id = chat(conversations, "a")
    before = conversations.branch(conversation_id)
    other = conversations.branch(chat(conversations, "b"))[0].id
    for wanted in (message_id, other):
        assert conversations.select_through(conversation_id, wanted) is None
    assert before == conversations.branch(conversation_id)
