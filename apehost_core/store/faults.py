"""DuckDB's exceptions as errors of ours, with words for the person at the screen. The only place that reads them."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from apehost_core.errors import Fault, StoreDamaged, StoreError, StoreLocked, StoreTooNew

_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>\S+?)? ?\(PID (?P<pid>\d+)\)")
_FULL = re.compile(r"No space left|disk (is )?full|File too large|Could not write (all bytes|file)", re.IGNORECASE)
_DAMAGED = re.compile(
    r"Corrupt|checksum|not a valid DuckDB|Failure while replaying WAL|Serialization Error|WAL .*does not match",
    re.IGNORECASE,
)
_NEWER = re.compile(r"with version number \d+, but we can only read|newer version of DuckDB", re.IGNORECASE)
_WAL_POSITION = re.compile(r"byte position (\d+)")
_SALVAGE = "Nothing was changed. `apehost salvage` writes what can be read to a new file."


@contextmanager
def reading() -> Generator[None, None, None]:
    """Turn what DuckDB raises while reading into a StoreError."""
    try:
        yield
    except duckdb.Error as error:
        raise StoreError(write_fault(error)) from error


def write_fault(error: BaseException) -> Fault:
    """Return what to say about a statement or commit that failed."""
    text = _first_line(error)
    if _FULL.search(text):
        return Fault(
            kind="store",
            title="The database could not be written: the disk is full",
            advice="Free space on the disk of the data folder. What is on the screen is kept and written then.",
            retryable=True,
        )
    return Fault(
        kind="store",
        title="The database could not be used",
        cause=text,
        advice="What is on the screen is kept. If it goes on, restart ApeHost.",
        retryable=True,
    )


def open_error(error: duckdb.Error, path: Path) -> StoreError:
    """Return the error for a database that cannot be opened; names the file, the holder and what to do."""
    text = str(error)
    holder = _HOLDER.search(text)
    if holder:
        return StoreLocked(_locked(path, int(holder["pid"]), holder["program"]))
    if _NEWER.search(text):
        return StoreTooNew(too_new(path, "a newer version of DuckDB"))
    if _DAMAGED.search(text):
        at = wal_damage(error)
        what = f"its write-ahead log is damaged at byte {at:,}" if at is not None else "the file does not check out"
        return StoreDamaged(
            Fault(kind="store", title=f"Database {path}: {what}", cause=_first_line(error), advice=_SALVAGE)
        )
    advice = "Check that the folder exists and may be written, or set APEHOST_DATA_DIR to another one."
    return StoreError(
        Fault(kind="store", title=f"Database {path} cannot be opened", cause=_first_line(error), advice=advice)
    )


def too_new(path: Path, writer: str) -> Fault:
    """Return the fault of a file that a newer program wrote."""
    return Fault(
        kind="store",
        title=f"Database {path} was written by {writer}",
        advice="Nothing was changed. Update ApeHost, or set APEHOST_DATA_DIR to another folder.",
    )


def wal_damage(error: BaseException) -> int | None:
    """Return the byte position of damage in the write-ahead log; None when the error names none."""
    text = str(error)
    found = _WAL_POSITION.search(text) if "WAL" in text else None
    return int(found.group(1)) if found else None


def is_disk_trouble(error: BaseException) -> bool:
    """Whether the same write may succeed later without a change."""
    return isinstance(error, duckdb.IOException | duckdb.FatalException | duckdb.OutOfMemoryException) or bool(
        _FULL.search(str(error))
    )


def _locked(path: Path, pid: int, program: str | None) -> Fault:
    name = f" ({Path(program).name})" if program else ""
    return Fault(
        kind="store",
        title=f"Database {path} is held by process {pid}{name}",
        advice=(
            "Most likely ApeHost already runs: use that one or stop it. A DuckDB shell or notebook may hold the file "
            "too. To run two, set APEHOST_DATA_DIR for the second."
        ),
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:400]
