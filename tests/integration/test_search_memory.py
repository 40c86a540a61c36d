"""What hits are made of is read once, kept within a bound, and never older than the last commit."""

from collections.abc import Callable

import duckdb
import pytest

from apehost_core.messages import Message, ReasoningPart, TextPart, ToolCallPart, assistant_message, user_message
from apehost_core.store.database import Database
from apehost_core.store.search.changes import conversation_changed, message_added
from apehost_core.store.search.memory import Memory
from apehost_core.store.search.newest import Newest
from apehost_core.store.search.places import Place, Places
from apehost_core.store.search.schema import key_in
from apehost_core.store.search.texts import Said as Kept
from apehost_core.store.search.texts import Texts
from apehost_core.store.transaction import Transaction
from tests.search_samples import Said, keep, keep_texts


def read(memory: Memory, database: Database, *message_ids: str) -> dict[str, Kept]:
    """What the memory says of messages, by their ids; where they stood is not known."""
    with database.read() as cursor:
        memory.renew(cursor)
        found = memory.texts.read(cursor, [Place(key_in(each), 99) for each in message_ids])
    return {message.id: message for message in found.values()}


def texts(memory: Memory, database: Database, *message_ids: str) -> list[str]:
    """What they say."""
    return [message.text for message in read(memory, database, *message_ids).values()]


def conversation_of(database: Database, message_id: str) -> str:
    """The conversation of a message."""
    with database.read() as cursor:
        query = "SELECT conversation_id::VARCHAR FROM messages WHERE id = ?::UUID"
        return str(cursor.execute(query, [message_id]).fetchall()[0][0])


def rewritten(message_id: str, text: str, note: Callable[[Transaction], None]) -> Callable[[Transaction], None]:
    """A change of what a message says."""

    def work(transaction: Transaction) -> None:
        transaction.execute("UPDATE messages SET text = ? WHERE id = ?::UUID", [text, message_id])
        note(transaction)

    return work


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages each reading of the database asks for."""
    asked: list[int] = []
    really = Places.read

    def counted(places: Places, cursor: duckdb.DuckDBPyConnection, query: str, wanted: list[Place]) -> object:
        asked.append(len(wanted))
        return really(places, cursor, query, wanted)

    monkeypatch.setattr(Places, "read", counted)
    return asked


def test_a_message_is_read_once(database: Database, reads: list[int]) -> None:
    """With all that it says; one that is not there is looked for each time."""
    call = ToolCallPart(call_id="1", name="weather", arguments='{"city": "Bergen"}')
    message = Message(role="assistant", parts=(ReasoningPart(text="let me see"), TextPart(text="Rain"), call))
    ((first, second),) = keep(database, [Said("t", [message, assistant_message("Sun")])])
    memory = Memory(database)
    for expected in ([2], [2]):
        found = read(memory, database, first, second)
        assert ("Rain", "let me see", 'weather {"city": "Bergen"}') == found[first][-3:]
        assert ("assistant", "Sun", "", "") == (found[second].role, *found[second][-3:])
        assert expected == reads
    assert {} == read(memory, database, "00000000-0000-7000-8000-00000000abcd")
    assert [2, 1] == reads


def test_what_changed_is_read_anew(database: Database, reads: list[int]) -> None:
    """A message that is noted, and all messages of a conversation that is."""
    first, second = keep_texts(database, "one", "two")
    memory = Memory(database)
    assert ["one", "two"] == texts(memory, database, first, second)
    database.write(rewritten(first, "three", lambda transaction: message_added(transaction, first)))
    assert ["three"] == texts(memory, database, first)
    conversation_id = conversation_of(database, second)
    changed = rewritten(second, "four", lambda transaction: conversation_changed(transaction, conversation_id))
    database.write(changed)
    assert ["four"] == texts(memory, database, second)
    assert ["three", "four"] == texts(memory, database, first, second)
    assert [2, 1, 1] == reads


def test_no_more_is_kept_than_there_is_memory_for(database: Database, reads: list[int]) -> None:
    """What was not asked for the longest goes first."""
    one, two, three = keep_texts(database, *(letter * 500 for letter in "abc"))
    memory = Memory(database)
    memory.texts = Texts(most_last=2_000)
    for each in (one, two, one, three, one, two):
        assert 1 == len(texts(memory, database, each))
    assert 4 == len(reads)


def test_the_newest_are_read_before_they_are_asked_for(database: Database, reads: list[int]) -> None:
    """As many as there is memory for; what was asked for before stays."""
    ((one, two, three, four),) = keep(database, [Said("t", [user_message(letter * 500) for letter in "abcd"])])
    memory = Memory(database)
    memory.texts = Texts(most_newest=1_400)
    assert 1 == len(read(memory, database, one))
    memory.fill(lambda: False)
    assert 3 == len(read(memory, database, one, three, four))
    assert ([1], True) == (reads, memory.filled)
    assert 1 == len(read(memory, database, two))
    assert [1, 1] == reads


def test_what_changes_while_the_newest_are_read_is_read_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading sees the state at its beginning, which is old by the time it ends."""
    (written,) = keep_texts(database, "one")
    memory = Memory(database)
    really = Texts.newest

    def slowly(kept: Texts, cursor: duckdb.DuckDBPyConnection, seq: int, stop: Callable[[], bool]) -> Newest:
        found = really(kept, cursor, seq, stop)
        database.write(rewritten(written, "two", lambda transaction: message_added(transaction, written)))
        with database.read() as other:
            memory.renew(other)
        return found

    monkeypatch.setattr(Texts, "newest", slowly)
    memory.fill(lambda: False)
    assert ["two"] == texts(memory, database, written)
