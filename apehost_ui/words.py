"""How states, durations, sizes and outcomes are said. Pure functions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from apehost_core.errors import Fault
from apehost_core.events import Outcome, Progress
from apehost_core.runs.live_run import LiveRun
from apehost_core.runs.run import Generation
from apehost_core.runs.transcript import State, TurnFold
from apehost_core.servers import ServerState

SERVER_STATES: dict[ServerState, str] = {
    "unknown": "not looked at yet",
    "online": "online",
    "busy": "busy",
    "loading": "loading a model",
    "offline": "offline",
    "needs_token": "needs a token",
    "token_refused": "token refused",
    "rate_limited": "rate limited",
    "not_lm_studio": "not LM Studio",
    "failing": "answers with errors",
    "disabled": "switched off",
}
SERVER_BADGES: dict[ServerState, str] = {
    "unknown": "○",
    "online": "●",
    "busy": "◉",
    "loading": "◔",
    "offline": "✕",
    "needs_token": "⚿",
    "token_refused": "⚿",
    "rate_limited": "◐",
    "not_lm_studio": "≠",
    "failing": "▲",
    "disabled": "○",
}
NOBODY_THERE = (
    "LM Studio's usual place was tried: **port 1234 on this computer**. Nothing answered there. "
    "Servers elsewhere are added on the **Servers** page, or named in `LMSTUDIO_SERVERS`."
)
_STATES: dict[State, str] = {
    "queued": "queued",
    "waiting": "waiting as the server asked",
    "loading": "loading the model",
    "prompt": "reading the prompt",
    "thinking": "thinking",
    "writing": "writing",
    "calling": "writing a tool call",
    "finished": "finishing",
}
OUTCOMES: dict[Outcome, str] = {
    "completed": "complete",
    "length": "stopped at the token limit",
    "failed": "failed",
    "cancelled": "stopped by you",
    "limit": "stopped at a limit",
    "paused": "waiting for you",
    "interrupted": "interrupted: ApeHost ended while it was written",
}


def duration(seconds: float) -> str:
    """Return seconds as people say them: 0.21 s, 3.4 s, 12 s, 2 min 05 s."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def state_line(turn: TurnFold | None, elapsed_s: float) -> str:
    """Return what a live answer is doing: "queued (2nd in line) · 3.4 s", "writing · 5.0 s · 214 tokens"."""
    if turn is None:
        return f"starting · {duration(elapsed_s)}"
    words = _STATES[turn.state]
    if turn.progress and turn.state == turn.progress.stage:
        words += _progress(turn.progress)
    pieces = [words, duration(elapsed_s)]
    if turn.deltas:
        pieces.append(f"{turn.deltas:,} tokens")
    return " · ".join(pieces)


def run_line(run: LiveRun, now_ns: int) -> str:
    """Return what a live run is doing, or how it has ended; `now_ns` is of `time.perf_counter_ns`."""
    ended = run.transcript.finished
    return OUTCOMES[ended.outcome] if ended else state_line(run.transcript.turn, (now_ns - run.started_ns) / 1e9)


def _progress(progress: Progress) -> str:
    if progress.position is not None:
        return f" ({ordinal(progress.position)} in line)"
    if progress.seconds is not None:
        return f" for {duration(progress.seconds)}"
    return f" {progress.fraction:.0%}" if progress.fraction is not None else ""


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th, 21st ..."""
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def stats_line(generation: Generation) -> str:
    """Return the line under an answer: model, speed, time to first token, tokens, how it ended."""
    if generation.imported:
        return _imported_line(generation)
    pieces = [generation.model_answered or generation.model_asked, generation.server]
    about = "≈" if generation.completion_tokens_estimated else ""
    rate, ttft = generation.decode_rate, generation.timing.ttft
    if rate is not None:
        pieces.append(f"{about}{rate:.1f} tok/s")
    if generation.timing.load is not None:
        pieces.append(f"loaded in {duration(generation.timing.load / 1000)}")
    if ttft is not None:
        pieces.append(f"first token {duration(ttft / 1000)}{' (cold)' if generation.cold else ''}")
    tokens = f"{about}{generation.completion_tokens:,} tokens" if generation.completion_tokens else ""
    if generation.outcome == "failed":
        pieces.append(f"cut after {tokens}" if tokens else ending(generation.outcome, None))
    else:
        pieces += [tokens, ending(generation.outcome, generation.finish_reason)]
    return " · ".join(piece for piece in pieces if piece)


def _imported_line(generation: Generation) -> str:
    """Return the line under an answer of another program; its speeds are that program's words."""
    pieces = [generation.model_asked, generation.server]
    said = generation.server_timing
    if said.decode_tok_s is not None:
        pieces.append(f"{said.decode_tok_s:.1f} tok/s stated")
    if said.ttft_ms is not None:
        pieces.append(f"first token {duration(said.ttft_ms / 1000)} stated")
    if generation.completion_tokens:
        pieces.append(f"{generation.completion_tokens:,} tokens")
    return " · ".join([*pieces, *filter(None, [generation.finish_reason]), "imported, not measured here"])


def counted(tokens: int | None, *, estimated: bool = False) -> str:
    """Return a count and how it was got: "≈1,204 (estimated)"; empty when there is none."""
    if tokens is None:
        return ""
    return f"≈{tokens:,} (estimated)" if estimated else f"{tokens:,} (measured)"


def ending(outcome: Outcome, finish_reason: str | None) -> str:
    """Return how an answer ended."""
    if outcome == "completed":
        return finish_reason or OUTCOMES[outcome]
    return OUTCOMES[outcome]


def moved(generations: Sequence[Generation]) -> list[str]:
    """Return how an answer came from call to call: "Moved from PC to Mini: PC refused the connection."."""
    return _moves([(generation.server, generation.fault) for generation in generations])


def moved_live(turns: Sequence[TurnFold]) -> list[str]:
    """Return the same of an answer that is being written."""
    return _moves([(turn.start.server, turn.fault) for turn in turns])


def _moves(calls: Sequence[tuple[str, Fault | None]]) -> list[str]:
    lines: list[str] = []
    for (server, fault), (after, _) in pairwise(calls):
        if fault is not None:
            way = f"Tried again on {server}" if server == after else f"Moved from {server} to {after}"
            lines.append(f"{way}: {fault.title}.")
    return lines


def answered_by_another(generation: Generation) -> str | None:
    """Return a warning when another model answered than was asked; None when it is the same."""
    if generation.as_asked:
        return None
    return f"You asked for {generation.model_asked}; {generation.model_answered} answered."


def model_label(name: str, quantisation: str | None, where: str) -> str:
    """Return what a model is called in a list over several servers: "Gemma 3 1B Q4_K_M · PC"."""
    return f"{name}{f' {quantisation}' if quantisation else ''} · {where}"


def size(count: int) -> str:
    """Return bytes in decimal units: 93 MB, 4.1 GB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}" if count < 10 * factor else f"{count / factor:.0f} {unit}"
    return f"{count} B"


def when(moment: datetime) -> str:
    """Return the group in a list by time: Today, Yesterday, Last 7 days, or month and year."""
    days = (datetime.now(UTC).astimezone().date() - moment.astimezone().date()).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    return "Last 7 days" if days < 7 else f"{moment.astimezone():%B %Y}"


def moment(at: datetime) -> str:
    """Return when something was, as people say it here: "25 Nov, 04:50", with the year where it is another one."""
    here = at.astimezone()
    return f"{here:%d %b, %H:%M}" if here.year == datetime.now().astimezone().year else f"{here:%d %b %Y, %H:%M}"
