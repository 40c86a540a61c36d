"""The list from which the next answer's model is picked, over all servers, from memory.

A model that several servers have stands there once for all of them (the best one takes each request, another one
when that fails) and once for each.
"""

import streamlit as st

from apehost_core.model import ModelInfo
from apehost_core.servers import ServerView, Wanted, ranked
from apehost_ui import state
from apehost_ui.markdown import plain_label
from apehost_ui.state import Picked
from apehost_ui.words import SERVER_BADGES, SERVER_STATES

_KEY = "model_picker"
_LOADS = {"loaded": "loaded", "loading": "loading now", "not_loaded": "loads on first use"}


def model_picker(servers: tuple[ServerView, ...]) -> Picked | None:
    """Draw the picker and return the choice; None when no server has a model."""
    options = _options(servers)
    if not options:
        return None
    page = state.chat()
    if page.picked is None or page.picked.key not in options:
        page.picked = _preselected(servers, options)
    labels = {name: label for name, (_, label) in options.items()}
    names = list(labels)
    st.selectbox(
        "Model",
        names,
        index=names.index(page.picked.key),
        format_func=labels.__getitem__,
        key=_KEY,
        on_change=_take,
    )
    st.caption(_badge(servers, page.picked))
    return page.picked


def _options(servers: tuple[ServerView, ...]) -> dict[str, tuple[Picked, str]]:
    """Return choice and label by the choice's key: first what several servers have, then all by server."""
    having: dict[tuple[str, str | None], list[tuple[ServerView, ModelInfo]]] = {}
    pairs = [(view, model) for view in servers if view.state != "disabled" for model in view.chat_models]
    for view, model in pairs:
        having.setdefault(model.identity, []).append((view, model))
    shared = [found for found in having.values() if len({view.name for view, _ in found}) > 1]
    found: list[tuple[Picked, str]] = []
    for models in shared:
        model = models[0][1]
        label = _label(model, f"{len(models)} servers")
        found.append((Picked(None, model.key, model.quantisation), label))
    found += [(Picked(view.name, model.key, model.quantisation), _label(model, view.name)) for view, model in pairs]
    return {picked.key: (picked, label) for picked, label in found}


def _take() -> None:
    state.chat().picked = Picked.of(state.widget_value(_KEY) or "")


def _preselected(servers: tuple[ServerView, ...], options: dict[str, tuple[Picked, str]]) -> Picked:
    """Return a loaded model of a server that answers; failing that any model of one; failing that the first.

    Where several servers have it, the choice among them is left open.
    """
    pairs = [(view, model) for view in servers if view.state != "disabled" for model in view.chat_models]
    view, model = min(pairs, key=lambda pair: (not pair[0].answers, pair[1].state != "loaded"))
    open_choice = Picked(None, model.key, model.quantisation)
    return open_choice if open_choice.key in options else Picked(view.name, model.key, model.quantisation)


def _label(model: ModelInfo, where: str) -> str:
    quantisation = f" {model.quantisation}" if model.quantisation else ""
    return f"{model.name}{quantisation} · {where}"


def _badge(servers: tuple[ServerView, ...], picked: Picked) -> str:
    """Return which server would answer now, how it is, and whether the model has to load first."""
    view = ranked(servers, Wanted(picked.server, picked.model, picked.quantisation))[0]
    pieces = [f"{SERVER_BADGES[view.state]} {plain_label(view.name)}", SERVER_STATES[view.state]]
    model = view.model(picked.model)
    if view.answers and model is not None and model.state in _LOADS:
        pieces.append(_LOADS[model.state])
    return " · ".join(pieces)
