"""What is seen of comparisons: reads the lab and hands the values to the components that draw them."""

from functools import lru_cache, partial

import streamlit as st

from apehost_core.compare.checks import Checked
from apehost_core.compare.comparison import Comparison
from apehost_core.compare.sample import Sample
from apehost_core.compare.statistics import summarise
from apehost_core.compare.summary import Summary
from apehost_ui import compare_actions, state
from apehost_ui.compare_readers import Readers
from apehost_ui.compare_words import names
from apehost_ui.components import compare_live, compare_progress
from apehost_ui.components.compare_answers import answers
from apehost_ui.components.compare_export import export_buttons
from apehost_ui.components.compare_list import ListActions, comparison_list
from apehost_ui.components.compare_plan import order
from apehost_ui.components.compare_results import results
from apehost_ui.components.compare_votes import VoteActions, voting
from apehost_ui.components.leaderboard import leaderboard
from apehost_ui.host import host

_AT_HAND = 4
_UNDER_WAY = ("running", "pausing")


def past() -> None:
    """Draw the comparisons that were made."""
    undo = state.compare().undo
    comparison_list(
        host().lab.list(compare_actions.LISTED),
        host().lab.list(compare_actions.LISTED, trashed=True),
        undo=undo[1] if undo else None,
        actions=ListActions(
            new=compare_actions.open_new,
            open=state.open_comparison,
            delete=compare_actions.delete,
            undo=compare_actions.undo_delete,
            restore=compare_actions.restore,
        ),
    )


def ratings() -> None:
    """Draw how models do in votes, over all comparisons."""
    lab = host().lab
    leaderboard(lab.topics(), lab.judges(), lab.leaderboard)


def under_way(comparison: Comparison) -> None:
    """Draw what is asked and how far it is: the answers side by side, or a benchmark's progress."""
    lab = host().lab
    plan, running = lab.plan(comparison.id), comparison.state in _UNDER_WAY
    progress = partial(lab.progress, comparison.id)
    if comparison.setup.mode == "side_by_side":
        with st.chat_message("user", avatar=":material/person:"):
            st.text(comparison.setup.prompts[0].text)
        ended = partial(compare_actions.ended, comparison.id)
        watched = compare_live.Watched(progress, host().hub.live, ended)
        compare_live.live_columns(names(comparison.setup), plan, watched, running=running)
    else:
        watched = compare_progress.Watched(progress, host().hub.live, partial(lab.columns, comparison.id))
        compare_progress.benchmark_progress(comparison, plan, watched)
    with st.expander("Plan", expanded=comparison.state == "planned", icon=":material/list_alt:"):
        order(plan, comparison.setup)


def measured(comparison: Comparison) -> None:
    """Draw what the numbers say."""
    lab = host().lab
    cells = Readers(partial(lab.attempts, comparison.id), partial(lab.timelines, comparison.id))
    sample, summary = _summarised(comparison)
    results(comparison, summary, sample, lab.plan(comparison.id), cells, _checked(comparison))
    export_buttons(comparison, partial(lab.export, comparison.id))


def read(comparison: Comparison) -> None:
    """Draw the answers next to each other."""
    lab = host().lab
    ended = partial(compare_actions.ended, comparison.id)
    answers(comparison, lab.plan(comparison.id), ended, _checked(comparison))


def voted(comparison: Comparison) -> None:
    """Draw the votes on the answers."""
    lab = host().lab
    plan = lab.plan(comparison.id)
    sample = Sample.of(lab.columns(comparison.id), plan, comparison.setup)
    actions = VoteActions(
        answers=partial(lab.answers, comparison.id),
        vote=partial(compare_actions.vote, comparison.id),
        take_back=compare_actions.take_back,
        tell=state.compare().named.setdefault(comparison.id, set()).add,
    )
    named = lab.named_pairs(comparison.id) | state.compare().named[comparison.id]
    voting(comparison, plan, sample, lab.votes(comparison.id), named, actions)


def _summarised(comparison: Comparison) -> tuple[Sample, Summary]:
    """Return what was measured and what it says; of a finished comparison worked out once, not at every click."""
    if comparison.state == "finished":
        return _finished_sample(comparison.id, host().lab.revision)
    return _sample(comparison)


def _sample(comparison: Comparison) -> tuple[Sample, Summary]:
    lab = host().lab
    sample = Sample.of(lab.columns(comparison.id), lab.plan(comparison.id), comparison.setup)
    return sample, summarise(sample)


@lru_cache(_AT_HAND)
def _finished_sample(comparison_id: str, _changes: int) -> tuple[Sample, Summary]:
    comparison = host().lab.get(comparison_id)
    assert comparison is not None, "it was read for this page"
    return _sample(comparison)


def _checked(comparison: Comparison) -> Checked:
    if comparison.state == "finished":
        return _finished_checks(comparison.id, host().lab.revision)
    return host().lab.checks(comparison.id)


@lru_cache(_AT_HAND)
def _finished_checks(comparison_id: str, _changes: int) -> Checked:
    return host().lab.checks(comparison_id)
