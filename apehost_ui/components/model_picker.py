"""The list from which the next answer's model is picked, over all servers, from memory.

A model that several servers have stands there once for all of them (the best one takes each request, another one
when that fails) and once for each.
"""

from collections import Counter

import streamlit as st

from apehost_core.model import ModelInfo
from apehost_core.servers import ServerView, Wanted, ranked
from apehost_ui import state
from apehost_ui.markdown import plain_label
from apehost_ui.page_state import Picked
from apehost_ui.words import SERVER_BADGES, SERVER_STATES, model_label

_KEY = "model_picker"
_LOADS = {"loaded": "loaded", "loading": "loading now", "not_loaded": "loads on first use"}


def model_picker(servers: tuple[ServerView, ...]) -> Picked | None:
    """Draw the picker and return the choice; None when no server has a model."""
    page = state.chat()
    options = _options(servers, page.picked)
    if not options:
        return None
    if page.picked is None or page.picked.key not in options:
        page.picked = _instead(servers, options, page.picked)
    labels = {name: label for name, (_, label) in options.items()}
    names = list(labels)
    st.selectbox(
        "Model",
        names,
        index=names.index(page.picked.key),
        format_func=labels.__getitem__,
        key=_KEY,
        on_change=_take,
        args=(names,),
    )
    st.caption(_badge(servers, page.picked))
    return page.picked


def _options(servers: tuple[ServerView, ...], picked: Picked | None) -> dict[str, tuple[Picked, str]]:
    """Return choice and label by the choice's key: first what several servers have, then all by server.

    Labels hold nothing that changes: Streamlit knows a choice by its label. An open choice that was picked stays as
    long as one server has the model.
    """
    having: dict[tuple[str, str | None], list[tuple[ServerView, ModelInfo]]] = {}
    pairs = [(view, model) for view in servers if view.state != "disabled" for model in view.chat_models]
    for view, model in pairs:
        having.setdefault(model.identity, []).append((view, model))
    found: list[tuple[Picked, str]] = []
    for models in having.values():
        model = models[0][1]
        choice = Picked(None, model.key, model.quantisation)
        if choice == picked or len({view.name for view, _ in models}) > 1:
            found.append((choice, model_label(model.name, model.quantisation, "any server")))
    found += [
        (Picked(view.name, model.key, model.quantisation), model_label(model.name, model.quantisation, view.name))
        for view, model in pairs
    ]
    count = Counter(label for _, label in found)
    return {
        choice.key: (choice, label if count[label] == 1 else f"{label} ({choice.model})") for choice, label in found
    }


def _take(names: list[str]) -> None:
    value = state.widget_value(_KEY)
    if value in names:  # a browser that has not seen a change yet may send what is no choice any more
        state.chat().picked = Picked.of(value)


def _instead(servers: tuple[ServerView, ...], options: dict[str, tuple[Picked, str]], gone: Picked | None) -> Picked:
    """Return what is picked at first, or in place of a choice that is gone: the same model wherever it is now.

    Where that is nowhere, another model is picked, never in silence.
    """
    if gone is None:
        return _preselected(servers, options)
    same = [
        choice
        for choice, _ in options.values()
        if (choice.model, choice.quantisation) == (gone.model, gone.quantisation)
    ]
    if same:
        return same[0]
    other = _preselected(servers, options)
    st.toast(f"{plain_label(gone.model)} is not listed any more; {plain_label(other.model)} is picked now.")
    return other


def _preselected(servers: tuple[ServerView, ...], options: dict[str, tuple[Picked, str]]) -> Picked:
    """Return a loaded model of a server that answers; failing that any model of one; failing that the first.

    Where several servers have it, the choice among them is left open.
    """
    pairs = [(view, model) for view in servers if view.state != "disabled" for model in view.chat_models]
    view, model = min(pairs, key=lambda pair: (not pair[0].answers, pair[1].state != "loaded"))
    open_choice = Picked(None, model.key, model.quantisation)
    return open_choice if open_choice.key in options else Picked(view.name, model.key, model.quantisation)


def _badge(servers: tuple[ServerView, ...], picked: Picked) -> str:
    """Return which server would answer now, how it is, and whether the model has to load first."""
    view = ranked(servers, Wanted(picked.server, picked.model, picked.quantisation))[0]
    model = view.model(picked.model)
    loads = _LOADS.get(model.state) if view.answers and model is not None else None
    pieces = [f"{SERVER_BADGES[view.state]} {plain_label(view.name)}", SERVER_STATES[view.state]]
    if loads is not None and not (view.state == "loading" and model is not None and model.state == "loading"):
        pieces.append(loads)
    return " · ".join(pieces)
