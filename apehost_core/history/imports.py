"""Imports as values: what a file holds beside what is here already, what was taken in, and what was undone."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from apehost_core.errors import Fault

MOST_LISTED = 100
"""So many conversations, refusals and remarks are listed by name; all are counted."""

Fate = Literal["new", "changed", "same", "trashed"]
"""What a conversation of a file is to the database: `trashed` ones are in the trash, and stay there as they are."""
Ending = Literal["running", "done", "stopped", "failed", "interrupted"]
"""How an import stands: `stopped` by a person, `interrupted` by the end of the program."""
Work = Literal["look", "import", "undo"]
"""What goes on in the background: looking at what an import would do, importing, undoing."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was not taken in.

    Attributes:
        where: The place in the file, or the title of the conversation.
        why: For people.
    """

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A conversation that is new or has changed.

    Attributes:
        title: Never empty.
        fate: `new` or `changed`.
        messages: How many of its messages are not here yet.
        created_at: None when the file does not say.
    """

    title: str
    fate: Fate
    messages: int
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What an import does, or would do.

    Attributes:
        name: Of the file or folder, without its path.
        format: Name of the format; "several" where there are more; empty where no conversation was read.
        new: Conversations that are not here yet.
        changed: Conversations that are here in another state.
        same: Conversations that are here already, as they are.
        trashed: Conversations that are in the trash here.
        messages: Messages that are not here yet.
        unreadable: How many things no conversation could be made of.
        sample: The first of those that are new or changed.
        refusals: The first of the unreadable ones, with the reason.
        remarks: The first things that were left out of conversations, with the reason.
    """

    name: str
    format: str = ""
    new: int = 0
    changed: int = 0
    same: int = 0
    trashed: int = 0
    messages: int = 0
    unreadable: int = 0
    sample: tuple[Taken, ...] = ()
    refusals: tuple[Remark, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def conversations(self) -> int:
        """How many were read."""
        return self.new + self.changed + self.same + self.trashed

    @property
    def anything(self) -> bool:
        """Whether there is something to take in."""
        return self.new + self.changed > 0

    def after(self, earlier: "Findings") -> "Findings":
        """Return these together with what the same import took in earlier; what could not be is that of now."""
        return replace(
            self,
            new=earlier.new + self.new,
            changed=earlier.changed + self.changed,
            messages=earlier.messages + self.messages,
            sample=(*earlier.sample, *self.sample)[:MOST_LISTED],
        )


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        import_id: Under which it can be undone; None where it changed nothing.
        ending: `done`, or `stopped` when what came after was left.
        findings: What was taken in.
    """

    import_id: str | None
    ending: Ending
    findings: Findings


@dataclass(frozen=True, slots=True)
class Undone:
    """What undoing an import did.

    Attributes:
        removed: Conversations that are gone.
        restored: Conversations that are as they were before.
        kept: Titles of those that stay because a person went on with them.
    """

    removed: int
    restored: int
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportBatch:
    """An import of the past.

    Attributes:
        id: UUIDv7.
        imported_at: UTC, when it began.
        ending: How it ended.
        findings: What was taken in.
        undone_at: UTC; None when it was not.
        kept: How many conversations stayed when it was undone.
    """

    id: str
    imported_at: datetime
    ending: Ending
    findings: Findings
    undone_at: datetime | None
    kept: int = 0


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is.

    Attributes:
        fraction: From 0 to 1, by bytes read; None where the size is not known.
        conversations: How many were read.
        messages: How many of their messages are not here yet.
        unreadable: How many things no conversation could be made of.
        bytes: How many were read, unpacked; 0 where they are not counted.
        size: How many bytes there are; 0 where that is not known.
        expected: How many conversations there are in all; None where that is not known.
    """

    fraction: float | None = None
    conversations: int = 0
    messages: int = 0
    unreadable: int = 0
    bytes: int = 0
    size: int = 0
    expected: int | None = None


Progress = Callable[[ImportProgress], None]
"""Told how far it is; may raise ImportStopped."""


class ImportStopped(Exception):
    """A person wants no more of an import; what was taken in stays, and can be undone."""


@dataclass(frozen=True, slots=True)
class ImportJob:
    """What goes on in the background, or went on last.

    Attributes:
        work: What is done.
        name: Of the file or folder, without its path; of an undo, of the import's.
        running: It is not at its end yet.
        stopping: A person wants it to end.
        progress: How far it is.
        findings: What a look found; None before its end, and for other work.
        report: What an import did; None before its end.
        undone: What an undo did; None before its end.
        fault: Why it failed; None when it did not.
    """

    work: Work
    name: str
    running: bool = True
    stopping: bool = False
    progress: ImportProgress = field(default_factory=ImportProgress)
    findings: Findings | None = None
    report: ImportReport | None = None
    undone: Undone | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder whose conversations are taken in as they change.

    Attributes:
        name: Of the folder, without its path.
        looked_at: UTC, when it was last looked at; None before the first time.
        imported_at: UTC, when something was last taken in from it since the start; None when nothing was.
        unreadable: How many of its files could not be read the last time.
        fault: Why it could not be looked at; None when it could.
    """

    name: str
    looked_at: datetime | None = None
    imported_at: datetime | None = None
    unreadable: int = 0
    fault: Fault | None = None
