"""Comparisons that never ran: a setup, its plan and recorded columns, made from arrays."""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apehost_core.compare.comparison import Contender, Prompt, Setup
from apehost_core.compare.measures import ANSWERED, Columns, Measure
from apehost_core.compare.plan import Cell, CellKind, Plan
from apehost_core.compare.statistics import Sample

MEASURES: tuple[Measure, ...] = (
    "ttft_ms",
    "first_visible_ms",
    "prompt_tok_s",
    "decode_tok_s",
    "total_ms",
    "completion_tokens",
    "visible_chars",
)


def setup_of(contenders: int, prompts: int, repeats: int = 1, **more: Any) -> Setup:
    """Return a benchmark of models "model-a", "model-b" ... on one server."""
    asked = tuple(Contender("one", f"model-{chr(97 + number)}", "Q4_K_M") for number in range(contenders))
    return Setup("benchmark", tuple(Prompt(f"Question {n}") for n in range(prompts)), asked, repeats, **more)


def plan_of(setup: Setup, kinds: tuple[CellKind, ...] = ("timed",)) -> Plan:
    """Return all cells of a setup in no special order, without tracks."""
    cells = product(range(len(setup.prompts)), range(setup.repeats), range(len(setup.contenders)), kinds)
    return Plan(tuple(Cell(n, kind, who, prompt, repeat) for n, (prompt, repeat, who, kind) in enumerate(cells)), ())


def columns_of(cells: list[int], values: dict[Measure, Any] | None = None, **more: Any) -> Columns:
    """Return attempts at these cells: answered, warm and by the model that was asked, unless told otherwise."""
    count = len(cells)
    columns: dict[str, Any] = {
        "ending": np.full(count, ANSWERED, np.int8),
        "cold": np.zeros(count, np.int8),
        "as_asked": np.ones(count, bool),
        "estimated": np.zeros(count, bool),
        "finish": np.full(count, "stop", object),
        "noted": {},
    } | {name: value if isinstance(value, dict) else np.asarray(value) for name, value in more.items()}
    measured: dict[Measure, NDArray[np.float64]] = {
        name: np.asarray(column, float) for name, column in (values or {}).items()
    }
    return Columns(cell=np.asarray(cells, np.int32), values=measured, **columns)


def sample_of(values: dict[Measure, NDArray[np.float64]], **more: Any) -> Sample:
    """Return a sample in which everything was answered; values are contenders x prompts x repeats."""
    contenders, prompts, repeats = next(iter(values.values())).shape
    setup = setup_of(contenders, prompts, repeats, **more)
    plan = plan_of(setup)
    flat: dict[Measure, NDArray[np.float64]] = {
        name: column.transpose(1, 2, 0).ravel() for name, column in values.items()
    }
    return Sample.of(columns_of(list(range(len(plan.cells))), flat), plan, setup)


def latencies(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> NDArray[np.float64]:
    """Return skewed times in ms, ... x prompts x repeats; what a prompt needs is common to its repeats.

    Args:
        rng: Draws them.
        shape: Prompts and repeats are the last two.
        kind: "log-normal", "gamma", "exponential" (over a fixed part), or "outliers" (5 % take eight times as long).
    """
    prompt = (*shape[:-1], 1)
    if kind == "exponential":
        return 100 + rng.exponential(300, prompt) + rng.exponential(60, shape)
    if kind == "gamma":
        return 300 * rng.gamma(1.5, 1, prompt) * rng.gamma(3, 1 / 3, shape)
    common = 300 * np.exp(rng.normal(0, 0.6, prompt))
    if kind == "log-normal":
        return common * np.exp(rng.normal(0, 0.3, shape))
    return common * np.exp(rng.normal(0, 0.1, shape)) * np.where(rng.random(shape) < 0.05, 8, 1)


KINDS = ("log-normal", "gamma", "exponential", "outliers")
