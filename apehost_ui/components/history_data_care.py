"""What is drawn of checks of the record, and of the rules of how long things are kept."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from apehost_core.history.care import MOST_DAYS, Applied, IdleAction, Integrity, Preview, Problem, Remedy, Rules
from apehost_ui import state
from apehost_ui.components.history_data_words import (
    REMEDIES,
    check_words,
    integrity_words,
    problem_words,
    touched_line,
    touched_words,
)
from apehost_ui.markdown import plain_label
from apehost_ui.words import moment

_OFFERED = 90
_IDLE_ACTION_KEY = "rule-idle-action"
_TRASH_DAYS_KEY = "rule-trash-days"
_ACTIONS: dict[IdleAction, str] = {"archive": "put in the archive", "trash": "put in the trash"}
_MENDING: dict[Remedy, str] = {
    "rebuild_index": "Make the index anew",
    "select_newest": "Select the newest messages",
}


@dataclass(frozen=True, slots=True)
class RuleActions:
    """What the buttons of rules do; what is typed then is in `typed_rules`.

    Attributes:
        preview: Counts what the rules in the fields would touch.
        save: Keeps them.
        apply: Applies those that are kept.
    """

    preview: Callable[[], None]
    save: Callable[[], None]
    apply: Callable[[], None]


def soundness(
    found: Integrity | None, *, idle: bool, on_check: Callable[[], None], on_mend: Callable[[Remedy], None]
) -> None:
    """Draw what the last check found, and what can be done about it.

    Args:
        found: None before the first check.
        idle: Nothing goes on.
        on_check: Checks now.
        on_mend: Does what can be done.
    """
    st.subheader("Check", anchor=False)
    st.caption(
        "Compares look-ups with scans, the search index with the record, and follows messages, model calls and tool "
        "calls to what they belong to. It changes nothing, and runs after each start and every day."
    )
    if found is None:
        st.info("The record is checked a few seconds after the start.")
    elif found.problems:
        st.error(plain_label(integrity_words(found)), icon=":material/error:")
    else:
        st.success(plain_label(integrity_words(found)), icon=":material/verified:")
    if found is not None:
        st.caption("  \n".join(plain_label(check_words(check)) for check in found.checks))
        for problem in found.problems:
            st.markdown(f"- {plain_label(problem_words(problem))} {REMEDIES[problem.remedy]}")
        _mending(found.problems, idle=idle, on_mend=on_mend)
    st.button("Check now", key="care-check", icon=":material/fact_check:", disabled=not idle, on_click=on_check)


def _mending(problems: tuple[Problem, ...], *, idle: bool, on_mend: Callable[[Remedy], None]) -> None:
    wanted = {problem.remedy for problem in problems}
    for remedy, label in _MENDING.items():
        if remedy in wanted:
            icon = ":material/build:"
            st.button(label, key=f"care-{remedy}", icon=icon, disabled=not idle, on_click=on_mend, args=(remedy,))


def retention(
    kept: Rules, preview: Preview | None, applied: Applied | None, actions: RuleActions, *, idle: bool
) -> None:
    """Draw the rules as fields, what they would touch, and the buttons that keep and apply them.

    Args:
        kept: The rules that are kept.
        preview: What was counted last; None when nothing was.
        applied: What the rules did last since the start; None before the first time.
        actions: What the buttons do.
        idle: Nothing goes on.
    """
    st.subheader("How long things are kept", anchor=False)
    st.caption(
        "Beside what is in the trash, nothing goes unless a rule here says so. Rules are applied after each start, and "
        "every day."
    )
    _fields(kept)
    rules = typed_rules(kept)
    if preview is not None and preview.rules == rules:
        with st.container(border=True, key="care-preview"):
            st.markdown("**As things are now:**")
            st.markdown("\n".join(f"- {plain_label(touched_line(each))}" for each in preview.touched))
    with st.container(horizontal=True):
        icon = ":material/visibility:"
        label = "See what they touch"
        st.button(label, key="rules-see", icon=icon, disabled=not idle, on_click=actions.preview)
        changed = rules != kept
        # Never disabled: a number that is being typed comes with the press, so that nobody knows of it before.
        kind = "primary" if changed else "secondary"
        st.button("Save rules", key="rules-save", icon=":material/save:", type=kind, on_click=actions.save)
        blocked = changed or not idle
        icon = ":material/play_arrow:"
        st.button("Apply now", key="rules-apply", icon=icon, disabled=blocked, on_click=actions.apply)
    if applied is not None:
        st.caption(plain_label(f"Applied {moment(applied.at)}: {touched_words(applied.touched)}."))


def typed_rules(kept: Rules) -> Rules:
    """Return the rules that stand in the fields at this moment, also while a button is being pressed.

    Args:
        kept: What those have that were never drawn.
    """
    return Rules(
        _typed_days("log", kept.log_days),
        _typed_days("body", kept.body_days),
        _typed_days("idle", kept.idle_days),
        state.held(_IDLE_ACTION_KEY, kept.idle_action),
        state.held(_TRASH_DAYS_KEY, kept.trash_days),
    )


def _typed_days(name: str, kept: int | None) -> int | None:
    is_on = state.held(f"rule-{name}", kept is not None)
    return state.held(f"rule-{name}-days", kept or _OFFERED) if is_on else None


def _fields(kept: Rules) -> None:
    help_ = "The steps of each answer. Without them Info under an answer shows its measurements only."
    _days("Delete event logs of runs", "days after the run's end", "log", kept.log_days, help_)
    help_ = "What was sent to the servers, word for word. The chats themselves stay."
    _days("Delete bodies of requests", "days after the request", "body", kept.body_days, help_)
    help_ = "Both can be undone in the search section: take chats out of the archive or the trash there."
    if _days("Put away chats that are not used", "days after the last message", "idle", kept.idle_days, help_):
        names = tuple(_ACTIONS)
        st.radio(
            "Such chats are",
            names,
            index=names.index(kept.idle_action),
            format_func=_ACTIONS.__getitem__,
            horizontal=True,
            key=_IDLE_ACTION_KEY,
        )
    label = "Days in the trash before something is deleted for good"
    st.number_input(label, 1, MOST_DAYS, kept.trash_days, key=_TRASH_DAYS_KEY, width=360)
    st.caption("Event logs and bodies of comparisons stay: their results are drawn from them.")


def _days(label: str, unit: str, name: str, kept: int | None, help_: str) -> bool:
    """Draw a rule with its number of days, and return whether it is on."""
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"rule-row-{name}"):
        is_on = st.toggle(label, kept is not None, key=f"rule-{name}", help=help_)
        if is_on:
            st.number_input(unit, 1, MOST_DAYS, kept or _OFFERED, key=f"rule-{name}-days", width=220)
    return is_on
