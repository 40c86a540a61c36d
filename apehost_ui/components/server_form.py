"""The dialog that adds or changes a server. What is typed there is given on, and neither kept nor shown again."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from apehost_core.errors import ApeHostError
from apehost_core.servers import Finding, Form
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.markdown import plain_label

_ADD = "add server"
_EDIT = "edit server "
_LEAVE_EMPTY = "Leave it empty to keep the one that is saved; it is never shown again."
_URL_HELP = "Any form that you paste: with or without http://, with /v1 or a longer path behind it."
_TOKEN_HELP = "Only where the server asks for one. It is written, never shown again."
_PARALLEL_HELP = "Requests that the server is given at once, the others queue. Empty: what the server says, else 4."
_SWAPS_HELP = (
    "Loading one may throw out another that is writing, where the memory does not hold both. "
    "Off: a load waits until nothing else is written there."
)

OnTest = Callable[[Form, str | None], Finding]
"""Told the form and the name of the server that is changed (None: a new one)."""
OnSave = Callable[[Form, str | None], None]


@dataclass(frozen=True, slots=True)
class Known:
    """What the dialog may show of a server that is changed; no address and no token.

    Attributes:
        name: As it is called now.
        swaps: Models may be loaded while another one answers.
        parallel: Requests it is given at a time; None learns it from the server.
        has_token: A token is kept for it.
    """

    name: str
    swaps: bool
    parallel: int | None
    has_token: bool


def open_to_add() -> None:
    """Have the dialog drawn for a new server from the next run on."""
    state.chat().dialog = _ADD


def open_to_edit(name: str) -> None:
    """Have the dialog drawn for a server from the next run on."""
    state.chat().dialog = f"{_EDIT}{name}"


def server_dialog(known: Callable[[str], Known | None], *, on_test: OnTest, on_save: OnSave) -> None:
    """Draw the dialog while it is open; the callbacks may raise ApeHostError, and what is typed stays."""
    dialog = state.chat().dialog or ""
    if dialog == _ADD:
        _draw("Add a server", None, on_test, on_save)
    elif dialog.startswith(_EDIT):
        old = known(dialog.removeprefix(_EDIT))
        if old is None:
            state.close_dialog()
        else:
            _draw(f"Edit {plain_label(old.name)}", old, on_test, on_save)


def _draw(title: str, old: Known | None, on_test: OnTest, on_save: OnSave) -> None:
    name = old.name if old else None

    @st.dialog(title, on_dismiss=state.close_dialog)
    def body() -> None:
        with st.form("server-form", border=False):
            form = _fields(old)
            with st.container(horizontal=True):
                save = st.form_submit_button("Save", type="primary", icon=":material/check:", key="save-server")
                test = st.form_submit_button("Test", icon=":material/network_check:", key="test-server")
        try:
            if test:
                _finding(on_test(form, name))
            if save:
                on_save(form, name)
        except ApeHostError as error:
            fault_box(error.fault)
        else:
            if save:
                state.close_dialog()
                st.rerun()

    body()


def _fields(old: Known | None) -> Form:
    """Draw the fields and return what is in them."""
    name = st.text_input(
        "Name", old.name if old else "", max_chars=60, key="server-name", placeholder="Gaming PC", autocomplete="off"
    )
    url = st.text_input(
        "URL",
        key="server-url",
        placeholder="unchanged" if old else "http://192.0.2.10:1234",
        help=_LEAVE_EMPTY if old else _URL_HELP,
        autocomplete="off",
    )
    token = st.text_input(
        "Token",
        type="password",
        key="server-token",
        placeholder="unchanged" if old and old.has_token else "none",
        help=_LEAVE_EMPTY if old and old.has_token else _TOKEN_HELP,
        autocomplete="new-password",
    )
    drop = old is not None and old.has_token and st.checkbox("Remove the token", key="server-drop-token")
    with st.expander("Advanced"):
        parallel = st.number_input(
            "Answers at a time",
            min_value=1,
            max_value=256,
            value=old.parallel if old else None,
            placeholder="learned from the server",
            key="server-parallel",
            help=_PARALLEL_HELP,
        )
        swaps = st.checkbox(
            "May load a model while another one answers",
            value=old.swaps if old else False,
            key="server-swaps",
            help=_SWAPS_HELP,
        )
    return Form(name, url, token, drop_token=drop, swaps=swaps, parallel=parallel)


def _finding(finding: Finding) -> None:
    if finding.fault is not None:
        fault_box(finding.fault)
    else:
        st.success("\n\n".join(map(plain_label, finding.sentences)), icon=":material/check_circle:")
