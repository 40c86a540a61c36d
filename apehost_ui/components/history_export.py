"""Chats as a file to download, in the format of whoever is to read them."""

from collections.abc import Callable
from typing import Final

import streamlit as st

from apehost_core.store.exports import ExportFormat, File, suffix_of

_FORMATS: Final[dict[ExportFormat, tuple[str, str]]] = {
    "apehost": ("ApeHost", "Everything: the whole tree, every call with its timings, tags. To be imported again."),
    "markdown": ("Markdown", "To read and keep: the selected branch, thoughts and tools folded."),
    "html": ("Web page", "One file that needs nothing else, to read and print."),
    "openai": ("OpenAI messages", "JSON Lines, the selected branch of each chat."),
    "openai_all": ("OpenAI, all branches", "JSON Lines, a line for each branch."),
    "sharegpt": ("ShareGPT", "For training: the selected branch in turns."),
    "openwebui": ("Open WebUI", "The whole tree, as Open WebUI imports it."),
}
_LABELS: Final = {name: label for name, (label, _) in _FORMATS.items()}


def export_popover(count: int, write: Callable[[ExportFormat], File], *, key: str, name: str) -> None:
    """Draw the choice of a format, and the button that downloads; nothing is written before it is pressed.

    Args:
        count: How many chats it is about.
        write: Writes them.
        key: Names the popover's fields.
        name: Of the file, without suffix.
    """
    with st.popover("Export", icon=":material/download:", key=key):
        picked = st.selectbox("Format", tuple(_FORMATS), format_func=_LABELS.__getitem__, key=f"{key}-format")
        st.caption(_FORMATS[picked][1])
        st.download_button(
            "Download",
            lambda: write(picked).content,
            f"{name}{suffix_of(picked, count)}",
            "application/octet-stream",
            key=f"{key}-download",
            icon=":material/download:",
            on_click="ignore",
        )


def export_tables(write: Callable[[], bytes]) -> None:
    """Draw the button that downloads the whole record as tables; nothing is written before it is pressed."""
    st.caption(
        "Every chat, call and measurement as tables, for pandas, DuckDB and the like: the views of the SQL section."
    )
    st.download_button(
        "Tables as Parquet",
        write,
        "apehost-tables.zip",
        "application/zip",
        key="export-tables",
        icon=":material/table:",
        on_click="ignore",
    )
