"""The switch between the sections of a page. Which one is open stands in the URL, so that a link shows the same."""

from collections.abc import Mapping
from typing import TypeVar, cast

import streamlit as st

from apehost_ui import state

_Name = TypeVar("_Name", bound=str)


def section_switch(key: str, labels: Mapping[_Name, str], *, first: _Name | None = None) -> _Name:
    """Draw the switch and return the section that is open.

    Args:
        key: Of the switch.
        labels: What each section is called, by its name in the URL.
        first: What is open where the URL names none of them; None for the first.
    """
    names = tuple(labels)
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
    return cast("_Name", picked)
