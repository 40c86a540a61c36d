"""The three listings of models as ModelInfo. Pure and tolerant: an entry that makes no sense is left out.

Sources: api notes 1.1, 1.6, 1.7. llama.cpp adds `meta` to /v1/models: sizes, contexts and the quantisation (`ftype`).
"""

from collections.abc import Callable
from typing import Any, cast

from apehost_core.model import Instance, LoadState, ModelInfo, ModelType

_TYPES: dict[str, ModelType] = {
    "llm": "llm",
    "vlm": "vlm",
    "embedding": "embedding",
    "embeddings": "embedding",
}

_STATES: dict[str, LoadState] = {"loaded": "loaded", "not-loaded": "not_loaded"}


def parse_native(body: object) -> tuple[ModelInfo, ...]:
    """Return the models of GET /api/v1/models."""
    return _entries(body, "models", _native)


def parse_v0(body: object) -> tuple[ModelInfo, ...]:
    """Return the models of GET /api/v0/models."""
    return _entries(body, "data", _v0)


def parse_openai(body: object) -> tuple[ModelInfo, ...]:
    """Return the models of GET /v1/models; it says neither type nor state."""
    return _entries(body, "data", _openai)


def _entries(body: object, root: str, parse: Callable[[dict[str, Any]], ModelInfo | None]) -> tuple[ModelInfo, ...]:
    entries = cast("dict[str, Any]", body).get(root) if isinstance(body, dict) else None
    if not isinstance(entries, list):
        return ()
    found = [parse(cast("dict[str, Any]", e)) for e in cast("list[object]", entries) if isinstance(e, dict)]
    return tuple(model for model in found if model is not None)


def _native(entry: dict[str, Any]) -> ModelInfo | None:
    key = _text(entry, "key")
    if key is None:
        return None
    instances = _instances(entry)
    capabilities = _dict(entry, "capabilities")
    kind = _TYPES.get(str(entry.get("type")), "unknown")
    return ModelInfo(
        key=key,
        name=_text(entry, "display_name") or key,
        type=kind,
        state="loaded" if instances else "not_loaded",
        publisher=_text(entry, "publisher"),
        architecture=_text(entry, "architecture"),
        quantisation=_text(_dict(entry, "quantization"), "name"),
        format=_text(entry, "format"),
        params=_text(entry, "params_string"),
        size_bytes=_int(entry, "size_bytes"),
        max_context=_int(entry, "max_context_length"),
        loaded_context=instances[0].context if instances else None,
        vision=_bool(capabilities, "vision"),
        tools=_bool(capabilities, "trained_for_tool_use"),
        reasoning_options=tuple(str(o) for o in _list(_dict(capabilities, "reasoning"), "allowed_options")),
        reasoning_default=_text(_dict(capabilities, "reasoning"), "default"),
        instances=instances,
    )


def _instances(entry: dict[str, Any]) -> tuple[Instance, ...]:
    loaded = [cast("dict[str, Any]", given) for given in _list(entry, "loaded_instances") if isinstance(given, dict)]
    return tuple(
        Instance(
            str(given["id"]), _int(_dict(given, "config"), "context_length"), _int(_dict(given, "config"), "parallel")
        )
        for given in loaded
        if given.get("id")
    )


def _v0(entry: dict[str, Any]) -> ModelInfo | None:
    key = _text(entry, "id")
    if key is None:
        return None
    kind = _TYPES.get(str(entry.get("type")), "unknown")
    state = _STATES.get(str(entry.get("state")), "unknown")
    capabilities = _list(entry, "capabilities")
    return ModelInfo(
        key=key,
        name=key,
        type=kind,
        state=state,
        publisher=_text(entry, "publisher"),
        architecture=_text(entry, "arch"),
        quantisation=_text(entry, "quantization"),
        format=_text(entry, "compatibility_type"),
        max_context=_int(entry, "max_context_length"),
        loaded_context=None if state == "not_loaded" else _int(entry, "loaded_context_length"),
        vision=kind == "vlm" if kind != "unknown" else None,
        tools="tool_use" in capabilities if capabilities else None,
    )


def _openai(entry: dict[str, Any]) -> ModelInfo | None:
    key = _text(entry, "id")
    if key is None:
        return None
    meta = _dict(entry, "meta")
    return ModelInfo(
        key=key,
        name=key,
        state="loaded" if meta else "unknown",
        quantisation=_text(meta, "ftype"),
        size_bytes=_int(meta, "size"),
        max_context=_int(meta, "n_ctx_train"),
        loaded_context=_int(meta, "n_ctx"),
    )


def _text(entry: dict[str, Any], name: str) -> str | None:
    value = entry.get(name)
    return value if isinstance(value, str) and value else None


def _int(entry: dict[str, Any], name: str) -> int | None:
    value = entry.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _bool(entry: dict[str, Any], name: str) -> bool | None:
    value = entry.get(name)
    return value if isinstance(value, bool) else None


def _dict(entry: dict[str, Any], name: str) -> dict[str, Any]:
    value = entry.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(entry: dict[str, Any], name: str) -> list[Any]:
    value = entry.get(name)
    return cast("list[Any]", value) if isinstance(value, list) else []
