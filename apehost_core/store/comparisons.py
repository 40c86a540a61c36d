"""Comparisons as they are kept: what they ask, how far they are, the trash. All methods block.

What was answered stands in `runs` and `generations`, see `trials`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from apehost_core.compare.comparison import Comparison, Listed, Setup, State
from apehost_core.compare.plan import Plan
from apehost_core.errors import Fault, StoreError
from apehost_core.ids import new_id
from apehost_core.store.comparison_rows import plan_column, plan_in, setup_column, setup_in
from apehost_core.store.conversations import TRASH_KEPT
from apehost_core.store.database import Database
from apehost_core.store.endings import fault_json
from apehost_core.store.generation_rows import fault_from_json
from apehost_core.store.request_rows import UNUSED_MESSAGES
from apehost_core.store.transaction import Transaction

_AT_WORK = "state IN ('running', 'pausing')"


class Comparisons:
    """Reads and writes comparisons of one database; every method may raise StoreError.

    Attributes:
        revision: Grows whenever the list of comparisons, a title or a state changes; for watching, from memory.
    """

    def __init__(self, database: Database) -> None:
        self.revision = 0
        self._database = database

    def create(self, title: str, setup: Setup, plan: Plan, rerun_of: str | None = None) -> Comparison:
        """Keep a comparison that nothing was asked of yet.

        Args:
            title: What it is called in lists.
            setup: What is compared.
            plan: Its requests.
            rerun_of: The comparison that it asks again; None when it is the first of its kind.
        """
        made = Comparison(new_id(), title, datetime.now(UTC), "planned", setup, rerun_of=rerun_of)
        row = {
            "id": made.id,
            "title": title,
            "created_at": made.created_at,
            "state": made.state,
            "mode": setup.mode,
            "contenders": len(setup.contenders),
            "prompts": len(setup.prompts),
            "rerun_of": rerun_of,
            "setup": setup_column(setup),
            "plan": plan_column(plan),
        }
        self._database.write(lambda transaction: transaction.insert("comparisons", row))
        self.revision += 1
        return made

    def get(self, comparison_id: str) -> Comparison | None:
        """Return a comparison; None when there is none of that id or it is in the trash."""
        with self._database.read() as cursor:
            row = cursor.execute(
                "SELECT id::VARCHAR, title, created_at, state, setup, fault, rerun_of::VARCHAR FROM comparisons "
                "WHERE id = TRY_CAST(? AS UUID) AND trashed_at IS NULL",
                [comparison_id],
            ).fetchone()
        if row is None:
            return None
        found_id, title, created_at, state, setup, fault, rerun_of = row
        return Comparison(found_id, title, created_at, state, setup_in(setup), fault_from_json(fault), rerun_of)

    def plan(self, comparison_id: str) -> Plan:
        """Return the plan of a comparison.

        Raises:
            StoreError: There is none of that id, or it cannot be read.
        """
        with self._database.read() as cursor:
            row = cursor.execute(
                "SELECT plan FROM comparisons WHERE id = TRY_CAST(? AS UUID)", [comparison_id]
            ).fetchone()
        if row is None:
            raise StoreError(Fault(kind="store", title="There is no such comparison", advice="Was it deleted?"))
        return plan_in(row[0])

    def list(self, limit: int, *, trashed: bool = False) -> list[Listed]:
        """Return the latest comparisons, newest first: those in the trash, or all others."""
        with self._database.read() as cursor:
            rows = cursor.execute(
                "SELECT id::VARCHAR, title, created_at, state, mode, contenders, prompts FROM comparisons "
                f"WHERE trashed_at IS {'NOT NULL' if trashed else 'NULL'} ORDER BY id DESC LIMIT ?",
                [limit],
            ).fetchall()
        return [Listed(*row) for row in rows]

    def set_state(self, comparison_id: str, state: State, fault: Fault | None = None) -> None:
        """Say how far a comparison is, and why it stands still."""
        self._execute(
            "UPDATE comparisons SET state = ?, fault = ? WHERE id = ?", [state, fault_json(fault), comparison_id]
        )

    def rename(self, comparison_id: str, title: str) -> None:
        """Give a comparison another title."""
        self._execute("UPDATE comparisons SET title = ? WHERE id = ?", [title, comparison_id])

    def delete(self, comparison_id: str) -> None:
        """Put a comparison in the trash; its votes do not count while it is there."""
        self._execute("UPDATE comparisons SET trashed_at = ? WHERE id = ?", [datetime.now(UTC), comparison_id])

    def restore(self, comparison_id: str) -> None:
        """Take a comparison out of the trash."""
        self._execute("UPDATE comparisons SET trashed_at = NULL WHERE id = ?", [comparison_id])

    def empty_trash(self, kept: timedelta = TRASH_KEPT) -> int:
        """Delete what has been in the trash for that long, with votes and run logs; returns how many.

        The measurements (generations) stay: they hold hashes of what was said, not the words.
        """
        before = datetime.now(UTC) - kept
        with self._database.read() as cursor:
            rows = cursor.execute("SELECT id::VARCHAR FROM comparisons WHERE trashed_at < ?", [before]).fetchall()
        ids = [row[0] for row in rows]
        if ids:
            self._database.write(partial(_delete, comparison_ids=ids))
        return len(ids)

    def close_running(self) -> int:
        """Call those paused that the last process was working on, and return how many there were.

        Call it before the first comparison of this process starts.
        """
        with self._database.read() as cursor:
            (count,) = cursor.execute(f"SELECT count(*) FROM comparisons WHERE {_AT_WORK}").fetchall()[0]
        if count:
            self._execute(f"UPDATE comparisons SET state = 'paused' WHERE {_AT_WORK}", [])
        return count

    def _execute(self, sql: str, values: Sequence[object]) -> None:
        self._database.write(lambda transaction: transaction.execute(sql, values))
        self.revision += 1


def _delete(transaction: Transaction, comparison_ids: Sequence[str]) -> None:
    given = "(SELECT unnest(?::UUID[]))"
    runs = f"SELECT id FROM runs WHERE comparison_id IN {given}"
    for table, rows in (
        ("run_events", f"run_id IN ({runs})"),
        ("requests", f"run_id IN ({runs})"),
        ("vote_removals", f"vote_id IN (SELECT id FROM votes WHERE comparison_id IN {given})"),
        ("votes", f"comparison_id IN {given}"),
        ("comparisons", f"id IN {given}"),
    ):
        transaction.execute(f"DELETE FROM {table} WHERE {rows}", [list(comparison_ids)])
    transaction.execute(UNUSED_MESSAGES, [])
