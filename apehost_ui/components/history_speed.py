"""The parts of the history page's speed section: alarms, one series, and all series as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from apehost_core.history.sentinel import SeriesKey, Verdict
from apehost_ui.components import history_speed_words as say
from apehost_ui.components.grid import grid
from apehost_ui.components.history_speed_chart import speed_chart
from apehost_ui.markdown import plain_label

PICKED_KEY = "speed-picked"


@dataclass(frozen=True, slots=True)
class SeriesActions:
    """What can be done with a series.

    Attributes:
        accept: Takes the speed since a change as the new normal.
        mute: Shows no alarms of it, or shows them again (the second argument).
        forget: Takes no speed as the new normal any more.
        sql: Opens its calls since a time (None: all) in the SQL console.
    """

    accept: Callable[[SeriesKey, datetime], None]
    mute: Callable[[SeriesKey, bool], None]
    forget: Callable[[SeriesKey], None]
    sql: Callable[[SeriesKey, datetime | None], None]


def alarm(verdict: Verdict, place: int, actions: SeriesActions) -> None:
    """Draw an alarm: what changed, since when, what else changed then, a chart, and what can be done."""
    change = verdict.change
    if change is None:
        return
    with st.container(border=True, key=f"speed-alarm-{place}", gap="small"):
        _told(verdict)
        speed_chart(verdict, key=f"speed-chart-{place}")
        with st.container(horizontal=True, key=f"speed-buttons-{place}"):
            _button("This is the new normal", "check", place, actions.accept, verdict.key, change.since)
            _button("Mute", "notifications_off", place, actions.mute, verdict.key, True)
            _button("Show calls", "database", place, actions.sql, verdict.key, None)


def one_series(verdict: Verdict, *, muted: bool, accepted: float | None, actions: SeriesActions) -> None:
    """Draw a series that was picked from the table, and what can be done with it.

    Args:
        verdict: The series.
        muted: Its alarms are not shown.
        accepted: Since when its speed is the new normal (seconds since 1970); None where it is not.
        actions: What can be done.
    """
    key, change = verdict.key, verdict.change
    with st.container(border=True, key="speed-one", gap="small"):
        _told(verdict)
        if accepted is not None:
            st.caption(f"Its speed since {say.day(datetime.fromtimestamp(accepted).astimezone())} is the new normal.")
        speed_chart(verdict, key="speed-chart-one")
        with st.container(horizontal=True, key="speed-buttons-one"):
            if change is not None:
                _button("This is the new normal", "check", "one", actions.accept, key, change.since)
            if accepted is not None:
                _button("Forget the new normal", "history", "one", actions.forget, key)
            if muted:
                _button("Unmute", "notifications", "one", actions.mute, key, False)
            elif change is not None:
                _button("Mute", "notifications_off", "one", actions.mute, key, True)
            _button("Show calls", "database", "one", actions.sql, key, None)


def all_series(verdicts: Sequence[Verdict], muted: frozenset[SeriesKey]) -> None:
    """Draw all series as a table; at least one."""
    grid(
        [_row(verdict, muted=verdict.key in muted) for verdict in verdicts],
        key="speed-table",
        alt="All series of calls with their speed",
        height="auto" if len(verdicts) <= 10 else "room",
    )


def series_picker(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Draw the choice of a series and return what is picked; None where nothing is."""
    names = {_label(verdict.key): verdict for verdict in verdicts}
    picked = st.selectbox(
        "Show a series", tuple(names), index=None, key=PICKED_KEY, placeholder="Pick one to see its days"
    )
    return None if picked is None else names[picked]


def _told(verdict: Verdict) -> None:
    key, change, baseline = verdict.key, verdict.change, verdict.baseline
    if change is None or baseline is None:
        st.markdown(f"**{plain_label(say.MEASURES[key.measure])}: {plain_label(say.state(verdict))}**")
        st.caption(plain_label(f"{say.series_name(key)}, {say.prompts(key)}, runtime {say.runtime(verdict.runtime)}"))
        if baseline is not None:
            st.caption(plain_label(f"Usual: {say.usual(key.measure, baseline.low, baseline.high)}."))
        return
    st.markdown(f"**{plain_label(say.headline(key.measure, change))}**")
    went = say.values(key.measure, baseline.value, change.value)
    st.markdown(plain_label(f"{say.series_name(key)}, {say.prompts(key)}: {went}"))
    st.caption(plain_label(f"{say.came(change)} {say.causes(change)} {say.rests_on(verdict)}"))


def _button(words: str, icon: str, place: int | str, do: Callable[..., None], *arguments: object) -> None:
    key = f"speed-{words.split()[0].casefold()}-{place}"
    st.button(words, key=key, icon=f":material/{icon}:", on_click=do, args=arguments)


def _label(key: SeriesKey) -> str:
    return f"{say.series_name(key)}, {say.prompts(key)}: {say.MEASURES[key.measure].casefold()}"


def _row(verdict: Verdict, *, muted: bool) -> dict[str, object]:
    key, baseline, change = verdict.key, verdict.baseline, verdict.change
    return {
        "State": f"{say.state(verdict)}{' (muted)' if muted else ''}",
        "Measure": say.MEASURES[key.measure],
        "Server": key.server,
        "Model": key.model,
        "Quantisation": key.quantisation or None,
        "Prompt tokens": say.length(key),
        "Usual": None if baseline is None else say.usual(key.measure, baseline.low, baseline.high),
        "Now": None if change is None else say.value(key.measure, change.value),
        "Since": None if change is None else say.day(change.since),
        "Runtime": verdict.runtime or None,
        "Calls": verdict.calls,
        "Last call": verdict.last.astimezone().replace(tzinfo=None, microsecond=0),
    }
