"""The documents that a person named: one file, those of a folder, or those of an archive.

Nothing outside of what was named is read: links in a folder are not followed, and devices and pipes are not opened.
"""

import io
import os
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from apehost_core.formats.conversation import Unreadable
from apehost_core.formats.zip_safety import NESTED, Member, ZipRefused, is_zip, opened

Source = Path | tuple[str, BinaryIO]
"""A file or folder of this machine, or a name and bytes that can be read and sought."""
ENDINGS = (".json", ".jsonl", ".ndjson", ".db")
MOST_FILES = 100_000
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_NOT_CONTENT = "__MACOSX"
_CHATS = "conversations"


@dataclass(frozen=True, slots=True)
class Document:
    """One file that may hold conversations.

    Attributes:
        name: For people: "export.zip, conversations.json".
        file_name: The last part of its path.
        folder: The folders around it, below what was named: "Work/Ideas"; empty when there are none.
        modified_at: When it was last written; None when not known.
        opening: Opens it at its beginning for as long as the context lasts. Raises Damaged, or OSError.
        alone: The person named this very file.
        path: Where it lies on this machine; None where it was uploaded, or is packed.
    """

    name: str
    file_name: str
    folder: str
    modified_at: datetime | None
    opening: Callable[[], AbstractContextManager[BinaryIO]]
    alone: bool = False
    path: Path | None = None


def documents(source: Source) -> Iterator[Document | Unreadable]:
    """Yield what was named, file by file; what cannot be opened is among it with the reason."""
    if isinstance(source, tuple):
        yield from _of_stream(source[0], source[1], None)
        return
    name = source.name or str(source)
    try:
        found = source.stat()
        if stat.S_ISDIR(found.st_mode):
            yield from _of_folder(source)
        elif not stat.S_ISREG(found.st_mode):
            yield Unreadable(name, "It is neither a file nor a folder.")
        else:
            with source.open("rb") as stream:
                yield from _of_stream(name, stream, datetime.fromtimestamp(found.st_mtime, UTC), source)
    except OSError as error:
        yield Unreadable(name, _why(error))


def size_of(source: Source) -> int:
    """Return how many bytes there are to read, unpacked; what cannot be opened counts nothing."""
    try:
        if isinstance(source, tuple):
            return _size_of_stream(source[1])
        if source.is_dir():
            return sum(path.lstat().st_size for path in _walk(source) if isinstance(path, Path))
        with source.open("rb") as stream:
            return _size_of_stream(stream)
    except (OSError, ZipRefused):
        return 0


def _size_of_stream(stream: BinaryIO) -> int:
    if not is_zip(stream):
        return stream.seek(0, io.SEEK_END)
    with opened(stream) as archive:
        return sum(info.file_size for info in archive.infolist() if _is_content(info.filename))


def _of_stream(
    name: str, stream: BinaryIO, modified_at: datetime | None, path: Path | None = None
) -> Iterator[Document | Unreadable]:
    """Yield the one file, or the files of the archive that it is."""
    if not is_zip(stream):
        yield Document(name, PurePosixPath(name).name, "", modified_at, lambda: _rewound(stream), True, path)
        return
    try:
        archive = opened(stream)
    except ZipRefused as refusal:
        yield Unreadable(name, str(refusal))
        return
    with archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            inner = PurePosixPath(info.filename.replace("\\", "/"))
            if inner.suffix.casefold() in NESTED:
                yield Unreadable(f"{name}, {inner}", "Archives inside of an archive are not opened; unpack it first.")
            elif _is_content(info.filename):
                yield Document(
                    f"{name}, {inner}",
                    inner.name,
                    _folder(inner),
                    None,
                    lambda info=info: closing(cast("BinaryIO", io.BufferedReader(Member(archive, info)))),
                )


def _of_folder(folder: Path) -> Iterator[Document | Unreadable]:
    for path in _walk(folder):
        if isinstance(path, Unreadable):
            yield path
            continue
        inner = PurePosixPath(path.relative_to(folder).as_posix())
        try:
            modified_at = datetime.fromtimestamp(path.lstat().st_mtime, UTC)
        except OSError as error:
            yield Unreadable(str(inner), _why(error))
            continue
        yield Document(str(inner), inner.name, _folder(inner), modified_at, lambda path=path: _plain(path), path=path)


def _walk(folder: Path) -> Iterator[Path | Unreadable]:
    """Yield the files of a folder and of those in it, by name."""
    seen = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not _is_content(name):
                continue
            path = Path(place) / name
            inner = path.relative_to(folder).as_posix()
            seen += 1
            if seen > MOST_FILES:
                yield Unreadable(
                    inner, f"The folder holds more than {MOST_FILES:,} files; this and all after it were not read."
                )
                return
            if path.is_symlink():
                yield Unreadable(inner, "It is a link to another place; import what it leads to instead.")
            elif path.is_file():
                yield path


def _is_content(name: str) -> bool:
    """Whether a file may hold conversations, by its name."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.suffix.casefold() in ENDINGS and _NOT_CONTENT not in path.parts and not path.name.startswith(".")


def _folder(path: PurePosixPath) -> str:
    """Return the folders around a file, without the one that programs put all chats into."""
    parts = [part for part in path.parts[:-1] if part != "."]
    return "/".join(parts[1:] if parts[:1] == [_CHATS] else parts)


@contextmanager
def _plain(path: Path) -> Generator[BinaryIO]:
    """Open a file of a folder, never through a link that took its place meanwhile."""
    with open(os.open(path, os.O_RDONLY | _NO_FOLLOW | _BINARY), "rb") as stream:
        yield stream


@contextmanager
def _rewound(stream: BinaryIO) -> Generator[BinaryIO]:
    """Lend a stream that somebody else closes."""
    stream.seek(0)
    yield stream


def _why(error: OSError) -> str:
    """Return what the system says, without the path."""
    if isinstance(error, FileNotFoundError):
        return "There is no such file or folder."
    if isinstance(error, PermissionError):
        return "ApeHost may not read it: its permissions forbid it."
    return f"It could not be read: {error.strerror or type(error).__name__}."
