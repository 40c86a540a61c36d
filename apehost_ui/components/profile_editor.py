"""The profiles: what each sets, the form that makes or changes one, and what a model gets from all of them."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from apehost_core.chat.preferences import FIELD_NAMES, LABELS, FieldName
from apehost_core.chat.profiles import Profile, matches
from apehost_core.errors import Fault, InputRefused
from apehost_core.model import ModelInfo, Preferences
from apehost_core.servers.profiles import Setting, effective
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.grid import grid
from apehost_ui.components.preference_fields import in_words, origin, preference_fields, read, said
from apehost_ui.markdown import plain_label

_NEW = "new"
_ABOUT = (
    "A profile says how models of a name answer: one model by its key, or several by a pattern with `*` and `?`. "
    "The most specific profile wins, field by field, and what a chat sets for itself comes before all of them."
)
Save = Callable[[str, Preferences, str | None], Fault | None]
"""Keeps (pattern, what it sets, id of the profile that is changed or None); returns why not, None when it did."""
Delete = Callable[[str], Fault | None]
"""Deletes the profile of an id; returns why not, None when it did."""


def profile_editor(
    profiles: Sequence[Profile], models: Sequence[ModelInfo], *, on_save: Save, on_delete: Delete
) -> None:
    """Draw all of it. Not inside of a fragment that a timer runs: that would take the form away under the fingers.

    Args:
        profiles: All of them.
        models: The models of all servers; one key may come several times.
        on_save: Called with what was typed.
        on_delete: Called after the second step.
    """
    known = {model.key: model for model in reversed(models)}
    keys = sorted(known, key=str.casefold)
    st.caption(_ABOUT)
    for profile in profiles:
        with st.container(border=True, key=f"profile-{profile.id}"):
            if state.profiles().editing == profile.id:
                _form(profile, _options(profile.pattern, models), on_save=on_save)
            else:
                _line(profile, on_delete)
    if state.profiles().editing == _NEW:
        with st.container(border=True, key="profile-new"):
            _new(keys, known, on_save=on_save)
    else:
        st.button("New profile", key="new-profile", icon=":material/add:", on_click=_edit, args=(_NEW,))
    if keys:
        _preview(profiles, keys, known)


def _line(profile: Profile, on_delete: Delete) -> None:
    """Draw what a profile sets, and what can be done with it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain_label(profile.pattern)}**", width="stretch")
        st.button("Edit", key=f"edit-{profile.id}", type="tertiary", on_click=_edit, args=(profile.id,))
        st.button("Delete", key=f"delete-{profile.id}", type="tertiary", on_click=_ask, args=(profile.id,))
    st.caption(plain_label(in_words(profile.preferences)) or "sets nothing yet")
    if state.profiles().deleting != profile.id:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Delete this profile? Chats keep what they set for themselves.")
        sure = st.button("Delete it", key=f"sure-{profile.id}", type="primary")
        st.button("Keep it", key=f"keep-{profile.id}", on_click=_ask, args=(None,))
    if sure:
        _close_or_say(on_delete(profile.id))


def _new(keys: Sequence[str], known: dict[str, ModelInfo], *, on_save: Save) -> None:
    """Draw the form of a profile that does not exist yet; it may start from a model that is known."""
    suggested = st.selectbox(
        "For a model that a server has", keys, index=None, key="suggested-key", placeholder="or write a pattern below"
    )
    _form(None, known[suggested].reasoning_options if suggested else (), on_save=on_save, suggested=suggested or "")


def _form(profile: Profile | None, reasoning_options: Sequence[str], *, on_save: Save, suggested: str = "") -> None:
    """Draw the form of a profile; None is a new one. `suggested` is what its pattern begins with."""
    key = f"profile-form-{profile.id if profile else _NEW}"
    base = profile.preferences if profile else Preferences()
    with st.form(key, border=False, enter_to_submit=False):
        pattern = st.text_input(
            "Model key or pattern",
            profile.pattern if profile else suggested,
            key=f"{key}-pattern-{suggested}",
            placeholder="qwen*",
        )
        typed = preference_fields(FIELD_NAMES, base, key=key, notes={}, reasoning_options=reasoning_options)
        told = st.container()
        with st.container(horizontal=True):
            save = st.form_submit_button("Save profile", key=f"{key}-save", type="primary")
            st.form_submit_button("Cancel", key=f"{key}-cancel", on_click=_edit, args=(None,))
    if save:
        try:
            fault = on_save(pattern, read(typed, base), profile.id if profile else None)
        except InputRefused as error:
            fault = error.fault
        with told:
            _close_or_say(fault)


def _preview(profiles: Sequence[Profile], keys: Sequence[str], known: dict[str, ModelInfo]) -> None:
    """Draw what the answers of one model use, outside of what chats set for themselves.

    What is left to the server is not listed, unless all of it is.
    """
    key = st.selectbox("What a model gets", keys, key="profile-preview", format_func=partial(_named, known))
    settings = effective(Preferences(), profiles, key, known[key]).settings
    listed: dict[FieldName, Setting] = {n: setting for n, setting in settings.items() if setting.origin != "server"}
    grid(
        [
            {
                "Setting": LABELS[name],
                "Value": "" if setting.value is None else said(name, setting.value),
                "From": f"{origin(setting)} · {setting.note}" if setting.note else origin(setting),
            }
            for name, setting in (listed or settings).items()
        ]
    )


def _named(known: dict[str, ModelInfo], key: str) -> str:
    name = known[key].name
    return key if name == key else f"{name} ({key})"


def _options(pattern: str, models: Sequence[ModelInfo]) -> tuple[str, ...]:
    """Return the reasoning settings that any model under a pattern allows."""
    found = (option for model in models if matches(pattern, model.key) for option in model.reasoning_options)
    return tuple(dict.fromkeys(found))


def _close_or_say(fault: Fault | None) -> None:
    if fault is not None:
        fault_box(fault)
        return
    state.profiles().editing = state.profiles().deleting = None
    st.rerun()


def _edit(profile_id: str | None) -> None:
    state.profiles().editing, state.profiles().deleting = profile_id, None


def _ask(profile_id: str | None) -> None:
    state.profiles().deleting = profile_id
