"""Exact requests in the store: each message once, every body back byte for byte, gone with their conversation."""

import asyncio
import base64
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from apehost_core.errors import Fault
from apehost_core.events import (
    LoggedEvent,
    Milestone,
    RequestSent,
    ResponseHead,
    Retried,
    RunEvent,
    RunStarted,
    TextDelta,
    TurnFailed,
    TurnStarted,
)
from apehost_core.ids import new_id
from apehost_core.messages import user_message
from apehost_core.runs.run import RunSpec
from apehost_core.runs.transcript import Transcript, ending_of
from apehost_core.store.conversations import TRASH_KEPT, Conversations
from apehost_core.store.database import Database
from apehost_core.store.event_rows import events_of
from apehost_core.store.recorder import DuckRecorder
from apehost_core.store.requests import Inspection, calls_of, generations_on, inspect
from apehost_core.store.transaction import Transaction
from tests.run_samples import MS, UNKNOWN_ID, chat_spec, logged

pytestmark = pytest.mark.anyio
PATH = "/v1/chat/completions"
PNG = "data:image/png;base64," + base64.b64encode(random.Random(7).randbytes(3_000_000)).decode()
ODD = [
    "",
    "no JSON at all",
    "[1, 2]",
    '{"model": "m"}',
    '{"messages": "none"}',
    '{"messages": [',
    '{"messages": [] , "stream": true}',
    '{ "messages" : [ {"a" : 1.50} ,\n\t{"a":1.5}, null, "text", [ ] ] }\n',
    '{"tools": [{"messages": ["inner"]}], "messages": [{"content": "\\ud83d\\ude00 \\u0000 \\/ \\\\"}]}',
    '{"messages": [1], "messages": [2], "seed": 123456789012345678901234567890}',
    '{"messages": ["' + "0" * 64 + '"]}',
    '{"messages": ' + "[" * 5_000 + "]" * 5_000 + "}",
]


def body(*said: object, **settings: Any) -> str:
    """A request as the client writes it."""
    messages = [{"role": "assistant" if at % 2 else "user", "content": words} for at, words in enumerate(said)]
    return orjson.dumps({"model": "a-model", "messages": messages, "stream": True, **settings}).decode()


def turn(*bodies: str, generation_id: str | None = None, server: str = "mini") -> list[RunEvent]:
    """The events of a call that sends these and then gets an answer."""
    sent = [RequestSent(PATH, text) for text in bodies]
    head = ResponseHead(200, (("content-type", "text/event-stream"),))
    return [TurnStarted(generation_id or new_id(), server, "a-model"), *sent, head, TextDelta("Hello")]


async def record(database: Database, spec: RunSpec, events: Sequence[RunEvent], *, end: bool = True) -> None:
    """Record a run of these events, and its end."""
    recorder, transcript = DuckRecorder(database), Transcript()
    await recorder.open_run(spec)
    for event in logged(RunStarted("chat"), *events):
        recorder.append(spec.run_id, event)
        transcript.add(event)
    if end:
        await recorder.close_run(
            ending_of(spec, transcript, outcome="completed", fault=None, end_ns=90 * MS, finished_at=datetime.now(UTC))
        )
    else:
        await asyncio.to_thread(database.probe)


async def inspected(database: Database, *bodies: str) -> Inspection:
    """What is found of a call that sent these."""
    generation_id = new_id()
    await record(database, chat_spec(), turn(*bodies, generation_id=generation_id))
    found = inspect(database, generation_id)
    assert found is not None
    return found


def count(database: Database, table: str) -> int:
    """How many rows a table has."""
    with database.read() as cursor:
        return cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]


@pytest.mark.parametrize("odd", ODD)
async def test_any_body_comes_back_as_it_was(database: Database, odd: str) -> None:
    """Whatever is sent is found again byte for byte, JSON or not, and says that it is."""
    (sent,) = (await inspected(database, odd)).requests
    assert (odd, True, PATH) == (sent.body, sent.verified, sent.path)


async def test_words_and_images_come_back_as_they_were(database: Database) -> None:
    """All scripts, control characters and an image of megabytes survive."""
    picture = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PNG}}]
    text = body("שלום 👩‍👩‍👧‍👦 \x00\x1b \u2028 \\ \" '; DROP TABLE messages", picture, temperature=0.7, seed=2**53)
    (sent,) = (await inspected(database, text)).requests
    assert sent.verified
    assert text == sent.body


async def test_a_conversation_keeps_each_message_once(database: Database) -> None:
    """Fifty turns send 2,500 messages; what was said is in the file once, and each of the fifty bodies is whole."""
    said = [f"message {number}" for number in range(99)]
    bodies = [body(*said[: 2 * number + 1]) for number in range(50)]
    found = [(await inspected(database, text)).requests[0] for text in bodies]
    assert (99, 50) == (count(database, "prompt_messages"), count(database, "requests"))
    assert [(text, True) for text in bodies] == [(sent.body, sent.verified) for sent in found]


async def test_what_comes_together_is_kept_once(database: Database) -> None:
    """Requests of one batch that share messages share their rows too."""
    await asyncio.gather(*(record(database, chat_spec(), turn(body("one", "two"))) for _ in range(20)))
    assert (2, 20) == (count(database, "prompt_messages"), count(database, "requests"))


async def test_the_log_holds_no_bodies(database: Database) -> None:
    """The event in the log is small, and comes back with its path alone."""
    spec = chat_spec()
    await record(database, spec, turn(body("secret words")))
    with database.read() as cursor:
        sent = [event.event for event in events_of(cursor, spec.run_id) if isinstance(event.event, RequestSent)]
        rows = cursor.execute("SELECT data FROM run_events WHERE contains(data, 'secret words')").fetchall()
    assert ([RequestSent(PATH, "")], []) == (sent, rows)


async def test_a_retry_is_a_request_of_its_own(database: Database) -> None:
    """Both sendings are there with their times, and why there are two."""
    generation_id, text = new_id(), body("hi")
    start, sent, *rest = turn(text, generation_id=generation_id)
    await record(database, chat_spec(), [start, Milestone("sent", 3 * MS), sent, Retried("it was closed"), sent, *rest])
    found = inspect(database, generation_id)
    assert found is not None
    assert [(text, 2.0), (text, 4.0)] == [(request.body, request.at) for request in found.requests]
    assert ("it was closed",) == found.retries
    assert 1 == count(database, "prompt_messages")


async def test_each_call_of_a_run_has_its_own_requests(database: Database) -> None:
    """After a failover the failed call and the good one are told apart, and each knows of the other."""
    first, second = new_id(), new_id()
    fault = Fault("refused", "PC refused the connection", server="PC")
    failed = [TurnStarted(first, "PC", "a-model"), RequestSent(PATH, body("hi")), TurnFailed(fault)]
    await record(database, chat_spec(), [*failed, *turn(body("hi", n=1), generation_id=second, server="Mini")])
    one, two = inspect(database, first), inspect(database, second)
    assert one is not None
    assert two is not None
    assert ([body("hi")], [body("hi", n=1)]) == ([r.body for r in one.requests], [r.body for r in two.requests])
    assert (fault, None) == (one.fault, two.fault)
    assert (None, 200) == (one.head, two.head.status if two.head else None)
    assert ["PC", "Mini"] == [call.server for call in one.calls] == [call.server for call in two.calls]
    assert one.generation is not None
    assert one.calls == calls_of(database, one.generation.run_id)


async def test_a_live_run_can_be_inspected(database: Database) -> None:
    """While the answer is written the request is there, and the measurements are not yet."""
    generation_id = new_id()
    await record(database, chat_spec(), turn(body("hi"), generation_id=generation_id), end=False)
    found = inspect(database, generation_id)
    assert found is not None
    assert (None, (), "mini", "a-model") == (found.generation, found.calls, found.server, found.model)
    assert [body("hi")] == [request.body for request in found.requests]


@pytest.mark.parametrize("nothing", ["", "nonsense", "'; DROP TABLE requests", UNKNOWN_ID])
async def test_no_such_call(database: Database, nothing: str) -> None:
    """Any text in place of an id is answered with None."""
    await record(database, chat_spec(), turn(body("hi")), end=False)
    assert inspect(database, nothing) is None


async def test_damage_is_told(database: Database) -> None:
    """A body that is not what was sent any more says so, in place of passing for it."""
    generation_id = new_id()
    await record(database, chat_spec(), turn(body("hi"), generation_id=generation_id))
    database.write(lambda transaction: transaction.execute("UPDATE prompt_messages SET body = '{}'", []))
    found = inspect(database, generation_id)
    assert found is not None
    assert [False] == [request.verified for request in found.requests]


async def test_a_batch_that_fails_leaves_no_gap(database: Database) -> None:
    """A write that breaks its transaction does not make the messages beside it look as if they were there."""
    spec, generation_id = chat_spec(), new_id()
    events = logged(RunStarted("chat"), *turn(body("one"), generation_id=generation_id))

    def gathered(transaction: Transaction) -> None:
        for event in events:  # from inside the writer, so that all of it is the next batch
            database.append(spec.run_id, event)
        breaking.append(database.submit(lambda later: later.execute("SELECT nothing FROM nowhere", [])))
        transaction.execute("SELECT 1", [])

    breaking: list[Any] = []
    await DuckRecorder(database).open_run(spec)
    database.write(gathered)
    database.probe()
    assert breaking[0].exception() is not None
    found = inspect(database, generation_id)
    assert found is not None
    assert [(body("one"), True)] == [(request.body, request.verified) for request in found.requests]
    assert (1, 1) == (count(database, "prompt_messages"), count(database, "requests"))


async def test_requests_survive_the_process(path: Path) -> None:
    """What was sent before an end without a farewell is found at the next start, and is not written again."""
    generation_id, database = new_id(), Database.open(path)
    await record(database, chat_spec(), turn(body("hi"), generation_id=generation_id), end=False)
    database.close()
    again = Database.open(path)
    await record(again, chat_spec(), turn(body("hi")))
    found = inspect(again, generation_id)
    assert found is not None
    assert (body("hi"), 1) == (found.requests[0].body, count(again, "prompt_messages"))
    again.close()


async def test_words_go_with_their_conversation(database: Database) -> None:
    """Deleted for good, a conversation takes its requests along, and the messages that no other one sent."""
    conversations, long_ago = Conversations(database), datetime.now(UTC) - TRASH_KEPT - timedelta(hours=1)
    kept, gone, generations = conversations.create("kept"), conversations.create("gone"), (new_id(), new_id())
    for conversation, own, generation_id in zip((kept, gone), ("ours", "theirs"), generations, strict=True):
        asked = conversations.add_message(conversation, None, user_message(own))
        events = turn(body("shared", own), generation_id=generation_id)
        await record(database, chat_spec(conversation, asked.id), events)
    assert 3 == count(database, "prompt_messages")
    database.write(lambda t: t.execute("UPDATE conversations SET trashed_at = ? WHERE id = ?", [long_ago, gone]))
    conversations.empty_trash()
    stays, leaves = (inspect(database, generation_id) for generation_id in generations)
    assert stays is not None
    assert leaves is not None
    assert (body("shared", "ours"), True) == (stays.requests[0].body, stays.requests[0].verified)
    assert ((), None) == (leaves.requests, leaves.head)
    assert leaves.generation is not None
    assert (2, 1) == (count(database, "prompt_messages"), count(database, "requests"))
    again = (await inspected(database, body("shared", "theirs"))).requests[0]
    assert again.verified


async def test_the_latest_calls_of_a_server(database: Database) -> None:
    """Newest first, without those of other servers, with what their log shows."""
    mine = [new_id() for _ in range(3)]
    for generation_id in mine:
        await record(database, chat_spec(), turn(body("hi"), generation_id=generation_id))
    await record(database, chat_spec(), turn(body("hi"), server="other"))
    rows = generations_on(database, "mini", 2)
    assert mine[:0:-1] == [row.id for row in rows]
    assert [("chat", "a-model", "completed", None, 1, True)] * 2 == [
        (
            row.run_kind,
            row.model,
            row.outcome,
            row.fault_title,
            row.completion_tokens,
            row.completion_tokens_estimated,
        )
        for row in rows
    ]


async def test_a_long_prompt_costs_one_query(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred messages are looked up together: what a batch asks of the file does not grow with the prompt."""
    looks: list[None] = []
    connection = Transaction.connection

    def counted(transaction: Transaction) -> Any:
        looks.append(None)
        return connection.__get__(transaction)

    spec = chat_spec()
    await DuckRecorder(database).open_run(spec)
    monkeypatch.setattr(Transaction, "connection", property(counted))
    database.append(spec.run_id, LoggedEvent(1, 1, TextDelta("no look for a word")))
    database.probe()
    assert [] == looks
    database.append(spec.run_id, LoggedEvent(2, 2, RequestSent(PATH, body(*map(str, range(100))))))
    database.probe()
    assert 1 == len(looks)
