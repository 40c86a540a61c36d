"""A comparison's attempts as a file for other programs: one row for each, with everything that was measured.

Cells of the judge are left out: their answers are votes. How files are written: `outgoing`.
"""

from typing import Literal

from apehost_core.compare.claims import name
from apehost_core.compare.comparison import Setup
from apehost_core.compare.plan import Plan
from apehost_core.errors import Fault, StoreError
from apehost_core.store.comparison_rows import plan_in, setup_in
from apehost_core.store.database import Database
from apehost_core.store.outgoing import outgoing, write_table
from apehost_core.store.trials import AS_ASKED, COUNTING_ORDER, MEASURES, NOTED, messages_of

_TEXTS = (
    "contender",
    "server",
    "model",
    "quantisation",
    "variant",
    "topic",
    "prompt",
    "finish_reason",
    "model_answered",
    "runtime",
    "fault",
    "answer",
)
_ROWS = f"""
CREATE TEMP TABLE exported AS
WITH cells AS (
    SELECT
        unnest(?::INTEGER[]) AS cell, unnest(?::VARCHAR[]) AS kind, unnest(?::INTEGER[]) AS contender,
        unnest(?::INTEGER[]) AS prompt, unnest(?::INTEGER[]) AS repeat
), contenders AS (
    SELECT
        unnest(?::INTEGER[]) AS number, unnest(?::VARCHAR[]) AS name, unnest(?::VARCHAR[]) AS server,
        unnest(?::VARCHAR[]) AS model, unnest(?::VARCHAR[]) AS quantisation, unnest(?::VARCHAR[]) AS variant
), prompts AS (
    SELECT unnest(?::INTEGER[]) AS number, unnest(?::VARCHAR[]) AS text, unnest(?::VARCHAR[]) AS topic
), said AS (
    SELECT unnest(?::UUID[]) AS run_id, unnest(?::VARCHAR[]) AS text
), last_calls AS (
    SELECT * FROM generations WHERE run_id IN (SELECT run_id FROM said)
    QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY id DESC) = 1
)
SELECT
    o.name AS contender, o.server, o.model, o.quantisation, o.variant,
    p.number + 1 AS prompt_number, p.topic, p.text AS prompt, c.repeat + 1 AS repeat, c.kind,
    row_number() OVER (PARTITION BY r.cell ORDER BY r.id) AS attempt,
    r.outcome IN ('completed', 'length', 'failed') AND r.id = first_value(r.id) OVER (
        PARTITION BY r.cell ORDER BY r.outcome NOT IN ('completed', 'length', 'failed'), {COUNTING_ORDER}
    ) AS counts,
    r.started_at, r.outcome, g.finish_reason, g.model_answered, {AS_ASKED} AS as_asked, g.cold, g.runtime,
    g.queued_ms, g.connect_ms, g.headers_ms, g.first_byte_ms, g.first_reasoning_ms,
    {", ".join(f"{sql} AS {column}" for column, sql in (MEASURES | NOTED).items())},
    g.total_ms AS call_ms, g.reasoning_tokens, g.prompt_tokens_estimated, g.completion_tokens_estimated,
    r.fault ->> 'title' AS fault, s.text AS answer
FROM runs r
JOIN said s ON s.run_id = r.id
JOIN cells c ON c.cell = r.cell
JOIN contenders o ON o.number = c.contender
JOIN prompts p ON p.number = c.prompt
LEFT JOIN last_calls g ON g.run_id = r.id
ORDER BY r.id"""


def export(database: Database, comparison_id: str, table_format: Literal["csv", "parquet"]) -> bytes:
    """Return the attempts at timed, cached and warm-up cells that have ended, as a file.

    Times are ms after the request was sent, but for queued_ms (before it) and call_ms (all of the call); rates are
    tokens a second; `counts` marks the attempt at a cell that statistics look at.

    Args:
        database: Where they are recorded.
        comparison_id: The comparison.
        table_format: CSV is UTF-8 with a header line.

    Raises:
        StoreError: There is no such comparison, or the file could not be written.
    """
    setup, plan, runs = _asked(database, comparison_id)
    said = messages_of(database, dict(enumerate(runs)))
    values: list[object] = [
        *_cell_columns(plan),
        *_contender_columns(setup),
        list(range(len(setup.prompts))),
        [prompt.text for prompt in setup.prompts],
        [prompt.topic for prompt in setup.prompts],
        runs,
        [said[number].text for number in range(len(runs))],
    ]
    with database.read() as cursor, outgoing(database.outbox, table_format) as path:
        cursor.execute(_ROWS, values)
        write_table(cursor, "exported", path, texts=_TEXTS)
        return path.read_bytes()


def _asked(database: Database, comparison_id: str) -> tuple[Setup, Plan, list[str]]:
    """Return what was asked, and the runs that have ended."""
    with database.read() as cursor:
        row = cursor.execute(
            "SELECT setup, plan FROM comparisons WHERE id = TRY_CAST(? AS UUID)", [comparison_id]
        ).fetchone()
        runs = cursor.execute(
            "SELECT id::VARCHAR FROM runs WHERE comparison_id = TRY_CAST(? AS UUID) AND cell IS NOT NULL "
            "AND outcome IS NOT NULL ORDER BY id",
            [comparison_id],
        ).fetchall()
    if row is None:
        raise StoreError(Fault(kind="store", title="There is no such comparison", advice="Was it deleted?"))
    return setup_in(row[0]), plan_in(row[1]), [run_id for (run_id,) in runs]


def _cell_columns(plan: Plan) -> list[object]:
    cells = [cell for cell in plan.cells if cell.kind != "judge"]
    return [
        [cell.number for cell in cells],
        [cell.kind for cell in cells],
        [cell.contender for cell in cells],
        [cell.prompt for cell in cells],
        [cell.repeat for cell in cells],
    ]


def _contender_columns(setup: Setup) -> list[object]:
    contenders = setup.contenders
    return [
        list(range(len(contenders))),
        [name(number, setup) for number in range(len(contenders))],
        [contender.server for contender in contenders],
        [contender.model for contender in contenders],
        [contender.quantisation for contender in contenders],
        [contender.variant for contender in contenders],
    ]
