"""What the servers page's buttons do: calls to the host, and what the page remembers afterwards.

Addresses and tokens pass through here on their way from the dialog to the host; nothing here keeps or returns one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from typing import TypeVar

import streamlit as st

from apehost_core.errors import ApeHostError, Fault, InputRefused
from apehost_core.model import Preferences
from apehost_core.servers import Finding, Form, RequestRecord, ServerView
from apehost_ui import state
from apehost_ui.components.server_form import Known
from apehost_ui.host import call, host
from apehost_ui.markdown import plain_label
from apehost_ui.server_words import state_words
from apehost_ui.words import duration

_T = TypeVar("_T")
_SOON_S = 0.05
_TICK_S = 0.2
MOST_REQUESTS = 500


@contextmanager
def telling(server: str | None = None, *, download: bool = False) -> Generator[None, None, None]:
    """Have the page say what an action could not do; with a server, at its card, or beside its form of downloads."""
    page = state.servers()
    page.refusal = page.refused = None
    page.refused_download = download
    try:
        yield
    except ApeHostError as error:
        page.refusal, page.refused = error.fault, server


def view(name: str) -> ServerView | None:
    """Return what is known of a server, from memory; None when there is none of that name."""
    server = host().pool.find(name)
    return server.view if server else None


def known(name: str) -> Known | None:
    """Return what the dialog may show of a server that is edited; None when there is none of that name."""
    server = host().pool.find(name)
    if server is None:
        return None
    config = server.config
    return Known(config.name, swaps=config.swaps, parallel=config.parallel, has_token=config.token is not None)


def test(form: Form, name: str | None) -> Finding:
    """Return what answers at the address of a form; raises as `Registry.test` does."""
    return _waited(lambda: host().registry.test(form, name), "Asking the server")


def save(form: Form, name: str | None) -> None:
    """Add a server, or change the one of that name; raises as the registry does."""
    if not form.name.strip():
        raise InputRefused(Fault(kind="bad_request", title="The name is missing", advice="For example: Gaming PC"))
    page = state.servers()
    page.refusal = page.refused = None
    if name is None:
        call(host().registry.add, form)
    else:
        call(host().registry.change, name, form)
    st.toast(f"{plain_label(form.name)} is saved.", icon=":material/check:")


def look(name: str) -> None:
    """Look at a server now; one that lets us wait is not waited for."""
    with telling(name):
        answered = call(_look, name)
        seen = view(name)
        if seen is not None:
            words = state_words(seen) if answered else "no answer yet, still looking …"
            st.toast(plain_label(f"{name}: {words}"), icon=":material/refresh:")


async def _look(name: str) -> bool:
    """Look at a server; False when it has not answered soon. The look goes on then."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_SOON_S):
            await host().look_at(name)
            return True
    return False


def enable(name: str, enabled: bool) -> None:
    """Switch a server on or off."""
    with telling(name):
        call(host().registry.enable, name, enabled)


def move(name: str, places: int) -> None:
    """Move a server up (negative) or down in the order of choice."""
    with telling(name):
        call(host().registry.move, name, places)


def ask_removal(name: str | None) -> None:
    """Ask whether a server shall be removed; None: keep it."""
    state.servers().removing = name


def remove(name: str) -> None:
    """Forget a server."""
    state.servers().removing = None
    with telling(name):
        call(host().registry.remove, name)
        st.toast(f"{plain_label(name)} is removed; its history stays.", icon=":material/delete:")


def load(server: str, key: str, context: int | None) -> None:
    """Have a server load a model."""
    with telling(server):
        call(host().load_model, server, key, context)


def forget_load(server: str, key: str) -> None:
    """Stop showing that a load failed."""
    with telling(server):
        call(host().forget_load, server, key)


def forget_download(server: str, model: str) -> None:
    """Stop showing a download that has ended."""
    with telling(server):
        call(host().forget_download, server, model)


def unload(server: str, instance: str) -> None:
    """Let a loaded copy of a model go."""
    with telling(server):
        _waited(lambda: host().unload_model(server, instance), "Unloading")


def download(server: str, model: str, quantisation: str | None) -> None:
    """Have a server download a model; the fields are emptied when it has begun."""
    with telling(server, download=True):
        if not model:
            raise InputRefused(Fault(kind="bad_request", title="Which model? The field is empty"))
        _waited(lambda: host().download_model(server, model, quantisation), "Asking for the download")
        state.servers().downloads += 1


def requests(server: str | None) -> list[tuple[str, RequestRecord]]:
    """Return the last requests with their servers, newest first; None: to all servers."""
    names = [view.name for view in host().servers] if server is None else [server]
    found = [(name, record) for name in names for record in host().requests_to(name)]
    return sorted(found, key=lambda pair: pair[1].at, reverse=True)[:MOST_REQUESTS]


def save_profile(pattern: str, preferences: Preferences, profile_id: str | None) -> Fault | None:
    """Keep a profile; returns why it could not be kept, None when it was."""
    try:
        host().profiles.save(pattern, preferences, profile_id)
    except ApeHostError as error:
        return error.fault
    return None


def delete_profile(profile_id: str) -> Fault | None:
    """Delete a profile; returns why it could not be deleted, None when it was."""
    try:
        host().profiles.delete(profile_id)
    except ApeHostError as error:
        return error.fault
    return None


def start(pressed: str | None) -> None:
    """Do what was pressed where no server is: look again, or start the demo engine."""
    if pressed is None:
        return
    with telling(), st.spinner("Looking …" if pressed == "look" else "Starting the demo engine …"):
        call(host().look_at_servers if pressed == "look" else host().start_demo)
    st.rerun()


def _waited(verb: Callable[[], Awaitable[_T]], doing: str) -> _T:
    """Return what a verb returns; what takes long is shown with its seconds, and stopped when the script is left."""
    task = call(_begun, verb)
    line, begun = st.empty(), time.monotonic()
    try:
        while not call(_ended, task):
            line.caption(f"{doing} · {duration(time.monotonic() - begun)}")
    finally:
        task.get_loop().call_soon_threadsafe(task.cancel)
    line.empty()
    return task.result()


async def _begun(verb: Callable[[], Awaitable[_T]]) -> "asyncio.Future[_T]":
    return asyncio.ensure_future(verb())


async def _ended(task: "asyncio.Future[_T]") -> bool:
    await asyncio.wait({task}, timeout=_TICK_S)
    return task.done()
