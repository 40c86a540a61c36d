"""What a server has, and on an LM Studio how it is loaded, unloaded and downloaded, with what is under way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from apehost_core.model import ModelInfo
from apehost_core.servers import DownloadView, LoadView, ServerView
from apehost_ui import server_words, state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.model_table import model_table
from apehost_ui.components.server_card import Seen
from apehost_ui.markdown import plain_label
from apehost_ui.server_words import NATIVE, Identity

_EVERY_S = 1
_SHOWN_DOWNLOADS = 5
_CHOICE = "automatic"


@dataclass(frozen=True, slots=True)
class ModelActions:
    """What can be done with models; each is told the server's name first.

    Attributes:
        load: Told key and context length (None: the server's choice).
        forget_load: Told the key of a load that failed.
        unload: Told an instance's id. May draw while it waits.
        download: Told model and quantisation (None: the server's choice). May draw while it waits.
    """

    load: Callable[[str, str, int | None], None]
    forget_load: Callable[[str, str], None]
    unload: Callable[[str, str], None]
    download: Callable[[str, str, str | None], None]


def server_models(
    server: ServerView, homes: Mapping[Identity, Sequence[str]], seen: Seen, actions: ModelActions
) -> None:
    """Draw the models of a server and what can be done with them.

    Args:
        server: As it is known now.
        homes: The servers that have each model.
        seen: What the progress bars ask again and again.
        actions: What the buttons call.
    """
    _under_way(server, seen)
    _failed(server, actions)
    if server.models:
        model_table(server, homes)
    elif server.answers:
        st.caption("No models yet. Download one, or load one there if just-in-time loading is off.")
    if not server.answers:
        st.caption("As it was when it last answered." if server.models else "Its models are not known yet.")
    elif server.kind != NATIVE:
        st.caption(f"Models are loaded, unloaded and downloaded from here where {NATIVE} serves them.")
    else:
        if server.models:
            _loading(server, actions)
            _unloading(server, actions)
        _downloading(server, actions)


def _loading(server: ServerView, actions: ModelActions) -> None:
    models = {model.key: model for model in server.models}
    waiting = not any(model.state == "loaded" for model in models.values())
    if waiting:
        st.caption("No model is loaded: load one here, or let the first question load it.")
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"load-{server.name}"):
        key = st.selectbox(
            "Model to load",
            sorted(models, key=lambda key: models[key].state == "loaded"),
            format_func={key: _label(model) for key, model in models.items()}.__getitem__,
            key=f"load-model-{server.name}",
            width=300,
        )
        model = models[key]
        most = f", at most {model.max_context:,}" if model.max_context else ""
        context = st.number_input(
            "Context length",
            min_value=1,
            max_value=model.max_context,
            value=None,
            step=1024,
            placeholder=_CHOICE,
            key=f"load-context-{server.name}-{key}",
            help=f"Tokens{most}. Empty: the server decides.",
            width=190,
        )
        coming = any(load.key == key and load.fault is None for load in server.loads)
        pressed = st.button(
            "Load",
            key=f"load-now-{server.name}",
            icon=":material/memory:",
            disabled=coming or model.state == "loaded",
            help=None if model.state != "loaded" else "To load it with another context length, unload it first.",
        )
    if pressed:
        actions.load(server.name, key, context)
        st.rerun()


def _label(model: ModelInfo) -> str:
    pieces = [model.name, model.quantisation or ""]
    words = " ".join(filter(None, pieces))
    return f"{words} · loaded" if model.state == "loaded" else words


def _unloading(server: ServerView, actions: ModelActions) -> None:
    instances = [instance for model in server.models for instance in model.instances]
    if not instances:
        return
    pressed: str | None = None
    with st.container(horizontal=True, key=f"loaded-{server.name}"):
        for instance in instances:
            context = f" · {instance.context:,} tokens" if instance.context else ""
            if st.button(
                f"Unload {plain_label(instance.id)}{context}",
                key=f"unload-{server.name}-{instance.id}",
                icon=":material/eject:",
            ):
                pressed = instance.id
    if pressed is not None:
        actions.unload(server.name, pressed)
        st.rerun()


def _downloading(server: ServerView, actions: ModelActions) -> None:
    number = state.servers().downloads
    with st.expander("Download a model", icon=":material/download:"):
        with st.form(f"download-{server.name}", border=False):
            model = st.text_input(
                "Model",
                key=f"download-model-{server.name}-{number}",
                placeholder="qwen/qwen3-4b",
                help="An id of LM Studio's catalogue, or the address of a model on Hugging Face",
                autocomplete="off",
            )
            quantisation = st.text_input(
                "Quantisation",
                key=f"download-quantisation-{server.name}-{number}",
                placeholder=_CHOICE,
                help="For example Q4_K_M; only for models of Hugging Face",
                autocomplete="off",
            )
            pressed = st.form_submit_button("Download", icon=":material/download:", key=f"download-now-{server.name}")
        if pressed:
            actions.download(server.name, model.strip(), quantisation.strip() or None)
            st.rerun()


def _under_way(server: ServerView, seen: Seen) -> None:
    """Draw loads and downloads; with a timer only while one goes on."""
    going = [load for load in server.loads if load.fault is None]
    if going or any(map(server_words.goes_on, server.downloads)):
        st.fragment(_progress, run_every=_EVERY_S)(server.name, _situation(server), seen)
    else:
        _downloads(server.downloads)


def _progress(name: str, before: tuple[object, ...], seen: Seen) -> None:
    server = seen(name)
    if server is None:
        return
    for load in server.loads:
        if load.fault is None:
            _load(load)
    _downloads(server.downloads)
    if _situation(server) != before and state.chat().dialog is None:  # a dialog would lose what is typed into it
        st.rerun()


def _situation(server: ServerView) -> tuple[object, ...]:
    loads = tuple((load.key, load.fault is None) for load in server.loads)
    return loads, tuple((download.model, server_words.goes_on(download)) for download in server.downloads)


def _load(load: LoadView) -> None:
    words = plain_label(f"{load.key}: {server_words.load_words(load)}")
    share = server_words.load_share(load)
    if share is None:
        st.caption(f":material/hourglass_top: {words}")
    else:
        st.progress(share, words)


def _downloads(downloads: Sequence[DownloadView]) -> None:
    for download in downloads[-_SHOWN_DOWNLOADS:]:
        words = plain_label(f"{download.model}: {server_words.download_words(download)}")
        share = server_words.download_share(download) if server_words.goes_on(download) else None
        if share is None:
            st.caption(f":material/download: {words}")
        else:
            st.progress(share, words)
        if download.fault is not None:
            fault_box(download.fault)


def _failed(server: ServerView, actions: ModelActions) -> None:
    for load in server.loads:
        if load.fault is None:
            continue
        st.caption(plain_label(f"{load.key} could not be loaded"))
        fault_box(load.fault)
        with st.container(horizontal=True):
            key = f"{server.name}-{load.key}"
            st.button(
                "Load again",
                key=f"again-{key}",
                icon=":material/refresh:",
                on_click=actions.load,
                args=(server.name, load.key, load.context),
            )
            st.button("Dismiss", key=f"dismiss-{key}", on_click=actions.forget_load, args=(server.name, load.key))
