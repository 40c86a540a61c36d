"""Which prompt of a comparison is looked at."""

from collections.abc import Sequence

import streamlit as st

from apehost_core.compare.comparison import Prompt
from apehost_ui import state

_MOST_LISTED = 300
_LONGEST = 70


def prompt_choice(prompts: Sequence[Prompt], *, key: str) -> int:
    """Draw a choice with steps to the one before and behind, and return the place of the chosen prompt.

    Args:
        prompts: At least one; beyond some hundred they are chosen by number.
        key: Of the field; it keeps the place.
    """
    count = len(prompts)
    if count == 1:
        return 0
    if count > _MOST_LISTED:
        return int(st.number_input(f"Prompt, 1 to {count:,}", 1, count, key=f"{key}-number")) - 1
    labels = {place: f"{place + 1}. {_short(prompt.text)}" for place, prompt in enumerate(prompts)}
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}-row"):
        chosen = st.selectbox("Prompt", tuple(labels), format_func=labels.__getitem__, key=key, width="stretch")
        steps = (("Previous prompt", "before", "chevron_left", -1), ("Next prompt", "after", "chevron_right", 1))
        for label, name, icon, step in steps:
            st.button(
                label,
                key=f"{key}-{name}",
                icon=f":material/{icon}:",
                disabled=not 0 <= chosen + step < count,
                on_click=state.put,
                args=(key, chosen + step),
            )
    return chosen


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
