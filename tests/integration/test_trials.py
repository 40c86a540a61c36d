"""What was answered in a comparison, as it comes back from the store: attempts, columns, answers, timelines."""

import math

import pytest

from apehost_core.compare.measures import ANSWERED, FAILED, LIVES, STOPPED
from apehost_core.errors import Fault
from apehost_core.events import (
    Admitted,
    Milestone,
    ModelResponse,
    Outcome,
    ReasoningDelta,
    Retried,
    ServerTiming,
    TextDelta,
    TurnFailed,
    Usage,
)
from apehost_core.ids import new_id
from apehost_core.messages import TextPart
from apehost_core.store.comparisons import Comparisons
from apehost_core.store.database import Database
from apehost_core.store.trials import answers, attempts, columns, states, timelines
from tests.comparison_samples import PLAN, REFUSED, SETUP, attempt, told, turn
from tests.run_samples import MS


@pytest.fixture
def comparison_id(database: Database) -> str:
    """A comparison that nothing was asked of yet."""
    return Comparisons(database).create("Sums", SETUP, PLAN).id


def test_nothing_was_asked_yet(database: Database, comparison_id: str) -> None:
    """Of a comparison without attempts, and of none at all, everything is empty."""
    for link in (comparison_id, new_id(), "nonsense"):
        assert [] == attempts(database, link)
        assert 0 == len(columns(database, link).cell)
        assert ({}, {}) == (answers(database, link, [0, 1]), timelines(database, link, [0, 1]))


def test_attempts_come_with_their_calls(database: Database, comparison_id: str) -> None:
    """Every attempt comes with how it ended and what was measured, in order; other comparisons' do not."""
    other = Comparisons(database).create("Other", SETUP, PLAN).id
    attempt(database, other, 1)
    runs = [attempt(database, comparison_id, 1, outcome) for outcome in ("failed", "completed", None)]
    runs.append(attempt(database, comparison_id, 0))
    found = attempts(database, comparison_id)
    assert runs == [one.run_id for one in found]
    assert [(1, "failed", REFUSED), (1, "completed", None), (1, None, None), (0, "completed", None)] == [
        (one.cell, one.outcome, one.fault) for one in found
    ]
    assert ["failed", "completed", None, "completed"] == [one.generation and one.generation.outcome for one in found]
    assert runs[:3] == [one.run_id for one in attempts(database, comparison_id, [1, 99])]


def test_what_the_server_says_of_itself_comes_back(database: Database, comparison_id: str) -> None:
    """Its times and rates are kept beside ours, with the length of the visible answer."""
    timing = ServerTiming(ttft_ms=80.5, prompt_tok_s=900.25, decode_tok_s=41.5, load_ms=1200.0)
    attempt(
        database,
        comparison_id,
        1,
        "completed",
        *turn(*told("Four", "."), *[])[:-1],
        *told("Four", ".", timing=timing)[-1:],
    )
    generation = attempts(database, comparison_id)[0].generation
    assert generation is not None
    assert (timing, 5) == (generation.server_timing, generation.visible_chars)
    noted = {name: values[0] for name, values in columns(database, comparison_id).noted.items()}
    assert (80.5, 900.25, 41.5) == tuple(
        noted[name] for name in ("server_ttft_ms", "server_prompt_tok_s", "server_decode_tok_s")
    )


def test_columns_say_what_the_generation_says(database: Database, comparison_id: str) -> None:
    """Each measure in the columns is the number that the recorded call has; what is unknown is NaN."""
    attempt(database, comparison_id, 3, "completed", *turn(*told("Fo", "ur", ".")))
    generation = attempts(database, comparison_id)[0].generation
    assert generation is not None
    found = columns(database, comparison_id)
    timing = generation.timing
    assert timing.ttft is not None
    expected = {
        "ttft_ms": timing.ttft,
        "first_visible_ms": timing.first_visible,
        "prompt_tok_s": (7 - 2) * 1000 / timing.ttft,
        "decode_tok_s": generation.decode_rate,
        "total_ms": timing.last_token,
        "completion_tokens": 4,
        "visible_chars": 5,
    }
    assert expected == {name: pytest.approx(values[0]) for name, values in found.values.items()}
    assert (7, 2) == (found.noted["prompt_tokens"][0], found.noted["cached_tokens"][0])
    assert math.isnan(found.noted["load_ms"][0])
    assert (3, ANSWERED, 0, True, False, "stop") == (
        found.cell[0],
        found.ending[0],
        found.cold[0],
        found.as_asked[0],
        found.estimated[0],
        found.finish[0],
    )
    assert {"float64"} == {values.dtype.name for values in (*found.values.values(), *found.noted.values())}
    assert ("int32", "int8", "int8", "bool", "bool") == tuple(
        values.dtype.name for values in (found.cell, found.ending, found.cold, found.as_asked, found.estimated)
    )


@pytest.mark.parametrize(
    ("outcome", "ending"),
    [
        ("completed", ANSWERED),
        ("length", ANSWERED),
        ("failed", FAILED),
        ("cancelled", STOPPED),
        ("interrupted", STOPPED),
    ],
)
def test_how_attempts_ended(database: Database, comparison_id: str, outcome: Outcome, ending: int) -> None:
    """An answer that a limit cut is one; one that somebody stopped, or a crash, is none."""
    attempt(database, comparison_id, 1, outcome)
    assert [ending] == columns(database, comparison_id).ending.tolist()


def test_live_attempts_have_no_row(database: Database, comparison_id: str) -> None:
    """What is being written is no measurement yet, though it is an attempt."""
    attempt(database, comparison_id, 1, None)
    assert (0, 1) == (len(columns(database, comparison_id).cell), len(attempts(database, comparison_id)))
    assert LIVES not in columns(database, comparison_id).ending


def test_a_run_without_a_call_has_a_row_of_unknowns(database: Database, comparison_id: str) -> None:
    """An attempt that failed before it reached a server counts as failed, and measures nothing."""
    attempt(database, comparison_id, 1, "failed", Retried("nobody was there"))
    found = columns(database, comparison_id)
    assert ([1], [FAILED], [-1], [True]) == (
        found.cell.tolist(),
        found.ending.tolist(),
        found.cold.tolist(),
        found.as_asked.tolist(),
    )
    assert all(math.isnan(values[0]) for values in (*found.values.values(), *found.noted.values()))


def test_of_several_calls_the_last_counts(database: Database, comparison_id: str) -> None:
    """A call that failed before its first token, and the one that went on in its place, are one attempt."""
    failed = turn(TurnFailed(Fault(kind="rate_limited", title="Later")))
    attempt(database, comparison_id, 1)
    attempt(database, comparison_id, 2, "completed", *failed, *turn(*told("Six", cold=True)))
    attempt(database, comparison_id, 3)
    found = columns(database, comparison_id)
    assert ([1, 2, 3], [0, 1, 0]) == (found.cell.tolist(), found.cold.tolist())
    generation = attempts(database, comparison_id, [2])[0].generation
    assert generation is not None
    assert ("completed", True) == (generation.outcome, generation.cold)
    assert [found.cell.tolist(), found.ending.tolist()] == [
        part.tolist() for part in states(database, comparison_id)[:2]
    ]


@pytest.mark.parametrize("model", ["gemma", "GEMMA:2", "gemma@q4_k_m", "gemma@q4:3", "qwen", "gemma-2", ":", ""])
def test_another_model_is_found_out(database: Database, comparison_id: str, model: str) -> None:
    """The columns see another model's answer exactly where the recorded call does."""
    attempt(database, comparison_id, 1, "completed", *turn(*told("Four", model=model)))
    generation = attempts(database, comparison_id)[0].generation
    assert generation is not None
    assert [generation.as_asked] == columns(database, comparison_id).as_asked.tolist()


def test_estimated_counts_are_marked(database: Database, comparison_id: str) -> None:
    """Tokens that we counted ourselves are marked, and the answer has a length all the same."""
    response = ModelResponse((TextPart("Four"),), "stop", "gemma", Usage())
    attempt(database, comparison_id, 1, "completed", *turn(Milestone("sent", 4 * MS), TextDelta("Four", 3), response))
    found = columns(database, comparison_id)
    assert (True, 3, 4) == (
        found.estimated[0],
        found.values["completion_tokens"][0],
        found.values["visible_chars"][0],
    )


def test_the_answer_that_counts(database: Database, comparison_id: str) -> None:
    """Answered before failed, as asked before not, warm before cold, later before earlier; the stopped does not."""

    def said(
        text: str, outcome: Outcome | None = "completed", *, cold: bool | None = False, model: str = "gemma"
    ) -> str:
        return attempt(database, comparison_id, 1, outcome, *turn(*told(text, cold=cold, model=model)))

    def counting() -> str:
        return answers(database, comparison_id, [1])[1].text

    said("failed", "failed")
    assert "failed" == counting()
    said("other", model="qwen")
    assert "other" == counting()
    said("cold", cold=True)
    assert "cold" == counting()
    said("warm")
    assert "warm" == counting()
    said("cold again", cold=True)
    said("failed again", "failed")
    said("other again", model="qwen")
    said("stopped", "cancelled")
    said("live", None)
    assert "warm" == counting()
    last = said("unknown", "length", cold=None)
    assert "unknown" == counting()
    assert last == answers(database, comparison_id, [1])[1].run_id


def test_answers_of_several_cells(database: Database, comparison_id: str) -> None:
    """Text and reasoning come apart; cells without an answer are left out; a failed one has what came before."""
    attempt(database, comparison_id, 1, "completed", *turn(*told("Four", ".")))
    attempt(database, comparison_id, 2, "failed", *turn(Admitted(False), ReasoningDelta("well"), TextDelta("Fi")))
    attempt(database, comparison_id, 3, "failed", Retried("nobody was there"))
    attempt(database, comparison_id, 4, "cancelled")
    found = answers(database, comparison_id, [1, 2, 3, 4, 5])
    assert {1: ("Four.", "hm"), 2: ("Fi", "well"), 3: ("", "")} == {
        cell: (answer.text, answer.reasoning) for cell, answer in found.items()
    }


def test_when_the_tokens_came(database: Database, comparison_id: str) -> None:
    """A timeline begins with the first token after the sending that counts, grows, and ends with the last token."""
    attempt(
        database,
        comparison_id,
        1,
        "completed",
        *turn(Milestone("sent", 1 * MS), Retried("closed"), Milestone("sent", 4 * MS)),
        *[ReasoningDelta("hm"), TextDelta("Fo"), TextDelta("ur", 2), told("Four")[-1]],
    )
    (points,) = timelines(database, comparison_id, [1, 2]).values()
    generation = attempts(database, comparison_id)[0].generation
    assert generation is not None
    timing = generation.timing
    assert (timing.ttft, timing.last_token) == (points[0][0], points[-1][0])
    assert sorted(points) == points
    assert (1, 4) == (points[0][1], points[-1][1])
