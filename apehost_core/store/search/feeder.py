"""The thread that keeps the index and the database together: opens the index, takes in changes, makes it anew.

Changes wait in `search_changes`; what stands there when the thread looks goes into one commit of the index, at most
one a second. The rows are removed only after that commit, so that a crash between the two repeats nothing and loses
nothing: the index itself says which change it took in last. When the two do not fit, the index is made anew, the
newest conversations first, and can be searched meanwhile.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import duckdb

from apehost_core.errors import Fault, StoreError
from apehost_core.history.found import SearchProgress
from apehost_core.ids import new_id
from apehost_core.store.database import Database
from apehost_core.store.search import rows
from apehost_core.store.search.changes import Change, changes_after
from apehost_core.store.search.index import SearchIndex, Unfit, Watermark, remove_others
from apehost_core.store.search.memory import Memory
from apehost_core.store.search.schema import EDITION
from apehost_core.store.transaction import Transaction

_log = logging.getLogger(__name__)

_LOOK_S: Final = 0.25
_REST_S: Final = 1.0
_RETRY_S: Final = 5.0
_MOST_CHANGES: Final = 1_000
_CONVERSATIONS: Final = 500
_MESSAGES: Final = 2_000
_COMMIT_S: Final = 20.0
_HIGHEST: Final = UUID(int=(1 << 128) - 1)


class Feeder:
    """Runs the thread. Its attributes may be read from any thread.

    Attributes:
        index: The opened index; None until there is one.
        progress: How far it is.
        memory: What hits are made of.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self.index: SearchIndex | None = None
        self.progress = SearchProgress("catching up", 0, 0)
        self.memory = Memory(database)
        self._database = database
        self._folder = folder
        self._wanted_anew = False
        self._ending = threading.Event()
        self._moved = threading.Condition()
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="apehost-search", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; what it had not committed is taken in again at the next start."""
        self._ending.set()
        self._awake.set()
        self._thread.join()

    def make_anew(self) -> None:
        """Have the index made anew."""
        self._wanted_anew = True
        self._awake.set()

    def wait(self, until: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something holds that changes with the index or the progress; returns whether it does.

        Where it holds already the thread is left alone: a search asks this each time.
        """
        if until():
            return True
        self._awake.set()
        with self._moved:
            return self._moved.wait_for(until, timeout_s)

    def _run(self) -> None:
        try:
            self._keep_going()
        finally:
            if not self._ending.is_set():
                fault = Fault(kind="internal", title="The search index stopped", advice="Restart ApeHost.")
                self._say(SearchProgress("broken", 0, 0, fault))

    def _keep_going(self) -> None:
        while not self._ending.is_set():
            rest = _LOOK_S
            try:
                rest = self._work()
            except (Unfit, duckdb.Error, StoreError, OSError, ValueError) as error:
                self._drop(error)
                rest = _RETRY_S
            self._awake.wait(rest)
            self._awake.clear()
        if self.index is not None:
            self.index.close()

    def _work(self) -> float:
        """Do what there is to do and return for how many seconds to rest."""
        index = self.index
        if index is None or self._wanted_anew:
            index = self._open()
        if index.watermark.cursor is not None:
            self._make(index)
            return 0.0
        return _REST_S if self._catch_up(index) else _LOOK_S

    def _drop(self, error: Exception) -> None:
        """Let go of an index that failed; it is opened and checked again, and made anew if need be."""
        if self._ending.is_set():
            return
        _log.warning("the search index failed: %s", error)
        fault = Fault(
            kind="store",
            title="The search index cannot be used now",
            cause=str(error),
            advice="It is tried again every few seconds. Nothing of the record is lost.",
        )
        index, self.index = self.index, None
        if index is not None:
            try:
                index.close()
            except (OSError, ValueError) as second:
                _log.debug("after a failure of the search index: %s", second)
        self._say(SearchProgress("broken", 0, 0, fault))

    def _say(self, progress: SearchProgress) -> None:
        with self._moved:
            self.progress = progress
            self._moved.notify_all()

    def _open(self) -> SearchIndex:
        """Return the index that fits the database, or an empty one that is to be filled."""
        if self.index is not None:
            self.index.close()
        anew, self._wanted_anew = self._wanted_anew, False
        try:
            if anew:
                raise Unfit("it was asked for")
            index = self._fitting()
            remove_others(self._folder, index.watermark.id)
        except Unfit as reason:
            _log.info("the search index is made anew: %s", reason)
            index = self._create()
        self.memory.catch_up()
        self.index = index
        state = "catching up" if index.watermark.cursor is None else "rebuilding"
        self._say(SearchProgress(state, 0, 0))
        return index

    def _fitting(self) -> SearchIndex:
        """Return the index that the database names.

        Raises:
            Unfit: It is not there, is damaged, or does not fit.
        """
        with self._database.read() as cursor:
            known = cursor.execute("SELECT id::VARCHAR, taken FROM search_index").fetchone()
        if known is None:
            raise Unfit("there was none")
        index = SearchIndex.open(self._folder, known[0])
        mark = index.watermark
        with self._database.read() as cursor:
            row = cursor.execute("SELECT id::VARCHAR FROM search_changes WHERE seq = ?", [mark.taken]).fetchone()
        if mark.taken < known[1] or (mark.taken > 0 and (row is None or row[0] != mark.change)):
            raise Unfit("it belongs to another state of the database")
        return index

    def _create(self) -> SearchIndex:
        """Make an empty index and have the database name it."""
        with self._database.read() as cursor:
            last = cursor.execute("SELECT seq, id::VARCHAR FROM search_changes ORDER BY seq DESC LIMIT 1").fetchone()
        seq, change = last or (0, "")
        index = SearchIndex.create(self._folder, Watermark(new_id(), seq, change, str(_HIGHEST)))
        self._database.write(partial(_name, mark=index.watermark))
        remove_others(self._folder, index.watermark.id)
        return index

    def _make(self, index: SearchIndex) -> None:
        """Take in conversations, the newest first, until all are in or it is time to commit."""
        cursor_id, until = UUID(index.watermark.cursor), time.monotonic() + self._patience(index)
        while not self._ending.is_set() and not self._wanted_anew:
            with self._database.read() as cursor:
                found = cursor.execute(
                    "SELECT id FROM conversations WHERE id < ? ORDER BY id DESC LIMIT ?", [cursor_id, _CONVERSATIONS]
                ).fetchall()
                self._take_in(cursor, index, [row[0] for row in found])
            if not found:
                index.commit(replace(index.watermark, cursor=None))
                break
            cursor_id = found[-1][0]
            if time.monotonic() >= until and not self._ending.is_set():
                index.commit(replace(index.watermark, cursor=str(cursor_id)))
                break
        self._say(self._made(index))

    def _patience(self, index: SearchIndex) -> float:
        """Return how long to work for one commit, in seconds: the first comes soon, so that there is something."""
        return 0.0 if index.watermark.cursor == str(_HIGHEST) else _COMMIT_S

    def _made(self, index: SearchIndex) -> SearchProgress:
        with self._database.read() as cursor:
            total = int(cursor.execute("SELECT count(*) FROM messages").fetchall()[0][0])
        if index.watermark.cursor is None:
            return SearchProgress("catching up", total, total)
        return SearchProgress("rebuilding", min(index.messages(), total), total)

    def _catch_up(self, index: SearchIndex) -> bool:
        """Take in the changes that there are, in one commit; returns whether there were any."""
        with self._database.read() as cursor:
            cursor.begin()  # one state of the database for the changes and for what they are about
            changes, left = changes_after(cursor, index.watermark.taken, _MOST_CHANGES)
            if changes:
                self._say(SearchProgress("catching up", 0, left))
                self._apply(cursor, index, changes)
            cursor.rollback()
        if not changes or self._ending.is_set():
            if not changes and self.progress.state != "ready":
                self._say(SearchProgress("ready", 0, 0))
                self.memory.fill(self._ending.is_set)
                self._say(self.progress)
            return False
        last = changes[-1]
        index.commit(replace(index.watermark, taken=last.seq, change=str(last.id)))
        self._say(SearchProgress("ready" if left == len(changes) else "catching up", len(changes), left))
        self.memory.catch_up()
        self._database.write(partial(_forget, mark=index.watermark))
        return True

    def _apply(self, cursor: duckdb.DuckDBPyConnection, index: SearchIndex, changes: Sequence[Change]) -> None:
        of_kind: dict[str, set[UUID]] = {"message": set(), "conversation": set(), "gone": set()}
        for change in changes:
            of_kind[change.kind].add(change.id)
        renewed = sorted(of_kind["conversation"] | of_kind["gone"])
        index.remove_conversations(renewed)
        for first in range(0, len(renewed), _CONVERSATIONS):
            self._take_in(cursor, index, renewed[first : first + _CONVERSATIONS])
        known = set(renewed)
        entries = [
            each for each in rows.messages(cursor, sorted(of_kind["message"])) if each.conversation_id not in known
        ]
        entries += rows.titles(cursor, sorted({each.conversation_id for each in entries}))
        index.remove(entries)
        index.add(entries)

    def _take_in(self, cursor: duckdb.DuckDBPyConnection, index: SearchIndex, conversation_ids: Sequence[UUID]) -> None:
        """Add all that conversations have; nothing of it may be in the index."""
        index.add(rows.titles(cursor, conversation_ids))
        ids = rows.message_ids(cursor, conversation_ids)
        for first in range(0, len(ids), _MESSAGES):
            if self._ending.is_set():
                return
            index.add(rows.messages(cursor, ids[first : first + _MESSAGES]))


def _name(transaction: Transaction, mark: Watermark) -> None:
    """Have the database name an index as the one that counts."""
    transaction.execute("DELETE FROM search_index", [])
    values: list[Any] = [mark.id, mark.taken, EDITION]
    transaction.execute("INSERT INTO search_index (id, taken, schema) VALUES (?, ?, ?)", values)


def _forget(transaction: Transaction, mark: Watermark) -> None:
    """Remove the changes that the index has; the last one stays, to compare with."""
    transaction.execute("DELETE FROM search_changes WHERE seq < ?", [mark.taken])
    transaction.execute("UPDATE search_index SET taken = ? WHERE id = ?", [mark.taken, mark.id])
