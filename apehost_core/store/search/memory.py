"""What hits are made of, in memory: all conversations, and what the newest messages say.

Both are read once and brought up to date by `search_changes`, before a search answers. The trash is thus closed as
soon as the commit is done, whatever the index still has to take in.
"""

import threading
from collections.abc import Callable

import duckdb

from apehost_core.store.database import Database
from apehost_core.store.search.changes import changes_after, last_change
from apehost_core.store.search.chats import Chats
from apehost_core.store.search.texts import Texts


class Memory:
    """Conversations and messages of one database. Safe to use from any thread.

    Attributes:
        chats: The conversations.
        texts: The messages.
        filled: Whether the newest messages were read ahead.
    """

    def __init__(self, database: Database) -> None:
        self.chats = Chats()
        self.texts = Texts()
        self.filled = False
        self._database = database
        self._lock = threading.Lock()
        self._commits = -1
        self._seq = -1

    def renew(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Take in what was committed since.

        Args:
            cursor: Outside of a transaction.
        """
        commits = self._database.commits
        if commits == self._commits:
            return
        with self._lock:
            cursor.begin()  # one state of the database for the changes and for what they are about
            try:
                self._take_in(cursor)
            finally:
                cursor.rollback()
            self._commits = commits

    def catch_up(self) -> None:
        """Do the same; whoever removes the changes does this first.

        Raises:
            StoreError: The database cannot be read.
        """
        with self._database.read() as cursor:
            self.renew(cursor)

    def fill(self, stop: Callable[[], bool]) -> None:
        """Read the newest messages; by the thread that removes the changes, for none may be missed. Takes seconds.

        Args:
            stop: Asked again and again whether to leave it at that.

        Raises:
            StoreError: The database cannot be read.
        """
        with self._database.read() as cursor:
            cursor.begin()
            seq = last_change(cursor)
            newest = self.texts.newest(cursor, seq, stop)
            cursor.rollback()
            with self._lock:
                self.texts.put(newest, changes_after(cursor, seq)[0])
        self.filled = True

    def _take_in(self, cursor: duckdb.DuckDBPyConnection) -> None:
        if self._seq < 0:
            self.chats.read_all(cursor)
            self._seq = last_change(cursor)
            return
        changes, _ = changes_after(cursor, self._seq)
        if changes:
            self.chats.read_changed(cursor, changes)
            self.texts.forget(changes)
            self._seq = changes[-1].seq
