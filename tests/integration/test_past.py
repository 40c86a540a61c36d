"""Past questions as prompts, and how fast a model usually is, from what is on record."""

from datetime import UTC, datetime, timedelta

import pytest

from apehost_core.compare.estimate import Usual
from apehost_core.compare.prompts import PastPrompts
from apehost_core.events import Admitted, Milestone, ModelResponse, TextDelta, Usage
from apehost_core.messages import TextPart, assistant_message, user_message
from apehost_core.store.comparisons import Comparisons
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.past import past_prompts, usual
from tests.comparison_samples import PLAN, SETUP, attempt, turn
from tests.run_samples import MS, chat_spec


@pytest.fixture
def conversations(database: Database) -> Conversations:
    """Conversations of an empty database."""
    return Conversations(database)


def chat(conversations: Conversations, *questions: str) -> str:
    """A chat in which these were asked, and answered; returns its id."""
    conversation_id, parent = conversations.create(questions[0]), None
    for question in questions:
        parent = conversations.add_message(conversation_id, parent, user_message(question)).id
        parent = conversations.add_message(conversation_id, parent, assistant_message("an answer")).id
    return conversation_id


def texts(database: Database, wanted: PastPrompts) -> list[str]:
    """The texts of the prompts that are found."""
    return [prompt.text for prompt in past_prompts(database, wanted)]


def test_first_questions_newest_first(database: Database, conversations: Conversations) -> None:
    """Each text comes once, as often as it was asked, with the message that it comes from; later questions do not."""
    chat(conversations, "one", "and then?")
    chat(conversations, "two")
    again = chat(conversations, "one")
    found = past_prompts(database, PastPrompts())
    assert ["one", "two"] == [prompt.text for prompt in found]
    assert conversations.branch(again)[0].id == found[0].origin
    assert ["one", "two", "and then?"] == texts(database, PastPrompts(first_only=False))
    assert ["one"] == texts(database, PastPrompts(limit=1))


def test_questions_by_their_words(database: Database, conversations: Conversations) -> None:
    """Words are found in any case, and nothing in them is a pattern."""
    chat(conversations, "Prove Pythagoras")
    chat(conversations, "100% of what_ever")
    assert ["Prove Pythagoras"] == texts(database, PastPrompts(contains="pYTHA"))
    assert ["100% of what_ever"] == texts(database, PastPrompts(contains="%"))
    assert ["100% of what_ever"] == texts(database, PastPrompts(contains="T_E"))


def test_questions_by_time(database: Database, conversations: Conversations) -> None:
    """A question was asked at or after the one bound, and before the other."""
    conversation_id = chat(conversations, "now")
    asked = conversations.branch(conversation_id)[0].created_at
    second = timedelta(seconds=1)
    assert ["now"] == texts(database, PastPrompts(after=asked, before=asked + second))
    assert [] == texts(database, PastPrompts(before=asked))
    assert [] == texts(database, PastPrompts(after=asked + second))


def test_questions_by_the_model_that_answered(database: Database, conversations: Conversations) -> None:
    """Only what was asked of that model in a chat is found."""
    for model, question in (("A-Model", "one"), ("other", "two")):
        asked = conversations.branch(chat(conversations, question))[0]
        row = {**_run(asked.id), "model": model}
        database.write(lambda transaction, row=row: transaction.insert("runs", row))
    assert ["one"] == texts(database, PastPrompts(model="a-model"))
    assert [] == texts(database, PastPrompts(model="a"))


def _run(asked: str) -> dict[str, object]:
    spec = chat_spec(parent_message_id=asked)
    return {
        "id": spec.run_id,
        "kind": "chat",
        "parent_message_id": asked,
        "server": "mini",
        "started_at": datetime.now(UTC),
    }


def test_questions_in_the_trash_are_left_out(database: Database, conversations: Conversations) -> None:
    """What was thrown away does not come back as a prompt, nor does a question of white space."""
    conversations.trash(chat(conversations, "secret"))
    chat(conversations, "  \n")
    assert [] == texts(database, PastPrompts())


def answer(database: Database, comparison_id: str, ttft_ms: int, tokens: int, *, cold: bool) -> None:
    """Record an answer of a model on `mini` that took so long to begin, and then 10 ms a token."""
    text = "x" * tokens
    events = turn(
        Admitted(cold, 5000.0 if cold else None),
        Milestone("sent", (4 - ttft_ms + 1) * MS),  # the next event comes at 5 ms
        TextDelta("x"),
        TextDelta(text[1:]),
        ModelResponse((TextPart(text),), "stop", "gemma", Usage(7, tokens)),
    )
    attempt(database, comparison_id, 1, "completed", *events)


def test_what_is_usual(database: Database) -> None:
    """Of the calls to a model on a server: loads, times to the first token of warm ones, rates and lengths."""
    comparison_id = Comparisons(database).create("Sums", SETUP, PLAN).id
    for ttft_ms in range(100, 201, 10):
        answer(database, comparison_id, ttft_ms, 11, cold=False)
    answer(database, comparison_id, 9000, 11, cold=True)
    attempt(database, comparison_id, 1, "failed")
    found = usual(database, "mini", "GEMMA", "Q4_K_M")
    assert ((5000.0, 5000.0, 5000.0), (110.0, 150.0, 190.0), (11.0, 11.0, 11.0), 12) == (
        found.load_ms,
        found.ttft_ms,
        found.completion_tokens,
        found.n,
    )
    assert found.decode_tok_s == pytest.approx((10_000.0, 10_000.0, 10_000.0))
    assert found == usual(database, "mini", "gemma", None)


def test_nothing_is_usual_of_what_was_never_asked(database: Database) -> None:
    """Another server, model or quantisation has no records."""
    comparison_id = Comparisons(database).create("Sums", SETUP, PLAN).id
    answer(database, comparison_id, 100, 11, cold=False)
    for server, model, quantisation in (("pc", "gemma", None), ("mini", "qwen", None), ("mini", "gemma", "Q8_0")):
        assert Usual() == usual(database, server, model, quantisation)
