"""Cells that the statistics leave out, each with its reason."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from apehost_core.compare.comparison import Attempt
from apehost_core.compare.numbers import counted
from apehost_core.compare.plan import Plan
from apehost_core.compare.sample import BROKEN, COLD, OTHER, Sample
from apehost_ui.compare_readers import Readers
from apehost_ui.components.grid import grid

_MOST = 500
_REASONS = {
    BROKEN: "failed, also when it was tried again",
    OTHER: "another model answered",
    COLD: "the model was loaded for it",
}


def flagged(sample: Sample, plan: Plan, names: Sequence[str], read: Readers) -> None:
    """Draw the cells that were left out, and why; nothing where none was.

    Args:
        sample: What the attempts came to.
        plan: The cells.
        names: Of the contenders.
        read: Asked for those that are listed, 500 at most.
    """
    asked = sample.cells("timed") | sample.cells("cached")
    cells = np.flatnonzero(asked & np.isin(sample.came_to, tuple(_REASONS))).tolist()
    if not cells:
        return
    st.subheader("Left out of the statistics", anchor=False)
    shown = cells[:_MOST]
    last = {attempt.cell: attempt for attempt in read.attempts(shown)}
    rows: list[dict[str, object]] = []
    for number in shown:
        cell = plan.cells[number]
        rows.append(
            {
                "Model": names[cell.contender],
                "Prompt": cell.prompt + 1,
                "Repeat": cell.repeat + 1,
                "Why": _REASONS[int(sample.came_to[number])],
                "In detail": _detail(last.get(number), int(sample.came_to[number])),
            }
        )
    grid(rows, key="table-flagged", alt="Cells that were left out, with the reason")
    if len(cells) > len(shown):
        st.caption(f"The first {_MOST} of {counted(len(cells), 'cell')}; the export has all of them.")


def _detail(attempt: Attempt | None, came_to: int) -> str:
    if attempt is None:
        return ""
    if came_to == BROKEN:
        return attempt.fault.title if attempt.fault else ""
    if came_to == OTHER and attempt.generation is not None:
        return f"{attempt.generation.model_answered} answered for {attempt.generation.model_asked}"
    return ""
