"""The fold of a run's log: what it says so far, in which state it is, and the generations it is made of.

One fold serves the live page, the ending that is stored, and the salvage of an interrupted run, so what was
seen is what is kept. `Transcript.add` is called on the event loop; script threads only read.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, assert_never

from apehost_core.errors import Fault
from apehost_core.events import (
    Admitted,
    LoggedEvent,
    Milestone,
    ModelEvent,
    ModelResponse,
    Outcome,
    Progress,
    ReasoningDelta,
    RequestSent,
    ResponseHead,
    Retried,
    RunFinished,
    RunStarted,
    ServerTiming,
    TextDelta,
    ToolCallDelta,
    TurnFailed,
    TurnStarted,
    Usage,
)
from apehost_core.messages import Message, Part, ReasoningPart, TextPart, ToolCallPart
from apehost_core.runs.run import Generation, RunEnding, RunSpec, Timing

State = Literal["queued", "waiting", "loading", "prompt", "thinking", "writing", "calling", "finished"]
_Note = Progress | Milestone | Retried | RequestSent | ResponseHead | Admitted | TurnFailed | ModelResponse


@dataclass(slots=True)
class _Call:
    """A tool call while its pieces arrive."""

    call_id: str
    name: str
    arguments: list[str]


class TurnFold:
    """One model call while it runs: text, reasoning, calls and the marks its timing is made of."""

    def __init__(self, start: TurnStarted, at_ns: int) -> None:
        self.start = start
        self.at_ns = at_ns
        self.response: ModelResponse | None = None
        self.progress: Progress | None = None
        self.admitted: Admitted | None = None
        self.head: ResponseHead | None = None
        self.fault: Fault | None = None
        self.retries: list[str] = []
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._marks: dict[str, int] = {}
        self._first_reasoning_ns: int | None = None
        self._last_reasoning_ns: int | None = None
        self._first_visible_ns: int | None = None
        self._last_ns: int | None = None
        self._deltas = 0

    @property
    def text(self) -> str:
        """Visible text so far."""
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        """Reasoning so far."""
        return "".join(self._reasoning)

    @property
    def deltas(self) -> int:
        """Upstream deltas so far: a lower-bound estimate of completion tokens."""
        return self._deltas

    @property
    def state(self) -> State:
        """What the call is doing, from what it did last."""
        if self._calls:
            return "calling"
        if self._text:
            return "writing"
        if self._reasoning:
            return "thinking"
        return self.progress.stage if self.progress else "prompt"

    def reasoning_seconds(self) -> float | None:
        """Seconds from the first to the last reasoning token; None without reasoning."""
        if self._first_reasoning_ns is None or self._last_reasoning_ns is None:
            return None
        return (self._last_reasoning_ns - self._first_reasoning_ns) / 1e9

    def add_text(self, delta: TextDelta, at_ns: int) -> None:
        """Take visible text."""
        self._text.append(delta.text)
        self._deltas += delta.count
        self._seen_visible(at_ns)

    def add_reasoning(self, delta: ReasoningDelta, at_ns: int) -> None:
        """Take reasoning."""
        self._reasoning.append(delta.text)
        self._deltas += delta.count
        if self._first_reasoning_ns is None:
            self._first_reasoning_ns = at_ns
        self._last_reasoning_ns = self._last_ns = at_ns

    def add_call(self, delta: ToolCallDelta, at_ns: int) -> None:
        """Take a piece of a tool call."""
        call = self._calls.setdefault(delta.index, _Call("", "", []))
        call.call_id = delta.call_id or call.call_id
        call.name = delta.name or call.name
        call.arguments.append(delta.arguments)
        self._deltas += 1
        self._seen_visible(at_ns)

    def add_mark(self, mark: Milestone) -> None:
        """Take a point of the request's way; after a retry the later one counts."""
        self._marks[mark.name] = mark.at_ns

    def _seen_visible(self, at_ns: int) -> None:
        if self._first_visible_ns is None:
            self._first_visible_ns = at_ns
        self._last_ns = at_ns

    def parts(self) -> tuple[Part, ...]:
        """What was shown: reasoning, text, calls; without the empty ones.

        Once the response is here its parts count: it may know that what was shown as text was reasoning.
        """
        if self.response is not None:
            return tuple(self._timed(part) for part in self.response.parts)
        found: list[Part] = []
        if self._reasoning:
            found.append(ReasoningPart(self.reasoning, self.reasoning_seconds()))
        if self._text:
            found.append(TextPart(self.text))
        found += [ToolCallPart(c.call_id, c.name, "".join(c.arguments)) for c in self._calls.values()]
        return tuple(found)

    def _timed(self, part: Part) -> Part:
        return replace(part, seconds=self.reasoning_seconds()) if isinstance(part, ReasoningPart) else part

    def timing(self, end_ns: int) -> Timing:
        """Return the call's timing, given when it ended."""
        sent = self._marks.get("sent")

        def since_sent(ns: int | None) -> float | None:
            return None if ns is None or sent is None else (ns - sent) / 1e6

        return Timing(
            queued=None if sent is None else (sent - self.at_ns) / 1e6,
            load=self.admitted.load_ms if self.admitted else None,
            connect=since_sent(self._marks.get("connected")),
            headers=since_sent(self._marks.get("headers")),
            first_byte=since_sent(self._marks.get("first_byte")),
            first_reasoning=since_sent(self._first_reasoning_ns),
            first_visible=since_sent(self._first_visible_ns),
            last_token=since_sent(self._last_ns),
            total=(end_ns - self.at_ns) / 1e6,
        )

    def generation(
        self, *, run_id: str, started_at: datetime, end_ns: int, outcome: Outcome, fault: Fault | None
    ) -> Generation:
        """Return the call as it is recorded. `started_at` is the UTC wall time of the turn's start."""
        start, response = self.start, self.response
        usage = response.usage if response else Usage()
        return Generation(
            generation_id=start.generation_id,
            run_id=run_id,
            started_at=started_at,
            server=start.server,
            model_asked=start.model,
            model_answered=response.model if response else None,
            quantisation=start.quantisation,
            runtime=(response.runtime if response else None) or start.runtime,
            sampling_json=start.sampling_json,
            prompt_parts_json=start.prompt_parts_json,
            prompt_hash=start.prompt_hash,
            tool_schema_hash=start.tool_schema_hash,
            prompt_tokens=usage.prompt_tokens or start.prompt_tokens_estimate,
            prompt_tokens_estimated=not usage.prompt_tokens and start.prompt_tokens_estimate is not None,
            completion_tokens=usage.completion_tokens or self._deltas or None,
            completion_tokens_estimated=not usage.completion_tokens and self._deltas > 0,
            reasoning_tokens=usage.reasoning_tokens,
            cached_tokens=usage.cached_tokens,
            cold=self.admitted.cold if self.admitted else start.cold,
            finish_reason=response.finish_reason if response else None,
            outcome=outcome,
            fault=fault,
            timing=self.timing(end_ns),
            warnings=(response.warnings if response else ()) + tuple(self.retries),
            visible_chars=sum(len(part.text) for part in self.parts() if isinstance(part, TextPart)),
            server_timing=response.timing if response else ServerTiming(),
        )


class Transcript:
    """A run's log folded event by event. Single writer, any number of readers."""

    def __init__(self) -> None:
        self.turns: list[TurnFold] = []
        self.finished: RunFinished | None = None
        self.first_ns: int | None = None
        self.last_ns = 0

    def add(self, logged: LoggedEvent) -> None:
        """Fold in the next event of the log."""
        at_ns, event = logged.at_ns, logged.event
        if self.first_ns is None:
            self.first_ns = at_ns
        self.last_ns = at_ns
        if isinstance(event, TurnStarted):
            self.turns.append(TurnFold(event, at_ns))
        elif isinstance(event, RunFinished):
            self.finished = event
        elif not isinstance(event, RunStarted) and self.turns:
            _add_to_turn(self.turns[-1], event, at_ns)

    @property
    def state(self) -> State:
        """What the run is doing now."""
        if self.finished:
            return "finished"
        return self.turns[-1].state if self.turns else "queued"

    @property
    def turn(self) -> TurnFold | None:
        """The latest model call; None before the first."""
        return self.turns[-1] if self.turns else None

    def message(self) -> Message | None:
        """Return the answer so far as one assistant message; None when nothing was shown."""
        parts = tuple(part for turn in self.turns for part in turn.parts())
        return Message("assistant", parts) if parts else None


def _add_to_turn(turn: TurnFold, event: ModelEvent | Admitted | TurnFailed, at_ns: int) -> None:
    match event:
        case TextDelta():
            turn.add_text(event, at_ns)
        case ReasoningDelta():
            turn.add_reasoning(event, at_ns)
        case ToolCallDelta():
            turn.add_call(event, at_ns)
        case _:
            _note(turn, event)


def _note(turn: TurnFold, event: _Note) -> None:
    """Take an event that adds nothing to the answer's text."""
    match event:
        case Progress():
            turn.progress = event
        case Milestone():
            turn.add_mark(event)
        case Retried():
            turn.retries.append(f"sent again: {event.reason}")
        case Admitted():
            turn.admitted = event
        case TurnFailed():
            turn.fault = event.fault
        case RequestSent():
            pass  # for the record; nothing of it is shown while the answer is written
        case ResponseHead():
            turn.head = event
        case ModelResponse():
            turn.response = event
        case _:
            assert_never(event)


def ending_of(
    spec: RunSpec,
    transcript: Transcript,
    *,
    outcome: Outcome,
    fault: Fault | None,
    end_ns: int,
    finished_at: datetime,
) -> RunEnding:
    """Return the ending of a run whose log is folded in the transcript.

    Args:
        spec: The run.
        transcript: All of its events.
        outcome: How the run, and so its last call, ended; earlier calls were completed, or failed and were replaced.
        fault: What went wrong; None when nothing did.
        end_ns: When it ended, on the clock of the events.
        finished_at: The same as UTC wall time.
    """
    generations: list[Generation] = []
    turns = transcript.turns
    for number, turn in enumerate(turns, start=1):
        last = number == len(turns)
        begun_us = (turn.at_ns - (transcript.first_ns or turn.at_ns)) // 1000
        generations.append(
            turn.generation(
                run_id=spec.run_id,
                started_at=spec.started_at + timedelta(microseconds=begun_us),
                end_ns=end_ns if last else turns[number].at_ns,
                outcome=outcome if last else "failed" if turn.fault else "completed",
                fault=fault if last else turn.fault,
            )
        )
    return RunEnding(spec.run_id, outcome, finished_at, fault, transcript.message(), tuple(generations))
