"""Comparisons and attempts at their cells, as tests of the store need them."""

import asyncio
from datetime import UTC, datetime

from apehost_core.compare.comparison import Check, Contender, Judge, Power, Prompt, Setup
from apehost_core.compare.plan import Cell, Plan, Stretch
from apehost_core.errors import Fault
from apehost_core.events import (
    Admitted,
    LoggedEvent,
    Milestone,
    ModelResponse,
    Outcome,
    ReasoningDelta,
    RunEvent,
    RunStarted,
    ServerTiming,
    TextDelta,
    TurnStarted,
    Usage,
)
from apehost_core.ids import new_id
from apehost_core.messages import ReasoningPart, TextPart
from apehost_core.model import Preferences, Sampling
from apehost_core.runs.run import RunSpec
from apehost_core.runs.transcript import Transcript, ending_of
from apehost_core.store.database import Database
from apehost_core.store.recorder import DuckRecorder
from tests.run_samples import MS, logged

CREATIVE = Preferences("Be brief.", Sampling(temperature=0.8, stop=("END",)), context_length=4096)
SETUP = Setup(
    mode="benchmark",
    prompts=(
        Prompt("What is 2 + 2?", "sums", new_id(), (("a", "2"),), (Check("contains", "4"),)),
        Prompt("Tell a story.", "stories"),
    ),
    contenders=(
        Contender("mini", "gemma", "Q4_K_M"),
        Contender("mini", "gemma", "Q4_K_M", CREATIVE, "temperature 0.8"),
    ),
    repeats=2,
    cache="measure",
    checks=(Check("json_schema", '{"type": "object"}'),),
    judge=Judge("mini", "judge"),
    power=(Power("mini", 65.5),),
    price_kwh=0.3,
    seed=7,
)
PLAN = Plan(
    cells=(
        Cell(0, "warm_up", 0, 0),
        Cell(1, "timed", 0, 0),
        Cell(2, "cached", 0, 0),
        Cell(3, "timed", 1, 1, 1),
        Cell(4, "judge", -1, 0, left=1, right=3),
    ),
    tracks=((Stretch("mini", (0,), (1, 2, 3), ("gemma",), interleaved=True),),),
    judging=(4,),
)
REFUSED = Fault(kind="server_error", title='Server "mini" answered with an error', server="mini", status=500)


def told(
    *texts: str, model: str = "gemma", cold: bool | None = False, timing: ServerTiming | None = None
) -> list[RunEvent]:
    """What a call that ends well tells after its TurnStarted: a thought, then the texts."""
    return [
        Admitted(cold),
        Milestone("sent", 4 * MS),
        ReasoningDelta("hm"),
        *(TextDelta(text) for text in texts),
        ModelResponse(
            (ReasoningPart("hm"), TextPart("".join(texts))),
            "stop",
            model,
            Usage(7, len(texts) + 1, cached_tokens=2),
            timing=timing or ServerTiming(),
        ),
    ]


def turn(*events: RunEvent) -> list[RunEvent]:
    """A model call of the first contender."""
    return [TurnStarted(new_id(), "mini", "gemma", "Q4_K_M", prompt_hash="ab"), *events]


def attempt(
    database: Database, comparison_id: str, cell: int, outcome: Outcome | None = "completed", *events: RunEvent
) -> str:
    """Record an attempt at a cell and return its run; an outcome of None leaves it live."""
    spec = RunSpec(
        new_id(), "compare", datetime.now(UTC), server="mini", model="gemma", comparison_id=comparison_id, cell=cell
    )
    log = logged(RunStarted("compare"), *(events or turn(*told("Four", "."))))
    asyncio.run(_record(DuckRecorder(database), spec, log, outcome))
    database.probe()
    return spec.run_id


async def _record(recorder: DuckRecorder, spec: RunSpec, log: list[LoggedEvent], outcome: Outcome | None) -> None:
    await recorder.open_run(spec)
    transcript = Transcript()
    for event in log:
        recorder.append(spec.run_id, event)
        transcript.add(event)
    if outcome is not None:
        fault = REFUSED if outcome == "failed" else None
        end_ns, now = log[-1].at_ns + MS, datetime.now(UTC)
        await recorder.close_run(
            ending_of(spec, transcript, outcome=outcome, fault=fault, end_ns=end_ns, finished_at=now)
        )
