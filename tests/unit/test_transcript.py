"""The fold of a run's log."""

from datetime import UTC, datetime

from apehost_core.events import (
    LoggedEvent,
    Milestone,
    ModelResponse,
    Progress,
    ReasoningDelta,
    Retried,
    RunEvent,
    RunFinished,
    RunStarted,
    ServerTiming,
    TextDelta,
    ToolCallDelta,
    TurnStarted,
    Usage,
)
from apehost_core.messages import Message, ReasoningPart, TextPart, ToolCallPart
from apehost_core.runs.transcript import Transcript

MS = 1_000_000


def fold(*events: tuple[int, RunEvent]) -> Transcript:
    """Return the fold of (milliseconds, event) pairs."""
    transcript = Transcript()
    for seq, (ms, event) in enumerate(events, start=1):
        transcript.add(LoggedEvent(seq, ms * MS, event))
    return transcript


START = TurnStarted(generation_id="g", server="s", model="m", prompt_tokens_estimate=7, cold=False)


def test_states_in_order() -> None:
    """The state follows what happened last: queued, loading, reading, thinking, writing, finished."""
    steps: list[tuple[RunEvent, str]] = [
        (RunStarted("chat"), "queued"),
        (START, "prompt"),
        (Progress("queued", position=2), "queued"),
        (Progress("loading"), "loading"),
        (Progress("prompt"), "prompt"),
        (ReasoningDelta("hm"), "thinking"),
        (TextDelta("yes"), "writing"),
        (ToolCallDelta(0, "1", "f", "{}"), "calling"),
        (RunFinished("completed"), "finished"),
    ]
    transcript = Transcript()
    seen: list[str] = []
    for seq, (event, _) in enumerate(steps, start=1):
        transcript.add(LoggedEvent(seq, seq, event))
        seen.append(transcript.state)
    assert [state for _, state in steps] == seen


def test_timing_and_measured_counts() -> None:
    """Times count from the sending; the server's counts win over ours; the decode rate needs two tokens."""
    transcript = fold(
        (0, RunStarted("chat")),
        (10, START),
        (30, Milestone("sent", 30 * MS)),
        (31, Milestone("connected", 31 * MS)),
        (40, Milestone("headers", 40 * MS)),
        (50, Milestone("first_byte", 50 * MS)),
        (60, ReasoningDelta("a", 2)),
        (160, ReasoningDelta("b")),
        (260, TextDelta("c")),
        (560, TextDelta("d")),
        (570, ModelResponse((), "stop", "m2", Usage(completion_tokens=6, prompt_tokens=9))),
    )
    turn = transcript.turn
    assert turn is not None
    made = turn.generation(run_id="r", started_at=datetime.now(UTC), end_ns=600 * MS, outcome="completed", fault=None)
    timing = made.timing
    assert (timing.queued, timing.connect, timing.headers, timing.first_byte) == (20, 1, 10, 20)
    assert (timing.first_reasoning, timing.first_visible, timing.last_token, timing.total) == (
        30,
        230,
        530,
        590,
    )
    assert timing.ttft == 30
    assert made.decode_rate == 10
    assert (made.model_answered, made.completion_tokens, made.completion_tokens_estimated) == ("m2", 6, False)
    assert (made.prompt_tokens, made.prompt_tokens_estimated) == (9, False)
    assert turn.reasoning_seconds() == 0.1


def test_unmeasured_counts_are_marked() -> None:
    """Without usage the deltas are counted and the counts are marked as estimated."""
    transcript = fold((0, START), (1, Milestone("sent", MS)), (2, TextDelta("a", 3)), (3, Retried("closed")))
    turn = transcript.turn
    assert turn is not None
    made = turn.generation(run_id="r", started_at=datetime.now(UTC), end_ns=4 * MS, outcome="failed", fault=None)
    assert (made.completion_tokens, made.completion_tokens_estimated) == (3, True)
    assert (made.prompt_tokens, made.prompt_tokens_estimated) == (7, True)
    assert made.warnings == ("sent again: closed",)


def test_length_and_the_servers_own_figures() -> None:
    """The visible answer's characters are counted, of an answer without an end too; the server's figures are kept."""
    begun = ((0, START), (1, Milestone("sent", MS)), (2, ReasoningDelta("hm")), (3, TextDelta("Grüße")))
    said = ServerTiming(ttft_ms=1.5, decode_tok_s=40)
    response = ModelResponse((ReasoningPart("hm Grü"), TextPart("ße")), "stop", "m", timing=said)
    for steps, expected in ((begun, (5, ServerTiming())), ((*begun, (4, response)), (2, said))):
        turn = fold(*steps).turn
        assert turn is not None
        made = turn.generation(run_id="r", started_at=datetime.now(UTC), end_ns=9 * MS, outcome="cancelled", fault=None)
        assert expected == (made.visible_chars, made.server_timing)


def test_message_is_what_was_shown() -> None:
    """The message holds reasoning, text and calls in that order; nothing shown is no message."""
    assert fold((0, RunStarted("chat")), (1, START)).message() is None
    transcript = fold(
        (0, START),
        (1, ReasoningDelta("r")),
        (2, TextDelta("a")),
        (3, TextDelta("b")),
        (4, ToolCallDelta(0, "1", "f", '{"x"')),
        (5, ToolCallDelta(0, "", "", ":1}")),
    )
    assert transcript.message() == Message(
        "assistant", (ReasoningPart("r", 0.0), TextPart("ab"), ToolCallPart("1", "f", '{"x":1}'))
    )
