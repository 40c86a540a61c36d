"""What the index holds: its fields, how text is cut into words, and the documents for messages and titles.

Nothing of the text is stored: hits are read from the database. All that a message says is one field, its parts well
apart, or another for what is in the trash, so that no search has to leave that out; what filters ask for is a third, of
marks: "role:user", "model:qwen3-4b", "has:code", "in:trash".

Words are runs of letters and digits, in lower case and without accents. Scripts that put no spaces between words are
cut into characters, and what is looked for in them is a row of characters. Both sides, text and search, pass through
the same analyzer.
"""

import math
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import tantivy

EDITION: Final = "3"
"""Grows with every change to the schema, the analyzer or the documents; an index of another edition is made anew."""

MESSAGE, TITLE = "message", "title"
TRASH, ARCHIVE, IMPORTED = "in:trash", "in:archive", "in:imported"
TEXT, TRASHED = "text", "trashed"

_UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Extended_Pictographic}\u{30FC}"
)
# Longer words are cut, so that no word is too long for the index; their pieces are then looked for side by side.
_WORD = rf"[{_UNSPACED}]|[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]{{1,64}}"
_ANALYZER = "words"
_HALF_LIFE_S: Final = 2 * 365.25 * 86_400
_EPOCH_S: Final = 1_640_995_200  # 2022-01-01; see `_weight`
_STEPS: Final = 1 << 10


@cache
def analyzer() -> tantivy.TextAnalyzer:
    """Return what cuts text, and what is looked for, into words."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_WORD))
    return builder.filter(tantivy.Filter.lowercase()).filter(tantivy.Filter.ascii_fold()).build()


def schema() -> tantivy.Schema:
    """Return the fields."""
    builder = tantivy.SchemaBuilder()
    for name in (TEXT, TRASHED):
        builder.add_text_field(name, tokenizer_name=_ANALYZER)
    builder.add_text_field("mark", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("conversation", indexed=True)
    for name in ("key", "row", "title", "author"):  # of all types the quickest to look up
        builder.add_unsigned_field(name, fast=True)
    builder.add_integer_field("at_s", fast=True)
    builder.add_float_field("weight", fast=True)
    builder.add_bytes_field("watermark", stored=True)
    return builder.build()


def register(index: tantivy.Index) -> None:
    """Tell an opened index how text is cut."""
    index.register_tokenizer(_ANALYZER, analyzer())


def normal(text: str) -> str:
    """Return text with one spelling for characters that mean the same (full width, composed accents, ligatures)."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def key_of(identifier: UUID) -> int:
    """Return the part of an id that the index knows: its last 48 bits, which are drawn by chance."""
    return identifier.int & 0xFFFF_FFFF_FFFF


def key_in(identifier: str) -> int:
    """Return the same of an id that is text."""
    return int(identifier[-12:], 16)


def key_sql(column: str) -> str:
    """Return the same of a column of ids in SQL."""
    return f"({column}::UHUGEINT & 281474976710655)::UBIGINT"


class Author(NamedTuple):
    """Who wrote a message; both empty where no model did."""

    model: str
    server: str


NOBODY: Final = Author("", "")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index is to know of a message, or of a title.

    Attributes:
        id: Of the message; of a title, that of its conversation.
        conversation_id: Where it belongs.
        row: Where a message's row stands: a hint, to be checked. 0 for a title, of which memory knows all.
        at_s: Time in s since 1970; of a title, when the conversation was last written in.
        texts: Visible text, reasoning, arguments and results of tools; or the title. None of them empty.
        marks: What filters ask for; first of all "message" or "title".
        author: Which model on which server wrote it.
    """

    id: UUID
    conversation_id: UUID
    row: int
    at_s: int
    texts: list[str]
    marks: list[str]
    author: Author = NOBODY

    @property
    def is_title(self) -> bool:
        """Whether it is a title, not a message."""
        return self.marks[0] == TITLE

    def document(self, fields: tantivy.Schema, author: int) -> tantivy.Document:
        """Return it as the index takes it, its author being a number."""
        values: dict[str, Any] = {
            TRASHED if TRASH in self.marks else TEXT: [normal(text) for text in self.texts],
            "mark": self.marks,
            "key": key_of(self.id),
            "conversation": key_of(self.conversation_id),
            "title": int(self.is_title),
            "author": author,
            "row": self.row,
            "at_s": self.at_s,
            "weight": _weight(self.at_s),
        }
        return tantivy.Document.from_dict(values, fields)  # pyright: ignore[reportUnknownMemberType] -- plain dict


def _weight(at_s: int) -> float:
    """Return the weight by which a message's text score is multiplied so that it halves with every two years of age.

    Ages change and the index does not, so the factor grows with the date instead, which orders alike. The engine
    multiplies by log2(2 + weight), so this is the inverse of that. It takes factors from 1 to 126: what is older than
    2022 is alike, and what is newer than 2035. Few binary places keep the index small; they are worth a week.
    """
    factor = 2.0 ** ((at_s - _EPOCH_S) / _HALF_LIFE_S)
    places, exponent = math.frexp(2.0 ** min(max(factor, 1.0), 126.0) - 2.0)
    return math.ldexp(round(places * _STEPS) / _STEPS, exponent)
