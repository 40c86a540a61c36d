"""One model call as part of a run: what is known before it, then its events, then its outcome."""

from dataclasses import dataclass

from apehost_core.chat.fingerprint import (
    estimate_tokens,
    prompt_hash,
    prompt_parts,
    sampling_json,
    tool_schema_hash,
)
from apehost_core.events import ModelResponse, Outcome, TurnStarted
from apehost_core.ids import new_id
from apehost_core.model import Model, ModelRequest
from apehost_core.runs.hub import Emit


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes, as far as it is known before it is made.

    Attributes:
        server: Name of the server.
        quantisation: As the server lists the model; None when not told.
        runtime: Engine name and version; None when not told.
        cold: True when the server lists the model as not loaded; None when it does not say.
    """

    server: str
    quantisation: str | None = None
    runtime: str | None = None
    cold: bool | None = None


def opening(request: ModelRequest, route: Route) -> TurnStarted:
    """Return the event that opens a turn; it is emitted before the call queues for its server."""
    return TurnStarted(
        generation_id=new_id(),
        server=route.server,
        model=request.model,
        quantisation=route.quantisation,
        runtime=route.runtime,
        sampling_json=sampling_json(request.sampling),
        prompt_hash=prompt_hash(request.messages),
        prompt_parts_json=prompt_parts(request.messages),
        tool_schema_hash=tool_schema_hash(request.tools),
        prompt_tokens_estimate=estimate_tokens(request.messages),
        cold=route.cold,
    )


async def run_turn(model: Model, request: ModelRequest, emit: Emit) -> Outcome:
    """Make the call and report its events; returns completed, or length when a limit cut the answer.

    Raises:
        ServerError: The call failed; what was emitted before stands.
    """
    outcome: Outcome = "completed"
    async with model.stream(request) as events:
        async for event in events:
            emit(event)
            if isinstance(event, ModelResponse) and event.finish_reason == "length":
                outcome = "length"
    return outcome
