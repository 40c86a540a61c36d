"""The buttons after an answer that failed: ask again (counting down where a server asked to wait), or go on with it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import ceil

import streamlit as st

from apehost_core.chat.exchange import Choice

_ICON = ":material/refresh:"


def retry_button(not_before: datetime | None, *, on_click: Callable[[], None]) -> None:
    """Draw the button; it cannot be pressed before that moment (UTC), and says how long that is."""
    if _seconds_until(not_before) > 0:
        st.fragment(_count_down, run_every=1)(not_before)
    else:
        st.button("Retry", key="retry", icon=_ICON, on_click=on_click)


def continue_buttons(choices: Sequence[tuple[str, Choice]], *, on_click: Callable[[Choice], None]) -> None:
    """Draw a button for each label, whose choice goes on with the answer."""
    for number, (label, choice) in enumerate(choices):
        icon = ":material/resume:"
        st.button(label, key=f"continue-{number}", icon=icon, on_click=on_click, args=(choice,))


def _count_down(not_before: datetime | None) -> None:
    left = _seconds_until(not_before)
    if left <= 0:
        st.rerun()
    st.button(f"Retry in {left} s", key="retry-later", icon=_ICON, disabled=True)


def _seconds_until(moment: datetime | None) -> int:
    return 0 if moment is None else ceil((moment - datetime.now(UTC)).total_seconds())
