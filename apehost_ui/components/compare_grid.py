"""What became of the requests so far, as a small grid: a line for each model, a field for each prompt (or some).

Counted in numpy, so that a comparison of 200,000 requests is drawn as quickly as one of ten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from apehost_core.compare.measures import ANSWERED, FAILED, Columns
from apehost_core.compare.numbers import counted
from apehost_core.compare.plan import Plan
from apehost_core.compare.progress import Working

WAITING, FAILED_NOW, COLD, OTHER_MODEL, DONE = range(5)
"""What became of a cell; later ones beat earlier ones."""

_MOST_FIELDS = 40
_KINDS = 5
_SIGNS = ("○", "✕", "❄", "⇄", "✓")
_CLASSES = ("waiting", "failed", "cold", "other", "done")
_WORDS = ("waiting", "failed", "by a cold model", "by another model", "done")
_ASKING, _PARTLY = "▶", "◐"
_LEGEND = (
    f"{_SIGNS[DONE]} done · {_PARTLY} partly · {_ASKING} being asked · {_SIGNS[FAILED_NOW]} failed · "
    f"{_SIGNS[COLD]} the model was cold · {_SIGNS[OTHER_MODEL]} another model answered · {_SIGNS[WAITING]} waiting"
)


@dataclass(frozen=True, slots=True)
class Fields:
    """Which field of the grid each cell of a plan belongs to.

    Attributes:
        of_cell: By number of the cell: contender * width + group of prompts; -1 for cells that stand in none.
        contenders: How many lines.
        width: How many fields a line has.
        a_field: How many prompts stand in one field.
        prompts: How many there are.
    """

    of_cell: NDArray[np.int32]
    contenders: int
    width: int
    a_field: int
    prompts: int

    @classmethod
    def of(cls, plan: Plan, contenders: int, prompts: int) -> "Fields":
        """Return the fields of a plan's timed and cached cells."""
        a_field = max(1, -(-prompts // _MOST_FIELDS))
        width = max(1, -(-prompts // a_field))
        counts = (
            cell.contender * width + cell.prompt // a_field if cell.kind in ("timed", "cached") else -1
            for cell in plan.cells
        )
        return cls(np.fromiter(counts, np.int32, len(plan.cells)), contenders, width, a_field, prompts)


def tallies(fields: Fields, columns: Columns) -> NDArray[np.int64]:
    """Return how many cells of each field are what: (field, what became of it); what beats what is said above."""
    became = np.zeros(len(fields.of_cell), np.int8)
    answered, failed = columns.ending == ANSWERED, columns.ending == FAILED
    other, cold = answered & ~columns.as_asked, answered & columns.as_asked & (columns.cold == 1)
    warm = answered & columns.as_asked & (columns.cold != 1)
    for kind, chosen in ((FAILED_NOW, failed), (COLD, cold), (OTHER_MODEL, other), (DONE, warm)):
        became[columns.cell[chosen]] = kind
    inside = fields.of_cell >= 0
    size = fields.contenders * fields.width
    flat = np.bincount(fields.of_cell[inside] * _KINDS + became[inside], minlength=size * _KINDS)
    return flat.reshape(size, _KINDS)


def progress_grid(called: Sequence[str], fields: Fields, columns: Columns, working: Sequence[Working]) -> None:
    """Draw the grid and what its signs mean."""
    counts = tallies(fields, columns)
    asking = {int(fields.of_cell[one.cell]) for one in working}
    lines: list[str] = []
    for place, name in enumerate(called):
        begin = place * fields.width
        marks = "".join(
            _mark(counts[begin + at], name, _prompts(fields, at), asking=begin + at in asking)
            for at in range(fields.width)
        )
        lines.append(f'<tr><th scope="row">{escape(name)}</th><td>{marks}</td></tr>')
    st.html(f'<table class="ape-grid" aria-label="What became of the requests">{"".join(lines)}</table>')
    grouped = f" · {counted(fields.a_field, 'prompt')} in one field" if fields.a_field > 1 else ""
    st.caption(_LEGEND + grouped)


def _mark(counts: NDArray[np.int64], name: str, prompts: str, *, asking: bool) -> str:
    """Return one field: the worst of what has happened in it, and how far it is."""
    told = ", ".join(f"{count:,} {_WORDS[kind]}" for kind, count in enumerate(counts) if count)
    sign, look = _sign(counts)
    if asking:
        sign, look = _ASKING, "asking"
    words = escape(f"{name}, {prompts}: {told or 'nothing to ask'}", quote=True)
    return f'<span class="ape-{look}" title="{words}">{sign}</span>'


def _sign(counts: NDArray[np.int64]) -> tuple[str, str]:
    for kind in (FAILED_NOW, OTHER_MODEL, COLD):
        if counts[kind]:
            return _SIGNS[kind], _CLASSES[kind]
    if counts[DONE] and counts[WAITING]:
        return _PARTLY, "partly"
    kind = DONE if counts[DONE] else WAITING
    return _SIGNS[kind], _CLASSES[kind]


def _prompts(fields: Fields, at: int) -> str:
    first, last = at * fields.a_field + 1, min((at + 1) * fields.a_field, fields.prompts)
    return f"prompt {first}" if first == last else f"prompts {first} to {last}"
