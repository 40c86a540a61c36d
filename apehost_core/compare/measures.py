"""What was measured of a comparison, as columns: the form in which it leaves the store and enters the statistics."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Measure = Literal[
    "ttft_ms",
    "first_visible_ms",
    "prompt_tok_s",
    "decode_tok_s",
    "total_ms",
    "completion_tokens",
    "visible_chars",
]
"""What is compared. Times in ms after the request was sent, rates in tokens a second: prompt_tok_s from the prompt
tokens that were not cached, over the time to first token; decode_tok_s as in Timing.decode_rate. total_ms ends with the
last token."""
Noted = Literal[
    "load_ms", "prompt_tokens", "cached_tokens", "server_ttft_ms", "server_prompt_tok_s", "server_decode_tok_s"
]
"""What is shown beside it. The last three are what the server says, where it says anything."""
Better = Literal["lower", "higher"]
BETTER: dict[Measure, Better] = {
    "ttft_ms": "lower",
    "first_visible_ms": "lower",
    "prompt_tok_s": "higher",
    "decode_tok_s": "higher",
    "total_ms": "lower",
}
"""Which way is better; the measures that are not named are neither."""

LIVES, ANSWERED, FAILED, STOPPED = 0, 1, 2, 3
"""How an attempt ended: not yet; completed or cut by a limit; failed; cancelled, or the process died."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Recorded attempts as columns of one length, in the order in which they began.

    Attributes:
        cell: Number of the cell in the plan.
        ending: One of the numbers above.
        cold: 1 the model was loaded for this call, 0 it was there, -1 unknown.
        as_asked: False where another model answered than was asked.
        estimated: True where the completion tokens are our estimate.
        finish: Finish reasons as text; empty when there is none.
        values: By measure; NaN where unknown.
        noted: By name; NaN where unknown.
    """

    cell: NDArray[np.int32]
    ending: NDArray[np.int8]
    cold: NDArray[np.int8]
    as_asked: NDArray[np.bool_]
    estimated: NDArray[np.bool_]
    finish: NDArray[np.object_]
    values: dict[Measure, NDArray[np.float64]]
    noted: dict[Noted, NDArray[np.float64]]
