"""The history page's section of speed: which models have become slower, since when, and what changed at that time.

A fragment, so that a decision draws nothing else anew. The look at the record goes on in the background.
"""

from datetime import datetime
from functools import partial
from typing import Final

import streamlit as st

from apehost_core.compare.numbers import counted
from apehost_core.errors import ApeHostError
from apehost_core.history.sentinel import RULES, Decisions, Report, SeriesKey, Verdict
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.history_speed import SeriesActions, alarm, all_series, one_series, series_picker
from apehost_ui.components.history_speed_words import moment, series_name
from apehost_ui.history_actions import telling
from apehost_ui.history_sql_actions import SQL, open_statement
from apehost_ui.history_state import SpeedUndo
from apehost_ui.host import host
from apehost_ui.markdown import plain_label
from apehost_ui.words import duration

_EVERY_S = 1.0
_PATIENCE_S = 0.4
MOST_AT_ONCE: Final = 4
"""So many alarms are drawn until somebody asks for all."""
_ORDER: Final = ("slower", "faster", "steady", "too few")


@st.fragment
def speed() -> None:
    """Draw alarms first, then all series."""
    if state.named(state.SECTION) == SQL:  # only the page can switch sections
        st.rerun()
    try:
        look = host().history.speed.look(_PATIENCE_S)
    except ApeHostError as error:
        fault_box(error.fault)
        return
    with st.container(key="speed-refusal"):
        for fault in (state.history().refusal, look.fault):
            if fault is not None:
                fault_box(fault)
    _undo()
    with st.container(key="speed-look"):
        if look.working:
            st.caption("Looking at the calls of the last year …")
            st.fragment(_await_look, run_every=_EVERY_S)()
    if look.report is not None:
        _report(look.report, look.decided)


def _await_look() -> None:
    if not host().history.speed.look().working:
        st.rerun()


def _report(report: Report, decided: Decisions) -> None:
    if not report.verdicts:
        st.info(
            "Nothing to watch yet. Every warm answer whose tokens the server counts is compared with earlier ones of "
            "the same model, server and prompt length. If a model becomes slower, for example after an update of its "
            "runtime, it is said here, with the day and what changed."
        )
        return
    verdicts = sorted(report.verdicts, key=_rank)
    slower = [each for each in verdicts if each.state == "slower" and not _settled(each, decided)]
    heard = [each for each in slower if each.key not in decided.muted]
    with st.container(key="speed-alarms", gap="small"):
        _alarms(heard, len(slower) - len(heard), watched=sum(each.state != "too few" for each in verdicts))
    with st.container(key="speed-all", gap="small"):
        st.markdown("#### All series")
        all_series(verdicts, decided.muted)
        picked = series_picker(verdicts)
        if picked is not None:
            key = picked.key
            one_series(picked, muted=key in decided.muted, accepted=decided.accepted.get(key), actions=_actions())
        st.caption(_method(report))


def _alarms(heard: list[Verdict], muted: int, *, watched: int) -> None:
    page = state.history()
    if heard:
        st.markdown(f"#### {counted(len(heard), 'alarm')}")
    elif watched:
        st.success(f"Nothing{' else' if muted else ''} has become slower.", icon=":material/check:")
    else:
        st.info(
            "There are too few calls yet to tell whether anything has become slower; the table says how many it takes."
        )
    shown = heard if page.all_alarms else heard[:MOST_AT_ONCE]
    for place, verdict in enumerate(shown):
        alarm(verdict, place, _actions())
    if len(heard) > len(shown):
        st.button(f"Show all {len(heard)} alarms", key="speed-more", on_click=_show_all)
    if muted:
        st.caption(f"{counted(muted, 'alarm')} {'is' if muted == 1 else 'are'} muted; the table has all.")


def _method(report: Report) -> str:
    left_out = (
        f" {report.beside:,} more ran beside another call of their server and are left out." if report.beside else ""
    )
    return plain_label(
        f"From {counted(report.calls, 'warm call')} of the last year, looked at {moment(report.at)} in "
        f"{duration(report.took_ms / 1000)}.{left_out} A window is {RULES.window_calls} calls or more of at least "
        f"{RULES.window_days} days. Slower is what two windows in a row show, by {RULES.floor * 100:.0f} % or more, "
        "clearer than chance would among all these series. Times are compared at equal prompt length; days are UTC."
    )


def _undo() -> None:
    undo = state.history().speed_undo
    with st.container(key="speed-undo"):
        if undo is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(plain_label(undo.words), width="content")
                st.button("Undo", key="speed-undo-button", icon=":material/undo:", on_click=_take_back)


def _settled(verdict: Verdict, decided: Decisions) -> bool:
    """Return whether its change is accepted already, while the new look at it is under way."""
    accepted, change = decided.accepted.get(verdict.key), verdict.change
    return accepted is not None and change is not None and accepted >= change.since.timestamp()


def _rank(verdict: Verdict) -> tuple[int, float, str, int]:
    """Return what the most changed series are sorted first by."""
    change = verdict.change
    ratio = 1.0 if change is None else min(change.ratio, 1 / change.ratio)
    return _ORDER.index(verdict.state), ratio, series_name(verdict.key), verdict.key.from_tokens


def _actions() -> SeriesActions:
    return SeriesActions(accept=_accept, mute=_mute, forget=partial(_accept, since=None), sql=_open_sql)


def _accept(key: SeriesKey, since: datetime | None) -> None:
    with telling():
        before = host().history.speed.accept(key, since)
        words = "Forgotten as the new normal" if since is None else "Taken as the new normal"
        state.history().speed_undo = SpeedUndo(f"{words}: {series_name(key)}", key, "accept", since=before)


def _mute(key: SeriesKey, muted: bool) -> None:
    with telling():
        host().history.speed.mute(key, muted=muted)
        words = f"{'Muted' if muted else 'Unmuted'}: {series_name(key)}"
        state.history().speed_undo = SpeedUndo(words, key, "mute", muted=not muted)


def _take_back() -> None:
    page = state.history()
    undo, page.speed_undo = page.speed_undo, None
    if undo is None:
        return
    with telling():
        if undo.what == "mute":
            host().history.speed.mute(undo.key, muted=undo.muted)
        else:
            host().history.speed.accept(undo.key, undo.since)


def _show_all() -> None:
    state.history().all_alarms = True


def _open_sql(key: SeriesKey, since: datetime | None) -> None:
    open_statement(host().history.speed.sql(key, since))
