"""Which models servers list, and which of them are the same. Pure."""

from collections.abc import Sequence

from apehost_core.model import ModelInfo


def find_model(models: Sequence[ModelInfo], key: str) -> ModelInfo | None:
    """Return the model of that key, whatever its case, or that has an instance of that id; None when neither is there.

    Source: api notes 1.2.7 (keys match in any case, ids of instances exactly).
    """
    wanted = key.casefold()
    by_key = next((model for model in models if model.key.casefold() == wanted), None)
    return by_key or next((m for m in models if any(instance.id == key for instance in m.instances)), None)
