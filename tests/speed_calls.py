"""Recorded calls over many days, as the speed sentinel's page finds them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

CALLS_A_DAY = 8


def calls_of_days(days: int, *, slower_for: int = 0, **told: Any) -> list[dict[str, Any]]:
    """Return calls of the days up to now, eight a day and ten minutes apart.

    Args:
        days: How many.
        slower_for: On the last so many of them, another runtime decodes 31 % slower.
        told: Columns of all calls.
    """
    rng = np.random.default_rng(days)
    last = datetime.now(UTC).replace(hour=0, minute=10, second=0, microsecond=0) - timedelta(days=1)
    calls: list[dict[str, Any]] = []
    for back in range(days, 0, -1):
        slower = back <= slower_for
        noise = rng.normal(0, 0.02)
        for number in range(CALLS_A_DAY):
            speed = 50 * (0.69 if slower else 1.0) * float(np.exp(noise + rng.normal(0, 0.05)))
            calls.append(
                {
                    "started_at": last - timedelta(days=back - 1) + timedelta(minutes=10 * number),
                    "runtime": "llama.cpp 2.0.1" if slower else "llama.cpp 2.0.0",
                    "completion_tokens": 201,
                    "first_visible_ms": 200.0 * float(np.exp(rng.normal(0, 0.05))),
                    "last_token_ms": 200.0 + 200_000 / speed,
                    "total_ms": 210.0 + 200_000 / speed,
                    **told,
                }
            )
    return calls
