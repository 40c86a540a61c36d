"""Comparisons in a database as if they had run: every cell answered, times by chance, skewed, alike within a prompt."""

from dataclasses import dataclass, replace

from apehost_core.compare.plan import Stretch
from apehost_core.store.database import Database
from apehost_core.store.lab import LabStore
from apehost_core.store.transaction import Transaction
from tests.measured_samples import plan_of, setup_of

_NORMAL = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
_RUNS = """
INSERT INTO runs (id, kind, server, model, started_at, finished_at, outcome, comparison_id, cell)
SELECT uuidv7(), 'compare', 'one', 'model', now(), now(), 'completed', ?::UUID, cell FROM range(?) cells(cell)"""
_GENERATIONS = f"""
INSERT INTO generations (
    id, run_id, started_at, server, model_asked, model_answered, quantisation, sampling, prompt_parts, prompt_hash,
    prompt_tokens, prompt_tokens_estimated, completion_tokens, completion_tokens_estimated, cached_tokens, cold,
    finish_reason, outcome, first_visible_ms, last_token_ms, total_ms, warnings, visible_chars)
WITH prompts AS MATERIALIZED (
    SELECT prompt, exp(0.6 * {_NORMAL}) AS size FROM range(?) all_prompts(prompt)
), drawn AS MATERIALIZED (
    SELECT r.id, r.cell, p.size, 200 * p.size * (1 + 0.1 * (r.cell % ?)) * exp(0.3 * {_NORMAL}) AS ttft_ms,
        (100 * exp(0.4 * {_NORMAL}))::INTEGER + 2 AS tokens
    FROM runs r JOIN prompts p ON p.prompt = r.cell // ?
    WHERE r.comparison_id = ?::UUID
)
SELECT uuidv7(), id, now(), 'one', 'model', 'model', 'Q4_K_M', '{{}}', '[]', '', (300 * size)::INTEGER, false, tokens,
    false, 0, false, 'stop', 'completed', ttft_ms, ttft_ms + 25 * tokens, ttft_ms + 25 * tokens, '[]', 4 * tokens
FROM drawn"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much was asked: everybody every prompt so many times."""

    contenders: int
    prompts: int
    repeats: int

    @property
    def cells(self) -> int:
        """How many answers that makes."""
        return self.contenders * self.prompts * self.repeats


def record(database: Database, size: Size) -> str:
    """Keep a finished comparison with all its answers' measurements, and return its id; there are no texts."""
    setup = setup_of(size.contenders, size.prompts, size.repeats)
    track = (Stretch("one", (), tuple(range(size.cells)), interleaved=True),)
    store = LabStore(database)
    comparison = store.create(f"{size.cells:,} answers", setup, replace(plan_of(setup), tracks=(track,)))

    def fill(transaction: Transaction) -> None:
        transaction.execute(_RUNS, [comparison.id, size.cells])
        per_prompt = size.contenders * size.repeats
        transaction.execute(_GENERATIONS, [size.prompts, size.contenders, per_prompt, comparison.id])

    database.write(fill)
    store.set_state(comparison.id, "finished")
    return comparison.id
