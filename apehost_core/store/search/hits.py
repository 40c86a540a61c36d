"""Hits read from the database: the messages and titles that the index found, with snippets."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb
import tantivy

from apehost_core.history.found import Hit, Snippet, Where
from apehost_core.messages import parts_from_json
from apehost_core.store.search.places import Place, Places
from apehost_core.store.search.rows import said, tags_of
from apehost_core.store.search.schema import Author
from apehost_core.store.search.snippets import Highlighter, beginning

_MESSAGES: Final = """
SELECT rowid, id::VARCHAR, conversation_id::VARCHAR, role, text, created_at FROM messages
WHERE rowid IN (SELECT unnest(?::BIGINT[]))"""
_PARTS: Final = "SELECT rowid, id::VARCHAR, parts FROM messages WHERE rowid IN (SELECT unnest(?::BIGINT[]))"
_TITLES: Final = "SELECT rowid, id::VARCHAR FROM conversations WHERE rowid IN (SELECT unnest(?::BIGINT[]))"
_CONVERSATIONS: Final = """
SELECT id::VARCHAR, title, updated_at, coalesce(leaf_id::VARCHAR, ''), archived_at IS NOT NULL, trashed_at IS NOT NULL
FROM conversations WHERE id IN (SELECT unnest(?::UUID[]))"""


@dataclass(frozen=True, slots=True)
class Document:
    """What the index knows of a hit.

    Attributes:
        place: Where its row stood.
        is_title: Whether it is a title, not a message.
        author: Who wrote it.
    """

    place: Place
    is_title: bool
    author: Author


@dataclass(frozen=True, slots=True)
class _Message:
    id: str
    conversation_id: str
    role: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Conversation:
    id: str
    title: str
    at: datetime
    leaf_id: str
    archived: bool
    trashed: bool
    tags: tuple[str, ...]


def documents(
    searcher: tantivy.Searcher, addresses: Sequence[tantivy.DocAddress], authors: Sequence[Author]
) -> list[Document]:
    """Return what the index knows of hits."""
    columns = [searcher.fast_field_values(name, list(addresses)) for name in ("key", "row", "title", "author")]
    return [
        Document(Place(int(key or 0), int(row or 0)), bool(is_title), authors[int(author or 0)])
        for key, row, is_title, author in zip(*columns, strict=True)
    ]


class Reader:
    """Reads the rows of hits."""

    def __init__(self) -> None:
        self._messages = Places("messages", _MESSAGES)
        self._parts = Places("messages", _PARTS)
        self._titles = Places("conversations", _TITLES)

    def hits(self, cursor: duckdb.DuckDBPyConnection, found: Sequence[Document], highlighter: Highlighter) -> list[Hit]:
        """Return the hits that are still there, in the order given."""
        places = [each.place for each in found if not each.is_title]
        messages = {key: _Message(*row) for key, row in self._messages.read(cursor, places).items()}
        titles = self._titles.read(cursor, [each.place for each in found if each.is_title])
        wanted = {message.conversation_id for message in messages.values()} | {row[0] for row in titles.values()}
        conversations = _conversations(cursor, wanted)
        snippets = {key: highlighter.snippet(message.text) for key, message in messages.items()}
        elsewhere = [place for place in places if highlighter.looks and snippets.get(place.key, ()) is None]
        others = {key: _elsewhere(row[1], highlighter) for key, row in self._parts.read(cursor, elsewhere).items()}
        hits: list[Hit] = []
        for each in found:
            key = each.place.key
            if each.is_title:
                if key in titles and titles[key][0] in conversations:
                    hits.append(_title_hit(conversations[titles[key][0]], highlighter))
            elif (message := messages.get(key)) and message.conversation_id in conversations:
                where, snippet = others.get(key) or ("text", snippets[key] or beginning(message.text))
                hits.append(_hit(message, conversations[message.conversation_id], each.author, where, snippet))
        return hits


def _conversations(cursor: duckdb.DuckDBPyConnection, ids: Collection[str]) -> dict[str, _Conversation]:
    if not ids:
        return {}
    tags = tags_of(cursor, ids)
    rows = cursor.execute(_CONVERSATIONS, [list(ids)]).fetchall()
    return {row[0]: _Conversation(*row, tags=tuple(tags.get(row[0], ()))) for row in rows}


def _elsewhere(json: str, highlighter: Highlighter) -> tuple[Where, Snippet] | None:
    """Return a snippet of what a message says beside its text; None where the words are not in it."""
    texts = said(parts_from_json(json))
    wheres: tuple[Where, ...] = ("reasoning", "tool")
    for where in wheres:
        snippet = highlighter.snippet(texts[where])
        if snippet is not None:
            return where, snippet
    return None


def _hit(message: _Message, conversation: _Conversation, author: Author, where: Where, snippet: Snippet) -> Hit:
    return Hit(
        message_id=message.id,
        conversation_id=conversation.id,
        title=conversation.title,
        role=message.role,
        at=message.at,
        model=author.model,
        server=author.server,
        where=where,
        snippet=snippet,
        tags=conversation.tags,
        archived=conversation.archived,
        trashed=conversation.trashed,
    )


def _title_hit(conversation: _Conversation, highlighter: Highlighter) -> Hit:
    return Hit(
        message_id=conversation.leaf_id,
        conversation_id=conversation.id,
        title=conversation.title,
        role="",
        at=conversation.at,
        model="",
        server="",
        where="title",
        snippet=highlighter.snippet(conversation.title) or beginning(conversation.title),
        tags=conversation.tags,
        archived=conversation.archived,
        trashed=conversation.trashed,
    )
