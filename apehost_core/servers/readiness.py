"""Sees to it that a call's model is there before the call is made, or that the call itself makes the server load it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

from apehost_core.errors import Fault, ServerError, StoreError
from apehost_core.events import Admitted, Progress, ReasoningDelta, RunEvent, TextDelta, ToolCallDelta
from apehost_core.model import ModelRequest
from apehost_core.runs.hub import Emit
from apehost_core.servers.lanes import Place
from apehost_core.servers.loading import GaveUp
from apehost_core.servers.server import Server

_POLL_S = 1.0


def quiet(emit: Emit, event: RunEvent) -> None:
    """Report an event of a run from a place that is not the run's: another run's end, a load's progress.

    What the recorder refuses is remembered by the run's emitter, and raised at the run's own next event.
    """
    with suppress(StoreError):
        emit(event)


@asynccontextmanager
async def model_ready(server: Server, request: ModelRequest, place: Place, emit: Emit) -> AsyncGenerator[Emit, None]:
    """Hold a model ready while the context lasts; gives what the call's events are to be reported to.

    Args:
        server: Where the call is made.
        request: The call; what it says of context length and time to live counts where the model is loaded for it.
        place: The call's place in the server's lane.
        emit: Gets what is waited for.

    Raises:
        ServerError: The model cannot be loaded.
    """
    if not place.must_load:
        model = server.model(request.model)
        known = model is not None and model.state == "loaded"
        emit(Admitted(False if known else None, None, model.loaded_context if model else None))
        yield emit
        return
    if not request.may_load:
        title = f"{request.model} is not loaded any more on {server.name}"
        raise ServerError(Fault(kind="busy", title=title, server=server.name))
    settle = await _loaded_or_claimed(server, request, emit)
    if settle is None:
        place.loaded()
        yield emit
        return
    async with _by_request(server, request.model, place, settle, emit) as report:
        yield report


async def _loaded_or_claimed(server: Server, request: ModelRequest, emit: Emit) -> Callable[[bool], None] | None:
    """Load the model; returns None when it is there, and what `Loads.claim` gives where the call is to load it.

    Only the call can where the server has no API for it, and where the model is to leave after a time of its own.
    """
    begun = time.perf_counter()
    by_request = not server.client.is_native or (request.ttl_s is not None and request.context_length is None)
    while True:
        settle = server.loads.claim(request.model) if by_request else None
        if settle is not None:
            return settle
        try:
            ready = await server.loads.ensure(
                request.model,
                request.context_length,
                lambda fraction: quiet(emit, Progress("loading", fraction)),
                on_purpose=False,
            )
        except GaveUp:
            continue
        cold = ready.waited_ms is not None
        emit(Admitted(cold, (time.perf_counter() - begun) * 1000 if cold else None, ready.context))
        emit(Progress("prompt"))
        return None


@asynccontextmanager
async def _by_request(
    server: Server, key: str, place: Place, settle: Callable[[bool], None], emit: Emit
) -> AsyncGenerator[Emit, None]:
    """Let the call itself make the server load its model: the first token says that it is there."""
    settled = False

    def end(*, loaded: bool) -> None:
        nonlocal settled
        if not settled:
            settled = True
            settle(loaded)
            place.loaded()

    def report(event: RunEvent) -> None:
        if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
            end(loaded=True)
        emit(event)

    watch = asyncio.create_task(_until_loaded(server, key, emit))
    try:
        emit(Admitted(True))
        emit(Progress("loading"))
        yield report
        end(loaded=True)
    finally:
        end(loaded=False)
        watch.cancel()
        await asyncio.wait((watch,))


async def _until_loaded(server: Server, key: str, emit: Emit) -> None:
    """Look at the server until it lists the model as loaded, and say that it reads the prompt then."""
    while True:
        await asyncio.sleep(_POLL_S)
        await server.look()
        model = server.model(key)
        if model is not None and model.state == "loaded":
            quiet(emit, Progress("prompt"))
            return
