"""The models of a server as a table. One table however many there are, so that hundreds cost no more than ten."""

from collections.abc import Mapping, Sequence

import streamlit as st

from apehost_core.model import LoadState, ModelInfo, ModelType
from apehost_core.servers import ServerView
from apehost_ui.components.grid import grid
from apehost_ui.server_words import Identity, abilities

_MANY = 15
_STATES: dict[LoadState, str] = {
    "loaded": "loaded",
    "loading": "loading",
    "not_loaded": "not loaded",
    "unknown": "",
}
_TYPES: dict[ModelType, str] = {"llm": "text", "vlm": "text and images", "embedding": "embedding", "unknown": ""}


def model_table(server: ServerView, homes: Mapping[Identity, Sequence[str]]) -> None:
    """Draw the models, loaded ones first.

    Args:
        server: Whose they are.
        homes: The servers that have each model.
    """
    models = _found(server)
    if not models:
        st.caption("No model has these words in its name, key, publisher, architecture or quantisation.")
        return
    rows = [_row(server.name, model, homes) for model in sorted(models, key=lambda model: model.state != "loaded")]
    told = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    grid(
        [{name: row[name] for name in told} for row in rows],
        key=f"models|{server.name}",
        alt=f"Models of {server.name}",
        columns={
            "Size": st.column_config.NumberColumn(format="bytes"),
            "Context": st.column_config.NumberColumn(format="localized", help="Tokens it is loaded with"),
            "Longest": st.column_config.NumberColumn(format="localized", help="Tokens it was made for"),
            "Copies": st.column_config.NumberColumn(help="Loaded instances"),
        },
    )


def _found(server: ServerView) -> Sequence[ModelInfo]:
    """Draw the filter where there are many models, and return those that have all of its words."""
    if len(server.models) <= _MANY:
        return server.models
    text = st.text_input(
        f"Filter {len(server.models)} models",
        key=f"filter|{server.name}",
        placeholder="for example: qwen q4",
        icon=":material/search:",
    )
    words = (text or "").casefold().split()
    return [model for model in server.models if all(word in _searched(model) for word in words)]


def _searched(model: ModelInfo) -> str:
    told = (model.name, model.key, model.publisher, model.architecture, model.quantisation)
    return " ".join(filter(None, told)).casefold()


def _row(server: str, model: ModelInfo, homes: Mapping[Identity, Sequence[str]]) -> dict[str, str | int | None]:
    """Return what is told of a model; a column that is empty for all of them is left out."""
    return {
        "Model": model.name,
        "State": _STATES[model.state],
        "Also on": ", ".join(name for name in homes.get(model.identity, ()) if name != server),
        "Context": model.loaded_context,
        "Longest": model.max_context,
        "Quantisation": model.quantisation,
        "Size": model.size_bytes,
        "Parameters": model.params,
        "Can": abilities(model),
        "Type": _TYPES[model.type],
        "Copies": len(model.instances) or None,
        "Publisher": model.publisher,
        "Architecture": model.architecture,
    }
