"""The index on disk: made, opened, checked, committed. It says itself how far it is, in the commit that got it there.

Each index has a folder of its own, named by its id; the database names the one that counts. A document in it, the
watermark, is replaced in every commit, so that what the index holds and what it says of itself cannot part.
"""

import shutil
import struct
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
import tantivy
from tantivy import FieldType, Query

from apehost_core.store.search.schema import EDITION, MESSAGE, NOBODY, TITLE, Author, Entry, key_of, register, schema

_HEAP: Final = 64_000_000
_MAGIC: Final = 1337
_FOOTER: Final = struct.Struct("<II")
_BLOCK: Final = 1 << 20
_MARK: Final = "index"
_NEEDED: Final = {".idx", ".pos", ".term", ".fast", ".store", ".fieldnorm"}


class Unfit(Exception):
    """The index on disk cannot be used: lost, damaged, of another edition or of another state of the database."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far an index is.

    Attributes:
        id: Of the index, UUID; the name of its folder.
        taken: Number of the last change that it has taken in; 0 for none.
        change: The id that stood in that change; "" for none.
        cursor: While it is made: it has all conversations from this id on; None when it is complete.
        authors: Who wrote messages, by the number that stands for them in the documents.
        edition: Of schema, analyzer and documents.
    """

    id: str
    taken: int
    change: str
    cursor: str | None
    authors: tuple[Author, ...] = (NOBODY,)
    edition: str = EDITION

    def json(self) -> bytes:
        """Return it as it stands in the index."""
        return orjson.dumps({**asdict(self), "authors": [list(author) for author in self.authors]})


class SearchIndex:
    """An opened index. One thread writes; any thread may search.

    Attributes:
        watermark: Of the last commit.
        fields: The schema.
    """

    def __init__(self, folder: Path, index: tantivy.Index, watermark: Watermark) -> None:
        self.watermark = watermark
        self.fields = index.schema
        self._folder = folder
        self._index = index
        self._writer: tantivy.IndexWriter | None = None
        self._authors = {author: number for number, author in enumerate(watermark.authors)}

    @classmethod
    def create(cls, parent: Path, watermark: Watermark) -> "SearchIndex":
        """Make an empty index and commit its watermark.

        Raises:
            OSError: The folder cannot be made.
            ValueError: The engine cannot write there.
        """
        folder = parent / watermark.id
        folder.mkdir(parents=True)
        made = cls(folder, _opened(tantivy.Index(schema(), str(folder))), watermark)
        made.commit(watermark)
        return made

    @classmethod
    def open(cls, parent: Path, index_id: str) -> "SearchIndex":
        """Open an index and check every byte of it.

        Raises:
            Unfit: It is not there, is damaged, or is of another edition.
            OSError: It cannot be read.
        """
        folder = parent / index_id
        if not (folder / "meta.json").is_file():
            raise Unfit(f"there is no index in {folder}")
        check_files(folder)
        try:
            index = _opened(tantivy.Index(schema(), str(folder)))
            watermark = _watermark(index)
        except (ValueError, TypeError, KeyError) as error:
            raise Unfit(str(error)) from error
        if (watermark.id, watermark.edition) != (index_id, EDITION):
            raise Unfit("it is of another edition")
        return cls(folder, index, watermark)

    def searcher(self) -> tantivy.Searcher:
        """Return the state of the last commit, for reading."""
        return self._index.searcher()

    @property
    def authors(self) -> tuple[Author, ...]:
        """All authors by their numbers. Those of a commit are among them before a searcher can see it."""
        return tuple(self._authors)

    def messages(self) -> int:
        """Return how many messages it has."""
        return count_of(self.searcher().search(self._equal("mark", MESSAGE), 1))

    def add(self, entries: Iterable[Entry]) -> None:
        """Take in entries; they are found after the commit."""
        writer = self._writing()
        for entry in entries:
            author = self._authors.setdefault(entry.author, len(self._authors))
            writer.add_document(entry.document(self.fields, author))

    def remove(self, entries: Iterable[Entry]) -> None:
        """Take out what was known of messages or titles before, so that it can be added anew."""
        writer = self._writing()
        for entry in entries:
            of_the_conversation = self._equal("conversation", key_of(entry.conversation_id))
            key = key_of(entry.id)
            itself = (
                self._equal("mark", TITLE)
                if entry.is_title
                else Query.range_query(self.fields, "key", FieldType.Unsigned, key, key)
            )
            writer.delete_documents_by_query(of_the_conversation.and_must_match(itself))

    def remove_conversations(self, ids: Iterable[UUID]) -> None:
        """Take out all that belongs to conversations."""
        writer = self._writing()
        for each in ids:
            writer.delete_documents_by_query(self._equal("conversation", key_of(each)))

    def commit(self, watermark: Watermark) -> None:
        """Make all that was added and taken out last, together with how far it is."""
        watermark = replace(watermark, authors=tuple(self._authors))
        writer = self._writing()
        writer.delete_documents_by_query(self._equal("mark", _MARK))
        writer.add_document(_telling(watermark))
        writer.commit()
        self._index.reload()
        self.watermark = watermark

    def close(self) -> None:
        """Let go of the files; what was not committed is forgotten."""
        if self._writer is not None:
            self._writer.rollback()
            self._writer = None

    def _equal(self, field: str, value: str | int) -> Query:
        return Query.term_query(self.fields, field, value, "basic")

    def _writing(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._index.writer(_HEAP, 1)
        return self._writer


def count_of(found: tantivy.SearchResult) -> int:
    """Return how many documents a search found in all; the type stub leaves the attribute out."""
    return int(getattr(found, "count", 0) or 0)


def remove_others(parent: Path, index_id: str | None) -> None:
    """Delete the indexes in a folder that are not this one, as far as it goes."""
    for folder in parent.iterdir() if parent.is_dir() else ():
        if folder.name != index_id and folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)


def check_files(folder: Path) -> None:
    """Compare every file of an index with the checksum that stands at its end.

    Raises:
        Unfit: One is missing or damaged.
        OSError: One cannot be read.
    """
    try:
        segments = [str(each["segment_id"]).replace("-", "") for each in _json(folder / "meta.json")["segments"]]
    except (ValueError, KeyError, TypeError, FileNotFoundError) as error:
        raise Unfit("its list of files is damaged") from error
    for segment in segments:
        files = sorted(folder.glob(f"{segment}.*"))
        if not {path.suffix for path in files} >= _NEEDED:
            raise Unfit("a file is missing")
        for path in files:
            _check(path)


def _check(path: Path) -> None:
    """Compare a file with its checksum.

    Raises:
        Unfit: They differ.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - _FOOTER.size, 0))
        end = file.read()
        length, magic = _FOOTER.unpack(end) if len(end) == _FOOTER.size else (0, 0)
        body = size - _FOOTER.size - length
        if magic != _MAGIC or body < 0:
            raise Unfit(f"{path.name} was cut")
        file.seek(body)
        expected = _crc(file.read(length), path)
        file.seek(0)
        found, left = 0, body
        while left:
            block = file.read(min(_BLOCK, left))
            if not block:
                raise Unfit(f"{path.name} was cut")
            found, left = zlib.crc32(block, found), left - len(block)
    if found != expected:
        raise Unfit(f"{path.name} is damaged")


def _crc(footer: bytes, path: Path) -> int:
    try:
        return int(orjson.loads(footer)["crc"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unfit(f"{path.name} is damaged at its end") from error


def _opened(index: tantivy.Index) -> tantivy.Index:
    register(index)
    index.config_reader("manual")
    return index


def _telling(watermark: Watermark) -> tantivy.Document:
    """Return the document that says how far the index is.

    It has all the numbers that the others have: where a single document lacks one, looking it up takes twice as long.
    """
    document = tantivy.Document()
    document.add_text("mark", _MARK)
    document.add_bytes("watermark", watermark.json())
    document.add_float("weight", 0.0)
    for name in ("key", "row", "title", "author", "conversation"):
        document.add_unsigned(name, 0)
    document.add_integer("at_s", 0)
    return document


def _watermark(index: tantivy.Index) -> Watermark:
    """Return what an index says of itself.

    Raises:
        Unfit: It says nothing.
        ValueError: It cannot be read; so with TypeError and KeyError.
    """
    searcher = index.searcher()
    found = searcher.search(Query.term_query(index.schema, "mark", _MARK, "basic"), 1)
    if not found.hits:
        raise Unfit("it does not say how far it is")
    said = orjson.loads(searcher.doc(found.hits[0][1]).get_first("watermark") or b"")
    said["authors"] = tuple(Author(*each) for each in said["authors"])
    return Watermark(**said)


def _json(path: Path) -> Any:
    return orjson.loads(path.read_bytes())
