"""Votes on answers: appended, and taken back by a row of their own. All methods block."""

from datetime import UTC, datetime
from typing import Any, Literal

from apehost_core.compare.comparison import Vote
from apehost_core.store.database import Database

_STANDING = """
SELECT
    v.id::VARCHAR, v.comparison_id::VARCHAR, v.left_cell, v.right_cell, v.verdict, v.blind, v.voter, v.judge, v.topic,
    v.left_model, v.left_quantisation, v.right_model, v.right_quantisation, v.created_at
FROM votes v
JOIN comparisons c ON c.id = v.comparison_id AND c.trashed_at IS NULL
WHERE v.id NOT IN (SELECT vote_id FROM vote_removals)"""


class Votes:
    """Reads and writes votes of one database; every method may raise StoreError.

    Votes that were taken back, and those on a comparison in the trash, are never returned.

    Attributes:
        revision: Grows with every vote and every one that is taken back; for watching, from memory.
    """

    def __init__(self, database: Database) -> None:
        self.revision = 0
        self._database = database

    def add(self, vote: Vote) -> None:
        """Keep a vote."""
        row = {
            "id": vote.id,
            "comparison_id": vote.comparison_id,
            "left_cell": vote.left,
            "right_cell": vote.right,
            "verdict": vote.verdict,
            "blind": vote.blind,
            "voter": vote.voter,
            "judge": vote.judge,
            "topic": vote.topic,
            "left_model": vote.left_identity[0],
            "left_quantisation": vote.left_identity[1],
            "right_model": vote.right_identity[0],
            "right_quantisation": vote.right_identity[1],
            "created_at": vote.created_at,
        }
        self._database.write(lambda transaction: transaction.insert("votes", row))
        self.revision += 1

    def remove(self, vote_id: str) -> None:
        """Take a vote back."""
        row = {"vote_id": vote_id, "removed_at": datetime.now(UTC)}
        self._database.write(lambda transaction: transaction.insert("vote_removals", row))
        self.revision += 1

    def of(self, comparison_id: str) -> list[Vote]:
        """Return the votes on a comparison's answers, oldest first."""
        return self._standing("v.comparison_id = TRY_CAST(? AS UUID)", [comparison_id])

    def named(self, comparison_id: str) -> frozenset[frozenset[int]]:
        """Return the pairs of cells whose names a person was told by a vote, though it was taken back since."""
        with self._database.read() as cursor:
            rows = cursor.execute(
                "SELECT DISTINCT left_cell, right_cell FROM votes v JOIN vote_removals r ON r.vote_id = v.id "
                "WHERE v.voter = 'person' AND v.comparison_id = TRY_CAST(? AS UUID)",
                [comparison_id],
            ).fetchall()
        return frozenset(frozenset(row) for row in rows)

    def all(self, topic: str | None, voter: Literal["person", "judge"]) -> list[Vote]:
        """Return everybody's votes, oldest first.

        Args:
            topic: On prompts of this topic only; None takes all.
            voter: Whose.
        """
        if topic is None:
            return self._standing("v.voter = ?", [voter])
        return self._standing("v.voter = ? AND v.topic = ?", [voter, topic])

    def topics(self) -> list[str]:
        """Return the topics that were voted on, by name, without the empty one."""
        with self._database.read() as cursor:
            rows = cursor.execute(f"SELECT DISTINCT topic FROM ({_STANDING}) WHERE topic <> '' ORDER BY 1").fetchall()
        return [topic for (topic,) in rows]

    def _standing(self, condition: str, values: list[object]) -> list[Vote]:
        with self._database.read() as cursor:
            rows = cursor.execute(f"{_STANDING} AND {condition} ORDER BY v.id", values).fetchall()
        return [_vote(row) for row in rows]


def _vote(row: tuple[Any, ...]) -> Vote:
    *fields, left_model, left_quantisation, right_model, right_quantisation, created_at = row
    left, right = (left_model, left_quantisation), (right_model, right_quantisation)
    return Vote(*fields, left_identity=left, right_identity=right, created_at=created_at)
