"""Who waits for whom: a first-come queue in front of each server."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager


class Lane:
    """Lets at most `width` requests through at once; the others wait in order."""

    def __init__(self, width: int) -> None:
        self._free = width
        self._waiting: deque[tuple[asyncio.Future[None], Callable[[int], None]]] = deque()

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self, on_wait: Callable[[int], None]) -> AsyncGenerator[None, None]:
        """Hold a place on the server while the context lasts.

        Args:
            on_wait: Called with the place in the queue (1 = next) on joining it and whenever it changes.
        """
        await self._enter(on_wait)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, on_wait: Callable[[int], None]) -> None:
        if self._free > 0 and not self._waiting:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        entry = (turn, on_wait)
        self._waiting.append(entry)
        on_wait(len(self._waiting))
        try:
            await turn
        except asyncio.CancelledError:
            if entry in self._waiting:
                self._waiting.remove(entry)
                self._tell_places()
            elif not turn.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        while self._waiting:
            turn, _ = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._tell_places()
                return
        self._free += 1

    def _tell_places(self) -> None:
        for place, (_, on_wait) in enumerate(self._waiting, start=1):
            on_wait(place)
