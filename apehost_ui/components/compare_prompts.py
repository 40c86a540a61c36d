"""What is asked: one prompt side by side; for a benchmark typed ones, a template, a file, or past questions."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import pandas as pd
import streamlit as st

from apehost_core.compare.comparison import Prompt
from apehost_core.compare.numbers import counted
from apehost_core.compare.prompt_files import MOST_BYTES
from apehost_core.compare.prompts import MOST_PAST, PastPrompts, fields_of, from_file
from apehost_core.errors import ApeHostError, InputRefused
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.markdown import plain_label
from apehost_ui.page_state import SetupDraft, Source

FindPast = Callable[[PastPrompts], list[Prompt]]
"""Looks for past questions; may raise ApeHostError."""

_SOURCES: dict[Source, str] = {
    "typed": ":material/edit: Typed",
    "template": ":material/data_object: Template",
    "file": ":material/upload_file: File",
    "history": ":material/history: Past questions",
}
_TYPES = ["txt", "csv", "tsv", "jsonl", "ndjson"]
_FILE_HELP = (
    "txt: one prompt a line, or blocks between lines of ---. csv and jsonl: a column `prompt`, and if you like "
    "`topic`, `contains`, `regex`, `equals`, `json_schema`; other columns fill {{fields}} of their own prompt."
)
_ANY = "any model"
_SHOWN_CHARS = 300


def prompts(draft: SetupDraft, models: Sequence[str], find: FindPast) -> None:
    """Draw the prompts of the draft.

    Args:
        draft: Is changed to what is typed.
        models: Keys that past answers may be filtered by.
        find: Looks for past questions.
    """
    if draft.mode == "side_by_side":
        draft.prompt = _area(draft, "prompt", "Prompt", draft.prompt, 160, "What shall all of them answer?")
        draft.topic = _topic(draft)
        return
    key = draft.key("source")
    state.restore(key, draft.source)
    source = st.segmented_control(
        "Prompts", list(_SOURCES), required=True, format_func=_SOURCES.__getitem__, key=key, width="stretch"
    )
    draft.source = cast("Source", source)
    with st.container(key="prompt-source"):
        match draft.source:
            case "typed":
                hint = "One prompt a line.\n\nOr longer ones, with lines of --- between them."
                draft.typed = _area(draft, "typed", "Prompts", draft.typed, 220, hint)
            case "template":
                _template(draft)
            case "file":
                _file(draft)
            case "history":
                _history(draft, models, find)
    draft.topic = _topic(draft)


def _area(draft: SetupDraft, name: str, label: str, value: str, height: int, hint: str) -> str:
    key = draft.key(name)
    state.restore(key, value)
    return st.text_area(label, key=key, height=height, placeholder=hint)


def _line(draft: SetupDraft, name: str, label: str, value: str, hint: str = "") -> str:
    key = draft.key(name)
    state.restore(key, value)
    return st.text_input(label, key=key, placeholder=hint)


def _topic(draft: SetupDraft) -> str:
    return _line(draft, "topic", "Topic, for ratings by topic", draft.topic, "none").strip()


def _template(draft: SetupDraft) -> None:
    hint = "Translate “{{sentence}}” into {{language}}."
    draft.template = _area(draft, "template", "Template", draft.template, 140, hint)
    names = fields_of(draft.template)
    if not names:
        st.caption("Write {{name}} where values differ; a box for its values appears below.")
    columns = st.columns(min(3, len(names))) if names else []
    for place, name in enumerate(names):
        with columns[place % len(columns)]:
            label = f"{plain_label(name)}, one value a line"
            draft.grid[name] = _area(draft, f"grid|{name}", label, draft.grid.get(name, ""), 110, "")


def _file(draft: SetupDraft) -> None:
    key = draft.key("file")
    uploaded = st.file_uploader(
        "File of prompts",
        type=_TYPES,
        key=key,
        help=_FILE_HELP,
        max_upload_size=MOST_BYTES // 1_000_000,
        on_change=_file_changed,
        args=(draft, key),
    )
    if uploaded is not None and (uploaded.name, uploaded.file_id) != (draft.file, draft.file_id):
        draft.file, draft.file_id, draft.file_prompts = uploaded.name, uploaded.file_id, ()
        try:
            draft.file_prompts = tuple(from_file(uploaded.name, uploaded.getvalue()))
            draft.file_fault = None
        except InputRefused as error:
            draft.file_fault = error.fault
    if draft.file_fault is not None:
        fault_box(draft.file_fault)
    elif draft.file_prompts:
        st.caption(f"{counted(len(draft.file_prompts), 'prompt')} from {plain_label(draft.file)}")
        _table(draft.file_prompts, key=draft.key("file-table"))


def _file_changed(draft: SetupDraft, key: str) -> None:
    """Forget the prompts of a file that was taken away."""
    if state.widget_value(key) is None:
        draft.file, draft.file_id, draft.file_prompts, draft.file_fault = "", "", (), None


def _history(draft: SetupDraft, models: Sequence[str], find: FindPast) -> None:
    left, right = st.columns(2)
    with left:
        draft.contains = _line(draft, "contains", "Containing", draft.contains, "any text")
        key = draft.key("first")
        state.restore(key, draft.first_only)
        help_ = "Later messages often cannot be understood alone."
        draft.first_only = st.checkbox("Only first messages of chats", key=key, help=help_)
    with right:
        options = list(dict.fromkeys(("", *models, draft.asked_of)))
        key = draft.key("asked-of")
        state.restore(key, draft.asked_of)
        draft.asked_of = st.selectbox("Answered by", options, format_func=_model, key=key) or ""
        draft.past_limit = st.number_input("At most", 1, MOST_PAST, draft.past_limit, 1, key=draft.key("past-limit"))
    if st.button("Find", key="find-past", icon=":material/search:"):
        wanted = PastPrompts(draft.contains.strip(), draft.asked_of, None, None, draft.first_only, draft.past_limit)
        try:
            draft.past, draft.past_chosen = tuple(find(wanted)), ()
        except ApeHostError as error:
            fault_box(error.fault)
    with st.container(key="past"):
        _found(draft)


def _found(draft: SetupDraft) -> None:
    """Draw the past questions that were found, and take which of them are chosen."""
    if draft.past is None:
        st.caption("Your own past questions make the fairest test. Press Find to list them.")
    elif not draft.past:
        st.info("No past question fits. Loosen the filters; questions that you ask in Chat will be found here.")
    else:
        rows = _table(draft.past, key=f"{draft.key('past-table')}|{hash(draft.past)}", chosen=draft.past_chosen)
        draft.past_chosen = rows
        used = len(rows) or len(draft.past)
        st.caption(f"{counted(used, 'question')} taken." + ("" if rows else " Select lines to take only some."))


def _model(key: str) -> str:
    return key or _ANY


def _table(found: Sequence[Prompt], *, key: str, chosen: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """Draw prompts as a table; returns the places of the selected lines, where lines can be selected."""
    rows = pd.DataFrame({"Prompt": [_short(prompt.text) for prompt in found]})
    if any(prompt.topic for prompt in found):
        rows["Topic"] = [prompt.topic for prompt in found]
    if chosen is None:
        st.dataframe(rows, hide_index=True, key=key, alt="The prompts")  # pyright: ignore[reportUnknownMemberType]
        return ()
    event = cast(
        "Any",
        st.dataframe(  # pyright: ignore[reportUnknownMemberType]
            rows,
            hide_index=True,
            key=key,
            alt="Past questions",
            on_select="rerun",
            selection_mode="multi-row",
            selection_default={"selection": {"rows": list(chosen)}},
        ),
    )
    return tuple(sorted(event.selection.rows))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}…"
