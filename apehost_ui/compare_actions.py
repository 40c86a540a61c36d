"""What the compare page's buttons do: calls to the lab, and what the page remembers afterwards."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Literal

import streamlit as st

from apehost_core.chat.exchange import Choice
from apehost_core.compare.answers import Answer
from apehost_core.compare.comparison import Attempt, Comparison, Prompt, Setup, Verdict
from apehost_core.compare.progress import Preview
from apehost_core.compare.prompts import PastPrompts
from apehost_core.errors import ApeHostError, Fault
from apehost_core.model import Preferences
from apehost_core.servers.profiles import Effective
from apehost_ui import state
from apehost_ui.compare_draft import draft_of, new_draft, setup_of
from apehost_ui.components.compare_header import HeaderActions
from apehost_ui.components.compare_live import Ended
from apehost_ui.components.compare_setup import SetupActions
from apehost_ui.host import call, host
from apehost_ui.markdown import plain_label
from apehost_ui.page_state import Picked, SetupDraft
from apehost_ui.telling import told

_MOST_SEEDS = 2**31
LISTED = 100


def telling() -> AbstractContextManager[None]:
    """Have the page say what an action could not do."""
    return told(state.compare())


def opened() -> Comparison | None:
    """Return the comparison that the URL names; a link to none that exists leads to the list."""
    page = state.compare()
    if page.opening is not None:
        fault, page.refusal = page.refusal, None
        state.open_comparison(page.opening)
        page.opening, page.refusal = None, fault
    comparison_id = state.comparison_id()
    if comparison_id is None:
        return None
    comparison = host().lab.get(comparison_id)
    if comparison is None:
        state.open_comparison(None)
        page.refusal = Fault(
            kind="bad_request",
            title="There is no comparison at this link",
            advice="It may have been deleted: the trash below the list keeps comparisons for a while.",
        )
    return comparison


def open_new() -> None:
    """Open the form of a new comparison."""
    state.open_comparison(None, "new")


def setup_actions() -> SetupActions:
    """Return what the setup form asks of the host."""
    return SetupActions(effective=_effective, find_past=_past, preview=_preview, start=_start_new, clear=_clear)


def header_actions(comparison: Comparison) -> HeaderActions:
    """Return what the buttons of an opened comparison do."""
    return HeaderActions(
        start=partial(_act, "start", comparison.id),
        pause=partial(_act, "pause", comparison.id),
        stop=partial(_act, "stop", comparison.id),
        rerun=partial(_rerun, comparison.id),
        change=partial(_change, comparison),
        rename=partial(_rename, comparison.id),
        delete=partial(delete, comparison.id, comparison.title),
        back=partial(state.open_comparison, None),
    )


def delete(comparison_id: str, title: str) -> None:
    """Stop a comparison, put it in the trash and offer to undo it."""
    with telling():
        call(host().lab.delete, comparison_id)
        state.open_comparison(None)
        state.compare().undo = comparison_id, title


def undo_delete() -> None:
    """Take the last deleted comparison out of the trash and open it."""
    page = state.compare()
    if page.undo is not None:
        with telling():
            call(host().lab.restore, page.undo[0])
            state.open_comparison(page.undo[0])
            page.undo = None


def restore(comparison_id: str) -> None:
    """Take a comparison out of the trash."""
    page = state.compare()
    with telling():
        call(host().lab.restore, comparison_id)
        if page.undo is not None and page.undo[0] == comparison_id:
            page.undo = None


def ended(comparison_id: str, cells: Sequence[int]) -> dict[int, Ended]:
    """Return how the last attempts at these cells ended, by cell; those that have not are left out."""
    lab = host().lab
    answers = lab.answers(comparison_id, cells)
    last = {attempt.cell: attempt for attempt in lab.attempts(comparison_id, cells) if _shows(attempt, answers)}
    cut = lab.messages({cell: attempt.run_id for cell, attempt in last.items() if cell not in answers})
    found: dict[int, Ended] = {}
    for cell, attempt in last.items():
        said = answers[cell] if cell in answers else cut[cell]
        assert attempt.outcome is not None, "only what has ended is shown"
        found[cell] = Ended(said.text, said.reasoning, attempt.outcome, attempt.generation, attempt.fault)
    return found


def _shows(attempt: Attempt, answers: Mapping[int, Answer]) -> bool:
    """Whether an attempt is what its cell shows: the one that counts, and where none does, the last that has ended."""
    answer = answers.get(attempt.cell)
    return attempt.run_id == answer.run_id if answer is not None else attempt.outcome is not None


def vote(comparison_id: str, left: int, right: int, verdict: Verdict, *, blind: bool) -> None:
    """Keep what the person thinks of two answers."""
    with telling():
        call(host().lab.vote, comparison_id, left, right, verdict, blind=blind)


def take_back(vote_id: str) -> None:
    """Take a vote back."""
    with telling():
        call(host().lab.take_back, vote_id)


def _effective(picked: Picked, own: Preferences) -> Effective:
    return host().effective(Choice(picked.server, picked.model, quantisation=picked.quantisation), own)


def _prefer(picked: Picked, own: Preferences) -> Preferences:
    return _effective(picked, own).preferences


def _past(wanted: PastPrompts) -> list[Prompt]:
    return host().lab.past_prompts(wanted)


def _preview(draft: SetupDraft) -> tuple[Setup, Preview] | Fault:
    try:
        setup = setup_of(draft, _prefer)
        return setup, host().lab.preview(setup)
    except ApeHostError as error:
        return error.fault


def _start_new(draft: SetupDraft) -> Fault | None:
    """Keep a comparison and begin it; returns why it could not be kept."""
    page = state.compare()
    try:
        setup = replace(setup_of(draft, _prefer), seed=secrets.randbelow(_MOST_SEEDS))
        comparison = call(host().lab.create, setup)
        # Kept where a script that is interrupted right here leaves it: a second click must not make a second one.
        page.opening = comparison.id
    except ApeHostError as error:
        return error.fault
    with telling():
        call(host().lab.start, comparison.id)
    return None


def _clear() -> None:
    page = state.compare()
    page.draft = new_draft(page.draft)


def _act(verb: Literal["start", "pause", "stop"], comparison_id: str) -> None:
    lab = host().lab
    with telling():
        call({"start": lab.start, "pause": lab.pause, "stop": lab.stop}[verb], comparison_id)


def _rerun(comparison_id: str) -> None:
    with telling():
        again = call(host().lab.rerun, comparison_id)
        state.open_comparison(again.id)
        call(host().lab.start, again.id)


def _change(comparison: Comparison) -> None:
    """Open the form with what a comparison asked, to change it and ask something else."""
    page = state.compare()
    page.draft = draft_of(comparison.setup, comparison.title, page.draft)
    state.open_comparison(None, "new")


def _rename(comparison_id: str, title: str) -> None:
    with telling():
        call(host().lab.rename, comparison_id, title)
        st.toast(f"It is called {plain_label(title.strip())} now.", icon=":material/check:")
