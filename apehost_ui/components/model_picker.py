"""The list from which the next answer's model is picked, over all servers, from memory."""

import streamlit as st

from apehost_core.model import ModelInfo
from apehost_core.servers import ServerView
from apehost_ui import state
from apehost_ui.markdown import plain_label
from apehost_ui.state import Picked
from apehost_ui.words import SERVER_BADGES, SERVER_STATES

_KEY = "model_picker"


def model_picker(servers: tuple[ServerView, ...]) -> Picked | None:
    """Draw the picker and return the choice; None when no server has a model."""
    options = {
        f"{server.name}\n{model.key}": _label(server, model) for server in servers for model in server.chat_models
    }
    if not options:
        return None
    page = state.chat()
    if page.picked is None or f"{page.picked.server}\n{page.picked.model}" not in options:
        page.picked = _preselected(servers)
    names = list(options)
    st.selectbox(
        "Model",
        names,
        index=names.index(f"{page.picked.server}\n{page.picked.model}"),
        format_func=options.__getitem__,
        key=_KEY,
        on_change=_take,
    )
    server = next(view for view in servers if view.name == page.picked.server)
    st.caption(_badge(server, server.model(page.picked.model)))
    return page.picked


def _take() -> None:
    server, _, model = (state.widget_value(_KEY) or "").partition("\n")
    state.chat().picked = Picked(server, model)


def _preselected(servers: tuple[ServerView, ...]) -> Picked:
    """Return a loaded model of an online server; failing that any model of one; failing that the first."""
    ranked = sorted(
        ((server, model) for server in servers for model in server.chat_models),
        key=lambda pair: (pair[0].state != "online", pair[1].state != "loaded"),
    )
    server, model = ranked[0]
    return Picked(server.name, model.key)


def _label(server: ServerView, model: ModelInfo) -> str:
    quantisation = f" {model.quantisation}" if model.quantisation else ""
    return f"{model.name}{quantisation} · {server.name}"


def _badge(server: ServerView, model: ModelInfo | None) -> str:
    pieces = [f"{SERVER_BADGES[server.state]} {plain_label(server.name)}", SERVER_STATES[server.state]]
    if model is not None and model.state != "unknown":
        pieces.append("loaded" if model.state == "loaded" else "loads on first use")
    return " · ".join(pieces)
