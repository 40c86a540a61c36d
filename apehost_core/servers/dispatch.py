"""Brings a model call to a server: chooses it, waits for its turn and its model, and goes elsewhere where it fails.

Another server is asked only while not one token has come: after that the partial answer is kept and the run ends, so
nothing is ever written, or done by a tool, twice. What failed before stands in the log as a call of its own.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, replace

from apehost_core.chat.exchange import Choice
from apehost_core.chat.turn import Route, opening, run_turn
from apehost_core.errors import FaultKind, ServerError
from apehost_core.events import (
    Outcome,
    Progress,
    ReasoningDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    TurnFailed,
)
from apehost_core.model import ModelRequest
from apehost_core.runs.hub import Emit
from apehost_core.servers.pool import Pool
from apehost_core.servers.readiness import model_ready, quiet
from apehost_core.servers.routing import Wanted
from apehost_core.servers.server import Server

_HOMES = 10_000
_LONGEST_WAIT_S = 60.0
_MOST_WAITS = 2
_MOVES: frozenset[FaultKind] = frozenset(
    (
        "refused",
        "dns",
        "connect_timeout",
        "silent",
        "cut",
        "empty",
        "unauthorized",
        "forbidden",
        "model_not_found",
        "rate_limited",
        "model_crashed",
        "load_failed",
        "server_error",
        "not_a_stream",
        "wrong_endpoint",
        "not_lm_studio",
        "busy",
        "no_server",
    )
)
"""Faults of a server; another one may do better. The others lie in the request, and go wherever it goes."""


@dataclass(slots=True)
class _Trip:
    """One call on its way from server to server.

    Attributes:
        wanted: What it asks for, with the servers that have failed.
        alone: Nothing else is asked of the server meanwhile.
        waits: How often it waited because a server asked to.
        answered: A token has come.
    """

    wanted: Wanted
    alone: bool = False
    waits: int = 0
    answered: bool = False


class Dispatcher:
    """Makes model calls on the servers of a pool.

    Args:
        pool: The servers.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._homes: OrderedDict[str, str] = OrderedDict()

    async def call(self, request: ModelRequest, choice: Choice, emit: Emit) -> Outcome:
        """Make one call and report its events.

        Raises:
            ServerError: It failed, everywhere it could go; what was emitted before stands.
        """
        home = self._homes.get(choice.conversation_id or "")
        trip = _Trip(Wanted(choice.server, request.model, choice.quantisation, home), choice.alone)
        server = self._pool.choose(trip.wanted)
        while True:
            try:
                outcome = await self._attempt(server, request, trip, emit)
            except ServerError as error:
                server.failed(error.fault)
                if trip.answered:
                    raise
                server = await self._next(server, error, trip, emit)
            else:
                server.succeeded()
                self._remember(choice.conversation_id, server.name)
                return outcome

    async def _next(self, server: Server, error: ServerError, trip: _Trip, emit: Emit) -> Server:
        """Return where the call goes after a failure, having waited where a server asked to.

        Raises:
            ServerError: Nowhere; the error that was given.
        """
        fault = error.fault
        if fault.kind not in _MOVES:
            raise error
        elsewhere = replace(trip.wanted, tried=trip.wanted.tried | {server.name})
        if trip.wanted.server is None:
            try:
                chosen = self._pool.choose(elsewhere)
            except ServerError:
                chosen = None
            if chosen is not None and chosen.view.answers:
                trip.wanted = elsewhere
                emit(TurnFailed(fault))
                return chosen
        wait_s = fault.retry_after_s
        if (
            fault.kind == "rate_limited"
            and wait_s is not None
            and wait_s <= _LONGEST_WAIT_S
            and trip.waits < _MOST_WAITS
        ):
            trip.waits += 1
            emit(TurnFailed(fault))
            emit(Progress("waiting", seconds=wait_s))
            await asyncio.sleep(wait_s)
            return server
        raise error

    async def _attempt(self, server: Server, request: ModelRequest, trip: _Trip, emit: Emit) -> Outcome:
        """Make the call on one server."""
        model = server.model(request.model)
        turn = opening(
            request,
            Route(
                server.name,
                model.quantisation if model else None,
                server.runtime,
                {"loaded": False, "not_loaded": True}.get(model.state) if model else None,
            ),
        )
        emit(turn)
        request = replace(request, call_id=turn.generation_id)

        def heard(event: RunEvent) -> None:
            if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
                server.lane.sign_of_life()
                if not trip.answered:
                    trip.answered = True
                    server.reached()
            emit(event)

        def waits(place: int) -> None:
            quiet(emit, Progress("queued", position=place))

        async with server.lane.place(request.model, waits, alone=trip.alone) as place:
            if trip.alone:  # what another program threw out meanwhile must not pass for loaded while it is timed
                await server.look()
                found = server.model(request.model)
                place.must_load = place.must_load or (found is not None and found.state == "not_loaded")
            async with model_ready(server, request, place, heard) as report:
                return await run_turn(server.client, request, report)

    def _remember(self, conversation_id: str | None, server: str) -> None:
        if conversation_id is None:
            return
        self._homes[conversation_id] = server
        self._homes.move_to_end(conversation_id)
        if len(self._homes) > _HOMES:
            self._homes.popitem(last=False)
