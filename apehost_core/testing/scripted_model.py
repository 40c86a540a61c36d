"""A model that says what it was told to, event by event, for tests of turns and runs."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from apehost_core.errors import ServerError
from apehost_core.events import ModelEvent
from apehost_core.model import ModelRequest


class ScriptedModel:
    """Answers each request with the next script.

    Args:
        scripts: One sequence for each request; an error in it is raised at its place.

    Attributes:
        requests: What was asked, oldest first.
        closed: How many calls have been closed.
    """

    def __init__(self, *scripts: Sequence[ModelEvent | ServerError]) -> None:
        self.requests: list[ModelRequest] = []
        self.closed = 0
        self._scripts = list(scripts)

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[ModelEvent], None]:
        """Open one call; see `Model.stream`."""
        self.requests.append(request)
        try:
            yield _events(self._scripts.pop(0))
        finally:
            self.closed += 1


async def _events(script: Sequence[ModelEvent | ServerError]) -> AsyncIterator[ModelEvent]:
    for step in script:
        if isinstance(step, ServerError):
            raise step
        yield step
