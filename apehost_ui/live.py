"""Draws an answer while it is written, by looking at its run's log a few times a second.

The fragment owns nothing: the run lives in the hub, so leaving the page, a refresh or a lost socket changes
nothing, and coming back draws what is there. Finished blocks are sealed into elements of their own that the
browser keeps (`global.minCachedMessageSize`); only the open tail is sent again.
"""

import time

import streamlit as st

from apehost_core.runs.live_run import LiveRun
from apehost_ui.components.reasoning import reasoning
from apehost_ui.host import host
from apehost_ui.markdown import divide, safe
from apehost_ui.words import state_line

_POLLS_PER_S = 8
_CROWDED_POLLS_PER_S = 4
_CROWD = 15
_SEALED_CHARS = 1_600


def live_answer(run: LiveRun) -> None:
    """Draw a run that is being written; reruns the page once it has ended."""
    polls = _CROWDED_POLLS_PER_S if host().hub.active > _CROWD else _POLLS_PER_S
    st.fragment(_look, run_every=1 / polls)(run.spec.run_id)


def _look(run_id: str) -> None:
    run = host().hub.live(run_id)
    if run is None or run.finished.is_set():
        st.rerun()
    transcript = run.transcript
    turn = transcript.turn
    if turn is not None:
        reasoning(turn.reasoning, turn.reasoning_seconds(), live=turn.state == "thinking")
        growing_markdown(turn.text)
    elapsed_s = (time.perf_counter_ns() - run.started_ns) / 1e9
    st.caption(state_line(turn, elapsed_s))


def growing_markdown(text: str) -> None:
    """Draw text that still grows: sealed blocks first, then the open tail."""
    blocks = divide(text, size=_SEALED_CHARS)
    for sealed in blocks.sealed:
        st.markdown(safe(sealed))
    if blocks.tail.strip():
        _open_markdown(safe(blocks.tail))


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
