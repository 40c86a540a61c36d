"""Percentiles and Markdown tables, as all benches print them."""

from collections.abc import Sequence


def percentile(values: Sequence[float], fraction: float) -> float:
    """Return the value below which that fraction (0-1) of the values lie; nan for none."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, round(fraction * (len(ordered) - 1)))]


def median(values: Sequence[float]) -> float:
    """Return the middle value; nan for none."""
    return percentile(values, 0.5)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(_shown(cell) for cell in line) + " |" for line in lines)


def _shown(cell: object) -> str:
    return (
        f"{cell:,.3g}"
        if isinstance(cell, float) and abs(cell) < 100
        else f"{cell:,.0f}"
        if isinstance(cell, float)
        else str(cell)
    )
