"""Rows as a table."""

from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

_ROOM_PX = 520


def grid(
    rows: Sequence[Mapping[str, object]],
    *,
    key: str | None = None,
    alt: str | None = None,
    columns: Mapping[str, ColumnConfig] | None = None,
    height: Literal["auto", "room"] = "auto",
) -> None:
    """Draw one line a row, the keys of the first row as headings; None stays empty.

    Args:
        rows: At least one.
        key: Names the table for the page's style and tests; None for a table that needs no name.
        alt: What screen readers say that it is.
        columns: How columns are shown, where it is not as their values say.
        height: "auto" shows ten rows, "room" some more; the rest scrolls inside.
    """
    # pyarrow, which is among the types that it takes, brings no types of its own.
    st.dataframe(  # pyright: ignore[reportUnknownMemberType]
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        height="auto" if height == "auto" else _ROOM_PX,
        key=key,
        alt=alt,
        placeholder="",
        column_config=columns,
    )
