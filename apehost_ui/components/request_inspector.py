"""The dialog that shows how one model call came to be: what was sent, what was answered, how long it took.

All of it is drawn as code, or as tables of escaped words: nothing in a request or an answer is ever Markdown here.
"""

import json
from collections.abc import Callable, Sequence
from typing import cast

import streamlit as st

from apehost_core.errors import ApeHostError
from apehost_core.events import ServerTiming
from apehost_core.runs.run import Generation
from apehost_core.store import Inspection, SentRequest
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.json_view import Shown, shown, shown_text
from apehost_ui.markdown import plain_label
from apehost_ui.words import counted, duration, ending, moved, size

_NAME = "inspect "
_LONG = 6_000
_MOST_MESSAGES = 20
_BEGINNING = 60
_TEMPERATURES = {
    True: "Cold: the model was loaded for this call.",
    False: "Warm: the model was loaded before this call.",
    None: "Whether the model was loaded before is not known.",
}


def open_inspector(generation_id: str) -> None:
    """Have the dialog drawn for a model call from the next run on."""
    state.chat().dialog = f"{_NAME}{generation_id}"


def close_inspector() -> None:
    """Stop drawing the dialog."""
    state.chat().dialog = None


def inspector_dialog(look: Callable[[str], Inspection | None]) -> None:
    """Draw the dialog while it is open; `look` gets the id of a call and may raise ApeHostError."""
    dialog = state.chat().dialog
    if dialog is None or not dialog.startswith(_NAME):
        return

    @st.dialog("How this answer came to be", width="medium", on_dismiss=close_inspector)
    def body() -> None:
        try:
            _inspected(look, dialog.removeprefix(_NAME))
        except ApeHostError as error:
            fault_box(error.fault)

    body()


def _inspected(look: Callable[[str], Inspection | None], generation_id: str) -> None:
    inspection = look(generation_id)
    if inspection is not None and len(inspection.calls) > 1:
        inspection = look(_picked(inspection))
    if inspection is None:
        st.caption("Nothing is recorded of this call.")
    else:
        request_inspector(inspection)


def _picked(inspection: Inspection) -> str:
    """Draw the calls of the run and return the id of the one to show."""
    # Streamlit knows a choice again by its label: nothing in one may change while the run goes on.
    calls = {call.generation_id: f"{number} · {call.server}" for number, call in enumerate(inspection.calls, start=1)}
    ids, shown_first = list(calls), inspection.generation_id
    first = ids.index(shown_first) if shown_first in calls else len(ids) - 1
    picked = st.selectbox("Call", ids, first, calls.__getitem__, key=f"call-{shown_first}")
    return picked if picked in calls else shown_first


def request_inspector(inspection: Inspection) -> None:
    """Draw how a call came to be: request, response and timing."""
    st.caption(plain_label(f"{inspection.model} · {inspection.server}"))
    for line in moved(inspection.calls):
        st.caption(plain_label(line))
    request, response, timing = st.tabs(["Request", "Response", "Timing"])
    with request:
        _requests(inspection)
    with response:
        _response(inspection)
    with timing:
        _timing(inspection.generation)


def _requests(inspection: Inspection) -> None:
    if not inspection.requests:
        st.caption("No request is kept: none went out, or its words were deleted with the conversation.")
        return
    st.caption("Header fields: content type, and the server's token if it has one (never shown).")
    reasons = ("", *inspection.retries)
    for number, sent in enumerate(inspection.requests):
        if 0 < number < len(reasons):
            st.caption(plain_label(f"Sent again: {reasons[number]}"))
        st.caption(plain_label(_sending(sent)))
        if not sent.verified:
            st.warning("This is not byte for byte what was sent: the record is damaged.", icon=":material/warning:")
        if number and sent.body == inspection.requests[number - 1].body:
            st.caption("The same bytes once more.")
        else:
            _body(sent.body)
            _download(sent, f"request-{inspection.generation_id}-{number + 1}")


def _sending(sent: SentRequest) -> str:
    pieces = [f"POST {sent.path}", f"{duration(sent.at / 1000)} after the start", size(len(sent.body.encode()))]
    return " · ".join([*pieces, "byte for byte what was sent"] if sent.verified else pieces)


def _download(sent: SentRequest, name: str) -> None:
    st.download_button(
        "Download the exact body",
        sent.body.encode(),
        file_name=f"{name}.json",
        mime="application/json",
        key=name,
        on_click="ignore",
        icon=":material/download:",
    )


def _body(body: str) -> None:
    """Draw a body as code; the messages of a long one folded, each by itself."""
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        _code(shown_text(body))
        return
    whole = shown(parsed)
    fields = _object(parsed)
    messages = fields.get("messages")
    if len(whole.text) <= _LONG or not isinstance(messages, list):
        _code(whole)
        return
    each = cast("list[object]", messages)
    _code(shown({**fields, "messages": [f"… {len(each):,} messages, below"]}))
    first = max(0, len(each) - _MOST_MESSAGES)
    if first:
        st.caption(f"The last {_MOST_MESSAGES} of {len(each):,} messages; the download has all of them.")
    for number, message in enumerate(each[first:], start=first + 1):
        _message(number, message)


def _message(number: int, message: object) -> None:
    fields = _object(message)
    view = shown(message)
    content = fields.get("content")
    said = shown_text(content).text if isinstance(content, str) else ""
    beginning = said if len(said) <= _BEGINNING else f"{said[:_BEGINNING]}…"
    pieces = [str(number), str(fields.get("role", "")), f"{len(view.text):,} characters", beginning]
    with st.expander(plain_label(" · ".join(filter(None, pieces)))):
        _code(view)


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _code(view: Shown) -> None:
    """Draw it in one colour: those of a syntax cannot be read on the light theme's paper."""
    st.code(view.text, language=None, wrap_lines=True)
    notes = ["What looks like a token is masked."] if view.masked else []
    if view.shortened:
        notes.append("Images and very long texts are shortened here; the download has them whole.")
    if notes:
        st.caption(" ".join(notes))


def _response(inspection: Inspection) -> None:
    generation, head = inspection.generation, inspection.head
    if inspection.fault is not None:
        fault_box(inspection.fault)
    facts = {"Status": str(head.status) if head else "", "Asked for": inspection.model}
    if generation is not None:
        facts |= _facts(generation)
    _table(("Fact", "Value"), [(name, plain_label(value)) for name, value in facts.items() if value])
    if generation is None:
        st.caption("The measurements come with the end of the answer.")
    for note in generation.warnings if generation else inspection.retries:
        st.caption(plain_label(note))
    if head is not None and head.headers:
        st.caption("Header fields, without addresses, tokens and cookies")
        lines = "\n".join(f"{name}: {value}" for name, value in head.headers)
        _code(shown_text(lines))


def _facts(generation: Generation) -> dict[str, str]:
    return {
        "Answered": generation.model_answered or "",
        "End": ending(generation.outcome, generation.finish_reason),
        "Prompt tokens": counted(generation.prompt_tokens, estimated=generation.prompt_tokens_estimated),
        "of them from the cache": counted(generation.cached_tokens),
        "Completion tokens": counted(generation.completion_tokens, estimated=generation.completion_tokens_estimated),
        "of them reasoning": counted(generation.reasoning_tokens),
        "Quantisation": generation.quantisation or "",
        "Runtime": generation.runtime or "",
    }


def _timing(generation: Generation | None) -> None:
    if generation is None:
        st.caption("The measurements come with the end of the answer.")
        return
    timing, rate = generation.timing, generation.decode_rate
    points = (
        ("Queued", timing.queued, "from the start of the call to the sending"),
        ("of it for the load", timing.load, "waiting for the model to be loaded"),
        ("Connected", timing.connect, "a new connection stood; empty when a kept one was used"),
        ("Headers", timing.headers, "status and header fields were here"),
        ("First byte", timing.first_byte, "of the body"),
        ("First reasoning", timing.first_reasoning, "first token of thoughts"),
        ("First visible", timing.first_visible, "first token of text or of a tool call"),
        ("Last token", timing.last_token, "of any kind"),
        ("Total", timing.total, "from the start of the call to its end"),
    )
    rows = [(name, "" if ms is None else f"{ms:,.1f}", meaning) for name, ms, meaning in points]
    _table(("Point", "ms", "Meaning"), rows, align=":--|--:|:--")
    st.caption("Milliseconds after the sending, but for queued, load and total. Measured here, not by the server.")
    if rate is not None:
        about = "≈" if generation.completion_tokens_estimated else ""
        st.caption(f"{about}{rate:.1f} tok/s between the first and the last token.")
    said = _said_by_server(generation.server_timing)
    if said:
        st.caption(f"The server says of itself: {said}.")
    st.caption(_TEMPERATURES[generation.cold])


def _said_by_server(timing: ServerTiming) -> str:
    """Return what the server says of its speed; empty where it says nothing."""
    figures = (
        ("first token after", timing.ttft_ms, "ms"),
        ("prompt at", timing.prompt_tok_s, "tok/s"),
        ("answer at", timing.decode_tok_s, "tok/s"),
        ("load in", timing.load_ms, "ms"),
    )
    return ", ".join(f"{what} {value:,.1f} {unit}" for what, value, unit in figures if value is not None)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], align: str = ":--|:--") -> None:
    """Draw rows of escaped words as a table."""
    lines = [" | ".join(heads), align, *(" | ".join(row) for row in rows)]
    st.markdown("\n".join(f"| {line} |" for line in lines))
