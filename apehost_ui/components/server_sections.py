"""The sections of the servers page."""

from typing import Literal

from apehost_ui.components.sections import section_switch

Section = Literal["servers", "profiles", "requests"]
_LABELS: dict[Section, str] = {
    "servers": ":material/dns: Servers",
    "profiles": ":material/tune: Profiles",
    "requests": ":material/receipt_long: Requests",
}


def section() -> Section:
    """Draw the switch and return the section that is open."""
    return section_switch("sections", _LABELS)
