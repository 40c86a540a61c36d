"""Has a model judge answers, two at a time and in both orders, and keeps what it says as votes."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from apehost_core.compare.asking import Asking
from apehost_core.compare.comparison import Judge, Vote
from apehost_core.compare.judge import combine, judge_request, verdict_of
from apehost_core.compare.plan import Cell, Load
from apehost_core.compare.ports import StorePort
from apehost_core.compare.track import HOPELESS, MOST_HOPELESS, Caller
from apehost_core.ids import new_id


class Judging:
    """The judge's work on one comparison.

    Attributes:
        caller: Knows why it has given up, if it has.
    """

    def __init__(self, asking: Asking, store: StorePort) -> None:
        self.caller = Caller(asking)
        self._asking = asking
        self._store = store
        self._cells = asking.book.plan.cells
        self._missing = 0

    async def run(self, loaded: Iterable[Load]) -> None:
        """Judge what is left: each pair once, what failed once more.

        Args:
            loaded: Models that were loaded for this comparison: those on the judge's server make room for it.

        Raises:
            StoreError: Answers could not be read, or a vote not be kept.
        """
        judge, book = self._asking.comparison.setup.judge, self._asking.book
        if judge is None:
            return
        kept = await asyncio.to_thread(self._store.votes, self._asking.comparison.id)
        for load in loaded:
            if load.server == judge.server and load.model != judge.model.casefold():
                await self._asking.servers.release(load.server, load.model)
        voted = {(vote.left, vote.right) for vote in kept if vote.voter == "judge"}
        numbers = book.plan.judging
        pairs = [(self._cells[one], self._cells[other]) for one, other in zip(numbers[::2], numbers[1::2], strict=True)]
        for wanted in (book.is_new, book.is_left):
            for pair in pairs:
                for cell in pair:
                    if wanted(cell.number) and not self.caller.halted:
                        await self._ask(judge, cell)
                done = all(book.is_answered_as_asked(cell.number) for cell in pair)
                if done and (pair[0].left, pair[0].right) not in voted:
                    await asyncio.to_thread(self._vote, judge, pair)
                    voted.add((pair[0].left or 0, pair[0].right or 0))

    async def _ask(self, judge: Judge, cell: Cell) -> None:
        left, right, asking = cell.left or 0, cell.right or 0, self._asking
        if not (asking.book.is_answered_as_asked(left) and asking.book.is_answered_as_asked(right)):
            asking.book.skip(cell.number)
            return
        answers = await asyncio.to_thread(self._store.answers, asking.comparison.id, [left, right])
        if self.caller.halted:  # while the answers were read
            return
        prompt = asking.comparison.setup.prompts[cell.prompt].text
        request = judge_request(prompt, answers[left].text, answers[right].text, judge.model)
        asking.book.begin(cell.number)
        ended = await asking.ask(cell.number, judge.server, request, alone=False)
        await self.caller.heed(judge.server, ended)
        self._missing = self._missing + 1 if ended.fault is not None and ended.fault.kind in HOPELESS else 0
        if self._missing >= MOST_HOPELESS:
            self.caller.fault = ended.fault

    def _vote(self, judge: Judge, pair: tuple[Cell, Cell]) -> None:
        """Keep what the judge said of a pair; nothing where it gave no verdict. Blocks."""
        comparison, (first, second) = self._asking.comparison, pair
        said = self._store.answers(comparison.id, [first.number, second.number])
        verdict = combine(verdict_of(said[first.number].text), verdict_of(said[second.number].text)).verdict
        if verdict is None:
            return
        left, right = first.left or 0, first.right or 0
        contenders = comparison.setup.contenders
        self._store.add_vote(
            Vote(
                id=new_id(),
                comparison_id=comparison.id,
                left=left,
                right=right,
                verdict=verdict,
                blind=True,
                voter="judge",
                judge=judge.model,
                topic=comparison.setup.prompts[first.prompt].topic,
                left_identity=contenders[self._cells[left].contender].identity,
                right_identity=contenders[self._cells[right].contender].identity,
                created_at=datetime.now(UTC),
            )
        )
