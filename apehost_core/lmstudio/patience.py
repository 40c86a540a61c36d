"""How long a stream may be silent: one timer a stream, however many chunks it has.

`asyncio.timeout` around every chunk costs more than decoding it. Here a wait only notes when it began; the timer
looks once in a while, and cancels a wait that has lasted too long.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class Patience:
    """Watches over the waits of one stream, one after the other. Close it when the stream is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self._until = 0.0
        self._bitten = False

    async def wait(self, work: Coroutine[Any, Any, _T], seconds: float) -> _T:
        """Return what the work returns.

        Raises:
            TimeoutError: It took longer; it was cancelled.
        """
        self._until = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._until:
            self._arm()
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        try:
            return await work
        except asyncio.CancelledError:
            if self._bitten and task.uncancel() <= self._cancelling:
                raise TimeoutError from None
            raise
        finally:
            self._task = None

    def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        self.close()
        self._timer = self._loop.call_at(self._until, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if self._loop.time() < self._until:
            self._arm()
        else:
            self._bitten = True
            self._task.cancel()
