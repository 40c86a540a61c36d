"""The switch between the sections of the history page."""

from typing import Literal

from apehost_ui.components.sections import section_switch

HistorySection = Literal["calls"]
_SECTIONS: dict[HistorySection, str] = {
    "calls": "Calls",
}


def history_section() -> HistorySection:
    """Draw the switch and return the section that is open."""
    return section_switch("history-section", _SECTIONS)
