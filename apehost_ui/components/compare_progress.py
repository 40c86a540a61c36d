"""How far a benchmark is, while it runs and afterwards: a bar for each model, what is asked now, and the grid."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from apehost_core.compare.comparison import Comparison
from apehost_core.compare.measures import Columns
from apehost_core.compare.plan import Plan
from apehost_core.compare.progress import Done, Progress, Working
from apehost_core.runs.live_run import LiveRun
from apehost_ui import state
from apehost_ui.compare_words import cell_words, names, remaining_words, waiting_words
from apehost_ui.components.compare_grid import Fields, progress_grid
from apehost_ui.components.fault import fault_box
from apehost_ui.markdown import plain_label
from apehost_ui.words import run_line

_EVERY_S = 1
_GRID_EVERY_S = 3
_UNDER_WAY = ("running", "pausing")


@dataclass(frozen=True, slots=True)
class Watched:
    """Where it is read how far a comparison is.

    Attributes:
        progress: How far all is.
        live: A run while it lives, by its id; None when it does not.
        columns: What was measured so far.
    """

    progress: Callable[[], Progress]
    live: Callable[[str], LiveRun | None]
    columns: Callable[[], Columns]


def benchmark_progress(comparison: Comparison, plan: Plan, watched: Watched) -> None:
    """Draw how far it is; while it runs by itself again and again, and the whole page anew when that ends."""
    under_way = comparison.state in _UNDER_WAY
    called = names(comparison.setup)
    fields = Fields.of(plan, len(called), len(comparison.setup.prompts))
    with st.container(key="progress"):
        look = st.fragment(_look, run_every=_EVERY_S) if under_way else _look
        look(comparison, plan, called, watched)
    with st.container(key="progress-grid"):
        draw = st.fragment(_grid, run_every=_GRID_EVERY_S) if under_way else _grid
        draw(called, fields, watched)


def _look(comparison: Comparison, plan: Plan, called: Sequence[str], watched: Watched) -> None:
    progress = watched.progress()
    if progress.state != comparison.state and state.chat().dialog is None:
        st.rerun()
    st.markdown(f"**{remaining_words(progress)}**")
    with st.container(key="bars", gap="small"):
        for name, done in zip(called, progress.contenders, strict=True):
            st.progress(_share(done), text=f"{plain_label(name)} · {_done_words(done)}")
    with st.container(key="working"):
        for one in progress.working:
            st.caption(plain_label(_working_words(one, comparison, plan, tuple(called), watched)))
        for one in progress.waiting:
            st.warning(plain_label(waiting_words(one)), icon=":material/hourglass_top:")
    with st.container(key="progress-fault"):
        if progress.fault is not None and comparison.fault is None:
            fault_box(progress.fault)


def _grid(called: Sequence[str], fields: Fields, watched: Watched) -> None:
    progress_grid(called, fields, watched.columns(), watched.progress().working)


def _share(done: Done) -> float:
    return min(1.0, (done.answered + done.failed) / done.planned) if done.planned else 1.0


def _done_words(done: Done) -> str:
    failed = f" · {done.failed:,} failed" if done.failed else ""
    return f"{done.answered:,} of {done.planned:,}{failed}"


def _working_words(one: Working, comparison: Comparison, plan: Plan, called: tuple[str, ...], watched: Watched) -> str:
    what = cell_words(plan.cells[one.cell], comparison.setup, called)
    run = watched.live(one.run_id)
    return f"{one.server}: {what}" + (f" · {run_line(run, time.perf_counter_ns())}" if run is not None else "")
