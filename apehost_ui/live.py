"""Draws an answer while it is written, by looking at its run's log a few times a second.

The fragments own nothing: the run lives in the hub, so leaving the page, a refresh or a lost socket changes nothing,
and coming back draws what is there. Two of them share the work: the outer one takes in finished blocks every two
seconds, the inner one draws, seven times a second, only what has come since. So the browser neither gets nor renders
the long part of an answer again and again.
"""

import time
from dataclasses import dataclass

import streamlit as st

from apehost_core.runs.live_run import LiveRun
from apehost_core.runs.transcript import TurnFold
from apehost_ui import state
from apehost_ui.components.reasoning import reasoning
from apehost_ui.host import host
from apehost_ui.markdown import divide, plain_label, safe
from apehost_ui.words import moved_live, run_line

_TAKE_IN_S = 2
_LOOKS_PER_S = 7
_CROWDED_LOOKS_PER_S = 5
_CROWD = 25
_SEALED_CHARS = 1_600  # above `global.minCachedMessageSize`: drawn again, it goes over the wire as a reference
_TIDY_CHARS = 1


@dataclass(slots=True)
class _Taken:
    """What the outer fragment draws, and whether the inner one has drawn all the rest.

    Attributes:
        characters: So much of the text is the outer's.
        thoughts: The reasoning, too.
        complete: The inner one has drawn the answer to its end.
    """

    characters: int = 0
    thoughts: bool = False
    complete: bool = False


def live_answer(run: LiveRun) -> None:
    """Draw a run that is being written; reruns the page once it has ended."""
    with st.container(key="live"):
        st.fragment(_take_in, run_every=_TAKE_IN_S)(run)


def _take_in(run: LiveRun) -> None:
    turn = run.transcript.turn
    with st.container():
        taken = _finished(turn) if turn is not None and turn.text else _Taken()
    looks = _CROWDED_LOOKS_PER_S if host().hub.active > _CROWD else _LOOKS_PER_S
    st.fragment(_look, run_every=1 / looks)(run, taken)


def _finished(turn: TurnFold) -> _Taken:
    """Draw the reasoning and the finished blocks: long pieces that stay as they are, then what is whole by now."""
    reasoning(turn.reasoning, turn.reasoning_seconds())
    text = turn.text
    long = divide(text, size=_SEALED_CHARS)
    whole = "".join(divide(long.tail, size=_TIDY_CHARS).sealed)
    for piece in (*long.sealed, whole):
        if piece.strip():
            st.markdown(safe(piece))
    return _Taken(len(text) - len(long.tail) + len(whole), thoughts=True)


def _look(run: LiveRun, taken: _Taken) -> None:
    # A look late, so that the last words are painted first; and never under an open dialog, which would lose its text.
    if taken.complete and state.chat().dialog is None:
        st.rerun()
    taken.complete = run.finished.is_set()  # asked before the text is read
    turn = run.transcript.turn
    if turn is not None:
        if not taken.thoughts:
            reasoning(turn.reasoning, turn.reasoning_seconds(), live=not turn.text)
        _open_markdown(safe(turn.text[taken.characters :]))
    for line in moved_live(run.transcript.turns):
        st.caption(plain_label(line))
    st.caption(run_line(run, time.perf_counter_ns()))


def _open_markdown(text: str) -> None:
    """Draw unfinished Markdown, with its open marks closed for now.

    Streamlit keeps this behind a private name (its own `write_stream` uses it); without it, plain Markdown.
    """
    unfinished = getattr(st.container, "__self__", None)
    draw = getattr(unfinished, "_markdown", None)
    if draw is None:
        st.markdown(text)
    else:
        draw(text, unterminated_parsing=True)
