"""A comparison as a file: its report, or all of its calls as a table. Made when it is asked for, not before."""

import re
from collections.abc import Callable
from functools import partial
from typing import Literal

import streamlit as st

from apehost_core.compare.comparison import Comparison

Format = Literal["markdown", "csv", "parquet"]
_FORMATS: tuple[tuple[Format, str, str, str], ...] = (
    ("markdown", "Report", "md", "text/markdown"),
    ("csv", "CSV", "csv", "text/csv"),
    ("parquet", "Parquet", "parquet", "application/vnd.apache.parquet"),
)
_LONGEST = 40


def export_buttons(comparison: Comparison, get_export: Callable[[Format], bytes]) -> None:
    """Draw a button for each format.

    Args:
        comparison: What is exported.
        get_export: Returns the file; called in a thread of its own once a button was pressed.
    """
    with st.container(horizontal=True, key="export"):
        for export_format, label, ending, mime in _FORMATS:
            st.download_button(
                label,
                partial(get_export, export_format),
                file_name(comparison, ending),
                mime,
                key=f"export-{export_format}",
                icon=":material/download:",
                on_click="ignore",
            )


def file_name(comparison: Comparison, ending: str) -> str:
    """Return a name that every system takes: "apehost-qwen-against-gemma-2026-03-04.csv"."""
    words = re.sub(r"[^a-z0-9]+", "-", comparison.title.casefold())[:_LONGEST].strip("-")
    day = f"{comparison.created_at.astimezone():%Y-%m-%d}"
    return f"{'-'.join(filter(None, ('apehost', words or 'comparison', day)))}.{ending}"
