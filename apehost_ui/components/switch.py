"""A switch between a few names. Which one is picked stands in the URL, under the switch's key."""

from collections.abc import Mapping
from typing import TypeVar, cast

import streamlit as st

_Name = TypeVar("_Name", bound=str)


def url_switch(label: str, names: Mapping[_Name, str], key: str, *, first: str | None = None) -> _Name:
    """Draw the switch and return what is picked.

    Args:
        label: What is switched, for those who do not see it.
        names: What each is called, by its name in the URL.
        key: Of the switch, and its name in the URL.
        first: What is picked to begin with; None for the first.
    """
    picked = st.segmented_control(
        label,
        tuple(names),
        default=first or next(iter(names)),
        required=True,
        format_func=names.__getitem__,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
        wrap=True,
    )
    return cast("_Name", picked)
