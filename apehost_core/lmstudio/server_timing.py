"""What a server says of its own speed, in whichever of its dialects. Pure.

Sources: llama.cpp's `timings` of the last chunk (its README, "server"; seen on the wire), LM Studio's `stats` of
/api/v0 (api notes 1.6); on /v1 LM Studio sends an empty `stats`.
"""

from math import isfinite
from typing import Any, cast


def timing_in(body: dict[str, Any]) -> dict[str, float]:
    """Return what a frame says, as fields of `ServerTiming`; what is no positive number is left out."""
    timings, stats = _object(body.get("timings")), _object(body.get("stats"))
    said = {
        "ttft_ms": _positive(timings.get("prompt_ms")) or _positive(stats.get("time_to_first_token"), 1000),
        "prompt_tok_s": _positive(timings.get("prompt_per_second")),
        "decode_tok_s": _decode_rate(timings) or _positive(stats.get("tokens_per_second")),
    }
    return {name: value for name, value in said.items() if value is not None}


def _decode_rate(timings: dict[str, Any]) -> float | None:
    """Return llama.cpp's rate; of a single token it says a million a second."""
    count = timings.get("predicted_n")
    if isinstance(count, int) and count < 2:
        return None
    return _positive(timings.get("predicted_per_second"))


def _positive(value: object, factor: float = 1.0) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    scaled = float(value) * factor
    return scaled if isfinite(scaled) and scaled > 0 else None


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
