"""The sections of the compare page."""

from typing import Literal

from apehost_core.compare.comparison import Comparison
from apehost_ui.components.sections import section_switch

Overview = Literal["past", "new", "leaderboard"]
Part = Literal["plan", "results", "answers", "votes"]


_OVERVIEW: dict[Overview, str] = {
    "past": ":material/list: Comparisons",
    "new": ":material/add: New comparison",
    "leaderboard": ":material/leaderboard: Leaderboard",
}
_SIDE_BY_SIDE: dict[Part, str] = {
    "plan": ":material/view_column: Side by side",
    "results": ":material/speed: Numbers",
    "answers": ":material/difference: Differences",
    "votes": ":material/how_to_vote: Votes",
}
_BENCHMARK: dict[Part, str] = {
    "plan": ":material/checklist: Progress",
    "results": ":material/insights: Results",
    "answers": ":material/chat: Answers",
    "votes": ":material/how_to_vote: Votes",
}


def overview_section() -> Overview:
    """Draw the switch where no comparison is opened, and return the section that is."""
    return section_switch("compare-sections", _OVERVIEW)


def part_of(comparison: Comparison) -> Part:
    """Draw the switch of an opened comparison and return the part that is shown."""
    if comparison.setup.mode == "side_by_side":
        return section_switch("side-by-side-parts", _SIDE_BY_SIDE)
    first: Part | None = "results" if comparison.state == "finished" else None
    return section_switch("benchmark-parts", _BENCHMARK, first=first)
