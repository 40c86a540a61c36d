"""Token counts and times as servers' usage objects have them, in the words of whichever server it was.

Source: OpenAI's chat completions and responses (token counts), Ollama's API (counts, durations in nanoseconds),
llama.cpp's server (`timings`, milliseconds).
"""

from collections.abc import Mapping
from dataclasses import replace

from apehost_core.formats.conversation import ImportedGeneration
from apehost_core.formats.lenient import mapping, number, whole

_PROMPT = ("prompt_tokens", "input_tokens", "prompt_eval_count")
_COMPLETION = ("completion_tokens", "output_tokens", "eval_count")
_DETAILS = ("completion_tokens_details", "output_tokens_details")
_NANOSECONDS = 1e-6


def measured(
    usage: Mapping[str, object], model: str | None, finish_reason: str | None = None
) -> tuple[ImportedGeneration, ...]:
    """Return the model call that a usage object describes; none where neither it nor the model says anything."""
    found = _described(usage, model, finish_reason)
    return () if found == ImportedGeneration() else (found,)


def _described(usage: Mapping[str, object], model: str | None, finish_reason: str | None) -> ImportedGeneration:
    details = mapping(usage.get(_DETAILS[0])) or mapping(usage.get(_DETAILS[1]))
    generation = ImportedGeneration(
        model=model or None,
        prompt_tokens=_first(usage, _PROMPT),
        completion_tokens=_first(usage, _COMPLETION),
        reasoning_tokens=whole(details.get("reasoning_tokens")),
        finish_reason=finish_reason or None,
    )
    if "predicted_n" in usage:
        return _of_llama_cpp(usage, generation)
    if "eval_duration" in usage or "total_duration" in usage:
        return _of_ollama(usage, generation)
    return generation


def _of_llama_cpp(usage: Mapping[str, object], generation: ImportedGeneration) -> ImportedGeneration:
    """Return the call with llama.cpp's timings; what the cache held is part of the prompt."""
    read_ms, wrote_ms = number(usage.get("prompt_ms")), number(usage.get("predicted_ms"))
    prompt, cached = whole(usage.get("prompt_n")), whole(usage.get("cache_n"))
    wrote = whole(usage.get("predicted_n"))
    return replace(
        generation,
        runtime="llama.cpp",
        prompt_tokens=generation.prompt_tokens if prompt is None else prompt + (cached or 0),
        completion_tokens=generation.completion_tokens if wrote is None else wrote,
        ttft_ms=read_ms,
        total_ms=None if read_ms is None or wrote_ms is None else read_ms + wrote_ms,
        decode_tok_s=number(usage.get("predicted_per_second")) or _rate(wrote, wrote_ms),
    )


def _of_ollama(usage: Mapping[str, object], generation: ImportedGeneration) -> ImportedGeneration:
    """Return the call with Ollama's durations."""
    read, wrote, total = (
        None if found is None else found * _NANOSECONDS
        for found in (number(usage.get(name)) for name in ("prompt_eval_duration", "eval_duration", "total_duration"))
    )
    return replace(
        generation,
        runtime="ollama",
        ttft_ms=read,
        total_ms=total,
        decode_tok_s=_rate(generation.completion_tokens, wrote),
    )


def _rate(tokens: int | None, took_ms: float | None) -> float | None:
    return tokens * 1e3 / took_ms if tokens and took_ms else None


def _first(usage: Mapping[str, object], names: tuple[str, ...]) -> int | None:
    return next((found for name in names if (found := whole(usage.get(name))) is not None), None)
