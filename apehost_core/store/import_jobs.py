"""Imports in the background: what a page starts goes on when it is closed, and every page sees how far it is.

One thing at a time, in a thread of its own. What was looked at is kept until it is imported or put away.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from apehost_core.errors import ApeHostError, Fault, InputRefused
from apehost_core.formats import Source
from apehost_core.history.imports import (
    ImportBatch,
    ImportJob,
    ImportProgress,
    ImportStopped,
    Progress,
    WatchedFolder,
    Work,
)
from apehost_core.store.import_tally import name_of
from apehost_core.store.import_watch import ImportWatch
from apehost_core.store.imports import Imports

_log = logging.getLogger(__name__)

_LM_STUDIO = (Path(".lmstudio", "conversations"), Path(".cache", "lm-studio", "conversations"))
_ENDING_S = 10
_QUOTES = "\"'“”"


class ImportJobs:
    """Looks, imports and undoes; safe to use from any thread.

    Attributes:
        job: What goes on, or went on last; None when there is nothing to say of it.
    """

    def __init__(self, imports: Imports, watched: Path | None = None) -> None:
        """Begin to watch a folder, if there is one.

        Args:
            imports: Does the work.
            watched: The folder.
        """
        self.job: ImportJob | None = None
        self._imports = imports
        self._source: Source | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._watch = ImportWatch(imports, watched) if watched else None

    @property
    def revision(self) -> int:
        """Grows with everything that is taken in or out; from memory."""
        return self._imports.revision

    @property
    def watched(self) -> WatchedFolder | None:
        """What is known of the watched folder, from memory; None when none is watched."""
        return self._watch.seen if self._watch else None

    @property
    def lm_studio(self) -> Path | None:
        """LM Studio's own folder of chats on this computer; None where there is none."""
        return next((folder for folder in (Path.home() / inner for inner in _LM_STUDIO) if folder.is_dir()), None)

    def list(self, limit: int | None = None) -> list[ImportBatch]:
        """Return the imports that changed something, newest first. Blocks; may raise StoreError."""
        return self._imports.list(limit)

    def look(self, source: Source) -> None:
        """Find out what an import would do.

        Raises:
            InputRefused: Something else goes on.
        """

        def work(tell: Progress) -> ImportJob:
            findings = self._imports.look(source, tell)
            return replace(self._now(), findings=findings)

        self._begin("look", name_of(source), work)
        self._source = source

    def look_at(self, path: str) -> None:
        """Find out what an import of a file or folder on this computer would do.

        Args:
            path: As a person typed it: the whole path; ~ is the home folder, quotes around it do not matter.

        Raises:
            InputRefused: It is no whole path, nothing is there, or something else goes on.
        """
        self.look(_existing(path))

    def take_in(self, source: Source | None = None) -> None:
        """Import something; without a source, what was looked at last.

        Raises:
            InputRefused: Nothing was looked at, or something else goes on.
        """
        wanted = source or self._source
        if wanted is None:
            raise _refused("Nothing is chosen to be imported", "Choose a file or folder first.")
        looked = self.job.findings if source is None and self.job is not None else None
        expected = looked.conversations if looked is not None else None

        def work(tell: Progress) -> ImportJob:
            report = self._imports.run(wanted, lambda progress: tell(replace(progress, expected=expected)))
            return replace(self._now(), report=report)

        self._begin("import", name_of(wanted), work, ImportProgress(expected=expected))
        self._source = None

    def undo(self, batch: ImportBatch) -> None:
        """Take an import out again.

        Raises:
            InputRefused: Something else goes on.
        """

        def work(tell: Progress) -> ImportJob:
            undone = self._imports.undo(batch.id, tell)
            return replace(self._now(), undone=undone)

        self._begin("undo", batch.findings.name, work)

    def stop(self) -> None:
        """Have what goes on end soon; what was taken in stays."""
        self._stop.set()
        with self._lock:
            if self.job is not None and self.job.running:
                self.job = replace(self.job, stopping=True)

    def forget(self) -> None:
        """Put away what was looked at, or what an ended job says."""
        with self._lock:
            if self.job is not None and not self.job.running:
                self.job, self._source = None, None

    def close(self) -> None:
        """End what goes on; what was taken in stays."""
        if self._watch is not None:
            self._watch.close()
        self.stop()
        if self._thread is not None:
            self._thread.join(_ENDING_S)

    def _begin(
        self,
        work: Work,
        name: str,
        done: Callable[[Progress], ImportJob],
        progress: ImportProgress = ImportProgress(),  # noqa: B008 -- frozen
    ) -> None:
        with self._lock:
            if self.job is not None and self.job.running:
                raise _refused("Something else is being imported or undone", "Wait for its end, or stop it.")
            self._stop.clear()
            self.job = ImportJob(work, name, progress=progress)
            self._thread = threading.Thread(target=self._run, args=(done,), name="apehost-import", daemon=True)
            self._thread.start()

    def _run(self, done: Callable[[Progress], ImportJob]) -> None:
        try:
            ended = done(self._tell)
        except ImportStopped:
            ended = self._now()
        except ApeHostError as error:
            ended = replace(self._now(), fault=error.fault)
        except Exception:  # noqa: BLE001 -- the thread's boundary: logged, and told to the page
            _log.exception("an import failed")
            fault = Fault("internal", f"{self._now().name} could not be read to its end", advice="The log says more.")
            ended = replace(self._now(), fault=fault)
        with self._lock:
            self.job = replace(ended, running=False)

    def _tell(self, progress: ImportProgress) -> None:
        if self._stop.is_set():
            raise ImportStopped
        with self._lock:
            self.job = replace(self._now(), progress=progress)

    def _now(self) -> ImportJob:
        assert self.job is not None
        return self.job


def _existing(path: str) -> Path:
    """Return the path that a person typed.

    Raises:
        InputRefused: It is no whole path, or nothing is there.
    """
    text = path.strip().strip(_QUOTES).strip()
    if not text or "\0" in text:
        raise _refused("No file or folder is named", "Type its whole path.")
    try:
        found = Path(text).expanduser()
        there = found.is_absolute() and found.exists()
    except (OSError, RuntimeError):
        there, found = False, Path(text)
    if not found.is_absolute():
        raise _refused("This is not a whole path", "It begins with / or ~, on Windows with a letter and a colon.")
    if found.parent == found:
        raise _refused("This is a whole disk", "Name the folder that the chats are in.")
    if not there:
        raise _refused(
            "There is no such file or folder on the computer that ApeHost runs on",
            "Check the path; a file of the computer that you sit at can be uploaded instead.",
        )
    return found


def _refused(title: str, advice: str) -> InputRefused:
    return InputRefused(Fault(kind="bad_request", title=title, advice=advice))
