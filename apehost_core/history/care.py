"""The care of the record as values: copies, sizes, checks, rules of how long things are kept, and what goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from apehost_core.errors import Fault

TRASH_DAYS = 30
"""How long the trash keeps things unless a person says otherwise."""
MOST_DAYS = 3650

Work = Literal["backup", "restore", "check", "preview", "apply", "fold", "repair"]
"""What goes on in the background; `restore` reads a backup through and orders it, `fold` tidies the open file."""
SwapWork = Literal["restore", "compact"]
"""What is done to the database file at the next start."""
Remedy = Literal["rebuild_index", "select_newest", "restore"]
"""What can be done about something wrong; `restore`: nothing but going back to a backup."""
IdleAction = Literal["archive", "trash"]
RuleName = Literal["logs", "bodies", "archive", "trash", "emptied"]
"""What a rule touches: logs of runs, bodies of requests, chats that are archived, trashed, or deleted for good."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the database in the folder of backups.

    Attributes:
        name: Of the file.
        made_at: UTC.
        size: Bytes.
        before_restore: It is what a restore took the place of.
    """

    name: str
    made_at: datetime
    size: int
    before_restore: bool


@dataclass(frozen=True, slots=True)
class SwapOrder:
    """What will be done to the database file at the next start.

    Attributes:
        work: What.
        name: The backup that takes the database's place; empty for a compaction.
        ordered_at: UTC.
    """

    work: SwapWork
    name: str
    ordered_at: datetime


@dataclass(frozen=True, slots=True)
class SwapOutcome:
    """What was done to the database file at a start.

    Attributes:
        work: What.
        name: The backup that was put in place; empty for a compaction.
        at: UTC.
        kept: The backup that holds what was there before; empty when nothing had to be kept.
        before: Bytes of the file before.
        after: Bytes of it afterwards.
        took_s: Seconds.
        fault: Why it was not done; then everything is as it was. None when it was done.
    """

    work: SwapWork
    name: str
    at: datetime
    kept: str = ""
    before: int = 0
    after: int = 0
    took_s: float = 0.0
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class TableSize:
    """How large a table is.

    Attributes:
        name: Of the table.
        rows: How many.
        size: Bytes in the file; what is only in the write-ahead log so far does not count.
    """

    name: str
    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """What takes how much room, in bytes.

    Attributes:
        tables: The largest first.
        file: The database file.
        free: Within the file, in blocks that hold nothing.
        log: The write-ahead log.
        index: The search index.
        backups: All backups together.
        disk_free: On the disk of the data folder.
    """

    tables: tuple[TableSize, ...]
    file: int
    free: int
    log: int
    index: int
    backups: int
    disk_free: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the record.

    Attributes:
        what: In words: "The selected message does not exist".
        where: Titles or ids of the first few that are concerned.
        count: How many are concerned.
        remedy: What can be done.
    """

    what: str
    where: tuple[str, ...]
    count: int
    remedy: Remedy


@dataclass(frozen=True, slots=True)
class Check:
    """One check and what it found.

    Attributes:
        title: What was checked.
        looked_at: How many things it looked at.
        problems: Empty when all is well.
        unfinished: There was not enough time for it.
        note: What else is worth knowing; empty for nothing.
    """

    title: str
    looked_at: int
    problems: tuple[Problem, ...] = ()
    unfinished: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Integrity:
    """What a check of the whole record found.

    Attributes:
        at: UTC, its end.
        took_s: Seconds.
        checks: In order.
    """

    at: datetime
    took_s: float
    checks: tuple[Check, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong."""
        return tuple(problem for check in self.checks for problem in check.problems)


@dataclass(frozen=True, slots=True)
class Rules:
    """How long things are kept; None keeps them for ever.

    Attributes:
        log_days: Event logs of runs, after the run's end. Those of comparisons stay.
        body_days: Bodies of requests, after the run's end. Those of comparisons stay.
        idle_days: Chats since their last message.
        idle_action: What is done to them then.
        trash_days: What is in the trash.
    """

    log_days: int | None = None
    body_days: int | None = None
    idle_days: int | None = None
    idle_action: IdleAction = "archive"
    trash_days: int = TRASH_DAYS


@dataclass(frozen=True, slots=True)
class Touched:
    """What a rule touches, or has touched.

    Attributes:
        rule: Which.
        count: How many runs, requests or chats.
        size: Bytes of text that go; 0 where nothing is deleted.
    """

    rule: RuleName
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What rules would touch now.

    Attributes:
        rules: The rules, which need not be kept yet.
        touched: One for each rule that is on.
    """

    rules: Rules
    touched: tuple[Touched, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What the rules did.

    Attributes:
        at: UTC.
        touched: One for each rule that is on.
    """

    at: datetime
    touched: tuple[Touched, ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """What tidying the open file brought: bytes of file and write-ahead log before and after."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Repaired:
    """In how many chats another message was selected."""

    chats: int


Result = Backup | SwapOrder | Integrity | Preview | Applied | Folded | Repaired


@dataclass(frozen=True, slots=True)
class CareJob:
    """What goes on in the background, or went on last.

    Attributes:
        work: What is done.
        name: Of the backup; empty for other work.
        running: It is not at its end yet.
        fraction: How far it is, 0 to 1; None where that is not known.
        step: What is being done now, in words; empty where one step is all.
        result: What came of it; None before its end and after a failure.
        fault: Why it failed; None when it did not.
    """

    work: Work
    name: str = ""
    running: bool = True
    fraction: float | None = None
    step: str = ""
    result: Result | None = None
    fault: Fault | None = None


Tell = Callable[[float | None, str], None]
"""Told how far it is (0 to 1, None where unknown) and what is being done, in words."""
