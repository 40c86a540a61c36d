"""What there is to read of comparisons: what was measured, what follows from it, votes, files. Everything blocks."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

from apehost_core.compare.answers import Answer
from apehost_core.compare.book import Book
from apehost_core.compare.checks import Checked, check_answers, checks_of
from apehost_core.compare.comparison import Attempt, Comparison, Prompt, Vote
from apehost_core.compare.measures import Columns
from apehost_core.compare.plan import Plan
from apehost_core.compare.ports import StorePort, Voter
from apehost_core.compare.prompts import PastPrompts
from apehost_core.compare.report import report
from apehost_core.compare.sample import Sample
from apehost_core.compare.statistics import summarise
from apehost_core.compare.summary import Leaderboard, Summary
from apehost_core.compare.votes import leaderboard
from apehost_core.errors import Fault, InputRefused
from apehost_core.messages import Message

Format = Literal["csv", "parquet", "markdown"]
_PLANS_AT_HAND = 8


class Reading:
    """Reads comparisons. Every method blocks, and may raise StoreError; call it off the event loop."""

    def __init__(self, store: StorePort) -> None:
        self._store = store
        self._plan = lru_cache(_PLANS_AT_HAND)(store.plan)

    @property
    def revision(self) -> int:
        """Grows with every change to a comparison or a vote; from memory."""
        return self._store.changes

    def get(self, comparison_id: str) -> Comparison | None:
        """Return a comparison; None when there is none of that id, or it is in the trash."""
        return self._store.get(comparison_id)

    def plan(self, comparison_id: str) -> Plan:
        """Return the requests of a comparison."""
        return self._plan(comparison_id)

    def columns(self, comparison_id: str) -> Columns:
        """Return what was measured so far, as columns."""
        return self._store.columns(comparison_id)

    def summary(self, comparison_id: str) -> Summary:
        """Return what the statistics say so far.

        Raises:
            InputRefused: There is no such comparison.
        """
        comparison = self._known(comparison_id)
        return summarise(Sample.of(self.columns(comparison_id), self.plan(comparison_id), comparison.setup))

    def attempts(self, comparison_id: str, cells: Sequence[int] | None = None) -> list[Attempt]:
        """Return the attempts at these cells (None: at all), in the order in which they began."""
        return self._store.attempts(comparison_id, cells)

    def answers(self, comparison_id: str, cells: Sequence[int]) -> dict[int, Answer]:
        """Return the answers to these cells, by cell, where there is one that counts."""
        return self._store.answers(comparison_id, cells)

    def messages(self, runs: Mapping[int, str]) -> dict[int, Message]:
        """Return what runs said as far as they came, stopped ones too, under the number that each is given by."""
        return self._store.messages(runs)

    def timelines(self, comparison_id: str, cells: Sequence[int]) -> dict[int, list[tuple[float, int]]]:
        """Return when the tokens of these cells' answers came: ms since the request was sent, and how many then."""
        return self._store.timelines(comparison_id, cells)

    def checks(self, comparison_id: str) -> Checked:
        """Return what the checks say of the answers so far: those by the models that were asked.

        Raises:
            InputRefused: There is no such comparison.
        """
        comparison, plan = self._known(comparison_id), self.plan(comparison_id)
        setup = comparison.setup
        looked_at = {number for number in range(len(setup.prompts)) if checks_of(setup, number)}
        if not looked_at:
            return check_answers(setup, plan, {})
        book = Book.of(plan, self.columns(comparison_id))
        cells = [
            cell.number
            for cell in plan.cells
            if cell.kind == "timed" and cell.prompt in looked_at and book.is_answered_as_asked(cell.number)
        ]
        found = self.answers(comparison_id, cells)
        return check_answers(setup, plan, {cell: answer.text for cell, answer in found.items()})

    def votes(self, comparison_id: str) -> list[Vote]:
        """Return the votes on a comparison's answers, oldest first."""
        return self._store.votes(comparison_id)

    def named_pairs(self, comparison_id: str) -> frozenset[frozenset[int]]:
        """Return the pairs of cells whose names a vote revealed that was taken back: no vote on them is blind."""
        return self._store.named_pairs(comparison_id)

    def leaderboard(self, topic: str | None = None, voter: Voter = "person") -> Leaderboard:
        """Return the ratings of all models that were voted on.

        Args:
            topic: Only votes on prompts of it; None takes all.
            voter: Whose votes.
        """
        return leaderboard(self._store.all_votes(topic, voter))

    def topics(self) -> list[str]:
        """Return the topics on which there are votes."""
        return self._store.topics()

    def judges(self) -> list[str]:
        """Return the keys of the models that judged."""
        return sorted({vote.judge for vote in self._store.all_votes(None, "judge") if vote.judge is not None})

    def past_prompts(self, wanted: PastPrompts) -> list[Prompt]:
        """Return questions of past chats."""
        return self._store.past_prompts(wanted)

    def export(self, comparison_id: str, export_format: Format) -> bytes:
        """Return a comparison as a file: all attempts as a table, or a report in Markdown.

        Raises:
            InputRefused: There is no such comparison.
        """
        comparison = self._known(comparison_id)
        if export_format != "markdown":
            return self._store.table(comparison_id, export_format)
        plan, votes = self.plan(comparison_id), self.votes(comparison_id)
        sample = Sample.of(self.columns(comparison_id), plan, comparison.setup)
        unread, checked = sample.without_verdict(plan, votes), self.checks(comparison_id)
        return report(comparison, plan, summarise(sample), votes=votes, unread=unread, checked=checked).encode()

    def _known(self, comparison_id: str) -> Comparison:
        found = self._store.get(comparison_id)
        if found is None:
            title, advice = "There is no such comparison", "It may have been deleted; look at the list."
            raise InputRefused(Fault(kind="bad_request", title=title, advice=advice))
        return found
