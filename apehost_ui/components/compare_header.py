"""The head of an opened comparison: its title, how far it is, and what can be done with it now."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from apehost_core.compare.comparison import Comparison
from apehost_ui import state
from apehost_ui.compare_words import STATE_MARKS, STATES, setup_words
from apehost_ui.components.fault import fault_box
from apehost_ui.components.rename_dialog import open_dialog, rename_dialog
from apehost_ui.markdown import plain_label
from apehost_ui.words import moment


@dataclass(frozen=True, slots=True)
class HeaderActions:
    """What the buttons do; all but `rename`, which gets the new title, are told nothing.

    Attributes:
        start: Begins it, or goes on.
        pause: Asks nothing more; what is being written goes to its end.
        stop: Ends it at once.
        rerun: Asks the same again, as a new comparison.
        change: Opens the form with what it asks.
        rename: Gives it another title.
        delete: Puts it in the trash.
        back: Opens the list.
    """

    start: Callable[[], None]
    pause: Callable[[], None]
    stop: Callable[[], None]
    rerun: Callable[[], None]
    change: Callable[[], None]
    rename: Callable[[str], None]
    delete: Callable[[], None]
    back: Callable[[], None]


def comparison_header(comparison: Comparison, actions: HeaderActions) -> None:
    """Draw the head, and the dialog that renames while it is open."""
    back = ":material/arrow_back:"
    st.button("All comparisons", key="all-comparisons", icon=back, type="tertiary", on_click=actions.back)
    with st.container(horizontal=True, vertical_alignment="center", key="header"):
        st.markdown(f"### {plain_label(comparison.title)}", width="stretch")
        st.button("Rename", key="rename", icon=":material/edit:", type="tertiary", on_click=open_dialog)
        st.button("Delete", key="delete", icon=":material/delete:", type="tertiary", on_click=actions.delete)
    pieces = [f"{STATE_MARKS[comparison.state]} {STATES[comparison.state]}", setup_words(comparison.setup)]
    again = " · asked again" if comparison.rerun_of else ""
    st.caption(plain_label(f"{' · '.join(pieces)} · {moment(comparison.created_at)}{again}"))
    rename_dialog(comparison.title, on_save=actions.rename, of="comparison")
    with st.container(horizontal=True, key="comparison-buttons"):
        _buttons(comparison, actions)
    with st.container(key="comparison-fault"):
        if comparison.fault is not None:
            fault_box(comparison.fault)


def _stop(comparison: Comparison, actions: HeaderActions) -> None:
    """Draw the button that stops it; Escape does so where answers are all that is looked at, as in a chat.

    Beside a benchmark people look around, and Escape closes a list or leaves a field.
    """
    shortcut = "Escape" if comparison.setup.mode == "side_by_side" else None
    st.button("Stop now", key="stop", icon=":material/stop_circle:", shortcut=shortcut, on_click=actions.stop)


def _buttons(comparison: Comparison, actions: HeaderActions) -> None:
    match comparison.state:
        case "planned":
            _main("Start", "play_arrow", actions.start)
        case "running":
            if not comparison.setup.together:
                _button("Pause", "pause", actions.pause, "What is being written goes to its end")
            _stop(comparison, actions)
        case "pausing":
            _stop(comparison, actions)
        case "paused":
            _main("Resume", "play_arrow", actions.start)
        case "failed":
            _main("Try again", "replay", actions.start)
        case "finished":
            _button("Ask again", "replay", actions.rerun, "The same models and prompts, as a new comparison")
    if comparison.state not in ("running", "pausing"):
        _button("Change and ask", "tune", actions.change, "Opens the form with what was asked here")
    with st.popover("Share", icon=":material/link:", type="tertiary", key="share"):
        st.caption("Whoever can open this ApeHost sees this comparison at this address:")
        st.code(f"{st.context.url or ''}?{state.COMPARISON}={comparison.id}", language=None, wrap_lines=True)


def _main(label: str, icon: str, act: Callable[[], None]) -> None:
    st.button(label, key="go", icon=f":material/{icon}:", type="primary", on_click=act)


def _button(label: str, icon: str, act: Callable[[], None], help_: str) -> None:
    st.button(label, key=f"{icon}-comparison", icon=f":material/{icon}:", help=help_, on_click=act)
