"""Preferences as form fields and in words. What is typed is read only when it is saved, and stays beside its error.

An empty field inherits: from the profiles, then from the server.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import streamlit as st

from apehost_core.chat.preferences import LABELS, RANGES, FieldName, Value, checked, values_of
from apehost_core.errors import Fault, InputRefused
from apehost_core.model import Preferences, ToolMode
from apehost_core.servers.profiles import Setting
from apehost_ui.markdown import plain_label

ANSWER_FIELDS: tuple[FieldName, ...] = (
    "system_prompt",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repeat_penalty",
    "max_tokens",
    "seed",
    "reasoning_effort",
    "context_length",
    "stop",
)
"""What is set for answers where no profile is made, in the order in which it is asked for."""
_HINTS: dict[FieldName, str] = {
    "stop": r"One a line; \n in a line is a line break.",
    "max_tokens": "The most that an answer may have, reasoning included.",
    "context_length": "Tokens. Takes effect when ApeHost loads the model.",
    "tool_mode": "native: in the request's own field; prompted: described in the system prompt; off: not at all.",
    "ttl_s": "For a model that is loaded for a call; one that is loaded already keeps its own.",
}
_TOOL_MODES: tuple[str, ...] = get_args(ToolMode)
_EFFORTS = ("low", "medium", "high", "none")
_INHERITED = "inherited"
_SHOWN = 60
_MOST_IN_A_FIELD = 40


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form, not read yet.

    Attributes:
        texts: By field; an empty one inherits.
        no_system_prompt: None shall be sent, whatever there is to inherit.
    """

    texts: Mapping[FieldName, str]
    no_system_prompt: bool = False


def preference_fields(
    names: Sequence[FieldName],
    own: Preferences,
    *,
    key: str,
    notes: Mapping[FieldName, str],
    reasoning_options: Sequence[str],
) -> Typed:
    """Draw a field for each name and return what stands in them.

    Args:
        names: Which fields.
        own: What they begin with.
        key: Of the widgets; another one begins anew.
        notes: Plain text on what is used, in an empty field or else under it; may leave fields out.
        reasoning_options: What the model allows; empty when that is not known.
    """
    values = values_of(own)
    texts: dict[FieldName, str] = {}
    none = False
    if "system_prompt" in names:
        texts["system_prompt"] = _area("system_prompt", values, key)
        none = st.checkbox("No system prompt at all", own.system_prompt == "", key=f"{key}-no-system-prompt")
        _note(notes.get("system_prompt"))
    short: list[FieldName] = [name for name in names if name not in ("system_prompt", "stop")]
    columns = st.columns(2)
    for at, name in enumerate(short):
        with columns[at % 2]:
            if name in RANGES:
                texts[name] = _number(name, values, key, notes.get(name))
            else:
                options = _TOOL_MODES if name == "tool_mode" else reasoning_options or _EFFORTS
                texts[name] = _choice(name, options, values, key)
                _note(notes.get(name))
    if "stop" in names:
        texts["stop"] = _area("stop", values, key)
        _note(notes.get("stop"))
    return Typed(texts, none)


def read(typed: Typed, base: Preferences) -> Preferences:
    """Return what was typed; fields that were not in the form stay as they are in `base`.

    Raises:
        InputRefused: A text is no value of its field; the fault says which, what it may be and what was typed.
    """
    values: dict[str, object] = {name: value for name, value in values_of(base).items() if name not in typed.texts}
    values |= {name: _parsed(name, text) for name, text in typed.texts.items()}
    if typed.no_system_prompt:
        if values["system_prompt"] is not None:
            title = "“No system prompt at all” is ticked, and there is one in the box"
            raise InputRefused(Fault(kind="bad_request", title=title, advice="Untick it, or empty the box."))
        values["system_prompt"] = ""
    return checked(values, {name: text.strip() for name, text in typed.texts.items() if name in RANGES})


def in_words(preferences: Preferences) -> str:
    """Return what is set, as plain text: "temperature 0.7 · top k 20"; empty when nothing is."""
    pieces = [f"{LABELS[name]} {said(name, value)}" for name, value in values_of(preferences).items()]
    return " · ".join(pieces)


def said(name: FieldName, value: Value | None) -> str:
    """Return a value as plain text."""
    if name == "system_prompt":
        text = " ".join(str(value).split())
        return ("none" if not text else f"“{text}”") if len(text) <= _SHOWN else f"“{text[:_SHOWN]}…”"
    return ", ".join(map(repr, value)) if isinstance(value, tuple) else str(value)


def origin(setting: Setting) -> str:
    """Return who set a value, as plain text."""
    match setting.origin:
        case "chat":
            return "this chat"
        case "profile":
            return f"profile {setting.profile}"
        case "server":
            return "server default"


def notes_on(settings: Mapping[FieldName, Setting]) -> dict[FieldName, str]:
    """Return of each field the value that is used, and where it comes from, as plain text."""
    return {name: " · ".join(_pieces(name, setting)) for name, setting in settings.items()}


def _pieces(name: FieldName, setting: Setting) -> list[str]:
    where = f"from {origin(setting)}" if setting.origin == "profile" else origin(setting)
    pieces = [where] if setting.value is None else [said(name, setting.value), where]
    return [*pieces, setting.note] if setting.note else pieces


def _note(note: str | None) -> None:
    if note:
        st.caption(plain_label(note))


def _number(name: FieldName, values: Mapping[FieldName, Value], key: str, note: str | None) -> str:
    """Draw the field of a number; an empty one holds its note, unless that is too long."""
    begins = str(values.get(name, ""))
    inside = not begins and note is not None and len(note) <= _MOST_IN_A_FIELD
    placeholder = note if inside else _INHERITED
    text = st.text_input(_label(name), begins, key=f"{key}-{name}", placeholder=placeholder, help=_HINTS.get(name))
    _note(None if inside else note)
    return text


def _choice(name: FieldName, options: Sequence[str], values: Mapping[FieldName, Value], key: str) -> str:
    own = str(values.get(name, ""))
    every = list(dict.fromkeys(["", *options, own]))
    return st.selectbox(
        LABELS[name],
        every,
        index=every.index(own),
        format_func=_option,
        key=f"{key}-{name}",
        help=_HINTS.get(name),
    )


def _option(option: str) -> str:
    return option or _INHERITED


def _area(name: FieldName, values: Mapping[FieldName, Value], key: str) -> str:
    value = values.get(name, "")
    begins = "\n".join(map(_escaped, value)) if isinstance(value, tuple) else str(value)
    height = 160 if name == "system_prompt" else 90
    return st.text_area(
        LABELS[name], begins, key=f"{key}-{name}", placeholder=_INHERITED, help=_HINTS.get(name), height=height
    )


def _label(name: FieldName) -> str:
    """Return the label, with the range where it says something."""
    limits = RANGES[name]
    told = limits.high if limits.high <= 10 else None
    return f"{LABELS[name]} ({limits.low:g} to {told:g})" if told is not None else LABELS[name]


def _parsed(name: FieldName, text: str) -> object:
    """Return the value that a text stands for; the text itself where it stands for none, and None for an empty one."""
    if name == "stop":
        return tuple(_unescaped(line) for line in text.splitlines() if line)
    if not text.strip():
        return None
    if name not in RANGES:
        return text
    try:
        return int(text) if RANGES[name].whole else float(text.replace(",", "."))
    except ValueError:
        return text


def _escaped(stop: str) -> str:
    return stop.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def _unescaped(line: str) -> str:
    letters = {"n": "\n", "r": "\r", "\\": "\\"}
    return re.sub(r"\\([nr\\])", lambda found: letters[found[1]], line)
