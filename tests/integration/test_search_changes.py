"""Search while the record changes: what is recorded, renamed, tagged, archived, deleted and imported."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from apehost_core.errors import Fault, StoreError
from apehost_core.ids import new_id
from apehost_core.messages import assistant_message, user_message
from apehost_core.runs.run import RunEnding
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.endings import write_ending
from apehost_core.store.library import Library
from apehost_core.store.search import Search
from apehost_core.store.search.changes import message_added
from apehost_core.store.search.feeder import Feeder
from apehost_core.store.search.places import Place, Places
from apehost_core.store.search.schema import key_of
from tests.run_samples import chat_spec
from tests.search_samples import START, Said, find, ids, keep, keep_texts, plain, searching

READ = "SELECT rowid, id::VARCHAR, text FROM messages WHERE rowid IN (SELECT unnest(?::BIGINT[]))"


def answer(database: Database, question: str, *, failed: bool = False) -> None:
    """A question with its answer, or with the failure to get one, as the recorder writes it."""
    conversations = Conversations(database)
    conversation_id = conversations.create(question)
    asked = conversations.add_message(conversation_id, None, user_message(question))
    spec = chat_spec(conversation_id, asked.id)
    row = {"id": spec.run_id, "kind": "chat", "started_at": spec.started_at, "server": "", "model": ""}
    row |= {"conversation_id": conversation_id, "parent_message_id": asked.id}
    database.write(lambda transaction: transaction.insert("runs", row))
    fault = Fault(kind="refused", title="Server refused") if failed else None
    message = None if failed else assistant_message("the answer")
    ending = RunEnding(spec.run_id, "failed" if failed else "completed", datetime.now(UTC), fault, message, ())
    database.write(lambda transaction: write_ending(transaction, spec, ending))


def test_what_the_recorder_writes_is_found(database: Database, search: Search) -> None:
    """Questions, answers and failed questions are found as soon as they are recorded."""
    answer(database, "first question")
    answer(database, "second question", failed=True)
    assert search.settle(30)
    assert ["the answer"] == [
        plain(hit.snippet).replace("[", "").replace("]", "") for hit in search.find("answer").hits
    ]
    assert ["second question"] == [plain(hit.snippet) for hit in search.find("has:error").hits]
    assert 1 == search.find("second role:user").total


def test_titles_tags_archive_and_trash(database: Database, search: Search) -> None:
    """What changes of a conversation changes what is found, and the trash is looked into only when asked."""
    conversations, library = Conversations(database), Library(database, lambda: None)
    conversation_id = conversations.create("Ferns")
    asked = conversations.add_message(conversation_id, None, user_message("how they grow"))
    conversations.rename(conversation_id, "Mosses")
    library.tag([conversation_id], "Green")
    library.archive([conversation_id])
    assert [] == find(search, "ferns")
    assert [conversation_id] == [hit.conversation_id for hit in search.find("mosses").hits]
    (hit,) = search.find("grow tag:green in:archive").hits
    assert (("Green",), True, False, "Mosses") == (hit.tags, hit.archived, hit.trashed, hit.title)
    assert [] == find(search, "grow tag:gree")
    conversations.trash(conversation_id)
    assert ([], [asked.id]) == (find(search, "grow"), find(search, "grow in:trash"))
    conversations.restore(conversation_id)
    library.unarchive([conversation_id])
    assert ([asked.id], []) == (find(search, "grow -in:archive"), find(search, "grow in:trash"))


def test_the_trash_shows_nothing_even_before_the_index_knows(
    database: Database, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed is taken in before a hit is shown, so that no deleted words appear."""
    (written,) = keep_texts(database, "secret ferns")
    assert [written] == find(search, "ferns")
    monkeypatch.setattr(Feeder, "_catch_up", lambda *_: False)
    conversations, (hit,) = Conversations(database), search.find("ferns").hits
    conversations.rename(hit.conversation_id, "Mosses")
    assert ["Mosses"] == [hit.title for hit in search.find("ferns").hits]
    conversations.trash(hit.conversation_id)
    found = search.find("ferns")
    assert ((), 1) == (found.hits, found.total)
    conversations.restore(hit.conversation_id)
    assert [written] == ids(search.find("ferns"))
    conversations.trash(hit.conversation_id)
    with database.read() as cursor:
        cursor.execute("UPDATE conversations SET trashed_at = now() - INTERVAL 31 DAY")
    conversations.empty_trash()
    assert [] == ids(search.find("ferns"))


def test_a_hit_tells_of_its_conversation_as_it_is_now(database: Database, search: Search) -> None:
    """Conversations that come, change and go are read again, those of a clock that was set back too."""
    assert [] == find(search, "ferns")
    first, second = keep(database, [Said("Ferns", [user_message("one")]), Said("Ferns again", [user_message("two")])])
    assert search.settle(30)
    assert {"Ferns", "Ferns again"} == {hit.title for hit in search.find("ferns").hits}
    Library(database, lambda: None).tag([search.find("one").hits[0].conversation_id], "Green")
    assert [("Green",), ()] == [search.find(word).hits[0].tags for word in ("one", "two")]
    early = Said("Ferns of old", [user_message("three")], START - timedelta(days=900))
    ((third,),) = keep(database, [early], noted=False)
    database.write(lambda transaction: message_added(transaction, third))
    assert [third] == find(search, "three")
    assert ["Ferns of old"] == [hit.title for hit in search.find("three").hits]
    assert [first[0], second[0]] == [find(search, word)[0] for word in ("one", "two")]


def test_what_is_deleted_for_good_is_gone(database: Database, search: Search) -> None:
    """Nothing of a conversation stays in the index."""
    conversations = Conversations(database)
    conversation_id = conversations.create("Ferns")
    conversations.add_message(conversation_id, None, user_message("how ferns grow"))
    conversations.trash(conversation_id)
    assert 2 == len(find(search, "ferns in:trash"))
    with database.read() as cursor:
        cursor.execute("UPDATE conversations SET trashed_at = now() - INTERVAL 31 DAY")
    assert 1 == conversations.empty_trash()
    assert (True, 0) == (search.settle(30), search.find("ferns in:trash").total)


def test_rows_are_found_wherever_they_moved(database: Database) -> None:
    """A row that no longer stands where it stood is looked up; one that is gone is left out."""
    written = keep_texts(database, *(f"text {number}" for number in range(5)))
    places = Places()
    with database.read() as cursor:
        rows = cursor.execute("SELECT id, rowid FROM messages ORDER BY id").fetchall()
        assert written == [str(identifier) for identifier, _ in rows]
        wrong = [Place(key_of(identifier), (row + 1) % 5) for identifier, row in rows]
        gone = Place(12345, 2)
        for wanted in ([*wrong, gone], [place._replace(row=99) for place in wrong], [gone], []):
            found = places.read(cursor, READ, wanted)
            assert {place.key for place in wanted if place != gone} == set(found)
            assert [f"text {n}" for n, place in enumerate(wrong) if place.key in found] == [
                row[1] for row in (found[place.key] for place in wrong if place.key in found)
            ]


def test_an_index_that_cannot_be_written_says_so(database: Database, tmp_path: Path) -> None:
    """Where no folder can be made the search says why, and the record goes on."""
    blocked = tmp_path / "search"
    blocked.write_text("a file, not a folder")
    with searching(database, blocked) as search:
        with pytest.raises(StoreError, match="search index"):
            search.find("ferns")
        assert "broken" == search.progress.state
        keep_texts(database, "ferns")
        blocked.unlink()
        assert search.settle(30)
        assert 1 == search.find("ferns").total


def test_imported_tool_results_are_found(database: Database, search: Search) -> None:
    """What only the record of the calls knows is found too."""
    ((written,),) = keep(database, [Said("t", [assistant_message("done")])], noted=False)
    row = {"id": new_id(), "message_id": written, "call_id": "1", "tool": "weather", "source": "import"}
    row |= {"arguments": orjson.dumps({"city": "Bergen"}).decode(), "result": "heavy rain"}
    database.write(lambda transaction: transaction.insert("tool_calls", row))
    search.rebuild()
    assert [written] == find(search, "bergen rain tool:weather has:tool")
