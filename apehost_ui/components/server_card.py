"""One server: what it is, what goes on, and what can be done with it.

What changes by the second is drawn by a fragment of its own from memory; the buttons stand outside of it, so nothing
moves under a finger, and each part has its place even while it is empty, so nothing below it is drawn anew. Keys of a
server have a "|" before its name, which no name holds: so they are never those of something else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from apehost_core.servers import ServerState, ServerView
from apehost_ui import server_words, state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.latency_line import latency_line
from apehost_ui.markdown import plain_label
from apehost_ui.words import NOBODY_THERE

_Colour = Literal["green", "orange", "gray"]
_COLOURS: dict[ServerState, _Colour] = {
    "online": "green",
    "busy": "orange",
    "loading": "orange",
    "rate_limited": "orange",
    "unknown": "gray",
    "disabled": "gray",
}
_FEW, _MANY = 4, 16
_OFF = "neither looked at nor asked until it is enabled; its history stays"
Seen = Callable[[str], ServerView | None]
"""Returns what is known of a server now; None when there is none of that name any more."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card stands.

    Attributes:
        number: In the order of choice, from 0.
        of: How many servers there are.
    """

    number: int
    of: int


@dataclass(frozen=True, slots=True)
class CardActions:
    """What the buttons of a card call; each is told the server's name."""

    look: Callable[[str], None]
    edit: Callable[[str], None]
    enable: Callable[[str, bool], None]
    move: Callable[[str, int], None]
    ask_removal: Callable[[str | None], None]
    remove: Callable[[str], None]


def server_card(server: ServerView, place: Place, seen: Seen, actions: CardActions, *, removing: bool) -> None:
    """Draw a server's head: name, place, state and buttons.

    Args:
        server: As it is known now.
        place: Where it stands among the others.
        seen: What the moving part asks again and again.
        actions: What the buttons call.
        removing: Whether its removal waits for the second step.
    """
    with st.container(horizontal=True, vertical_alignment="center", key=f"head|{server.name}"):
        st.subheader(plain_label(server.name), anchor=False, width="content")
        st.caption(server_words.choice(place.number), width="stretch")
        _order(server.name, place, actions)
    st.fragment(_pulse, run_every=_pulse_s(place.of))(server.name, seen)
    _buttons(server, actions)
    with st.container(key=f"asked|{server.name}"):
        if removing:
            _second_step(server, actions)


def _pulse_s(servers: int) -> int | None:
    """Return the seconds between two beats: with many servers each takes its time, so all of them cost the same.

    None under an open dialog: nobody sees the cards then.
    """
    if state.chat().dialog is not None:
        return None
    return 1 if servers <= _FEW else 2 if servers <= _MANY else 5


def _pulse(name: str, seen: Seen) -> None:
    server = seen(name)
    if server is None:
        return
    off = server.state == "disabled"
    pieces = [
        server_words.traffic_words(server) if server.answers else "",
        *server_words.facts(server),
        server_words.origin_words(server) or "",
        _OFF if off else server_words.latency_words(server.latencies),
    ]
    with st.container(horizontal=True, vertical_alignment="center", key=f"state|{name}"):
        st.badge(plain_label(server_words.state_words(server)), color=_COLOURS.get(server.state, "red"))
        st.caption(plain_label(" · ".join(filter(None, pieces))), width="content")
        if not off:
            with st.container(width="content", key=f"looks|{name}"):
                latency_line(server.latencies)
    if not off:
        _sayings(server)


def _sayings(server: ServerView) -> None:
    """Draw why it does not answer, and what is odd about it."""
    if server.fault is not None and server.configured:
        fault_box(server.fault)
    elif server.fault is not None:
        st.markdown(NOBODY_THERE)
    for warning in (server_words.stalled_words(server), server_words.resting_words(server)):
        if warning is not None:
            st.warning(plain_label(warning), icon=":material/hourglass_disabled:")


def _buttons(server: ServerView, actions: CardActions) -> None:
    name, own, off = server.name, server.origin == "page", server.state == "disabled"
    with st.container(horizontal=True, gap="small", key=f"actions|{name}"):
        if not off:
            st.button("Look now", key=f"look|{name}", icon=":material/refresh:", on_click=actions.look, args=(name,))
        if own:
            st.button("Edit", key=f"edit|{name}", icon=":material/edit:", on_click=actions.edit, args=(name,))
            switch = ("Enable", ":material/toggle_on:") if off else ("Disable", ":material/toggle_off:")
            label, icon = switch
            st.button(label, key=f"enable|{name}", icon=icon, on_click=actions.enable, args=(name, off))
            st.button(
                "Remove", key=f"remove|{name}", icon=":material/delete:", on_click=actions.ask_removal, args=(name,)
            )


def _order(name: str, place: Place, actions: CardActions) -> None:
    """Draw the buttons that change who is asked first."""
    if place.of < 2:
        return
    ways = (
        ("Up", ":material/arrow_upward:", "Chosen earlier", -1, 0),
        ("Down", ":material/arrow_downward:", "Chosen later", 1, place.of - 1),
    )
    with st.container(horizontal=True, width="content", gap="small", key=f"order|{name}"):
        for label, icon, says, step, last in ways:
            st.button(
                label,
                key=f"{label.lower()}|{name}",
                type="tertiary",
                icon=icon,
                help=says,
                disabled=place.number == last,
                on_click=actions.move,
                args=(name, step),
            )


def _second_step(server: ServerView, actions: CardActions) -> None:
    count = server.traffic.in_flight
    finish = f" {count} answer{'s' if count > 1 else ''} under way will finish." if count else ""
    with st.container(border=True, key=f"removal|{server.name}"):
        st.markdown(
            f"Remove **{plain_label(server.name)}**? Its address and token are forgotten; "
            f"chats and numbers stay in the history.{finish}"
        )
        with st.container(horizontal=True):
            st.button(
                "Remove it",
                key=f"sure|{server.name}",
                type="primary",
                icon=":material/delete:",
                on_click=actions.remove,
                args=(server.name,),
            )
            st.button("Keep it", key=f"keep|{server.name}", on_click=actions.ask_removal, args=(None,))
