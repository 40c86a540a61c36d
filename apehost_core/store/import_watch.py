"""Watches a folder of chats and takes in what is new or has changed. Its files are only read.

What is deleted there stays here.
"""

import logging
import os
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from apehost_core.errors import ApeHostError, Fault
from apehost_core.history.imports import ImportProgress, ImportStopped, WatchedFolder
from apehost_core.store.imports import Imports

_log = logging.getLogger(__name__)

_EVERY_S = 10.0
_ENDING = ".json"

State = frozenset[tuple[str, int, int]]
"""Path, time of change in ns, and bytes of each file."""


class ImportWatch:
    """A thread that looks every ten seconds. A file that is being written waits until it has stood still for a look.

    Attributes:
        seen: What is known of the folder.
    """

    def __init__(self, imports: Imports, folder: Path) -> None:
        self.seen = WatchedFolder(folder.name or str(folder))
        self._imports = imports
        self._folder = folder
        self._last: State = frozenset()
        self._taken_in: State = frozenset()
        self._today: tuple[date, str] | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="apehost-import-watch", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Look once, and take in what has changed and stands still."""
        try:
            state = _state(self._folder)
        except OSError as error:
            self._fail(Fault("bad_request", f"Folder {self.seen.name} cannot be read", cause=error.strerror or ""))
            return
        self.seen = replace(self.seen, looked_at=datetime.now(UTC), fault=None)
        still, self._last = state == self._last, state
        if still and state != self._taken_in:
            self._take_in(state)

    def close(self) -> None:
        """End the thread; an import that goes on ends with its portion."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self.look()
            if self._ending.wait(_EVERY_S):
                return

    def _take_in(self, state: State) -> None:
        """Import the folder; all that comes on one day is one import, so that the list of imports stays short."""
        today = datetime.now(UTC).date()
        joining = self._today[1] if self._today and self._today[0] == today else None
        try:
            report = self._imports.follow(self._folder, self._tell, joining=joining)
        except ApeHostError as error:
            self._fail(error.fault)
            return
        if report.ending == "done":
            self._taken_in = state
        self.seen = replace(self.seen, unreadable=report.findings.unreadable)
        if report.import_id:
            self._today = today, report.import_id
            self.seen = replace(self.seen, imported_at=datetime.now(UTC))

    def _fail(self, fault: Fault) -> None:
        if fault != self.seen.fault:
            _log.warning("watching for chats: %s", fault)
        self.seen = replace(self.seen, looked_at=datetime.now(UTC), fault=fault)

    def _tell(self, _progress: ImportProgress) -> None:
        if self._ending.is_set():
            raise ImportStopped


def _state(folder: Path) -> State:
    """Return the files of a folder and of those in it; links are not followed. Raises OSError."""
    os.scandir(folder).close()
    found: set[tuple[str, int, int]] = set()
    for place, _, names in os.walk(folder):
        for name in names:
            if name.casefold().endswith(_ENDING):
                path = os.path.join(place, name)
                try:
                    stat = os.lstat(path)
                except FileNotFoundError:
                    continue  # gone since it was listed
                found.add((path, stat.st_mtime_ns, stat.st_size))
    return frozenset(found)
