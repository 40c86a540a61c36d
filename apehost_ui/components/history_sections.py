"""The switch between the sections of the history page."""

from typing import Literal

from apehost_ui.components.sections import section_switch

HistorySection = Literal["search", "charts", "models", "speed", "sql", "import", "data", "calls"]
_SECTIONS: dict[HistorySection, str] = {
    "search": "Search",
    "charts": "Charts",
    "models": "Models and tools",
    "speed": "Speed",
    "sql": "SQL",
    "import": "Import",
    "data": "Data",
    "calls": "Calls",
}


def history_section() -> HistorySection:
    """Draw the switch and return the section that is open."""
    return section_switch("history-section", _SECTIONS)
