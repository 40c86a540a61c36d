"""The folder of backups: made, listed, read through, deleted. A backup is an ordinary database file with a date."""

import contextlib
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from apehost_core.errors import Fault, InputRefused, StoreDamaged, StoreError, StoreTooNew
from apehost_core.history.care import Backup
from apehost_core.store.backup import backup
from apehost_core.store.care_copy import Through, read_through
from apehost_core.store.database import Database

_FOLDER = "backups"
_ENDING = ".duckdb"
_STAMP = "%Y%m%d-%H%M%S"
_NAME = re.compile(r"apehost-(\d{8}-\d{6})(-\d+)?(-before-restore)?\.duckdb")
_BEFORE = "-before-restore"
_ROOM = 1.05


class Backups:
    """The backups beside one database. Methods block and may raise StoreError.

    Attributes:
        folder: Where they are; made with the first.
    """

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / _FOLDER

    def tidy(self) -> None:
        """Remove what a copy left behind that was broken off by the end of the program."""
        for left in self.folder.glob(f"*{_ENDING}.unfinished") if self.folder.is_dir() else ():
            left.unlink(missing_ok=True)

    def list(self) -> list[Backup]:
        """Return all, the newest first; any database file that a person put there counts."""
        if not self.folder.is_dir():
            return []
        found = [_known(path) for path in self.folder.glob(f"*{_ENDING}") if path.is_file()]
        return sorted(found, key=lambda each: (each.made_at, each.name), reverse=True)

    def make(self, database: Database, growing: Callable[[Path], None]) -> Backup:
        """Write a backup, read it to its end and compare it with the database.

        Args:
            database: What is copied.
            growing: Told which file grows meanwhile.

        Raises:
            StoreError: It could not be written, or there is no room for it; nothing is left of it.
        """
        room_for(database.path.stat().st_size, self._made())
        path = self.free_path()
        backup(database, path, growing=growing)
        return _known(path)

    def delete(self, name: str) -> None:
        """Delete a backup for good.

        Raises:
            InputRefused: There is none of that name.
        """
        path = self.path(name)
        path.unlink(missing_ok=True)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Return where a backup is.

        Raises:
            InputRefused: There is none of that name.
        """
        if name not in {each.name for each in self.list()}:
            advice = "It may have been deleted meanwhile. Look at the list again."
            raise InputRefused(Fault(kind="bad_request", title="There is no backup of that name", advice=advice))
        return self.folder / name

    def free_path(self, ending: str = "") -> Path:
        """Return a path of this moment that is not taken yet, in a folder that is there.

        Args:
            ending: What the name says beside the time.
        """
        stamp, number = datetime.now(UTC).strftime(_STAMP), 1
        path = self._made() / f"apehost-{stamp}{ending}{_ENDING}"
        while path.exists():
            number += 1
            path = self.folder / f"apehost-{stamp}-{number}{ending}{_ENDING}"
        return path

    def before_restore(self) -> Path:
        """Return a free path for what a restore takes the place of."""
        return self.free_path(_BEFORE)

    def _made(self) -> Path:
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            title = "The folder of backups cannot be made"
            raise StoreError(Fault(kind="store", title=title, cause=error.strerror or "")) from error
        return self.folder


def read_backup(path: Path) -> Through:
    """Read a backup to its end.

    Raises:
        StoreError: It cannot be restored; the fault says why, without its path.
    """
    try:
        return read_through(path)
    except StoreTooNew as error:
        title = f"Backup {path.name} was written by a newer ApeHost"
        advice = "Nothing was changed. Update ApeHost to restore it."
        raise StoreTooNew(Fault(kind="store", title=title, advice=advice)) from error
    except StoreError as error:
        if isinstance(error, StoreDamaged) or isinstance(error.__cause__, duckdb.Error):
            title = f"Backup {path.name} is damaged"
            advice = "Nothing was changed. Restore another backup."
            raise StoreDamaged(Fault(kind="store", title=title, advice=advice)) from error
        title = f"Backup {path.name} is not a database that this ApeHost can read"
        advice = "Nothing was changed. Choose another file."
        raise StoreError(Fault(kind="store", title=title, advice=advice)) from error


def room_for(size: int, folder: Path) -> None:
    """Make sure that a file of that many bytes fits on a folder's disk.

    Raises:
        StoreError: It does not.
    """
    free = shutil.disk_usage(folder).free
    if free < size * _ROOM:
        title = f"There is no room on the disk: {size / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free"
        raise StoreError(Fault(kind="store", title=title, advice="Free space, or delete old backups."))


def _known(path: Path) -> Backup:
    stat, named = path.stat(), _NAME.fullmatch(path.name)
    made_at = datetime.fromtimestamp(stat.st_mtime, UTC)
    if named is not None:
        with contextlib.suppress(ValueError):  # a number of a person's own; the file's time is as good
            made_at = datetime.strptime(named[1], _STAMP).replace(tzinfo=UTC)
    return Backup(path.name, made_at, stat.st_size, named is not None and named[3] is not None)
