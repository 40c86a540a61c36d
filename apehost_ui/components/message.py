"""One recorded message: its reasoning, its text, and the line of numbers under an answer."""

from collections.abc import Callable, Sequence

import streamlit as st

from apehost_core.messages import ImagePart, Message, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from apehost_core.runs.run import Generation
from apehost_core.store import StoredMessage
from apehost_ui.components.fault import fault_box
from apehost_ui.components.reasoning import reasoning
from apehost_ui.markdown import plain_label, safe
from apehost_ui.words import answered_by_another, moved, stats_line

ANSWER_AVATAR = ":material/graphic_eq:"
PERSON_AVATAR = ":material/person:"
_RATINGS = {
    1: ":material/thumb_up: rated good in the program it comes from",
    -1: ":material/thumb_down: rated bad in the program it comes from",
}


def avatar(message: Message) -> str:
    """Return the icon beside a message."""
    return PERSON_AVATAR if message.role == "user" else ANSWER_AVATAR


def message_body(message: Message) -> None:
    """Draw what a message says."""
    for part in message.parts:
        match part:
            case ReasoningPart():
                reasoning(part.text, part.seconds)
            case TextPart():
                _text(message, part.text)
            case ToolCallPart():
                st.code(f"{part.name}({part.arguments})", language=None)
            case ToolResultPart():
                st.code(part.content, language=None)
            case ImagePart():
                st.image(f"data:{part.mime_type};base64,{part.data}")


def _text(message: Message, text: str) -> None:
    """Draw text: a person's as typed, line breaks kept; a model's as Markdown."""
    if message.role == "user":
        st.text(text)
    else:
        st.markdown(safe(text))


def told_elsewhere(stored: StoredMessage) -> None:
    """Draw what the program that a message was imported from knew of it."""
    known = [_RATINGS[stored.rating]] if stored.rating in _RATINGS else []
    if stored.hidden:
        known.append(":material/visibility_off: not shown in the program it comes from")
    if known:
        st.caption(" · ".join(known))


def answer_footer(generations: Sequence[Generation], shown: Message | None, *, on_info: Callable[[str], None]) -> None:
    """Draw what is known about how an answer came to be: moves, warnings, what went wrong, the numbers.

    Args:
        generations: The calls that led to it, oldest first; at least one.
        shown: The answer; None when there is none.
        on_info: Gets the id of the last call when more is asked for.
    """
    generation = generations[-1]
    other = answered_by_another(generation)
    if other:
        st.warning(plain_label(other), icon=":material/swap_horiz:")
    if generation.fault is not None:
        fault_box(generation.fault)
    elif shown is not None and not shown.text.strip() and shown.reasoning:
        st.info(_only_thoughts(generation), icon=":material/psychology:")
    for line in moved(generations):
        st.caption(plain_label(line))
    with st.container(horizontal=True, vertical_alignment="center", key=f"numbers-{generation.generation_id}"):
        st.caption(plain_label(stats_line(generation)), width="content")
        if not generation.imported:  # nothing more is known of a call that another program made
            st.button(
                "Info",
                key=f"info-{generation.generation_id}",
                icon=":material/info:",
                help="How this answer came to be",
                type="tertiary",
                on_click=on_info,
                args=(generation.generation_id,),
            )
    for warning in generation.warnings:
        st.caption(plain_label(warning))


def _only_thoughts(generation: Generation) -> str:
    if generation.outcome == "length":
        return "The model used all its tokens for thinking. Raise the limit or ask it to think less."
    return "The model thought, and ended without an answer. Asking again often helps."
