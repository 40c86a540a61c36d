"""The sections of the compare page. Which one is open stands in the URL, so that refresh and a link show the same."""

from collections.abc import Sequence
from typing import Literal, cast

import streamlit as st

from apehost_core.compare.comparison import Comparison
from apehost_ui import state

Overview = Literal["past", "new", "leaderboard"]
Part = Literal["plan", "results", "answers", "votes"]


_OVERVIEW: dict[str, str] = {
    "past": ":material/list: Comparisons",
    "new": ":material/add: New comparison",
    "leaderboard": ":material/leaderboard: Leaderboard",
}
_SIDE_BY_SIDE: dict[str, str] = {
    "plan": ":material/view_column: Side by side",
    "results": ":material/speed: Numbers",
    "answers": ":material/difference: Differences",
    "votes": ":material/how_to_vote: Votes",
}
_BENCHMARK: dict[str, str] = {
    "plan": ":material/checklist: Progress",
    "results": ":material/insights: Results",
    "answers": ":material/chat: Answers",
    "votes": ":material/how_to_vote: Votes",
}


def overview_section() -> Overview:
    """Draw the switch where no comparison is opened, and return the section that is."""
    return cast("Overview", _switch("compare-sections", _OVERVIEW, tuple(_OVERVIEW), None))


def part_of(comparison: Comparison) -> Part:
    """Draw the switch of an opened comparison and return the part that is shown."""
    if comparison.setup.mode == "side_by_side":
        return cast("Part", _switch("side-by-side-parts", _SIDE_BY_SIDE, tuple(_SIDE_BY_SIDE), None))
    first = "results" if comparison.state == "finished" else None
    return cast("Part", _switch("benchmark-parts", _BENCHMARK, tuple(_BENCHMARK), first))


def _switch(key: str, labels: dict[str, str], names: Sequence[str], first: str | None) -> str:
    state.follow_section(key, names, first=first)
    picked = st.segmented_control(
        "Section",
        names,
        required=True,
        format_func=labels.__getitem__,
        key=key,
        label_visibility="collapsed",
        on_change=state.take_section,
        args=(key,),
    )
    return cast("str", picked)
