"""What a comparison needs of the store and of the servers, so that it knows neither."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from apehost_core.chat.exchange import Choice
from apehost_core.compare.answers import Answer
from apehost_core.compare.comparison import Attempt, Comparison, Contender, Listed, Prompt, Setup, State, Vote
from apehost_core.compare.estimate import Usual
from apehost_core.compare.facts import Facts
from apehost_core.compare.measures import Columns
from apehost_core.compare.plan import Plan
from apehost_core.compare.prompts import PastPrompts
from apehost_core.errors import Fault
from apehost_core.events import Outcome
from apehost_core.messages import Message
from apehost_core.model import ModelRequest
from apehost_core.runs.hub import Emit

Voter = Literal["person", "judge"]
TableFormat = Literal["csv", "parquet"]


class ServersPort(Protocol):
    """What is needed of the servers. Everything runs on the event loop; `facts` may be called from any thread."""

    def facts(self) -> Facts:
        """Return what is known of all servers, from memory."""
        ...

    async def call(self, request: ModelRequest, choice: Choice, emit: Emit) -> Outcome:
        """Make one model call and report its events; one that is alone looks first what is loaded.

        Raises:
            ServerError: It failed; what was emitted before stands.
        """
        ...

    async def look(self, server: str) -> None:
        """Have `facts` say what a server has at this moment; whatever goes wrong is a fact, too."""
        ...

    async def release(self, server: str, model: str) -> bool:
        """Unload a model, if it is loaded and answers nobody; returns whether it is not loaded any more."""
        ...


class StorePort(Protocol):
    """What is needed of the store. Methods block, and may raise StoreError."""

    @property
    def changes(self) -> int:
        """Grows with every change to a comparison or a vote; from memory."""
        ...

    def create(self, title: str, setup: Setup, plan: Plan, rerun_of: str | None = None) -> Comparison:
        """Keep a comparison, as planned."""
        ...

    def get(self, comparison_id: str) -> Comparison | None:
        """Return a comparison; None when there is none of that id."""
        ...

    def plan(self, comparison_id: str) -> Plan:
        """Return the plan of a comparison."""
        ...

    def set_state(self, comparison_id: str, state: State, fault: Fault | None = None) -> None:
        """Keep how far a comparison is."""
        ...

    def rename(self, comparison_id: str, title: str) -> None:
        """Give a comparison another title."""
        ...

    def delete(self, comparison_id: str) -> None:
        """Put a comparison into the trash."""
        ...

    def restore(self, comparison_id: str) -> None:
        """Take a comparison out of the trash."""
        ...

    def close_running(self) -> int:
        """Call those paused that were running when the process ended; returns how many."""
        ...

    def attempts(self, comparison_id: str, cells: Sequence[int] | None = None) -> list[Attempt]:
        """Return the attempts at these cells (None: at all), in the order in which they began."""
        ...

    def columns(self, comparison_id: str) -> Columns:
        """Return what was measured, as columns."""
        ...

    def answers(self, comparison_id: str, cells: Sequence[int]) -> dict[int, Answer]:
        """Return the answers to these cells, by cell, where there is one that counts."""
        ...

    def messages(self, runs: Mapping[int, str]) -> dict[int, Message]:
        """Return what runs said as far as they came, under the number that each is given by."""
        ...

    def timelines(self, comparison_id: str, cells: Sequence[int]) -> dict[int, list[tuple[float, int]]]:
        """Return when the tokens of these cells' answers came: ms since the request was sent, and how many then."""
        ...

    def past_prompts(self, wanted: PastPrompts) -> list[Prompt]:
        """Return questions of past chats."""
        ...

    def usual(self, contender: Contender) -> Usual:
        """Return what is on record of a contender's model on its server."""
        ...

    def add_vote(self, vote: Vote) -> None:
        """Keep a vote."""
        ...

    def remove_vote(self, vote_id: str) -> None:
        """Take a vote back."""
        ...

    def votes(self, comparison_id: str) -> list[Vote]:
        """Return the votes on a comparison's answers, oldest first."""
        ...

    def named_pairs(self, comparison_id: str) -> frozenset[frozenset[int]]:
        """Return the pairs of cells whose names a vote revealed that was taken back."""
        ...

    def all_votes(self, topic: str | None, voter: Voter) -> list[Vote]:
        """Return all votes of a voter ("person" or "judge"), on one topic or (None) on all."""
        ...

    def topics(self) -> list[str]:
        """Return the topics on which there are votes."""
        ...

    def table(self, comparison_id: str, table_format: TableFormat) -> bytes:
        """Return all attempts with what was measured, as a file."""
        ...

    def list(self, limit: int, *, trashed: bool = False) -> list[Listed]:
        """Return the latest comparisons, newest first: those in the trash, or all others."""
        ...
