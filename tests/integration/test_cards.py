"""Cards of models and tools: each number against what was put on record."""

from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from apehost_core.compare.comparison import Vote
from apehost_core.history.cards import ModelCard, Rate, Spread, VoteCount
from apehost_core.history.charts import Scope
from apehost_core.ids import new_id
from apehost_core.store.cards import Cards
from apehost_core.store.cards_speed import prompt_speed
from apehost_core.store.cards_tools import rate
from apehost_core.store.comparisons import Comparisons
from apehost_core.store.database import Database
from apehost_core.store.votes import Votes
from tests.comparison_samples import PLAN, SETUP
from tests.integration.recorded_calls import BEGAN, FAULT, mixed_calls, record_calls, record_tool_calls


@pytest.fixture
def cards(database: Database) -> Cards:
    """Cards of an empty database."""
    return Cards(database)


def card(cards: Cards, model: str = "gemma", scope: Scope | None = None) -> ModelCard:
    """The one card of a model."""
    (found,) = (one for one in cards.models(scope or Scope()) if one.model == model)
    return found


def say(database: Database, role: str, parent_id: str | None, conversation_id: str, minutes: float) -> str:
    """Add a message so many minutes after BEGAN and return its id."""
    message = {
        "id": new_id(),
        "conversation_id": conversation_id,
        "parent_id": parent_id,
        "role": role,
        "parts": "[]",
        "text": "",
        "created_at": BEGAN + timedelta(minutes=minutes),
    }
    database.write(lambda transaction: transaction.insert("messages", message))
    return message["id"]


def test_nothing_is_on_record(cards: Cards) -> None:
    """Without calls there are no cards, and that is no error."""
    assert ((), ()) == (cards.models(Scope()), cards.tools(Scope()))


def test_what_a_model_is_used_for(cards: Cards, database: Database) -> None:
    """Calls, conversations, tokens, kinds and servers add up; how calls ended is told as shares."""
    one, other = new_id(), new_id()
    record_calls(
        database,
        [
            {"conversation_id": one},
            {"conversation_id": one, "kind": "title", "completion_tokens_estimated": True},
            {"conversation_id": other, "outcome": "length", "server": "tower"},
            {"conversation_id": other, "outcome": "cancelled", "prompt_tokens": None},
            {"outcome": "failed", "fault": FAULT, "prompt_tokens": None, "completion_tokens": None},
            {"finish_reason": "length", "kind": "compare"},
            {"kind": "agent", "outcome": "cancelled"},
        ],
    )
    found = card(cards)
    uses = found.uses
    assert ("Q4_K_M", "measured", 7, 4, 2) == (
        found.quantisation,
        found.source,
        uses.calls,
        uses.answered,
        uses.conversations,
    )
    assert (500, 66, 1) == (uses.prompt_tokens, uses.completion_tokens, uses.estimated)
    assert (("chat", 4), ("agent", 1), ("compare", 1), ("title", 1)) == uses.kinds
    assert (("mini", 6), ("tower", 1)) == uses.servers
    assert (BEGAN, BEGAN + timedelta(minutes=6)) == (uses.first_at, uses.last_at)
    assert (rate(1, 3), rate(2, 4), rate(1, 7)) == (found.stopped, found.cut, found.failed)
    assert (None, VoteCount(), False) == (found.tools, found.votes, found.failed.tells)


def test_each_card_is_of_one_kind(cards: Cards, database: Database) -> None:
    """Quantisations and sources have cards of their own, the most used first, and all calls are on one of them."""
    calls = mixed_calls(500)
    record_calls(database, calls)
    found = cards.models(Scope(imported=True))
    assert len(found) == len({(one.model, one.quantisation, one.source) for one in found}) == 18
    assert 500 == sum(one.uses.calls for one in found)
    assert sorted((one.uses.calls for one in found), reverse=True) == [one.uses.calls for one in found]
    assert {"measured"} == {one.source for one in cards.models(Scope())}
    assert {None} == {one.votes for one in found if one.source == "imported"}


def test_speeds_by_context(cards: Cards, database: Database) -> None:
    """Each length of prompts has its own percentiles; a length without calls has no row, an unknown speed is None."""
    record_calls(
        database,
        [{"prompt_tokens": 200, "first_visible_ms": float(ms)} for ms in (100, 200, 300)]
        + [{"prompt_tokens": 9000, "cached_tokens": 8000}, {"prompt_tokens": 5, "completion_tokens": 1}],
    )
    first, second = card(cards).speeds
    assert ((0, 256), (8192, 16384)) == (first.span, second.span)
    assert Spread(130.0, 200.0, 270.0, 4) == first.ttft_ms
    assert first.decode_tok_s is not None
    assert 3 == first.decode_tok_s.n
    assert (None, Spread(20.0, 20.0, 20.0, 1)) == (second.ttft_ms, second.decode_tok_s)


def prompts(seed: int, count: int, **more: Any) -> list[dict[str, Any]]:
    """Calls that read 500 tokens a second after 80 ms, give or take a tenth."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(50, 6000, count)
    noise = np.exp(rng.normal(0, 0.1, count))
    return [
        {"prompt_tokens": int(n), "first_visible_ms": float((80 + n * 2) * by), "cached_tokens": 0} | more
        for n, by in zip(tokens, noise, strict=True)
    ]


def test_prompt_speed(cards: Cards, database: Database) -> None:
    """The slope of warm, uncached calls gives the speed of reading, for each server; other calls do not disturb it."""
    record_calls(database, [*prompts(1, 60), *prompts(2, 19, server="tower")])
    quick = {"first_visible_ms": 90.0, "prompt_tokens": 5000}
    talk = new_id()
    record_calls(
        database,
        [quick | {"cached_tokens": 4990}] * 40
        + [quick | {"cold": True, "first_visible_ms": 60_000.0}] * 40
        + [quick | {"conversation_id": talk, "started_at": BEGAN + timedelta(seconds=n)} for n in range(1, 40)]
        + [{"conversation_id": talk, "started_at": BEGAN, "cold": True}],
    )
    (speed,) = card(cards).prompt_speeds
    assert ("mini", 60) == (speed.server, speed.n)
    assert speed.low < 500 < speed.high
    assert (True, True) == (speed.high / speed.low < 1.3, 0 <= speed.fixed_ms < 300)


def test_first_calls_of_conversations_count_as_uncached(cards: Cards, database: Database) -> None:
    """Where a server never tells what it had read before, what begins a conversation was not read before."""
    calls = prompts(3, 30, cached_tokens=None)
    record_calls(database, [call | {"conversation_id": new_id()} for call in calls])
    (speed,) = card(cards).prompt_speeds
    assert 30 == speed.n


def test_too_little_for_a_prompt_speed() -> None:
    """Few calls, prompts that are all alike, and times that do not grow tell no speed."""
    rng = np.random.default_rng(6)
    tokens = rng.integers(50, 6000, 40).astype(float)
    alike = np.full(40, 1000.0, np.float64)
    assert prompt_speed(tokens[:19], tokens[:19] * 2, "mini") is None
    assert prompt_speed(alike, tokens * 2, "mini") is None
    assert prompt_speed(tokens, rng.permutation(tokens), "mini") is None
    assert prompt_speed(tokens, tokens * 2, "mini") is not None


def test_the_interval_of_prompt_speeds_holds() -> None:
    """In some 95 % of 300 samples the true speed lies within, with skewed times, growing spread and some outliers."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        tokens = np.exp(rng.normal(6.5, 1, 60)) + 20
        times = 80 * np.exp(rng.normal(0, 0.2, 60)) + tokens * 2 * np.exp(rng.normal(0, 0.2, 60))
        speed = prompt_speed(tokens, np.where(rng.random(60) < 0.05, times * 5, times), "mini")
        assert speed is not None
        held += speed.low <= 500 <= speed.high
    assert 276 <= held


def test_what_people_do_with_answers(cards: Cards, database: Database) -> None:
    """Regenerated is what a later answer stands beside, edited what a rewritten question left behind."""
    talk = new_id()
    question = say(database, "user", None, talk, 0)
    first, second = (say(database, "assistant", question, talk, minutes) for minutes in (1, 2))
    failed = say(database, "assistant", question, talk, 1.5)
    rewritten = say(database, "user", None, talk, 3)
    third = say(database, "assistant", rewritten, talk, 4)
    follow_up = say(database, "user", third, talk, 5)
    fourth = say(database, "assistant", follow_up, talk, 6)
    answers = [{"message_id": one, "conversation_id": talk} for one in (first, second, third, fourth)]
    broken = {"message_id": failed, "conversation_id": talk, "outcome": "failed"}
    elsewhere = {"message_id": first, "conversation_id": talk, "kind": "title"}
    record_calls(database, [*answers, broken, elsewhere, {"message_id": None}])
    found = card(cards)
    assert (rate(1, 4), rate(2, 4)) == (found.regenerated, found.edited)


def test_votes(cards: Cards, database: Database) -> None:
    """People's votes count for both sides by model and quantisation; a judge's, and those between equals, do not."""
    record_calls(database, [{"model_asked": "Gemma"}, {"model_asked": "qwen", "quantisation": None}])
    comparison = Comparisons(database).create("Sums", SETUP, PLAN).id
    gemma, qwen = ("gemma", "Q4_K_M"), ("qwen", None)
    given: list[tuple[Any, ...]] = [
        ("left", gemma, qwen, "person"),
        ("right", qwen, gemma, "person"),
        ("tie", gemma, qwen, "person"),
        ("both_bad", qwen, gemma, "person"),
        ("left", qwen, gemma, "person"),
        ("left", gemma, gemma, "person"),
        ("left", gemma, qwen, "judge"),
    ]
    votes = Votes(database)
    now = datetime.now(UTC)
    for verdict, left, right, voter in given:
        judge = "big" if voter == "judge" else None
        votes.add(Vote(new_id(), comparison, 1, 3, verdict, True, voter, judge, "sums", left, right, now))
    assert VoteCount(won=2, lost=1, ties=1, both_bad=1) == card(cards, "Gemma").votes
    assert VoteCount(won=1, lost=2, ties=1, both_bad=1) == card(cards, "qwen").votes
    later = card(cards, "qwen", Scope(before=BEGAN + timedelta(days=1))).votes
    assert later is not None
    assert (0, 5) == (later.total, VoteCount(1, 2, 1, 1).total)


def test_how_a_model_calls_tools(cards: Cards, database: Database) -> None:
    """Valid, successful and looping are told apart; a loop is the same call three times in one run."""
    runs = [new_id() for _ in range(3)]
    ids = record_calls(database, [{"run_id": run, "kind": "agent"} for run in runs])
    calls = [{"run_id": runs[0], "generation_id": ids[0]}] * 3
    calls += [{"run_id": runs[1], "generation_id": ids[1], "arguments": f'{{"n": {n}}}'} for n in range(4)]
    calls += [{"run_id": runs[2], "generation_id": ids[2], "result": None, "error_kind": "timeout"}] * 2
    calls += [{"run_id": runs[2], "generation_id": ids[2], "arguments": "{", "error_kind": "bad_arguments"}]
    record_tool_calls(database, calls)
    tools = card(cards).tools
    assert tools is not None
    assert (10, rate(9, 10), rate(7, 9), rate(1, 3)) == (tools.calls, tools.valid, tools.succeeded, tools.looping)


def test_tool_cards(cards: Cards, database: Database) -> None:
    """A tool's card says its success, durations, errors and which models called it, the most called first."""
    (generation, other) = record_calls(database, [{}, {"model_asked": "qwen"}])
    record_tool_calls(
        database,
        [{"generation_id": generation, "duration_ms": float(ms)} for ms in (10, 20, 30)]
        + [{"generation_id": other, "error_kind": "failed", "started_at": BEGAN + timedelta(hours=1)}]
        + [{"tool": "search", "source": "web", "error_kind": "denied", "result": None, "duration_ms": None}],
    )
    calculator, search = cards.tools(Scope())
    assert ("calculator", "builtin", "measured", 4) == (
        calculator.tool,
        calculator.origin,
        calculator.source,
        calculator.calls,
    )
    assert (rate(3, 4), rate(4, 4)) == (calculator.succeeded, calculator.valid)
    assert calculator.duration_ms is not None
    assert (6.5, 15.0, 27.0, 4) == pytest.approx(astuple(calculator.duration_ms))
    assert ((("failed", 1),), (("gemma", rate(3, 3)), ("qwen", rate(0, 1)))) == (calculator.errors, calculator.models)
    assert BEGAN + timedelta(hours=1) == calculator.last_at
    assert (0, None, None, (("denied", 1),)) == (
        search.succeeded.n,
        search.succeeded.share,
        search.duration_ms,
        search.errors,
    )


def test_rates_know_how_little_they_rest_on() -> None:
    """A share of no case is none, with an interval from 0 to 1; from twenty cases on it tells."""
    assert Rate(0, 0, 0.0, 1.0) == rate(0, 0)
    assert (None, False, True) == (rate(0, 0).share, rate(1, 19).tells, rate(1, 20).tells)
    assert rate(1, 4).low < 0.25 < rate(1, 4).high
