"""The answers to one prompt: next to each other with their numbers and checks, or two of them word by word."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, cast

import streamlit as st

from apehost_core.compare.checks import Checked, checks_of
from apehost_core.compare.comparison import Check, Comparison, Prompt
from apehost_core.compare.plan import Plan
from apehost_ui.compare_words import check_words
from apehost_ui.compare_words import names as contender_names
from apehost_ui.components.compare_diff import two_answers
from apehost_ui.components.compare_live import Ended, written
from apehost_ui.components.prompt_choice import prompt_choice
from apehost_ui.markdown import plain_label

_View = Literal["beside", "words"]
_VIEWS: dict[_View, str] = {"beside": "Next to each other", "words": "Word by word"}
_LONG_CHARACTERS, _LONG_LINES, _ROOM_PX = 2_000, 40, 640
_NOTHING = "This prompt has no answer yet. Each answer stands here as soon as it is there."
_ONE = "Word by word takes two answers; this prompt has one so far."


def answers(
    comparison: Comparison, plan: Plan, get_ended: Callable[[Sequence[int]], Mapping[int, Ended]], checked: Checked
) -> None:
    """Draw the answers to a prompt that is chosen here.

    Args:
        comparison: Whose answers they are.
        plan: The cells.
        get_ended: Returns how the attempts at cells ended; those that have not are left out.
        checked: What the checks say.
    """
    setup = comparison.setup
    prompt = prompt_choice(setup.prompts, key="answers-prompt")
    repeat = _repeat(setup.repeats)
    cells = {
        cell.contender: cell.number
        for cell in plan.cells
        if cell.kind == "timed" and cell.prompt == prompt and cell.repeat == repeat
    }
    view = _view(comparison)
    _question(setup.prompts[prompt])
    found = get_ended(tuple(cells.values()))
    with st.container(key="answers"):
        if not found:
            st.info(_NOTHING, icon=":material/chat:")
        elif view == "beside":
            _beside(contender_names(setup), cells, found, checks_of(setup, prompt), checked)
        else:
            _words(contender_names(setup), cells, found)


def _view(comparison: Comparison) -> _View:
    # A side by side shows its answers next to each other where it runs; here, what tells them apart comes first.
    first: _View = "words" if comparison.setup.mode == "side_by_side" else "beside"
    picked = st.segmented_control(
        "View",
        tuple(_VIEWS),
        required=True,
        default=first,
        format_func=_VIEWS.__getitem__,
        key="answers-view",
        label_visibility="collapsed",
    )
    return cast("_View", picked)


def _repeat(repeats: int) -> int:
    if repeats == 1:
        return 0
    return int(st.number_input(f"Repeat, 1 to {repeats}", 1, repeats, key="answers-repeat", width=160)) - 1


def _question(prompt: Prompt) -> None:
    with st.chat_message("user", avatar=":material/person:"):
        st.text(prompt.text)
        notes = [f"{name}: {value}" for name, value in prompt.variables]
        if prompt.topic:
            notes.insert(0, f"Topic: {prompt.topic}")
        if notes:
            st.caption(plain_label(" · ".join(notes)))


def _beside(
    names: Sequence[str],
    cells: Mapping[int, int],
    found: Mapping[int, Ended],
    checks: Sequence[Check],
    checked: Checked,
) -> None:
    """Draw a column for each contender: two or three in a row."""
    places = sorted(cells)
    width = 2 if len(places) in (2, 4) else 3
    for begin in range(0, len(places), width):
        for column, place in zip(st.columns(width, gap="medium"), places[begin : begin + width], strict=False):
            cell = cells[place]
            with column, st.container(border=True, key=f"read-{place}"):
                st.markdown(f"**{plain_label(names[place])}**")
                if cell not in found:
                    st.caption("no answer yet")
                    continue
                _checks(checks, checked.cells.get(cell))
                text = found[cell].text
                long = len(text) > _LONG_CHARACTERS or text.count("\n") > _LONG_LINES
                with st.container(height=_ROOM_PX if long else "content", border=False, key=f"read-text-{place}"):
                    written(found[cell])


def _checks(checks: Sequence[Check], results: Sequence[bool] | None) -> None:
    """Draw whether each check passed, in a word and a mark; nothing for an answer that none was made of."""
    for check, passed in zip(checks, results or (), strict=False):
        mark = ":green[:material/check_circle: passed]" if passed else ":red[:material/cancel: failed]"
        st.markdown(f"{mark} · {plain_label(check_words(check))}")


def _words(names: Sequence[str], cells: Mapping[int, int], found: Mapping[int, Ended]) -> None:
    places = [place for place in sorted(cells) if cells[place] in found and found[cells[place]].text]
    if len(places) < 2:
        st.info(_ONE, icon=":material/difference:")
        return
    two_answers(names, places, [found[cells[place]].text for place in places])
