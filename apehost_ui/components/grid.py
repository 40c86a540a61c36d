"""Rows as a table."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st


def grid(rows: Sequence[Mapping[str, object]]) -> None:
    """Draw one line a row, the keys of the first row as headings; None stays empty."""
    # pyarrow, which is among the types that it takes, brings no types of its own.
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")  # pyright: ignore[reportUnknownMemberType]
