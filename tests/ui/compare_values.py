"""Comparisons as values, drawn by lot with a seed: what the pages draw, without a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from apehost_core.compare.answers import Answer
from apehost_core.compare.comparison import Attempt, Comparison, Contender, Power, Prompt, Setup, Verdict, Vote
from apehost_core.compare.measures import ANSWERED, FAILED, Columns
from apehost_core.compare.plan import Cell, Plan
from apehost_core.errors import Fault
from apehost_core.events import Outcome
from apehost_core.model import Sampling
from apehost_core.runs.run import Generation, Timing

MOMENT = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
CONTENDERS = (
    Contender("PC", "qwen3-8b", "Q4_K_M"),
    Contender("Mini", "gemma-3-4b-it", "Q8_0"),
    Contender("PC", "llama-3.2-3b", "Q4_K_M"),
)
_TTFT_MS = (400.0, 640.0, 410.0, 210.0, 900.0, 1500.0)
_TOK_S = (40.0, 25.0, 60.0, 90.0, 12.0, 6.0)


@dataclass(frozen=True)
class Values:
    """A comparison, and what was measured of it.

    Attributes:
        comparison: As kept.
        plan: Its cells, in the order of prompt, repeat and contender.
        columns: One attempt a cell.
        texts: What an answer says by cell; cells that are missing say their number.
    """

    comparison: Comparison
    plan: Plan
    columns: Columns
    texts: Mapping[int, str] = field(default_factory=dict[int, str])

    def cell(self, contender: int, prompt: int = 0, repeat: int = 0) -> int:
        """The number of a timed cell."""
        wanted = contender, prompt, repeat
        (found,) = [cell.number for cell in self.plan.cells if wanted == (cell.contender, cell.prompt, cell.repeat)]
        return found

    def changed(self, cell: int, **columns: object) -> "Values":
        """The same with other entries for a cell: `ending=FAILED`, `cold=1`, `as_asked=False`."""
        changed = {name: getattr(self.columns, name).copy() for name in columns}
        for name, value in columns.items():
            changed[name][self.columns.cell == cell] = value
        return replace(self, columns=replace(self.columns, **changed))

    def saying(self, **texts: str) -> "Values":
        """The same with answers that say something: `_3="..."` for cell 3."""
        said = {int(name[1:]): text for name, text in texts.items()}
        return replace(self, texts={**self.texts, **said})

    def answers(self, cells: Sequence[int]) -> dict[int, Answer]:
        """The answers of cells that were answered."""
        answered = set(self.columns.cell[self.columns.ending == ANSWERED].tolist())
        return {
            cell: Answer(cell, f"run-{cell}", self.texts.get(cell, f"Answer number {cell}."), "")
            for cell in cells
            if cell in answered
        }

    def attempts(self, cells: Sequence[int]) -> list[Attempt]:
        """One attempt a cell that was asked, with its numbers."""
        rows = {int(cell): row for row, cell in enumerate(self.columns.cell)}
        return [self._attempt(cell, rows[cell]) for cell in cells if cell in rows]

    def timelines(self, cells: Sequence[int]) -> dict[int, list[tuple[float, int]]]:
        """Forty tokens a cell, one every 25 ms."""
        return {cell: [(300.0 + 25 * token, token + 1) for token in range(40)] for cell in cells}

    def vote(self, left: int, right: int, verdict: Verdict = "left", **other: object) -> Vote:
        """A person's blind vote on two cells."""
        sides = [self.comparison.setup.contenders[self.plan.cells[cell].contender] for cell in (left, right)]
        vote = Vote(
            id=f"vote-{left}-{right}",
            comparison_id=self.comparison.id,
            left=left,
            right=right,
            verdict=verdict,
            blind=True,
            voter="person",
            judge=None,
            topic="",
            left_identity=sides[0].identity,
            right_identity=sides[1].identity,
            created_at=MOMENT,
        )
        return replace(vote, **other)

    def _attempt(self, cell: int, row: int) -> Attempt:
        contender = self.comparison.setup.contenders[self.plan.cells[cell].contender]
        failed = bool(self.columns.ending[row] == FAILED)
        fault = Fault("refused", "PC refused the connection", advice="Start its server.") if failed else None
        outcome: Outcome = "failed" if failed else "completed"
        as_asked = bool(self.columns.as_asked[row])
        generation = Generation(
            generation_id=f"generation-{cell}",
            run_id=f"run-{cell}",
            started_at=MOMENT,
            server=contender.server,
            model_asked=contender.model,
            model_answered=contender.model if as_asked else "another-model",
            quantisation=contender.quantisation,
            runtime=None,
            sampling_json="{}",
            prompt_parts_json="[]",
            prompt_hash="",
            tool_schema_hash=None,
            prompt_tokens=int(self.columns.noted["prompt_tokens"][row]),
            prompt_tokens_estimated=False,
            completion_tokens=int(self.columns.values["completion_tokens"][row]),
            completion_tokens_estimated=bool(self.columns.estimated[row]),
            reasoning_tokens=None,
            cached_tokens=None,
            cold=bool(self.columns.cold[row] == 1),
            finish_reason=None if failed else "stop",
            outcome=outcome,
            fault=fault,
            timing=_timing(self.columns, row),
        )
        return Attempt(cell, f"run-{cell}", outcome, fault, generation)


def values(
    *,
    prompts: int = 20,
    repeats: int = 3,
    contenders: tuple[Contender, ...] = CONTENDERS,
    seed: int = 1,
    **setup: object,
) -> Values:
    """A comparison of which every cell was answered, with skewed times that cluster by prompt."""
    asked = tuple(Prompt(f"Question {number}: why is the sky blue?") for number in range(1, prompts + 1))
    chosen = Setup("benchmark", asked, contenders, repeats)
    chosen = replace(chosen, power=(Power("PC", 250.0),), price_kwh=0.3, seed=seed)
    chosen = replace(chosen, **setup)
    order = [
        (who, prompt, repeat)
        for prompt in range(prompts)
        for repeat in range(repeats)
        for who in range(len(contenders))
    ]
    cells = tuple(Cell(number, "timed", *place) for number, place in enumerate(order))
    comparison = Comparison("0192-abc", "Qwen against Gemma", MOMENT, "finished", chosen)
    return Values(comparison, Plan(cells, ()), _measured(cells, prompts, np.random.default_rng(seed)))


def sampled(temperature: float) -> Contender:
    """The first model with a temperature of its own."""
    preferences = replace(CONTENDERS[0].preferences, sampling=Sampling(temperature=temperature))
    return replace(CONTENDERS[0], preferences=preferences, variant=f"temperature {temperature}")


def empty(found: Values) -> Values:
    """The same before anything was asked."""
    none = np.zeros(0, dtype=np.intp)
    return replace(found, columns=_rows(found.columns, none))


def _rows(columns: Columns, rows: np.ndarray) -> Columns:
    return Columns(
        cell=columns.cell[rows],
        ending=columns.ending[rows],
        cold=columns.cold[rows],
        as_asked=columns.as_asked[rows],
        estimated=columns.estimated[rows],
        finish=columns.finish[rows],
        values={name: column[rows] for name, column in columns.values.items()},
        noted={name: column[rows] for name, column in columns.noted.items()},
    )


def _measured(cells: tuple[Cell, ...], prompts: int, lot: np.random.Generator) -> Columns:
    n = len(cells)
    who = np.array([cell.contender for cell in cells]) % len(_TTFT_MS)
    prompt = np.array([cell.prompt for cell in cells])
    length = np.round(lot.lognormal(6, 0.9, prompts))[prompt]
    ttft = np.array(_TTFT_MS)[who] * lot.lognormal(0, 0.25, prompts)[prompt] * lot.lognormal(0, 0.08, n)
    speed = np.array(_TOK_S)[who] * lot.lognormal(0, 0.05, n) / (1 + length / 20_000)
    tokens = np.round(lot.lognormal(5, 0.4, n)) + 2
    return Columns(
        cell=np.arange(n, dtype=np.int32),
        ending=np.full(n, ANSWERED, dtype=np.int8),
        cold=np.zeros(n, dtype=np.int8),
        as_asked=np.ones(n, dtype=bool),
        estimated=np.zeros(n, dtype=bool),
        finish=np.array(["stop"] * n, dtype=object),
        values={
            "ttft_ms": ttft,
            "first_visible_ms": ttft * 1.1,
            "prompt_tok_s": length / ttft * 1000,
            "decode_tok_s": speed,
            "total_ms": ttft + tokens / speed * 1000,
            "completion_tokens": tokens,
            "visible_chars": tokens * 4,
        },
        noted={
            "load_ms": np.full(n, np.nan),
            "prompt_tokens": length,
            "cached_tokens": np.zeros(n),
            "server_ttft_ms": ttft * 0.97,
            "server_prompt_tok_s": length / ttft * 1030,
            "server_decode_tok_s": speed * 1.01,
        },
    )


def _timing(columns: Columns, row: int) -> Timing:
    ttft, total = (float(columns.values[name][row]) for name in ("ttft_ms", "total_ms"))
    return Timing(first_visible=ttft, last_token=total, total=total)
