"""How numbers are written, on the page as in a report. Pure functions; no Markdown."""

from dataclasses import dataclass

from apehost_core.compare.measures import Measure, Noted

_UNITS = {"_ms": "ms", "_tok_s": "tok/s"}


@dataclass(frozen=True, slots=True)
class Unit:
    """What numbers of one kind are shown in.

    Attributes:
        word: "ms", "s", "tok/s"; empty for counts.
        factor: What a recorded number is multiplied with.
    """

    word: str
    factor: float = 1.0


def unit_of(measure: Measure | Noted, largest: float) -> Unit:
    """Return the unit for recorded numbers of up to `largest`: seconds from 1,000 ms on."""
    word = next((unit for ending, unit in _UNITS.items() if measure.endswith(ending)), "")
    return Unit("s", 0.001) if word == "ms" and largest >= 1000 else Unit(word)


def number(value: float) -> str:
    """Return a number with three digits that count: 0.412, 41.3, 1,240."""
    size = abs(value)
    if size >= 100 or value == round(value):
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 else f"{value:.3f}"


def percent(share: float) -> str:
    """Return a share (0-1) as a percentage without its sign: "3.3", "17"."""
    value = share * 100
    return f"{value:.0f}" if value >= 10 or value < 0.05 else f"{value:.1f}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: "1 run", "1,200 runs"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
