"""The care of the record, as the page of it uses it: copies, restores, sizes, checks, rules, tidying.

Long work runs behind (`care_jobs`). What concerns the file as a whole is done at the next start (`care_swap`).
"""

import logging
import threading
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from apehost_core.errors import ApeHostError, Fault, InputRefused
from apehost_core.history.care import (
    Applied,
    Backup,
    CareJob,
    Folded,
    Integrity,
    Repaired,
    RuleName,
    Rules,
    Sizes,
    SwapOrder,
    SwapOutcome,
    Tell,
)
from apehost_core.store.care_backups import Backups, read_backup, room_for
from apehost_core.store.care_checks import examine
from apehost_core.store.care_jobs import CareJobs
from apehost_core.store.care_order import Standing, read_order, read_outcome, remove_order, remove_outcome, write_order
from apehost_core.store.care_rules import apply, checked, preview, rules_of, set_rules
from apehost_core.store.care_sizes import fold, sizes
from apehost_core.store.care_tree import select_newest
from apehost_core.store.database import Database
from apehost_core.store.library import Library
from apehost_core.store.search import Search

_log = logging.getLogger(__name__)

_SIZES_KEPT_S = 60.0
_FIRST_S = 10.0
_DAILY_S = 24 * 3600.0
_AT_START_S = 30.0
_BY_HAND_S = 300.0
_STEPS: dict[RuleName, str] = {
    "logs": "Deleting event logs",
    "bodies": "Deleting bodies of requests",
    "archive": "Archiving chats",
    "trash": "Putting chats in the trash",
    "emptied": "Emptying the trash",
}


class Care:
    """Cares for one database. Safe to use from any thread; methods block briefly and may raise StoreError.

    Args:
        database: What is cared for.
        data_dir: Its folder.
        search: Its search index.
        first_s: After so many seconds the record is checked and the rules are applied; then every day.

    Attributes:
        integrity: What the last check found; None before the first.
        applied: What the rules did last; None before the first time.
        chats_revision: Grows whenever the rules archived or trashed chats, or the trash was emptied.
    """

    def __init__(self, database: Database, data_dir: Path, search: Search, *, first_s: float = _FIRST_S) -> None:
        self.integrity: Integrity | None = None
        self.applied: Applied | None = None
        self.chats_revision = 0
        self._database = database
        self._search = search
        self._folder = data_dir
        self._backups = Backups(data_dir)
        self._jobs = CareJobs()
        self._lock = threading.Lock()
        self._sizes: tuple[float, int, Sizes] | None = None
        self._library = Library(database, self._chats_changed)
        self._backups.tidy()
        self._ending = threading.Event()
        self._daily = threading.Thread(target=self._every_day, args=(first_s,), name="apehost-care-daily", daemon=True)
        self._daily.start()

    @property
    def revision(self) -> int:
        """Grows with everything that begins, ends or is ordered; from memory."""
        return self._jobs.revision

    @property
    def job(self) -> CareJob | None:
        """What goes on in the background, or went on last; None when there is nothing to say of it."""
        return self._jobs.job

    def forget(self) -> None:
        """Put away what an ended job says."""
        self._jobs.forget()

    def settle(self, timeout_s: float = 60.0) -> None:
        """Wait until nothing goes on."""
        self._jobs.settle(timeout_s)

    def close(self) -> None:
        """End what goes on; before the database is closed."""
        self._ending.set()
        self._jobs.close()
        self._daily.join()

    def backups(self) -> list[Backup]:
        """Return all backups, the newest first."""
        return self._backups.list()

    def back_up(self) -> None:
        """Have a backup made, in the background.

        Raises:
            InputRefused: Something else goes on.
        """
        expected = self._database.path.stat().st_size

        def work(_tell: Tell) -> Backup:
            return self._backups.make(self._database, lambda path: self._jobs.growing(path, expected))

        self._jobs.begin("backup", work)

    def delete_backup(self, name: str) -> None:
        """Delete a backup for good.

        Raises:
            InputRefused: There is none of that name, or it is to be restored.
        """
        order = self.order
        if order is not None and order.name == name:
            title = "This backup is to be put in place at the next start"
            raise InputRefused(Fault(kind="bad_request", title=title, advice="Call that off first."))
        self._backups.delete(name)
        self._jobs.revision += 1

    def backup_file(self, name: str) -> Path:
        """Return where a backup is, for a download.

        Raises:
            InputRefused: There is none of that name.
        """
        return self._backups.path(name)

    def restore(self, name: str) -> None:
        """Have a backup read to its end, in the background, and then put in place at the next start.

        Raises:
            InputRefused: There is none of that name, or something else goes on.
        """
        path = self._backups.path(name)

        def work(_tell: Tell) -> SwapOrder:
            read_backup(path)
            room_for(path.stat().st_size, self._folder)
            return self._ordered(SwapOrder("restore", name, datetime.now(UTC)))

        self._jobs.begin("restore", work, name)

    def compact(self) -> None:
        """Have the database rewritten at the next start.

        Raises:
            StoreError: There is no room for a second one.
        """
        room_for(self._database.path.stat().st_size, self._folder)
        self._ordered(SwapOrder("compact", "", datetime.now(UTC)))

    @property
    def order(self) -> SwapOrder | None:
        """What is to be done to the file at the next start; None when nothing is."""
        try:
            standing = read_order(self._folder)
        except ValueError:
            return None
        return standing.order if standing else None

    def call_off(self) -> None:
        """Have nothing done to the file at the next start."""
        remove_order(self._folder)
        self._jobs.revision += 1

    @property
    def outcome(self) -> SwapOutcome | None:
        """What was done to the file at a start; None when nothing was, or it was put away."""
        return read_outcome(self._folder)

    def forget_outcome(self) -> None:
        """Put away what was done to the file."""
        remove_outcome(self._folder)
        self._jobs.revision += 1

    def sizes(self) -> Sizes:
        """Return what takes how much room; as it was a minute ago at most."""
        now = time.monotonic()
        with self._lock:
            if self._sizes is None or self._sizes[1] != self.revision or now - self._sizes[0] > _SIZES_KEPT_S:
                self._sizes = now, self.revision, sizes(self._database, self._folder, self._backups.list())
            return self._sizes[2]

    def fold(self) -> None:
        """Have the write-ahead log folded into the file and what is free at its end given back, in the background.

        Raises:
            InputRefused: Something else goes on.
        """

        def work(_tell: Tell) -> Folded:
            return fold(self._database)

        self._jobs.begin("fold", work)

    def _ordered(self, order: SwapOrder) -> SwapOrder:
        write_order(self._folder, Standing(order))
        self._jobs.revision += 1
        return order

    def check(self) -> None:
        """Have the whole record checked, in the background.

        Raises:
            InputRefused: Something else goes on.
        """
        self._jobs.begin("check", lambda tell: self._checked(_BY_HAND_S, tell))

    def rebuild_index(self) -> None:
        """Have the search index made anew, in the background; the search tells how far it is."""
        self._search.rebuild()

    def select_newest(self) -> None:
        """Select the newest message of chats whose selected one does not exist, in the background, and check again.

        Raises:
            InputRefused: Something else goes on.
        """

        def work(tell: Tell) -> Repaired:
            chats = select_newest(self._database)
            self._chats_changed()
            self._checked(_BY_HAND_S, tell)
            return Repaired(chats)

        self._jobs.begin("repair", work)

    @property
    def rules(self) -> Rules:
        """How long things are kept. May raise StoreError."""
        return rules_of(self._database)

    def set_rules(self, rules: Rules) -> None:
        """Keep other rules; they are applied with the next start, every day, and when `apply` is called.

        Raises:
            InputRefused: A number of days is out of its range.
        """
        set_rules(self._database, rules)
        self._jobs.revision += 1

    def preview(self, rules: Rules) -> None:
        """Have it found out, in the background, what rules would touch now.

        Raises:
            InputRefused: A number of days is out of its range, or something else goes on.
        """
        checked(rules)
        self._jobs.begin("preview", lambda _tell: preview(self._database, rules))

    def apply(self) -> None:
        """Have the rules that are kept applied, in the background.

        Raises:
            InputRefused: Something else goes on.
        """
        self._jobs.begin("apply", self._apply)

    def _every_day(self, first_s: float) -> None:
        rest = first_s
        while not self._ending.wait(rest):
            rest = _DAILY_S
            for work in (self._apply, partial(self._checked, _AT_START_S)):
                try:
                    work(_unheard)
                except ApeHostError as error:
                    _log.warning("the daily care of the record failed: %s", error)
            self._jobs.revision += 1

    def _apply(self, tell: Tell) -> Applied:
        def going_on(rule: RuleName, fraction: float) -> bool:
            tell(fraction, _STEPS[rule])
            return not self._ending.is_set()

        touched = apply(self._database, self._library, rules_of(self._database), going_on)
        if any(each.count for each in touched):
            _log.info("rules applied: %s", ", ".join(f"{each.rule} {each.count}" for each in touched))
            self._chats_changed()
        self.applied = Applied(datetime.now(UTC), touched)
        return self.applied

    def _checked(self, seconds: float, tell: Tell) -> Integrity:
        found = examine(self._database, self._search, seconds=seconds, tell=tell, ending=self._ending)
        for problem in found.problems:
            _log.warning("the record: %s (%d)", problem.what, problem.count)
        self.integrity = found
        return found

    def _chats_changed(self) -> None:
        self.chats_revision += 1


def _unheard(_fraction: float | None, _step: str) -> None:
    """Tell nobody."""
