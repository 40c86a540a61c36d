"""Who is compared: models picked over all servers, each with settings of its own where that is wanted."""

from collections import Counter
from collections.abc import Callable, Sequence

import streamlit as st

from apehost_core.chat.preferences import FieldName, combined
from apehost_core.compare.comparison import MOST_CONTENDERS, MOST_SIDE_BY_SIDE
from apehost_core.errors import InputRefused
from apehost_core.model import ModelInfo, Preferences
from apehost_core.servers import ServerView
from apehost_core.servers.profiles import Effective
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.preference_fields import ANSWER_FIELDS, in_words, notes_on, preference_fields, read
from apehost_ui.markdown import plain_label
from apehost_ui.page_state import ContenderDraft, Picked, SetupDraft
from apehost_ui.words import SERVER_STATES, model_label

EffectiveOf = Callable[[Picked, Preferences], Effective]
"""Says what a model's answers use, given what is set for it here."""

_DIALOG = "contender "
_ALL = 0  # no line has this number
_LOADS = {"loaded": "loaded", "loading": "loading now", "not_loaded": "not loaded yet"}


def choices(servers: Sequence[ServerView], kept: Sequence[Picked] = ()) -> dict[str, str]:
    """Return the label of each model of each server, by the key of its choice, and of those that are kept anyhow.

    Labels hold nothing that changes: Streamlit knows a choice by its label.
    """
    found: dict[str, str] = {}
    for view in servers:
        for model in view.chat_models if view.state != "disabled" else ():
            picked = Picked(view.name, model.key, model.quantisation)
            found[picked.key] = model_label(model.name, model.quantisation, view.name)
    for picked in kept:
        found.setdefault(picked.key, model_label(picked.model, picked.quantisation, str(picked.server)))
    twice = Counter(found.values())
    return {key: label if twice[label] == 1 else f"{label} ({Picked.of(key).model})" for key, label in found.items()}


def contenders(draft: SetupDraft, servers: Sequence[ServerView], effective: EffectiveOf) -> None:
    """Draw the models that are compared, and the dialog of their settings while it is open."""
    labels = choices(servers, [line.model for line in draft.contenders])
    most = MOST_SIDE_BY_SIDE if draft.mode == "side_by_side" else MOST_CONTENDERS
    key = draft.key("models")
    state.restore(key, list(dict.fromkeys(line.model.key for line in draft.contenders)))
    picked = st.multiselect(
        f"Models, 2 to {most}",
        list(labels),
        format_func=labels.__getitem__,
        key=key,
        placeholder="Pick from all servers",
        wrap=True,
        help="The same model on two servers compares the machines.",
    )
    _take(draft, picked)
    if not labels:
        st.info("No server has a model yet. The Servers page says why, and adds servers.", icon=":material/dns:")
    with st.container(key="contenders", gap="small"):
        for line in draft.contenders:
            _line(draft, line, labels[line.model.key], servers)
        if draft.contenders:
            _shared(draft)
    _dialog(draft, labels, servers, effective)


def _take(draft: SetupDraft, picked: Sequence[str]) -> None:
    """Have the lines follow what is picked; lines of a model that stays keep their settings."""
    draft.contenders = [line for line in draft.contenders if line.model.key in picked]
    there = {line.model.key for line in draft.contenders}
    draft.contenders += [ContenderDraft(draft.next_number(), Picked.of(key)) for key in picked if key not in there]


def _line(draft: SetupDraft, line: ContenderDraft, label: str, servers: Sequence[ServerView]) -> None:
    number = line.number
    with st.container(horizontal=True, vertical_alignment="center", key=f"contender-{number}", gap="small"):
        words = plain_label(in_words(line.own)) or "no settings of its own"
        with st.container(width="stretch", gap=None):
            st.markdown(f"**{plain_label(label)}**")
            st.caption(f"{plain_label(_condition(line, servers))} · {words}")
        with st.container(horizontal=True, width="content", gap=None, key=f"contender-buttons-{number}"):
            _button("Settings", "tune", number, _open, (number,))
            _button("Add the same model with other settings", "content_copy", number, _copy, (draft, number))
            _button("Take out", "close", number, _remove, (draft, number))


def _button(words: str, icon: str, number: int, act: Callable[..., None], args: tuple[object, ...]) -> None:
    key = f"{icon}-contender-{number}"
    st.button(words, key=key, icon=f":material/{icon}:", help=words, type="tertiary", on_click=act, args=args)


def _shared(draft: SetupDraft) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="contender-0"):
        words = plain_label(in_words(draft.shared)) or "nothing set; each model answers as its profile says"
        st.caption(f"All of them: {words}", width="stretch")
        key = "settings-of-all"
        st.button("Settings of all", key=key, icon=":material/tune:", type="tertiary", on_click=_open, args=(_ALL,))


def _condition(line: ContenderDraft, servers: Sequence[ServerView]) -> str:
    """Return whether a model can answer at once, in words."""
    view = next((server for server in servers if server.name == line.model.server), None)
    if view is None:
        return "this server is gone"
    model = _listed(line.model, servers)
    if not view.answers:
        return f"server {SERVER_STATES[view.state]}"
    return _LOADS.get(model.state, "state not told") if model else "not listed there any more"


def _listed(picked: Picked, servers: Sequence[ServerView]) -> ModelInfo | None:
    view = next((server for server in servers if server.name == picked.server), None)
    return view.model(picked.model) if view else None


def _open(number: int) -> None:
    state.chat().dialog = f"{_DIALOG}{number}"


def _copy(draft: SetupDraft, number: int) -> None:
    """Add a line under another one, and open its settings: two that are the same cannot be compared."""
    places = [place for place, line in enumerate(draft.contenders) if line.number == number]
    for place in places:
        old = draft.contenders[place]
        draft.contenders.insert(place + 1, ContenderDraft(draft.next_number(), old.model, old.own))
        _open(draft.numbers)


def _remove(draft: SetupDraft, number: int) -> None:
    draft.contenders = [line for line in draft.contenders if line.number != number]
    state.put(draft.key("models"), list(dict.fromkeys(line.model.key for line in draft.contenders)))


def _dialog(draft: SetupDraft, labels: dict[str, str], servers: Sequence[ServerView], effective: EffectiveOf) -> None:
    """Draw the settings of a line, or of all, while they are open."""
    opened = state.chat().dialog or ""
    if not opened.startswith(_DIALOG):
        return
    number = int(opened.removeprefix(_DIALOG))
    line = next((line for line in draft.contenders if line.number == number), None)
    if number == _ALL:
        _settings("Settings of all models", draft, None, {}, ())
    elif line is None:
        state.close_dialog()
    else:
        model = _listed(line.model, servers)
        notes = notes_on(effective(line.model, combined(line.own, draft.shared)).settings)
        options = model.reasoning_options if model else ()
        _settings(f"Settings of {plain_label(labels[line.model.key])}", draft, line, notes, options)


def _settings(
    title: str,
    draft: SetupDraft,
    line: ContenderDraft | None,
    notes: dict[FieldName, str],
    options: Sequence[str],
) -> None:
    own, key = (line.own, f"contender{line.number}") if line else (draft.shared, "contenders")

    @st.dialog(title, width="medium", on_dismiss=state.close_dialog)
    def body() -> None:
        st.caption("An empty field inherits: from what is set for all, then from the model's profile, then its server.")
        with st.form(f"form|{draft.key(key)}", border=False, enter_to_submit=False):
            typed = preference_fields(ANSWER_FIELDS, own, key=draft.key(key), notes=notes, reasoning_options=options)
            told = st.container()
            save = st.form_submit_button("Save", key="save-contender", type="primary")
        if not save:
            return
        try:
            settings = read(typed, own)
        except InputRefused as error:
            with told:
                fault_box(error.fault)
            return
        if line is None:
            draft.shared = settings
        else:
            line.own = settings
        state.close_dialog()
        st.rerun()

    body()
