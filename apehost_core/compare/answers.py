"""An answer of a comparison as it is read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a cell that counts.

    Attributes:
        cell: Number of the cell.
        run_id: The run that wrote it.
        text: What it says.
        reasoning: What the model thought before; empty when nothing was shown.
    """

    cell: int
    run_id: str
    text: str
    reasoning: str = ""
