"""Hits read from the database: the messages and titles that the index found, with snippets."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import duckdb
import tantivy

from apehost_core.history.found import Hit, Snippet, Where
from apehost_core.store.search.chats import Chat
from apehost_core.store.search.memory import Memory
from apehost_core.store.search.places import Place
from apehost_core.store.search.schema import Author
from apehost_core.store.search.snippets import Highlighter, beginning
from apehost_core.store.search.texts import Said


class Document(NamedTuple):
    """What the index knows of a hit.

    Attributes:
        place: Where its row stood.
        is_title: Whether it is a title, not a message.
        author: Who wrote it.
    """

    place: Place
    is_title: bool
    author: Author


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
        memory: What they are made of.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def hits(self, cursor: duckdb.DuckDBPyConnection, found: Sequence[Document], highlighter: Highlighter) -> list[Hit]:
        """Return the hits that are still there, in the order given."""
        self._memory.renew(cursor)
        messages = self._memory.texts.read(cursor, [each.place for each in found if not each.is_title])
        homes = {each.place.key: each.place.key for each in found if each.is_title}
        homes |= {key: message.conversation for key, message in messages.items()}
        chats = self._memory.chats.of(cursor, set(homes.values()))
        hits: list[Hit] = []
        for each in found:
            chat = chats.get(homes.get(each.place.key, -1))
            if chat is None:
                continue
            if each.is_title:
                hits.append(_title_hit(chat, highlighter))
            else:
                hits.append(_hit(messages[each.place.key], chat, each.author, highlighter))
        return hits


def _shown(message: Said, highlighter: Highlighter) -> tuple[Where, Snippet]:
    """Return the part of a message where the words are, and a snippet of it."""
    parts: tuple[tuple[Where, str], ...] = (
        ("text", message.text),
        ("reasoning", message.reasoning),
        ("tool", message.tool),
    )
    for where, text in parts:
        snippet = highlighter.snippet(text)
        if snippet is not None:
            return where, snippet
    return "text", beginning(message.text)


def _hit(message: Said, chat: Chat, author: Author, highlighter: Highlighter) -> Hit:
    where, snippet = _shown(message, highlighter)
    return Hit(
        message_id=message.id,
        conversation_id=chat.id,
        title=chat.title,
        role=message.role,
        at=_time(message.at_us),
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
        at=_time(chat.at_us),
        model="",
        server="",
        where="title",
        snippet=highlighter.snippet(chat.title) or beginning(chat.title),
        tags=chat.tags,
        archived=chat.archived,
        trashed=chat.trashed,
    )


def _time(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC)
