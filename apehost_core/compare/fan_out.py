"""Carries a comparison out: all machines at the same time, and the judge when they are done."""

import asyncio
from dataclasses import dataclass

from apehost_core.compare.asking import Asking
from apehost_core.compare.comparison import State
from apehost_core.compare.judging import Judging
from apehost_core.compare.ports import StorePort
from apehost_core.compare.requests import nonce, request_of
from apehost_core.compare.track import Caller, Track
from apehost_core.errors import Fault


@dataclass(frozen=True, slots=True)
class End:
    """How the work on a comparison ended.

    Attributes:
        state: finished, paused or failed.
        fault: Why it was paused by itself, failed, or left something out; None when nothing is to be said.
    """

    state: State
    fault: Fault | None = None


async def carry_out(asking: Asking, store: StorePort) -> End:
    """Ask what is left of a comparison; returns when all is asked, it was told to halt, or nobody can be asked.

    A machine that cannot be asked does not stop the others. Whatever this raises is a defect; what was being written
    is ended then.

    Raises:
        StoreError: What was judged before could not be read, or a vote not be kept.
    """
    try:
        tracks = [Track(asking, track) for track in asking.book.plan.tracks]
        if asking.book.plan.together:
            callers = [await _together(asking)]
        else:
            async with asyncio.TaskGroup() as group:
                for number, track in enumerate(tracks):
                    group.create_task(track.run(), name=f"track {number} of {asking.comparison.id}")
            callers = [track.caller for track in tracks]
        if not any(caller.halted for caller in callers):
            judging = Judging(asking, store)
            await judging.run([load for track in tracks for load in track.ours])
            callers.append(judging.caller)
    except Exception:
        asking.stop()
        await asking.settled()
        raise
    missing = [fault for track in tracks for fault in track.missing.values()]
    return _end(asking, callers, missing)


async def _together(asking: Asking) -> Caller:
    """Ask everything that is left at once."""
    caller, book, comparison = Caller(asking), asking.book, asking.comparison

    async def ask(number: int) -> None:
        if asking.halting:
            return
        cell = book.plan.cells[number]
        contender = comparison.setup.contenders[cell.contender]
        attempt = book.begin(number)
        line = nonce(comparison.id, number, attempt) if comparison.setup.cache != "leave" else None
        ended = await asking.ask(number, contender.server, request_of(comparison, cell, line), alone=False)
        if ended.fault is not None and ended.fault.kind == "store":
            caller.fault = ended.fault

    for wanted in (book.is_new, book.is_left):
        left = [cell.number for cell in book.plan.cells if cell.kind == "timed" and wanted(cell.number)]
        if not caller.halted:
            async with asyncio.TaskGroup() as group:
                for number in left:
                    group.create_task(ask(number))
    return caller


def _end(asking: Asking, callers: list[Caller], missing: list[Fault]) -> End:
    if asking.halting:
        return End("paused")
    faults = [caller.fault for caller in callers if caller.fault is not None]
    if faults:
        return End("paused", faults[0])
    away = asking.book.away
    if away is not None:
        return End("paused", away)
    fault = missing[0] if missing else None
    if not asking.book.answered:
        return End("failed", fault or asking.last_fault)
    return End("finished", fault)
