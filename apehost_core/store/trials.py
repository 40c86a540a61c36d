"""What was answered in a comparison: attempts, measurements as columns, answers, and when their tokens came.

Read models over `runs`, `generations` and the logs. All functions block and may raise StoreError.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from apehost_core.compare.answers import Answer
from apehost_core.compare.comparison import Attempt
from apehost_core.compare.measures import ANSWERED, FAILED, LIVES, STOPPED, Columns, Measure, Noted
from apehost_core.events import Milestone, ModelResponse, ReasoningDelta, TextDelta
from apehost_core.messages import Message, Part, ReasoningPart, TextPart
from apehost_core.store.database import Database
from apehost_core.store.event_rows import event_in
from apehost_core.store.generation_rows import attempt_runs, fault_from_json, generations_by_run

States = tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.int8], NDArray[np.bool_]]
"""Cell, ending, cold and as_asked of every attempt, as in Columns."""

_TTFT = "least(g.first_reasoning_ms, g.first_visible_ms)"
MEASURES: dict[Measure, str] = {
    "ttft_ms": _TTFT,
    "first_visible_ms": "g.first_visible_ms",
    "prompt_tok_s": f"CASE WHEN NOT g.prompt_tokens_estimated AND {_TTFT} > 0 "
    f"THEN (g.prompt_tokens - coalesce(g.cached_tokens, 0)) * 1000.0 / {_TTFT} END",
    "decode_tok_s": f"CASE WHEN g.completion_tokens >= 2 AND g.last_token_ms - {_TTFT} >= 1.0 "
    f"THEN (g.completion_tokens - 1) * 1000.0 / (g.last_token_ms - {_TTFT}) END",
    "total_ms": "g.last_token_ms",
    "completion_tokens": "g.completion_tokens",
    "visible_chars": "g.visible_chars",
}
NOTED: dict[Noted, str] = {
    "load_ms": "g.load_ms",
    "prompt_tokens": "g.prompt_tokens",
    "cached_tokens": "g.cached_tokens",
    "server_ttft_ms": "g.server_ttft_ms",
    "server_prompt_tok_s": "g.server_prompt_tok_s",
    "server_decode_tok_s": "g.server_decode_tok_s",
}


def _bare(column: str) -> str:
    """Return SQL for a model id without instance number and quantisation, as `Generation.as_asked` compares it."""
    return f"lower(split_part(split_part({column}, '@', 1), ':', 1))"


_ENDING = (
    f"CASE WHEN r.outcome IS NULL THEN {LIVES} WHEN r.outcome IN ('completed', 'length') THEN {ANSWERED} "
    f"WHEN r.outcome = 'failed' THEN {FAILED} ELSE {STOPPED} END"
)
AS_ASKED = f"(g.model_answered IS NULL OR {_bare('g.model_asked')} = {_bare('g.model_answered')})"
_NUMBERS = {**MEASURES, **NOTED}
_COLUMNS = f"""
SELECT
    r.rowid AS run,
    r.cell AS cell,
    ({_ENDING})::TINYINT AS ending,
    coalesce(g.cold::TINYINT, -1)::TINYINT AS cold,
    coalesce({AS_ASKED}, true) AS as_asked,
    coalesce(g.completion_tokens_estimated, false) AS estimated,
    coalesce(g.finish_reason, '') AS finish,
    {", ".join(f"coalesce(({sql})::DOUBLE, 'NaN'::DOUBLE) AS {name}" for name, sql in _NUMBERS.items())}
FROM runs r
LEFT JOIN generations g ON g.run_id = r.id
WHERE r.comparison_id = TRY_CAST(? AS UUID) AND r.cell IS NOT NULL AND (r.outcome IS NOT NULL OR g.id IS NOT NULL)
ORDER BY r.id, g.id"""
COUNTING_ORDER = (
    "r.outcome = 'failed', r.outcome = 'failed' AND coalesce(g.visible_chars, 0) = 0, "
    f"NOT {AS_ASKED}, coalesce(g.cold, false), r.id DESC, g.id DESC"
)
"""Of a cell's attempts that were answered or failed, the one that counts comes first; as in `compare.sample`.

Of failed ones, which no statistics tell apart, one that wrote something comes before one that did not.
"""
_COUNTING = f"""
SELECT r.cell, r.id::VARCHAR
FROM runs r
LEFT JOIN generations g ON g.run_id = r.id
WHERE r.comparison_id = TRY_CAST(? AS UUID) AND r.cell IN (SELECT unnest(?::INTEGER[]))
    AND r.outcome IN ('completed', 'length', 'failed')
QUALIFY row_number() OVER (PARTITION BY r.cell ORDER BY {COUNTING_ORDER}) = 1"""
_LOG = """
SELECT c.number, e.kind, e.at_ns, e.through_ns, e.text, e.count, e.data
FROM (SELECT unnest(?::INTEGER[]) AS number, unnest(?::UUID[]) AS run_id) c
JOIN run_events e ON e.run_id = c.run_id
WHERE e.kind IN (SELECT unnest(?::VARCHAR[]))
ORDER BY e.run_id, e.seq"""
_GROWTH = ("milestone", "text", "reasoning", "tool_call")


def attempts(database: Database, comparison_id: str, cells: Sequence[int] | None = None) -> list[Attempt]:
    """Return the attempts at these cells (None: at all), in the order in which they began; live ones too."""
    condition, values = attempt_runs(comparison_id, cells)
    with database.read() as cursor:
        rows = cursor.execute(
            f"SELECT cell, id::VARCHAR, outcome, fault FROM runs WHERE {condition} AND cell IS NOT NULL ORDER BY id",
            values,
        ).fetchall()
        generations = generations_by_run(cursor, comparison_id, cells)
    return [
        Attempt(cell, run_id, outcome, fault_from_json(fault), generations.get(run_id))
        for cell, run_id, outcome, fault in rows
    ]


def columns(database: Database, comparison_id: str) -> Columns:
    """Return what was measured of all attempts that ended, in the order in which they began.

    An attempt that was several model calls, because some failed before their first token, is its last one.
    """
    with database.read() as cursor:
        found = cast("dict[str, NDArray[Any]]", cursor.execute(_COLUMNS, [comparison_id]).fetchnumpy())
    run = found["run"]
    last = np.append(run[1:] != run[:-1], np.ones(min(len(run), 1), dtype=np.bool_))
    if not last.all():
        found = {name: values[last] for name, values in found.items()}
    return Columns(
        cell=found["cell"],
        ending=found["ending"],
        cold=found["cold"],
        as_asked=found["as_asked"],
        estimated=found["estimated"],
        finish=found["finish"],
        values={name: found[name] for name in MEASURES},
        noted={name: found[name] for name in NOTED},
    )


def states(database: Database, comparison_id: str) -> States:
    """Return how the attempts ended that did, in the order in which they began: what is left to ask."""
    found = columns(database, comparison_id)
    return found.cell, found.ending, found.cold, found.as_asked


def answers(database: Database, comparison_id: str, cells: Sequence[int]) -> dict[int, Answer]:
    """Return the answer of each cell's counting attempt, by cell; of a failed one what came before it failed.

    An answered attempt counts before a failed one, the asked model's before another's, a warm one before a cold one,
    a later one before an earlier one; where all failed, one that wrote something before all others. Cells that were
    neither answered nor failed are left out.
    """
    counting = _counting(database, comparison_id, cells)
    said = messages_of(database, counting)
    return {cell: Answer(cell, counting[cell], message.text, message.reasoning) for cell, message in said.items()}


def messages_of(database: Database, runs: Mapping[int, str]) -> dict[int, Message]:
    """Return what each run said, under the number that it is given by; all of them by one query."""
    parts: dict[int, list[Part]] = {number: [] for number in runs}
    for number, kind, _, _, text, count, data in _log_rows(database, runs, ("text", "reasoning", "response")):
        match event_in(kind, text, count, data):
            case ModelResponse(parts=whole):
                parts[number] = list(whole)
            case TextDelta(text=piece):
                parts[number].append(TextPart(piece))
            case ReasoningDelta(text=piece):
                parts[number].append(ReasoningPart(piece))
            case _:
                pass
    return {number: Message("assistant", tuple(found)) for number, found in parts.items()}


def timelines(database: Database, comparison_id: str, cells: Sequence[int]) -> dict[int, list[tuple[float, int]]]:
    """Return how the answer of each cell's counting attempt grew, by cell.

    Each point is ms since the request was sent, and how many tokens (upstream deltas) had come then. Of tokens that
    were committed together, the times of the first and the last are known. Cells of which nothing counts are left out.
    """
    counting = _counting(database, comparison_id, cells)
    points: dict[int, list[tuple[float, int]]] = {cell: [] for cell in counting}
    sent: dict[int, int] = {}
    for cell, kind, at_ns, through_ns, _, count, data in _log_rows(database, counting, _GROWTH):
        if kind == "milestone":
            mark = event_in(kind, "", 0, data)
            if isinstance(mark, Milestone) and mark.name == "sent":
                sent[cell] = mark.at_ns
        elif cell in sent:
            _grow(points[cell], (at_ns - sent[cell]) / 1e6, (through_ns - sent[cell]) / 1e6, count or 1)
    return points


def _grow(points: list[tuple[float, int]], first_ms: float, last_ms: float, count: int) -> None:
    """Add tokens that came between two times."""
    before = points[-1][1] if points else 0
    if count > 1 and last_ms > first_ms:
        points.append((first_ms, before + 1))
    points.append((last_ms, before + count))


def _counting(database: Database, comparison_id: str, cells: Sequence[int]) -> dict[int, str]:
    """Return the run of each cell's counting attempt."""
    with database.read() as cursor:
        rows = cursor.execute(_COUNTING, [comparison_id, list(cells)]).fetchall()
    return dict(rows)


def _log_rows(database: Database, runs: Mapping[int, str], kinds: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the log of each run as far as it is of these kinds: its number, kind, times, text, count and data."""
    with database.read() as cursor:
        return cursor.execute(_LOG, [list(runs), list(runs.values()), list(kinds)]).fetchall()
