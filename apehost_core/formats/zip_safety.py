"""Zip archives from strangers: looked over before anything is unpacked, and never unpacked to the disk.

A few kilobytes can say that they hold petabytes, and a name can say "../../". Such an archive is refused as a whole.
"""

import io
import re
import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import BinaryIO

from apehost_core.formats.streaming import Damaged

MOST_MEMBERS = 50_000
LARGEST_TOTAL = 16 * 1024**3
"""Unpacked bytes of all members."""
LARGEST_RATIO = 250
"""Unpacked bytes for each packed one: JSON reaches 30, the method's end is at 1,032."""
NESTED = (".zip", ".gz", ".tgz", ".7z", ".rar", ".xz", ".bz2", ".tar")
"""Endings of archives, which are not opened inside of an archive."""
_RATIO_COUNTS_FROM = 16 * 1024**2
_LARGEST_DIRECTORY = 32 * 1024**2
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_END_MARK, _END64_MARK = b"PK\x05\x06", b"PK\x06\x06"
_LONGEST_TAIL = _END.size + 65_535 + _END64.size + 20
_IN_END64 = 0xFFFFFFFF
_ENCRYPTED = 0x1
_DRIVE = re.compile("[A-Za-z]:")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class ZipRefused(Exception):
    """The archive is not opened; the message says why, for people."""


def is_zip(stream: BinaryIO) -> bool:
    """Whether a file begins as an archive does; leaves it at its beginning."""
    stream.seek(0)
    beginning = stream.read(4)
    stream.seek(0)
    return beginning in (b"PK\x03\x04", _END_MARK)


def opened(stream: BinaryIO) -> zipfile.ZipFile:
    """Return the archive, looked over.

    Raises:
        ZipRefused: It is damaged, or claims what no export needs: see the limits of this module.
    """
    size = stream.seek(0, io.SEEK_END)
    if _directory_size(stream, size) > _LARGEST_DIRECTORY:
        raise ZipRefused("Its table of contents is larger than that of any export.")
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise ZipRefused("The archive is damaged, or was not downloaded to its end.") from error
    _look_over(archive.infolist(), size)
    return archive


class Member(io.RawIOBase):
    """One file of an archive while it is read, with at most the bytes that the archive says it has.

    Raises:
        Damaged: From anything that reads: it does not check out, or is encrypted.
    """

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        if info.flag_bits & _ENCRYPTED:
            raise Damaged("It is locked with a password; unpack it first.")
        if info.compress_type not in _METHODS:
            raise Damaged("It is packed in an unusual way; unpack it first.")
        try:
            self._stream = archive.open(info)
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
            raise Damaged("It is damaged inside the archive.") from error

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Fill the buffer as far as one read goes."""
        try:
            found = self._stream.read(len(buffer))
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError) as error:
            raise Damaged("It is damaged inside the archive.") from error
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        """Close it; the archive stays open."""
        if not self.closed:
            self._stream.close()
        super().close()


def _directory_size(stream: BinaryIO, size: int) -> int:
    """Return how many bytes the table of contents claims to have; 0 when the archive's end is not found."""
    start = max(0, size - _LONGEST_TAIL)
    stream.seek(start)
    tail = stream.read()
    stream.seek(0)
    place = tail.rfind(_END_MARK)
    if place < 0 or place + _END.size > len(tail):
        return 0
    claimed = _END.unpack_from(tail, place)[5]
    place64 = tail.rfind(_END64_MARK, 0, place)
    if 0 <= place64 <= len(tail) - _END64.size:
        return max(claimed if claimed != _IN_END64 else 0, _END64.unpack_from(tail, place64)[8])
    return claimed


def _look_over(members: list[zipfile.ZipInfo], size: int) -> None:
    """Check the claims of the table of contents against each other and the limits."""
    if len(members) > MOST_MEMBERS:
        raise ZipRefused(f"It holds more than {MOST_MEMBERS:,} files.")
    if sum(member.file_size for member in members) > LARGEST_TOTAL:
        raise ZipRefused(f"Unpacked it would have more than {LARGEST_TOTAL // 1024**3} GB.")
    if sum(member.compress_size for member in members) > size:
        raise ZipRefused("Its files lie over each other, as only in archives made to do harm.")
    for member in members:
        if member.file_size > max(_RATIO_COUNTS_FROM, LARGEST_RATIO * member.compress_size):
            raise ZipRefused(f"A file in it would grow more than {LARGEST_RATIO} times when unpacked.")
        if not _is_tame(member.filename):
            raise ZipRefused("A file in it has a name that leads out of the archive.")


def _is_tame(name: str) -> bool:
    """Whether a name stays inside of the archive, on any system."""
    path = PurePosixPath(name.replace("\\", "/"))
    return not (path.is_absolute() or ".." in path.parts or _DRIVE.match(name))
