"""What a comparison will do, before it does it: loads, requests, time, and the order on each machine."""

from collections.abc import Sequence

import streamlit as st

from apehost_core.compare.comparison import Setup
from apehost_core.compare.numbers import counted
from apehost_core.compare.plan import Plan, Stretch
from apehost_core.compare.progress import Preview
from apehost_core.errors import Fault
from apehost_ui.compare_words import names, span, stretch_words
from apehost_ui.markdown import plain_label

_SHOWN = 12
_FEW_WARNINGS = 3
_FEW_GUESSES = 2


def plan_takes(preview: Preview) -> None:
    """Draw what a comparison would take, and what makes its numbers less sure."""
    with st.container(horizontal=True, key="plan-numbers"):
        _number("Time", span(preview.low_s, preview.high_s))
        _number("Requests", f"{preview.requests:,}")
        _number("Loads", f"{preview.loads:,}")
    for warning in preview.warnings[:_FEW_WARNINGS]:
        st.warning(plain_label(warning), icon=":material/warning:")


def plan_order(preview: Preview, setup: Setup) -> None:
    """Draw in which order a comparison would ask, and what its time rests on."""
    order(preview.plan, setup)
    guessed, more = preview.guessed[:_FEW_GUESSES], len(preview.guessed) - _FEW_GUESSES
    notes = [*preview.warnings[_FEW_WARNINGS:], *guessed]
    if more > 0:
        notes.append(f"So it is with {counted(more, 'more model')}")
    if notes:
        st.caption("  \n".join(f"{plain_label(note)}." for note in notes))


def not_ready(fault: Fault) -> None:
    """Draw why there is nothing to preview yet."""
    st.info(f"**{plain_label(fault.title)}.** {plain_label(fault.advice)}", icon=":material/edit_note:")


def order(plan: Plan, setup: Setup) -> None:
    """Draw in which order the requests are made, machine by machine."""
    called = names(setup)
    several = len(plan.tracks) > 1
    for number, track in enumerate(plan.tracks, start=1):
        head = [f"**Machine {number}**, at the same time as the others"] if several else []
        lines = [f"{place}. {plain_label(stretch_words(stretch, plan, called))}" for place, stretch in _shown(track)]
        more = [f"and {counted(len(track) - _SHOWN, 'step')} more"] if len(track) > _SHOWN else []
        st.markdown("\n\n".join([*head, "\n".join(lines), *more]))
    if plan.judging:
        st.markdown(f"At the end the judge reads {counted(len(plan.judging), 'pair')} of answers.")


def _shown(track: Sequence[Stretch]) -> list[tuple[int, Stretch]]:
    return list(enumerate(track[:_SHOWN], start=1))


def _number(label: str, value: str) -> None:
    st.markdown(f":small[{label}]  \n**{value}**", width="content")
