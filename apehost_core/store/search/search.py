"""The search of the history page: what the words find, with rows from the database."""

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import tantivy

from apehost_core.errors import Fault, StoreError
from apehost_core.history.found import Found, Order, SearchProgress
from apehost_core.history.search_words import parse
from apehost_core.store.database import Database
from apehost_core.store.search.changes import last_change
from apehost_core.store.search.facets import facets_of
from apehost_core.store.search.feeder import Feeder
from apehost_core.store.search.hits import Reader, documents
from apehost_core.store.search.index import SearchIndex, count_of
from apehost_core.store.search.query import Asking, ignored
from apehost_core.store.search.snippets import Highlighter

_OPEN_S: Final = 10.0
_PATIENCE_S: Final = 60.0


class Search:
    """Finds messages and titles of one database. Safe to use from any thread; methods block.

    Args:
        database: Where they are.
        folder: Where the index is kept; made if need be. Deleting it costs nothing but time.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._feeder = Feeder(database, folder)
        self._reader = Reader(self._feeder.memory)

    def close(self) -> None:
        """Let go of the index; before the database is closed."""
        self._feeder.close()

    @property
    def progress(self) -> SearchProgress:
        """How far the index is; from memory."""
        return self._feeder.progress

    @property
    def taken(self) -> int:
        """Number of the last change that the index has taken in; 0 where there is no index."""
        index = self._feeder.index
        return index.watermark.taken if index is not None else 0

    @property
    def held(self) -> int:
        """How many messages the index has; 0 where there is no index."""
        index = self._feeder.index
        return index.messages() if index is not None else 0

    def rebuild(self) -> None:
        """Have the index made anew, in the background."""
        self._feeder.make_anew()

    def settle(self, timeout_s: float = _PATIENCE_S) -> bool:
        """Wait until all that is in the database now can be found; returns whether that came to be.

        Raises:
            StoreError: The database cannot be read.
        """
        with self._database.read() as cursor:
            last = last_change(cursor)
        return self._feeder.wait(lambda: self._has(last), timeout_s)

    def warm(self, timeout_s: float = _PATIENCE_S) -> bool:
        """Wait until the newest messages are in memory too, seconds after a start; returns whether they are."""
        return self._feeder.wait(lambda: self._feeder.memory.filled, timeout_s)

    def find(
        self, text: str, *, limit: int = 50, offset: int = 0, order: Order = "relevance", facets: bool = True
    ) -> Found:
        """Return what a search text finds; nothing for an empty one.

        The archive is searched, the trash only where the text says in:trash. In order of relevance a text score
        (BM25) counts half for every two years of age; what has the same score, as all that has but the beginning of a
        word, comes newest first.

        Args:
            text: As typed; see `search_words`.
            limit: Most hits to return.
            offset: Hits to pass over.
            order: Which come first.
            facets: Whether to count how all hits divide.

        Raises:
            InputRefused: A filter word is wrong; the fault names it.
            StoreError: The index or the database cannot be read now.
        """
        begun = time.perf_counter()
        words = parse(text, datetime.now().astimezone().date())
        index = self._index()
        searcher = index.searcher()
        asked = Asking(searcher, index.fields).ask(words)
        nothing = () if words or not text.strip() else (ignored(text.strip()),)
        newest = order == "newest" or asked.alike
        notes = (*nothing, *asked.notes, *self._state())
        if not words or asked.query is None:
            return Found((), 0, (), _ms_since(begun), notes)
        try:
            found, total = _run(searcher, asked.query, limit, offset, newest)
            counted = facets_of(searcher, asked.query) if facets else ()
        except ValueError as error:
            raise StoreError(_fault(str(error))) from error
        with self._database.read() as cursor:
            read = documents(searcher, found, index.authors)
            hits = self._reader.hits(cursor, read, Highlighter(asked.patterns, asked.prefixes))
        hits = [hit for hit in hits if asked.in_trash or not hit.trashed]
        if newest:  # the index knows seconds
            hits.sort(key=lambda hit: hit.at, reverse=True)
        return Found(tuple(hits), total, counted, _ms_since(begun), notes)

    def _index(self) -> SearchIndex:
        """Return the index, waiting a little where it is being opened.

        Raises:
            StoreError: There is none now.
        """
        self._feeder.wait(lambda: self._feeder.index is not None or self.progress.fault is not None, _OPEN_S)
        index = self._feeder.index
        if index is None:
            raise StoreError(self.progress.fault or _fault("It is still being opened."))
        return index

    def _has(self, seq: int) -> bool:
        index = self._feeder.index
        return index is not None and index.watermark.cursor is None and index.watermark.taken >= seq

    def _state(self) -> tuple[str, ...]:
        """Return what a person must know of the index, in words."""
        progress = self.progress
        match progress.state:
            case "rebuilding":
                return (f"The search index is being made: {progress.done:,} of {progress.total:,} messages are in it.",)
            case "broken":
                return ("The search index could not be brought up to date; what is new may be missing.",)
            case "catching up" | "ready":
                return ()


def _run(
    searcher: tantivy.Searcher, query: tantivy.Query, limit: int, offset: int, newest: bool
) -> tuple[Sequence[tantivy.DocAddress], int]:
    """Return the documents that are asked for, and how many there are in all."""
    if newest:
        found = searcher.search(query, limit, offset=offset, order_by_field="at_s")
    else:
        found = searcher.search(query, limit, offset=offset, weight_by_field="weight")
    return [address for _, address in found.hits], count_of(found)


def _fault(cause: str) -> Fault:
    return Fault(
        kind="store", title="The search index cannot be read now", cause=cause, advice="Try again in a moment."
    )


def _ms_since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
