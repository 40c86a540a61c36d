"""The answers of a side by side while they are written: a column for each model, all drawn by one look at a time."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import streamlit as st

from apehost_core.compare.plan import Plan
from apehost_core.compare.progress import Progress
from apehost_core.errors import Fault
from apehost_core.events import Outcome
from apehost_core.runs.live_run import LiveRun
from apehost_core.runs.run import Generation
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.reasoning import reasoning
from apehost_ui.markdown import divide, plain_label, safe
from apehost_ui.words import OUTCOMES, answered_by_another, run_line, stats_line

_LOOKS_PER_S = 5
_SEALED_CHARS = 1_600  # as in live.py: above what Streamlit sends again and again
_A_ROW = 4
_UNDER_WAY = ("running", "pausing")


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt at a cell ended.

    Attributes:
        text: The answer; empty when none counts.
        reasoning: What was thought before it.
        outcome: How the run ended.
        generation: The call; None when none was made.
        fault: What went wrong; None when nothing did.
    """

    text: str
    reasoning: str
    outcome: Outcome
    generation: Generation | None
    fault: Fault | None

    @property
    def answered(self) -> bool:
        """Whether it ended with an answer."""
        return self.outcome in ("completed", "length")


@dataclass(frozen=True, slots=True)
class Watched:
    """Where the columns get what they show.

    Attributes:
        progress: How far all is.
        live: A run while it lives, by its id; None when it does not.
        ended: How the attempts at cells ended, by cell; those that have not are left out.
    """

    progress: Callable[[], Progress]
    live: Callable[[str], LiveRun | None]
    ended: Callable[[Sequence[int]], dict[int, Ended]]


@dataclass(slots=True)
class _Seen:
    """What the looks of one drawing of the page share.

    Attributes:
        ended: By cell, what is known to have ended; read once.
        late: The columns were drawn after the end, and the page may be drawn anew.
    """

    ended: dict[int, Ended] = field(default_factory=dict[int, Ended])
    late: bool = False


def live_columns(called: Sequence[str], plan: Plan, watched: Watched, *, running: bool) -> None:
    """Draw a column for each contender; while it runs, several times a second.

    Args:
        called: Names of the contenders.
        plan: Its timed cells are what the columns show.
        watched: Where the answers come from.
        running: Whether there is anything to wait for.
    """
    shown = [cell for cell in plan.cells if cell.kind == "timed" and cell.repeat == 0 and cell.prompt == 0]
    cells = [cell.number for cell in sorted(shown, key=attrgetter("contender"))]
    seen = _Seen(watched.ended(cells))
    with st.container(key="side-by-side"):
        look = st.fragment(_look, run_every=1 / _LOOKS_PER_S) if running else _look
        look(called, plan, cells, watched, seen)


def _look(called: Sequence[str], plan: Plan, cells: Sequence[int], watched: Watched, seen: _Seen) -> None:
    if seen.late and state.chat().dialog is None:
        st.rerun()
    progress = watched.progress()  # before the answers: what it calls done is there to be read
    under_way = progress.state in _UNDER_WAY
    working = {plan.cells[one.cell].contender: one for one in progress.working}
    runs = {place: watched.live(one.run_id) for place, one in working.items()}
    _read_ended(plan, cells, progress, runs, watched, seen)
    width = _row(len(cells))
    for begin in range(0, len(cells), width):
        for column, cell in zip(st.columns(width, gap="medium"), cells[begin : begin + width], strict=False):
            place = plan.cells[cell].contender
            run = runs.get(place)
            with column, st.container(key=f"answer-{place}"):
                st.markdown(f"**{plain_label(called[place])}**")
                if run is not None:
                    _being_written(run, warming=plan.cells[working[place].cell].kind == "warm_up")
                elif cell in seen.ended:
                    written(seen.ended[cell])
                else:
                    st.caption("waiting for its turn" if under_way else "not asked yet")
    seen.late = not under_way


def _read_ended(
    plan: Plan,
    cells: Sequence[int],
    progress: Progress,
    runs: Mapping[int, LiveRun | None],
    watched: Watched,
    seen: _Seen,
) -> None:
    """Read what has ended since the last look; what is being asked once more is forgotten."""
    missing: list[int] = []
    for cell in cells:
        place = plan.cells[cell].contender
        done = progress.contenders[place]
        if runs.get(place) is not None:
            seen.ended.pop(cell, None)
        elif cell not in seen.ended and (place in runs or done.answered or done.failed):
            missing.append(cell)
    if missing:
        seen.ended |= watched.ended(missing)


def _row(count: int) -> int:
    """Return how many columns stand in a row: up to four, and five or six in two rows of three."""
    return count if count <= _A_ROW else 3


def _being_written(run: LiveRun, *, warming: bool) -> None:
    st.caption(f"{'warming up · ' if warming else ''}{run_line(run, time.perf_counter_ns())}")
    turn = run.transcript.turn
    if turn is not None and not warming:
        reasoning(turn.reasoning, turn.reasoning_seconds(), live=not turn.text)
        blocks = divide(turn.text, size=_SEALED_CHARS)
        for piece in (*blocks.sealed, blocks.tail):
            if piece.strip():
                st.markdown(safe(piece))


def written(ended: Ended) -> None:
    """Draw an answer that has ended: its numbers (in one row with others'), thoughts, text, what failed."""
    generation = ended.generation
    st.caption(plain_label(stats_line(generation)) if generation is not None else OUTCOMES[ended.outcome])
    other = answered_by_another(generation) if generation is not None else None
    if other:
        st.warning(plain_label(other), icon=":material/swap_horiz:")
    reasoning(ended.reasoning, None)
    if ended.text.strip():
        st.markdown(safe(ended.text))
    elif ended.reasoning.strip():
        st.info("The model thought, and ended without an answer.", icon=":material/psychology:")
    if ended.fault is not None:
        fault_box(ended.fault)
