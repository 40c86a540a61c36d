"""What the recorder promises: everything it took is in the file, and the fold of the file is what was seen."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apehost_core.events import LoggedEvent, TextDelta
from apehost_core.messages import ReasoningPart, TextPart, user_message
from apehost_core.runs.transcript import Transcript, ending_of
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.event_rows import events_of
from apehost_core.store.history import recent_generations
from apehost_core.store.interrupted import close_interrupted
from apehost_core.store.recorder import DuckRecorder
from tests.run_samples import MS, answered, chat_spec

pytestmark = pytest.mark.anyio


def folded(events: list[LoggedEvent]) -> Transcript:
    """The transcript of some events."""
    transcript = Transcript()
    for event in events:
        transcript.add(event)
    return transcript


async def test_a_run_is_found_again_as_it_was(database: Database) -> None:
    """Message, generation with timings, run and conversation leaf are all there after close_run returns."""
    conversations, recorder = Conversations(database), DuckRecorder(database)
    conversation_id = conversations.create("A talk")
    asked = conversations.add_message(conversation_id, None, user_message("hi"))
    spec, events = chat_spec(conversation_id, asked.id), answered()
    await recorder.open_run(spec)
    for event in events:
        recorder.append(spec.run_id, event)
    transcript = folded(events)
    ending = ending_of(spec, transcript, outcome="completed", fault=None, end_ns=20 * MS, finished_at=datetime.now(UTC))
    await recorder.close_run(ending)
    answer = conversations.branch(conversation_id)[-1]
    assert spec.message_id == answer.id
    assert (TextPart("Hello world"),) == answer.message.parts
    assert [ending.generations[0]] == conversations.generations_of([answer.id])[answer.id]
    assert (2.0, 4.0) == (ending.generations[0].timing.ttft, ending.generations[0].timing.last_token)
    (row,) = recent_generations(database, 10)
    assert ("A talk", "stop", 3) == (row.conversation_title, row.finish_reason, row.completion_tokens)
    assert row.ttft_ms == pytest.approx(ending.generations[0].timing.ttft)
    assert row.decode_tok_s == pytest.approx(ending.generations[0].decode_rate)


async def test_deltas_that_come_together_are_one_row_and_fold_the_same(database: Database) -> None:
    """Group commit merges neighbouring deltas; text, counts and times of first and last stay true."""
    recorder, spec = DuckRecorder(database), chat_spec()
    await recorder.open_run(spec)
    events = answered(tuple(f"w{number} " for number in range(200)))
    for event in events:
        recorder.append(spec.run_id, event)
    database.probe()
    with database.read() as cursor:
        recorded = list(events_of(cursor, spec.run_id))
        rows = cursor.execute("SELECT count(*) FROM run_events WHERE kind = 'text'").fetchall()[0][0]
    assert rows < 50
    before, after = folded(events).turns[0], folded(recorded).turns[0]
    assert before.text == after.text
    assert before.deltas == after.deltas
    assert before.timing(300 * MS) == after.timing(300 * MS)
    assert len(events) == recorded[-1].seq


async def test_events_are_durable_within_a_quarter_second(database: Database) -> None:
    """An event that nobody waits for is visible to readers within 250 ms of being taken."""
    recorder, spec = DuckRecorder(database), chat_spec()
    await recorder.open_run(spec)
    recorder.append(spec.run_id, LoggedEvent(1, 1, TextDelta("seen")))
    async with asyncio.timeout(0.25):
        while not await asyncio.to_thread(_texts, database):
            pass
    assert ["seen"] == _texts(database)


def _texts(database: Database) -> list[str]:
    with database.read() as cursor:
        return [row[0] for row in cursor.execute("SELECT text FROM run_events WHERE kind = 'text'").fetchall()]


@pytest.mark.parametrize(
    "text", ["a\x00b\x1b[31m", "\u202eright to left שלום", "👩‍👩‍👧‍👦 🇩🇪", "' ; DROP TABLE messages; --", "\n\t\r\n"]
)
async def test_any_text_survives(database: Database, text: str) -> None:
    """Control characters, bidirectional text, emoji and quotes come back as they went in."""
    recorder, spec = DuckRecorder(database), chat_spec()
    await recorder.open_run(spec)
    recorder.append(spec.run_id, LoggedEvent(1, 1, TextDelta(text)))
    database.probe()
    assert [text] == _texts(database)


async def test_an_unfinished_run_is_closed_as_interrupted(path: Path) -> None:
    """At the next start its partial text is its answer, its outcome is interrupted, and a second start finds none."""
    database = Database.open(path)
    conversations = Conversations(database)
    conversation_id = conversations.create("cut")
    asked = conversations.add_message(conversation_id, None, user_message("hi"))
    recorder, spec = DuckRecorder(database), chat_spec(conversation_id, asked.id)
    await recorder.open_run(spec)
    for event in answered(("Half", " an"))[:-1]:
        recorder.append(spec.run_id, event)
    database.close()
    again = Database.open(path)
    assert 1 == close_interrupted(again)
    assert 0 == close_interrupted(again)
    answer = Conversations(again).branch(conversation_id)[-1]
    assert (ReasoningPart("hm", 0.0), TextPart("Half an")) == answer.message.parts
    assert ["interrupted"] == [g.outcome for g in Conversations(again).generations_of([answer.id])[answer.id]]
    again.close()
