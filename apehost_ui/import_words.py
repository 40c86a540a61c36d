"""How imports are said. Pure functions; no Markdown."""

from apehost_core.compare.numbers import counted
from apehost_core.formats import FORMATS
from apehost_core.history.imports import (
    Ending,
    Findings,
    ImportBatch,
    ImportJob,
    ImportReport,
    Undone,
    WatchedFolder,
    Work,
)
from apehost_ui.words import moment, size

_MOST_TITLES = 3
_WORKING: dict[Work, str] = {"look": "Reading", "import": "Importing", "undo": "Undoing the import of"}
_ENDINGS: dict[Ending, str] = {
    "running": "goes on",
    "done": "",
    "stopped": "stopped before its end",
    "failed": "ended with an error",
    "interrupted": "cut off when ApeHost ended",
}
_SEVERAL = "several formats"
KNOWN = ", ".join(FORMATS.values())
"""The formats that can be read, in a sentence."""


def findings_words(findings: Findings) -> str:
    """Return what there is in a file: "312 new, 4 changed, 2 unreadable"."""
    counts = [
        (findings.new, "new"),
        (findings.changed, "changed"),
        (findings.same, "known already"),
        (findings.trashed, "deleted here"),
        (findings.unreadable, "unreadable"),
    ]
    return ", ".join(f"{count:,} {word}" for count, word in counts if count) or "nothing"


def source_words(findings: Findings) -> str:
    """Return what was read: "export.zip · ChatGPT"."""
    label = FORMATS.get(findings.format, _SEVERAL if findings.format else "")
    return " · ".join(filter(None, (findings.name, label)))


def job_words(job: ImportJob) -> str:
    """Return what goes on and how far it is: "Importing export.zip · 1,234 of about 5,000 conversations".

    Where nobody knows how many there are, bytes say it: "1,234 conversations · 12 MB of 48 MB".
    """
    progress = job.progress
    known = progress.expected is not None and progress.conversations <= progress.expected
    pieces = [f"{_WORKING[job.work]} {job.name}"]
    if known:
        about = "" if job.work == "undo" else "about "  # a file may change after it was looked at
        pieces.append(f"{progress.conversations:,} of {about}{counted(progress.expected or 0, 'conversation')}")
    elif progress.conversations:
        pieces.append(counted(progress.conversations, "conversation"))
    if progress.size and not known:
        pieces.append(f"{size(progress.bytes)} of {size(progress.size)}")
    if progress.unreadable:
        pieces.append(f"{progress.unreadable:,} unreadable")
    return " · ".join([*pieces, "stopping"] if job.stopping else pieces)


def report_words(report: ImportReport) -> str:
    """Return what an import did."""
    findings = report.findings
    if report.ending == "stopped":
        said = (
            f"{_taken(findings)} before that; Undo takes it out again." if findings.anything else "Nothing was changed."
        )
        return f"Stopped. {said}"
    if not findings.anything:
        return f"Nothing to take in from {findings.name}: {findings_words(findings)}."
    return f"{_taken(findings)} from {findings.name}."


def _taken(findings: Findings) -> str:
    return f"{findings_words(_taken_in(findings))} · {counted(findings.messages, 'message')} taken in"


def _taken_in(findings: Findings) -> Findings:
    return Findings(findings.name, new=findings.new, changed=findings.changed)


def undone_words(name: str, undone: Undone) -> str:
    """Return what undoing an import did, and what stays for which reason."""
    done = [f"{counted(undone.removed, 'conversation')} removed"]
    if undone.restored:
        done.append(f"{counted(undone.restored, 'conversation')} as before")
    said = f"The import of {name} is undone: {', '.join(done)}."
    if not undone.kept:
        return said
    titles = ", ".join(f"“{title}”" for title in undone.kept[:_MOST_TITLES])
    more = f" and {len(undone.kept) - _MOST_TITLES:,} more" if len(undone.kept) > _MOST_TITLES else ""
    return f"{said} Kept, because you went on with them: {titles}{more}."


def batch_words(batch: ImportBatch) -> str:
    """Return what an import of the past did: "25 Nov, 14:02 · 312 new, 4 changed · 3,120 messages"."""
    findings = batch.findings
    taken = findings_words(_taken_in(findings))
    pieces = [moment(batch.imported_at), taken, counted(findings.messages, "message")]
    pieces.append(f"{findings.unreadable:,} unreadable" if findings.unreadable else "")
    pieces.append(_ENDINGS[batch.ending])
    if batch.undone_at:
        pieces.append(f"undone {moment(batch.undone_at)}")
    if batch.kept:
        pieces.append(f"{batch.kept:,} kept")
    return " · ".join(filter(None, pieces))


def watched_words(folder: WatchedFolder) -> str:
    """Return how the watched folder stands."""
    pieces = [f"Watching folder {folder.name}"]
    if folder.looked_at:
        pieces.append(f"looked at {moment(folder.looked_at)}")
    if folder.imported_at:
        pieces.append(f"last import {moment(folder.imported_at)}")
    if folder.unreadable:
        pieces.append(f"{counted(folder.unreadable, 'file')} unreadable")
    return " · ".join(pieces)
