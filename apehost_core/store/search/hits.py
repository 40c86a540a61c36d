"""Hits read from the database: the messages and titles that the index found, with snippets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import duckdb
import tantivy

from apehost_core.history.found import Hit, Snippet, Where
from apehost_core.messages import parts_from_json
from apehost_core.store.search.chats import Chat, Chats
from apehost_core.store.search.places import Place, Places
from apehost_core.store.search.rows import said
from apehost_core.store.search.schema import Author, key_in
from apehost_core.store.search.snippets import Highlighter, beginning

_MESSAGES: Final = """
SELECT rowid, id::VARCHAR, conversation_id::VARCHAR, role, text, created_at FROM messages
WHERE rowid IN (SELECT unnest(?::BIGINT[]))"""
_PARTS: Final = "SELECT rowid, id::VARCHAR, parts FROM messages WHERE rowid IN (SELECT unnest(?::BIGINT[]))"


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
    """Reads the rows of hits.

    Args:
        chats: Their conversations.
    """

    def __init__(self, chats: Chats) -> None:
        self._chats = chats
        self._places = Places()

    def hits(self, cursor: duckdb.DuckDBPyConnection, found: Sequence[Document], highlighter: Highlighter) -> list[Hit]:
        """Return the hits that are still there, in the order given."""
        places = [each.place for each in found if not each.is_title]
        messages = {key: _Message(*row) for key, row in self._places.read(cursor, _MESSAGES, places).items()}
        homes = {each.place.key: each.place.key for each in found if each.is_title}
        homes |= {key: key_in(message.conversation_id) for key, message in messages.items()}
        chats = self._chats.of(cursor, set(homes.values()))
        snippets = {key: highlighter.snippet(message.text) for key, message in messages.items()}
        elsewhere = [place for place in places if highlighter.looks and snippets.get(place.key, ()) is None]
        others = {
            key: _elsewhere(row[1], highlighter) for key, row in self._places.read(cursor, _PARTS, elsewhere).items()
        }
        hits: list[Hit] = []
        for each in found:
            key = each.place.key
            chat = chats.get(homes.get(key, -1))
            if chat is None:
                continue
            if each.is_title:
                hits.append(_title_hit(chat, highlighter))
            else:
                where, snippet = others.get(key) or ("text", snippets[key] or beginning(messages[key].text))
                hits.append(_hit(messages[key], chat, each.author, where, snippet))
        return hits


def _elsewhere(json: str, highlighter: Highlighter) -> tuple[Where, Snippet] | None:
    """Return a snippet of what a message says beside its text; None where the words are not in it."""
    texts = said(parts_from_json(json))
    wheres: tuple[Where, ...] = ("reasoning", "tool")
    for where in wheres:
        snippet = highlighter.snippet(texts[where])
        if snippet is not None:
            return where, snippet
    return None


def _hit(message: _Message, chat: Chat, author: Author, where: Where, snippet: Snippet) -> Hit:
    return Hit(
        message_id=message.id,
        conversation_id=chat.id,
        title=chat.title,
        role=message.role,
        at=message.at,
        model=author.model,
        server=author.server,
        where=where,
        snippet=snippet,
        tags=chat.tags,
        archived=chat.archived,
        trashed=chat.trashed,
    )


def _title_hit(chat: Chat, highlighter: Highlighter) -> Hit:
    return Hit(
        message_id="",
        conversation_id=chat.id,
        title=chat.title,
        role="",
        at=datetime.fromtimestamp(chat.at_us / 1e6, UTC),
        model="",
        server="",
        where="title",
        snippet=highlighter.snippet(chat.title) or beginning(chat.title),
        tags=chat.tags,
        archived=chat.archived,
        trashed=chat.trashed,
    )
