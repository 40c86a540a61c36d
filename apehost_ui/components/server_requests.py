"""The last requests to the servers as a table, without their bodies, and the way to one that was a chat's."""

from collections.abc import Callable, Sequence

import streamlit as st

from apehost_core.servers import RequestRecord
from apehost_ui.components.grid import grid
from apehost_ui.components.request_inspector import open_inspector
from apehost_ui.words import duration

_EVERY_S = 3
_TEN = 10
_KINDS = {
    "chat": "chat",
    "check": "look",
    "load": "load",
    "unload": "unload",
    "download": "download",
    "test": "test",
}
Read = Callable[[str | None], Sequence[tuple[str, RequestRecord]]]
"""Returns (server, request) of one server or (None) of all, newest first."""


def server_requests(servers: Sequence[str], read: Read) -> None:
    """Draw the requests to all servers or to one.

    Args:
        servers: Their names.
        read: See Read; asked again and again.
    """
    picked = st.selectbox("Server", servers, index=None, key="requests-of", placeholder="All servers", width=300)
    st.fragment(_log, run_every=_EVERY_S)(picked, read)


def _log(server: str | None, read: Read) -> None:
    records = read(server)
    if not records:
        st.info("No request yet. Looks, loads and chats stand here as soon as there are some, newest first.")
        return
    _inspection(records)
    grid(
        [_row(*pair) for pair in records],
        key="requests",
        alt="Requests, newest first",
        height="room" if len(records) > _TEN else "auto",
        columns={
            "Time": st.column_config.DatetimeColumn(format="HH:mm:ss.SSS"),
            "ms": st.column_config.NumberColumn(format="localized"),
        },
    )
    listed = "The last request." if len(records) == 1 else f"The last {len(records)} requests, newest first."
    st.caption(
        f"{listed} Nothing of what was said is kept here. "
        "Looks are listed only where one found something else than the look before."
    )


def _row(server: str, record: RequestRecord) -> dict[str, object]:
    return {
        "Time": record.at.astimezone().replace(tzinfo=None),  # the table shows a zone as +00:00
        "Server": server,
        "Kind": _KINDS[record.kind],
        "Model": record.model,
        "Status": record.status,
        "ms": round(record.ms),
        "Problem": record.problem,
    }


def _inspection(records: Sequence[tuple[str, RequestRecord]]) -> None:
    calls = {record.call_id: _label(server, record) for server, record in records if record.call_id is not None}
    if not calls:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        call_id = st.selectbox("Chat call", list(calls), format_func=calls.__getitem__, key="inspected-call", width=420)
        pressed = st.button("Inspect", key="inspect-call", icon=":material/troubleshoot:")
    if pressed:
        open_inspector(call_id)
        st.rerun()


def _label(server: str, record: RequestRecord) -> str:
    """Return what a call is picked by: the same at any time, and of no other call."""
    pieces = [
        f"{record.at.astimezone():%d %b, %H:%M:%S.%f}"[:-3],
        server,
        record.model or "",
        record.problem or duration(record.ms / 1000),
    ]
    return " · ".join(filter(None, pieces))
