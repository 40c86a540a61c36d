"""The record as the lab sees it: one object over one database, so that comparisons know nothing of files.

Adds nothing of its own: `comparisons`, `trials`, `votes`, `past` and `comparison_export` do the work.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from apehost_core.compare.answers import Answer
from apehost_core.compare.comparison import Attempt, Contender, Prompt, Vote
from apehost_core.compare.estimate import Usual
from apehost_core.compare.measures import Columns
from apehost_core.compare.prompts import PastPrompts
from apehost_core.messages import Message
from apehost_core.store import comparison_export, past, trials
from apehost_core.store.comparisons import Comparisons
from apehost_core.store.database import Database
from apehost_core.store.votes import Votes


class LabStore(Comparisons):
    """Comparisons with all that belongs to them. Every method blocks and may raise StoreError."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._votes = Votes(database)

    @property
    def changes(self) -> int:
        """Grows with every change to a comparison or a vote; from memory."""
        return self.revision + self._votes.revision

    def attempts(self, comparison_id: str, cells: Sequence[int] | None = None) -> list[Attempt]:
        """Return the attempts at these cells (None: at all), in the order in which they began."""
        return trials.attempts(self._database, comparison_id, cells)

    def columns(self, comparison_id: str) -> Columns:
        """Return what was measured, as columns."""
        return trials.columns(self._database, comparison_id)

    def answers(self, comparison_id: str, cells: Sequence[int]) -> dict[int, Answer]:
        """Return the answers to these cells, by cell, where there is one that counts."""
        return trials.answers(self._database, comparison_id, cells)

    def messages(self, runs: Mapping[int, str]) -> dict[int, Message]:
        """Return what runs said as far as they came, under the number that each is given by."""
        return trials.messages_of(self._database, runs)

    def timelines(self, comparison_id: str, cells: Sequence[int]) -> dict[int, list[tuple[float, int]]]:
        """Return when the tokens of these cells' answers came: ms since the request was sent, and how many then."""
        return trials.timelines(self._database, comparison_id, cells)

    def past_prompts(self, wanted: PastPrompts) -> list[Prompt]:
        """Return questions of past chats."""
        return past.past_prompts(self._database, wanted)

    def usual(self, contender: Contender) -> Usual:
        """Return what is on record of a contender's model on its server."""
        return past.usual(self._database, contender.server, contender.model, contender.quantisation)

    def add_vote(self, vote: Vote) -> None:
        """Keep a vote."""
        self._votes.add(vote)

    def remove_vote(self, vote_id: str) -> None:
        """Take a vote back."""
        self._votes.remove(vote_id)

    def votes(self, comparison_id: str) -> list[Vote]:
        """Return the votes on a comparison's answers, oldest first."""
        return self._votes.of(comparison_id)

    def named_pairs(self, comparison_id: str) -> frozenset[frozenset[int]]:
        """Return the pairs of cells whose names a vote revealed that was taken back."""
        return self._votes.named(comparison_id)

    def all_votes(self, topic: str | None, voter: Literal["person", "judge"]) -> list[Vote]:
        """Return all votes of a voter, on one topic or (None) on all."""
        return self._votes.all(topic, voter)

    def topics(self) -> list[str]:
        """Return the topics on which there are votes."""
        return self._votes.topics()

    def table(self, comparison_id: str, table_format: Literal["csv", "parquet"]) -> bytes:
        """Return all attempts with what was measured, as a file."""
        return comparison_export.export(self._database, comparison_id, table_format)
