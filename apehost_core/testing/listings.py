"""The simulator's listings of models. Pure. Sources: api notes 1.1, 1.6, 1.7."""

from typing import Any

from apehost_core.testing.memory import SimInstance
from apehost_core.testing.models import SimModel

Held = list[tuple[SimModel, list[SimInstance]]]
"""The models on the disk with their instances."""


def native(held: Held) -> dict[str, Any]:
    """Return the body of GET /api/v1/models."""
    return {"models": [_native(model, instances) for model, instances in held]}


def v0(held: Held) -> dict[str, Any]:
    """Return the body of GET /api/v0/models."""
    return {"object": "list", "data": v0_entries(held)}


def v0_entries(held: Held) -> list[dict[str, Any]]:
    """Return one entry a model, and one for each further instance under its own id."""
    entries: list[dict[str, Any]] = []
    for model, instances in held:
        entries.append(_v0(model, model.key, instances[0] if instances else None))
        entries += [_v0(model, instance.id, instance) for instance in instances if instance.id != model.key]
    return entries


def openai(held: Held, *, jit: bool) -> dict[str, Any]:
    """Return the body of GET /v1/models: what can be asked for.

    Args:
        held: What the server has.
        jit: Whether a model that is not loaded can be.
    """
    ids: list[str] = []
    for model, instances in held:
        ids += [model.key] if jit else []
        ids += [instance.id for instance in instances if instance.id not in ids]
    entries = [{"id": name, "object": "model", "owned_by": "organization_owner"} for name in ids]
    return {"object": "list", "data": entries}


def load_config(instance: SimInstance) -> dict[str, Any]:
    """Return how an instance was loaded."""
    return {
        "context_length": instance.context,
        "eval_batch_size": 512,
        "parallel": instance.parallel,
        "flash_attention": True,
        "offload_kv_cache_to_gpu": True,
    }


def _native(model: SimModel, instances: list[SimInstance]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": "embedding" if model.embedding else "llm",
        "publisher": model.publisher,
        "key": model.key,
        "display_name": model.key.replace("-", " ").title(),
        "quantization": {"name": model.quantisation, "bits_per_weight": 4},
        "size_bytes": model.size_bytes,
        "params_string": model.params,
        "loaded_instances": [{"id": instance.id, "config": load_config(instance)} for instance in instances],
        "max_context_length": model.context * 4,
        "format": "gguf",
    }
    if model.embedding:
        return entry
    capabilities: dict[str, Any] = {"vision": model.vision, "trained_for_tool_use": model.tools}
    if model.reasoning_options:
        default = model.reasoning_default or model.reasoning_options[0]
        capabilities["reasoning"] = {"allowed_options": list(model.reasoning_options), "default": default}
    variant = f"{model.key}@{model.quantisation.lower()}"
    return entry | {
        "architecture": model.architecture,
        "capabilities": capabilities,
        "description": None,
        "variants": [variant],
        "selected_variant": variant,
    }


def _v0(model: SimModel, name: str, instance: SimInstance | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": name,
        "object": "model",
        "type": "embeddings" if model.embedding else "vlm" if model.vision else "llm",
        "publisher": model.publisher,
        "arch": model.architecture,
        "compatibility_type": "gguf",
        "quantization": model.quantisation,
        "state": "loaded" if instance else "not-loaded",
        "max_context_length": model.context * 4,
        "capabilities": ["tool_use"] if model.tools and not model.embedding else [],
    }
    return entry | {"loaded_context_length": instance.context} if instance else entry
