"""Texts in CSV files that a spreadsheet opens.

Spreadsheets run what begins with = + - or @ as a formula, and what models write is no text of ours. So such texts get
an apostrophe in front, as OWASP advises and admin tools do, which spreadsheets do not show. It changes what other
programs read.
"""

import re

from apehost_core.store.sql_text import identifier

_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"  # noqa: RUF001 -- spreadsheets take the wide ones for formulas, too

_BEGINS = re.compile(_FORMULA)


def harmless_text(text: str) -> str:
    """Return a text as it may stand in a CSV file."""
    return f"'{text}" if _BEGINS.match(text) else text


def harmless(name: str) -> str:
    """Return SQL for the texts of a column as they may stand in a CSV file."""
    column = identifier(name)
    return f"CASE WHEN regexp_matches({column}, '{_FORMULA}') THEN '''' || {column} ELSE {column} END"
