"""What a comparison asks, as columns of `comparisons`, and back.

A setup is the JSON of its fields. A plan may have 200,000 cells, so it is kept as columns: lists of numbers, of which
those that only the judge's cells have are short.
"""

from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from apehost_core.compare.comparison import Setup
from apehost_core.compare.plan import Cell, CellKind, Plan, Stretch
from apehost_core.errors import Fault, StoreError

_SETUP = TypeAdapter(Setup)
_TRACKS = TypeAdapter(tuple[tuple[Stretch, ...], ...])
_KINDS: tuple[CellKind, ...] = ("warm_up", "timed", "cached", "judge")
_NUMBER_OF: dict[CellKind, int] = {kind: number for number, kind in enumerate(_KINDS)}


def setup_column(setup: Setup) -> str:
    """Return a setup as JSON."""
    return _SETUP.dump_json(setup).decode()


def setup_in(column: str) -> Setup:
    """Return the setup in a column's value.

    Raises:
        StoreError: Another program wrote it, or a newer ApeHost.
    """
    try:
        return _SETUP.validate_json(column)
    except ValidationError as error:
        raise _unreadable("setup", error) from error


def plan_column(plan: Plan) -> str:
    """Return a plan as JSON: its cells as columns, in the order of their numbers."""
    cells = plan.cells
    judged = [(cell.number, cell.left, cell.right) for cell in cells if cell.left is not None or cell.right is not None]
    body = {
        "kind": [_NUMBER_OF[cell.kind] for cell in cells],
        "contender": [cell.contender for cell in cells],
        "prompt": [cell.prompt for cell in cells],
        "repeat": [cell.repeat for cell in cells],
        "judged": judged,
        "tracks": plan.tracks,
        "judging": plan.judging,
        "together": plan.together,
    }
    return orjson.dumps(body).decode()


def plan_in(column: str) -> Plan:
    """Return the plan in a column's value.

    Raises:
        StoreError: Another program wrote it, or a newer ApeHost.
    """
    try:
        body: dict[str, Any] = orjson.loads(column)
        tracks = _TRACKS.validate_python(body["tracks"])
        return Plan(tuple(_cells(body)), tracks, tuple(body["judging"]), body["together"])
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise _unreadable("plan", error) from error


def _cells(body: dict[str, Any]) -> list[Cell]:
    kinds: list[CellKind] = [_KINDS[number] for number in body["kind"]]
    contenders, prompts, repeats = _numbers(body, "contender"), _numbers(body, "prompt"), _numbers(body, "repeat")
    rows = zip(range(len(kinds)), kinds, contenders, prompts, repeats, strict=True)
    cells = [Cell(*row) for row in rows]
    judged: list[tuple[int, int | None, int | None]] = body["judged"]
    for number, left, right in judged:
        plain = cells[number]
        cells[number] = Cell(number, plain.kind, plain.contender, plain.prompt, plain.repeat, left, right)
    return cells


def _numbers(body: dict[str, Any], name: str) -> list[int]:
    return body[name]


def _unreadable(what: str, error: Exception) -> StoreError:
    title, advice = f"The {what} of this comparison cannot be read", "Did a newer ApeHost write it? Use that one."
    return StoreError(Fault(kind="store", title=title, cause=type(error).__name__, advice=advice))
