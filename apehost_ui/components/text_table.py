"""A small table of plain text, as one element: Streamlit's own draws each cell as Markdown of its own."""

from collections.abc import Iterator, Sequence
from html import escape

import streamlit as st


def text_table(lines: Sequence[Sequence[str]], *, alt: str, heads: Sequence[str] = ()) -> None:
    """Draw lines of text, in which nothing is alive; the first cell of a line says what it is about.

    Args:
        lines: Cells of text of any kind.
        alt: What screen readers say that the table is.
        heads: What the columns are called; empty where they need no names.
    """
    head = f"<thead><tr>{''.join(_cell('th', text, scope='col') for text in heads)}</tr></thead>" if heads else ""
    body = "".join(f"<tr>{''.join(_line(line))}</tr>" for line in lines)
    st.html(f'<table class="ape-table" aria-label="{escape(alt)}">{head}<tbody>{body}</tbody></table>')


def _line(cells: Sequence[str]) -> Iterator[str]:
    name, *others = cells
    yield _cell("th", name, scope="row")
    yield from (_cell("td", text) for text in others)


def _cell(tag: str, text: str, *, scope: str = "") -> str:
    told = f' scope="{scope}"' if scope else ""
    return f"<{tag}{told}>{escape(text)}</{tag}>"
