"""One server: its state in words, since when, and its models."""

import streamlit as st

from apehost_core.model import ModelInfo
from apehost_core.servers import ServerView
from apehost_ui.components.fault import fault_box
from apehost_ui.components.grid import grid
from apehost_ui.markdown import plain_label
from apehost_ui.words import NOBODY_THERE, SERVER_BADGES, SERVER_STATES, size


def server_card(server: ServerView) -> None:
    """Draw a server from what is known of it."""
    with st.container(border=True):
        label = " · a small model that comes with ApeHost, to try it out" if server.demo else ""
        st.markdown(f"**{SERVER_BADGES[server.state]} {plain_label(server.name)}**{label}")
        st.caption(" · ".join(_facts(server)))
        if server.fault is not None and server.configured:
            fault_box(server.fault)
        elif server.fault is not None:
            st.markdown(NOBODY_THERE)
        if server.models:
            grid([_row(model) for model in server.models])
        elif server.state == "online":
            st.caption("No models. Download one in LM Studio, or load one if just-in-time loading is off.")


def _facts(server: ServerView) -> list[str]:
    facts = [SERVER_STATES[server.state]]
    if server.since is not None:
        facts.append(f"since {server.since.astimezone():%H:%M:%S}")
    if server.kind:
        facts.append(server.kind)
    if server.latency_ms is not None:
        facts.append(f"listing took {server.latency_ms:.0f} ms")
    return facts


def _row(model: ModelInfo) -> dict[str, str | int | None]:
    return {
        "Model": model.name,
        "State": model.state.replace("_", " "),
        "Type": model.type,
        "Quantisation": model.quantisation,
        "Size": size(model.size_bytes) if model.size_bytes else None,
        "Context": model.loaded_context or model.max_context,
    }
