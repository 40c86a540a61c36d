"""What a server has, and on an LM Studio how it is loaded, unloaded and downloaded, with what is under way.

Each part has a container of its own that is always there, so that a load or a failure above the forms neither closes
nor empties them.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from apehost_core.errors import Fault
from apehost_core.model import ModelInfo
from apehost_core.servers import LoadView, ServerView
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
        forget_download: Told the model of a download that has ended.
        unload: Told an instance's id. May draw while it waits.
        download: Told model and quantisation (None: the server's choice). May draw while it waits.
    """

    load: Callable[[str, str, int | None], None]
    forget_load: Callable[[str, str], None]
    forget_download: Callable[[str, str], None]
    unload: Callable[[str, str], None]
    download: Callable[[str, str, str | None], None]


def server_models(
    server: ServerView,
    homes: Mapping[Identity, Sequence[str]],
    seen: Seen,
    actions: ModelActions,
    not_downloaded: Fault | None,
) -> None:
    """Draw the models of a server and what can be done with them.

    Args:
        server: As it is known now.
        homes: The servers that have each model.
        seen: What the progress bars ask again and again.
        actions: What the buttons call.
        not_downloaded: Why the download that was asked for last was refused.
    """
    with st.container(key=f"under-way|{server.name}"):
        _under_way(server, seen, actions)
    with st.container(key=f"failed|{server.name}"):
        _failed(server, actions)
    with st.container(key=f"table|{server.name}"):
        if server.models:
            model_table(server, homes)
        _sayings(server)
    if server.answers and server.kind == NATIVE:
        with st.expander("Load, unload, download", icon=":material/memory:", key=f"controls|{server.name}"):
            _controls(server, actions, not_downloaded)


def _sayings(server: ServerView) -> None:
    """Draw what the table does not say of the models as a whole."""
    if not server.answers:
        st.caption("As it was when it last answered." if server.models else "Its models are not known yet.")
    elif not server.models:
        st.caption("No models yet. Download one, or load one there if just-in-time loading is off.")
    elif server.kind == NATIVE and not any(model.state == "loaded" for model in server.models):
        st.caption("No model is loaded: load one below, or let the first question load it.")
    if server.answers and server.kind != NATIVE:
        st.caption(f"Models are loaded, unloaded and downloaded from here where {NATIVE} serves them.")


def _controls(server: ServerView, actions: ModelActions, not_downloaded: Fault | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"load|{server.name}"):
        if server.models:
            _loading(server, actions)
    with st.container(horizontal=True, key=f"loaded|{server.name}"):
        instance = _unloaded(server)
    download = _downloaded(server)
    with st.container(key=f"answer|{server.name}"):
        if instance is not None:
            actions.unload(server.name, instance)
        elif download is not None:
            actions.download(server.name, *download)
        elif not_downloaded is not None:
            fault_box(not_downloaded)
    if instance is not None or download is not None:
        st.rerun()


def _loading(server: ServerView, actions: ModelActions) -> None:
    models = {model.key: model for model in server.models}
    key = st.selectbox(
        "Model to load",
        list(models),
        format_func=_labels(server.models).__getitem__,
        key=f"load-model|{server.name}",
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
        key=f"load-context|{server.name}|{key}",
        help=f"Tokens{most}. Empty: the server decides.",
        width=190,
    )
    coming = any(load.key == key and load.fault is None for load in server.loads)
    loaded = model.state == "loaded"
    pressed = st.button(
        "Load",
        key=f"load-now|{server.name}|{key}",  # a press never loads another model than the one that stood beside it
        icon=":material/memory:",
        disabled=coming or loaded,
        help="It is loaded. To load it with another context length, unload it first." if loaded else None,
    )
    if pressed:
        actions.load(server.name, key, context)
        st.rerun()


def _labels(models: Sequence[ModelInfo]) -> Mapping[str, str]:
    """Return what each model is picked by, by its key.

    Streamlit finds a picked entry again by its label: no two are the same, and none says what changes by the minute.
    """
    words = {model.key: " ".join(filter(None, (model.name, model.quantisation))) for model in models}
    times = Counter(words.values())
    return {key: f"{label} · {key}" if times[label] > 1 else label for key, label in words.items()}


def _unloaded(server: ServerView) -> str | None:
    """Draw a button for each loaded copy; returns the one that shall go."""
    pressed: str | None = None
    for instance in (instance for model in server.models for instance in model.instances):
        context = f" · {instance.context:,} tokens" if instance.context else ""
        if st.button(
            f"Unload {plain_label(instance.id)}{context}",
            key=f"unload|{server.name}|{instance.id}",
            icon=":material/eject:",
        ):
            pressed = instance.id
    return pressed


def _downloaded(server: ServerView) -> tuple[str, str | None] | None:
    """Draw the form of a download; returns model and quantisation once they are asked for."""
    number = state.servers().downloads
    with (
        st.form(f"download|{server.name}", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        model = st.text_input(
            "Model to download",
            key=f"download-model|{server.name}|{number}",
            placeholder="qwen/qwen3-4b",
            help="An id of LM Studio's catalogue, or the address of a model on Hugging Face",
            autocomplete="off",
            width=300,
        )
        quantisation = st.text_input(
            "Quantisation",
            key=f"download-quantisation|{server.name}|{number}",
            placeholder=_CHOICE,
            help="For example Q4_K_M; only for models of Hugging Face",
            autocomplete="off",
            width=190,
        )
        pressed = st.form_submit_button("Download", icon=":material/download:", key=f"download-now|{server.name}")
    return (model.strip(), quantisation.strip() or None) if pressed else None


def _under_way(server: ServerView, seen: Seen, actions: ModelActions) -> None:
    """Draw loads and downloads; with a timer only while one goes on."""
    going = [load for load in server.loads if load.fault is None]
    if going or any(map(server_words.goes_on, server.downloads)):
        st.fragment(_progress, run_every=_EVERY_S)(server.name, _situation(server), seen, actions)
    else:
        _downloads(server, actions)


def _progress(name: str, before: tuple[object, ...], seen: Seen, actions: ModelActions) -> None:
    server = seen(name)
    if server is None:
        return
    for load in server.loads:
        if load.fault is None:
            _load(load)
    _downloads(server, actions)
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


def _downloads(server: ServerView, actions: ModelActions) -> None:
    for download in server.downloads[-_SHOWN_DOWNLOADS:]:
        words = plain_label(f"{download.model}: {server_words.download_words(download)}")
        going = server_words.goes_on(download)
        share = server_words.download_share(download) if going else None
        with st.container(horizontal=True, vertical_alignment="center"):
            if share is None:
                st.caption(f":material/download: {words}", width="content")
            else:
                st.progress(share, words)
            if not going:
                st.button(
                    "Dismiss",
                    key=f"forget|{server.name}|{download.model}",
                    type="tertiary",
                    on_click=actions.forget_download,
                    args=(server.name, download.model),
                )
        if download.fault is not None:
            fault_box(download.fault)


def _failed(server: ServerView, actions: ModelActions) -> None:
    for load in server.loads:
        if load.fault is None:
            continue
        st.caption(plain_label(f"{load.key} could not be loaded"))
        fault_box(load.fault)
        with st.container(horizontal=True):
            key = f"{server.name}|{load.key}"
            st.button(
                "Load again",
                key=f"again|{key}",
                icon=":material/refresh:",
                on_click=actions.load,
                args=(server.name, load.key, load.context),
            )
            st.button("Dismiss", key=f"dismiss|{key}", on_click=actions.forget_load, args=(server.name, load.key))
