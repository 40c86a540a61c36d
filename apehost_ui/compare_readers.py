"""How the results of a comparison ask for what is recorded of single cells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from apehost_core.compare.comparison import Attempt


@dataclass(frozen=True, slots=True)
class Readers:
    """Each is given the numbers of cells, and reads from disk.

    Attributes:
        attempts: All attempts, in the order in which they began.
        timelines: When the tokens of the answer came, by cell: (ms after the request was sent, tokens so far).
    """

    attempts: Callable[[Sequence[int]], Sequence[Attempt]]
    timelines: Callable[[Sequence[int]], Mapping[int, Sequence[tuple[float, int]]]]
