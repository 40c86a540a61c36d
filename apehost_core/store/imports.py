"""Takes in conversations of other programs, and out again. All methods block; one import at a time.

A conversation is known again by its format and its id there. What is read is written in small transactions, so that
answers are recorded meanwhile; whatever is written names its import from the first transaction on, so that also one
that was broken off can be undone.
"""

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import orjson
from pydantic import TypeAdapter

from apehost_core.errors import Fault, InputRefused
from apehost_core.formats import ImportedConversation, Source
from apehost_core.history.imports import (
    Ending,
    Fate,
    Findings,
    ImportBatch,
    ImportProgress,
    ImportReport,
    ImportStopped,
    Progress,
    Undone,
)
from apehost_core.ids import new_id
from apehost_core.store.database import Database
from apehost_core.store.import_growth import Key, Standing, grow, key_of, newcomers, removed, standing, welcome
from apehost_core.store.import_rows import ImportRows
from apehost_core.store.import_tally import Tally, portions
from apehost_core.store.import_undo import TakenOut, take_out, touched
from apehost_core.store.search.changes import conversations_changed
from apehost_core.store.transaction import Transaction

_BATCH_UNDONE = 200
_FINDINGS = TypeAdapter(Findings)


class Imports:
    """Imports of one database; every method may raise StoreError.

    Attributes:
        revision: Grows with everything that is taken in or out; for watching, from memory.
    """

    def __init__(self, database: Database) -> None:
        self.revision = 0
        self._database = database
        self._one_at_a_time = threading.Lock()
        self._running: str | None = None

    def look(self, source: Source, progress: Progress | None = None) -> Findings:
        """Return what an import would do. Nothing is changed.

        Raises:
            ImportStopped: As the progress did.
        """
        tally = Tally.of(source, progress)
        seen: dict[Key, set[str]] = {}
        for batch in portions(source, tally):
            with self._database.read() as cursor:
                here = standing(cursor, batch)
                for conversation in batch:
                    key = key_of(conversation)
                    known = here.get(key) or (Standing("", frozenset(), trashed=False) if key in seen else None)
                    if known is not None:
                        known = replace(known, digests=known.digests | seen.get(key, set()))
                    tally.take(conversation, *_fate(cursor, conversation, known))
                    seen.setdefault(key, set()).add(conversation.digest)
        return tally.findings()

    def run(self, source: Source, progress: Progress | None = None) -> ImportReport:
        """Take in what is new or has changed. Doing it again changes nothing."""
        tally = Tally.of(source, progress)
        with self._one_at_a_time:
            return self._run(source, _Importing(self._database, tally, new_id(), datetime.now(UTC)))

    def follow(self, folder: Path, progress: Progress | None = None, *, joining: str | None = None) -> ImportReport:
        """Take in what is new or has changed in a watched folder, but for what a person has removed for good.

        Args:
            folder: What is read.
            progress: Told how far it is.
            joining: An earlier import that this one is a part of, if no other came after it and it was not undone.
        """
        tally = Tally.of(folder, progress)
        with self._one_at_a_time:
            earlier = self._open(joining) if joining else None
            import_id = joining if joining and earlier else new_id()
            importing = _Importing(self._database, tally, import_id, datetime.now(UTC), earlier, watched=True)
            return self._run(folder, importing)

    def _run(self, source: Source, importing: "_Importing") -> ImportReport:
        self._running = importing.import_id
        ending: Ending = "failed"
        try:
            for batch in portions(source, importing.tally):
                importing.take_in(batch)
            ending = "done"
        except ImportStopped:
            ending = "stopped"
        finally:
            importing.end(ending)
            self._running = None
            self.revision += importing.written is not None
        import_id = importing.import_id if importing.written else None
        return ImportReport(import_id, ending, importing.tally.findings())

    def undo(self, import_id: str, progress: Progress | None = None) -> Undone:
        """Take an import out again, and what later ones added to the same conversations.

        Raises:
            InputRefused: There is no such import, or it was undone.
        """
        with self._one_at_a_time:
            self._check_undoable(import_id)
            with self._database.read() as cursor:
                ids = touched(cursor, import_id)
            total = TakenOut((), (), ())
            for start in range(0, len(ids), _BATCH_UNDONE):
                some = ids[start : start + _BATCH_UNDONE]
                done = self._database.write(partial(take_out, import_id=import_id, conversation_ids=some))
                total = TakenOut(total.removed + done.removed, total.restored + done.restored, total.kept + done.kept)
                self.revision += 1
                if progress is not None:
                    done_so_far = start + len(some)
                    progress(ImportProgress(done_so_far / len(ids), done_so_far, expected=len(ids)))
            self._database.write(partial(_mark_undone, import_id=import_id, kept=len(total.kept)))
            self.revision += 1
        return Undone(len(total.removed), len(total.restored), total.kept)

    def list(self, limit: int | None = None) -> list[ImportBatch]:
        """Return the imports that changed something, newest first; None for all."""
        with self._database.read() as cursor:
            rows = cursor.execute(
                "SELECT id::VARCHAR, imported_at, report, undone_at FROM imports ORDER BY id DESC LIMIT ?", [limit]
            ).fetchall()
        return [self._batch(*row) for row in rows]

    def _batch(self, import_id: str, imported_at: datetime, report: str, undone_at: datetime | None) -> ImportBatch:
        said: dict[str, Any] = orjson.loads(report)
        ending: Ending = said["ending"]
        if ending == "running" and import_id != self._running:
            ending = "interrupted"
        findings = _FINDINGS.validate_python(said["findings"])
        return ImportBatch(import_id, imported_at, ending, findings, undone_at, said.get("kept", 0))

    def _open(self, import_id: str) -> Findings | None:
        """Return what an import has found so far; None when it was undone or others came after it."""
        with self._database.read() as cursor:
            rows = cursor.execute(
                "SELECT report FROM imports WHERE id = ? AND undone_at IS NULL AND id = (SELECT max(id) FROM imports)",
                [import_id],
            ).fetchall()
        return _FINDINGS.validate_python(orjson.loads(rows[0][0])["findings"]) if rows else None

    def _check_undoable(self, import_id: str) -> None:
        with self._database.read() as cursor:
            rows = cursor.execute(
                "SELECT undone_at IS NOT NULL FROM imports WHERE id = TRY_CAST(? AS UUID)", [import_id]
            ).fetchall()
        if not rows or rows[0][0]:
            title = "This import was undone already" if rows else "There is no such import"
            raise InputRefused(Fault(kind="bad_request", title=title))


@dataclass(slots=True)
class _Importing:
    """An import while it goes on.

    Attributes:
        earlier: What the import had found before that this one is a part of; None for one of its own.
        watched: It comes by itself, from the folder that is watched.
        written: What was found up to the last commit; None before the first.
    """

    database: Database
    tally: Tally
    import_id: str
    at: datetime
    earlier: Findings | None = None
    watched: bool = False
    written: Findings | None = None

    def take_in(self, batch: Sequence[ImportedConversation]) -> None:
        """Write what is new or changed of some conversations, no two of which have the same id."""
        rows, growing = ImportRows(self.import_id, self.at), list[tuple[ImportedConversation, str]]()
        added: list[tuple[ImportedConversation, str]] = []
        with self.database.read() as cursor:
            here = (removed(cursor, batch) if self.watched else {}) | standing(cursor, batch)
            fates = [(one, *_fate(cursor, one, here.get(key_of(one)))) for one in batch]
        for conversation, fate, messages in fates:
            if fate == "new":
                added.append((conversation, rows.add_conversation(conversation)))
            elif fate == "changed":
                growing.append((conversation, here[key_of(conversation)].id))
            self.tally.take(conversation, fate, messages)
        if added or growing:
            self._write(rows, added, growing)

    def end(self, ending: Ending) -> None:
        """Note how it ended. One that was broken off says what it has written, not what it has read."""
        if self.written is not None:
            findings = self.written if ending == "failed" else self.tally.findings()
            self.database.write(lambda transaction: self._note(transaction, ending, findings))

    def _write(
        self,
        rows: ImportRows,
        added: Sequence[tuple[ImportedConversation, str]],
        growing: Sequence[tuple[ImportedConversation, str]],
    ) -> None:
        findings = self.tally.findings()

        def work(transaction: Transaction) -> None:
            self._note(transaction, "running", findings)
            rows.write(transaction)
            for conversation, conversation_id in growing:
                more = ImportRows(self.import_id, self.at)
                grow(transaction, more, conversation, conversation_id)
                more.write(transaction)
            welcome(transaction, [conversation for conversation, _ in added])
            conversations_changed(transaction, [conversation_id for _, conversation_id in (*added, *growing)])

        self.database.write(work)
        self.written = findings

    def _note(self, transaction: Transaction, ending: Ending, findings: Findings) -> None:
        """Write the import's own row."""
        findings = findings if self.earlier is None else findings.after(self.earlier)
        row = {
            "id": self.import_id,
            "format": findings.format,
            "name": findings.name,
            "added": findings.new,
            "changed": findings.changed,
            "unreadable": findings.unreadable,
            "watched": self.watched,
            "report": orjson.dumps({"ending": ending, "findings": asdict(findings)}).decode(),
        }
        if self.written is None and self.earlier is None:
            transaction.insert("imports", {**row, "imported_at": self.at})
        else:
            transaction.update("imports", row, key="id")


def _fate(
    cursor: duckdb.DuckDBPyConnection, conversation: ImportedConversation, known: Standing | None
) -> tuple[Fate, int]:
    """Return what a conversation is to the database, and how many of its messages are not there."""
    if known is None:
        return "new", len(conversation.messages)
    if known.trashed:
        return "trashed", 0
    if conversation.digest in known.digests:
        return "same", 0
    if not known.id:
        return "changed", 0
    return "changed", len(newcomers(cursor, conversation, known.id)[0])


def _mark_undone(transaction: Transaction, import_id: str, kept: int) -> None:
    report = transaction.connection.execute("SELECT report FROM imports WHERE id = ?", [import_id]).fetchall()[0][0]
    said = orjson.dumps({**orjson.loads(report), "kept": kept}).decode()
    transaction.execute(
        "UPDATE imports SET undone_at = ?, report = ? WHERE id = ?", [datetime.now(UTC), said, import_id]
    )
