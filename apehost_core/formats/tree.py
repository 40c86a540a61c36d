"""From what a reader found to a conversation whose tree is sound, whatever the file said.

The tree of a file may have gaps, circles, ids used twice, system prompts among its messages and entries that say
nothing. Here it gets its one form: parents before children, each message once, and a digest of what it means.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar, cast

import orjson

from apehost_core.chat.preferences import FIELD_NAMES, LABELS, checked
from apehost_core.errors import InputRefused
from apehost_core.formats.conversation import (
    Columns,
    ImportedConversation,
    ImportedGeneration,
    ImportedMessage,
    ImportedToolCall,
)
from apehost_core.formats.lenient import NoConversation, left_out, one_line, storable
from apehost_core.messages import Message, Part
from apehost_core.model import Preferences

MOST_MESSAGES = 200_000
"""Of one conversation."""
_MOST_TAGS = 100
_LONGEST_TAG = 100
_ID_LENGTH = 32
_Value = TypeVar("_Value", bound=Part | ImportedGeneration | ImportedToolCall)


@dataclass(slots=True)
class Draft:
    """A conversation as a reader found it.

    Attributes:
        format: Name of the format.
        source_id: Empty where the file gives none: one is made from the content.
        title: As written.
        messages: In any order. One without parts only leads from its children to its parent. Those of role
            "system" become the system prompt: the first one that there is.
        positional: The messages' ids are places in the file; they are replaced by ids of what stands there, so that a
            message that moved is known again.
        exact: The messages are ApeHost's own: those without parts and those of role "system" stay where they are.
        selected: Id of the message that was shown last; may be one without parts, or wrong.
        created_at: With a time zone; None when unknown.
        updated_at: With a time zone; None when unknown.
        tags: As written; empty ones are none.
        archived: It was out of the way.
        settings: By field of `Preferences`, unchecked.
        notes: What was left out, for people.
        columns: Rows of ApeHost's own export.
    """

    format: str
    source_id: str
    title: str
    messages: list[ImportedMessage]
    positional: bool = False
    exact: bool = False
    selected: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    tags: list[str] = field(default_factory=list[str])
    archived: bool = False
    settings: dict[str, object] = field(default_factory=dict[str, object])
    notes: list[str] = field(default_factory=list[str])
    columns: Columns = field(default_factory=dict[str, object])


def assembled(draft: Draft) -> ImportedConversation:
    """Return the conversation.

    Raises:
        NoConversation: There is no message in it, or more than `MOST_MESSAGES`.
    """
    if len(draft.messages) > MOST_MESSAGES:
        raise NoConversation(f"It has more than {MOST_MESSAGES:,} messages.")
    notes = list(draft.notes)
    unique = _unique(draft.messages, notes)
    settings = dict(draft.settings)
    if not draft.exact:
        _take_system_prompt(unique, settings, notes)
    speaking = {key for key, found in unique.items() if found.message.parts or draft.exact}
    parents = _parents(unique, speaking, notes)
    ordered = parents_first(parents)
    if not ordered:
        raise NoConversation("There is no message in it.")
    messages = _timed([_clean(unique[key], parents[key]) for key in ordered])
    selected = _selected(storable(draft.selected or ""), unique, messages)
    if draft.positional:
        messages, selected = _named_by_content(messages, selected)
    conversation = ImportedConversation(
        format=draft.format,
        source_id=storable(draft.source_id),
        title=storable(one_line(draft.title)),
        created_at=draft.created_at,
        updated_at=draft.updated_at,
        messages=messages,
        selected=selected,
        tags=_tags(draft.tags),
        archived=draft.archived,
        settings=_settings(settings, notes),
        digest="",
        notes=tuple(dict.fromkeys(storable(note) for note in notes)),
        columns=draft.columns,
    )
    return _identified(conversation)


def _unique(messages: list[ImportedMessage], notes: list[str]) -> dict[str, ImportedMessage]:
    """Return the messages by id, whose ids can be stored; of those that share one, the first."""
    found: dict[str, ImportedMessage] = {}
    for message in messages:
        key, above = storable(message.source_id), message.parent_source_id
        above = None if above is None else storable(above)
        if (key, above) != (message.source_id, message.parent_source_id):
            message = replace(message, source_id=key, parent_source_id=above)
        found.setdefault(key, message)
    same = len(messages) - len(found)
    notes += left_out(same, "message that has the id of another one was", "messages that have the id of another were")
    return found


def _take_system_prompt(messages: dict[str, ImportedMessage], settings: dict[str, object], notes: list[str]) -> None:
    """Move the first system message into the settings, and empty all of them."""
    further = 0
    for key, found in messages.items():
        if found.message.role != "system" or not found.message.parts:
            continue
        words = found.message.text
        if words and not settings.get("system_prompt"):
            settings["system_prompt"] = words
        elif words != settings.get("system_prompt"):
            further += 1
        messages[key] = replace(found, message=Message("system", ()))
    notes += left_out(further, "further system prompt was", "further system prompts were")


def _parents(messages: dict[str, ImportedMessage], speaking: set[str], notes: list[str]) -> dict[str, str | None]:
    """Return, for each message that says something, the nearest one above it that does. Circles are cut."""
    found: dict[str, str | None] = {}
    resolved: dict[str, str | None] = {}  # of every message: the nearest that says something, itself included
    cut = 0
    for start in messages:
        path: list[str] = []
        on_path: set[str] = set()
        key: str | None = start
        while key is not None and key in messages and key not in resolved:
            if key in on_path:
                cut += 1
                break
            path.append(key)
            on_path.add(key)
            key = messages[key].parent_source_id
        circle = key in on_path
        above = None if circle or key is None or key not in messages else resolved[key]
        for step in reversed(path):
            if step in speaking:
                found[step] = above
                above = step
            resolved[step] = above
    if cut:
        notes.append("Messages that follow each other in a circle were cut apart.")
    return {key: found[key] for key in messages if key in found}


def parents_first(parents: Mapping[str, str | None]) -> list[str]:
    """Return the ids of a tree, parents before children and siblings in the order given.

    Args:
        parents: The parent of each message, itself among them; None for a first one. No message stands above itself.
    """
    children: dict[str | None, list[str]] = {}
    for key, parent in parents.items():
        children.setdefault(parent, []).append(key)
    ordered: list[str] = []
    waiting = children.get(None, [])[::-1]
    while waiting:
        key = waiting.pop()
        ordered.append(key)
        waiting.extend(reversed(children.get(key, [])))
    return ordered


def _clean(found: ImportedMessage, parent: str | None) -> ImportedMessage:
    """Return a message whose texts can be stored."""
    return replace(
        found,
        parent_source_id=parent,
        message=Message(found.message.role, tuple(_clean_fields(part) for part in found.message.parts)),
        generations=tuple(_clean_fields(generation) for generation in found.generations),
        tool_calls=tuple(_clean_fields(call) for call in found.tool_calls),
    )


def _clean_fields(value: _Value) -> _Value:
    """Return a value of flat fields with its texts cleaned; most need none, and come back as they are."""
    changed: dict[str, Any] = {}
    for name in cast("Any", value).__dataclass_fields__:
        found: object = getattr(value, name)
        if isinstance(found, str):
            kept = storable(found)
            if kept is not found:
                changed[name] = kept
    return replace(cast("Any", value), **changed) if changed else value


def _timed(messages: list[ImportedMessage]) -> tuple[ImportedMessage, ...]:
    """Return the messages; one without a time gets its parent's, marked as interpolated."""
    times: dict[str, datetime | None] = {}
    timed: list[ImportedMessage] = []
    for found in messages:
        if found.created_at is None and found.parent_source_id is not None:
            above = times[found.parent_source_id]
            if above is not None:
                found = replace(found, created_at=above, time_source="interpolated")
        times[found.source_id] = found.created_at
        timed.append(found)
    return tuple(timed)


def _selected(wanted: str | None, unique: Mapping[str, ImportedMessage], messages: tuple[ImportedMessage, ...]) -> str:
    """Return the leaf that was shown: at or below the wanted message, else the newest of all."""
    kept = {found.source_id for found in messages}
    seen: set[str] = set()
    while wanted is not None and wanted in unique and wanted not in kept and wanted not in seen:
        seen.add(wanted)
        wanted = unique[wanted].parent_source_id
    parents = {found.parent_source_id for found in messages}
    under: set[str | None] = {wanted} if wanted in kept else {None}
    leaves: list[tuple[float, int, str]] = []
    for place, found in enumerate(messages):
        if found.parent_source_id in under:
            under.add(found.source_id)
        if found.source_id in under and found.source_id not in parents:
            leaves.append((found.created_at.timestamp() if found.created_at else 0.0, place, found.source_id))
    return max(leaves)[2]


def _named_by_content(messages: tuple[ImportedMessage, ...], selected: str) -> tuple[tuple[ImportedMessage, ...], str]:
    """Return the messages, each with an id made of what it says and of all that stands above it."""
    names: dict[str, str] = {}
    copies: dict[str, int] = {}
    renamed: list[ImportedMessage] = []
    for found in messages:
        above = names[found.parent_source_id] if found.parent_source_id is not None else None
        said = orjson.dumps([above, found.message.role, found.message.parts])
        name = hashlib.sha256(said).hexdigest()[:_ID_LENGTH]
        copies[name] = copies.get(name, 0) + 1
        if copies[name] > 1:
            name = f"{name}-{copies[name]}"
        names[found.source_id] = name
        renamed.append(replace(found, source_id=name, parent_source_id=above))
    return tuple(renamed), names[selected]


def _tags(tags: list[str]) -> tuple[str, ...]:
    named = (storable(one_line(tag, _LONGEST_TAG)) for tag in tags)
    return tuple(dict.fromkeys(tag for tag in named if tag))[:_MOST_TAGS]


def _settings(values: Mapping[str, object], notes: list[str]) -> Preferences:
    """Return the settings that ApeHost has too, each in its range; what is outside is noted."""
    kept: dict[str, object] = {}
    for name in FIELD_NAMES:
        value = values.get(name)
        if value is None or value in ((), []):
            continue
        value = storable(value) if isinstance(value, str) else value
        try:
            checked({name: value})
        except InputRefused as refusal:
            notes.append(f"A setting was left out: {LABELS[name]} ({refusal.fault.title}).")
        else:
            kept[name] = value
    return checked(kept)


def _identified(conversation: ImportedConversation) -> ImportedConversation:
    """Return the conversation with its digest, and with an id made of it where the file gives none."""
    meant = {
        name: getattr(conversation, name)
        for name in ("format", "source_id", "title", "created_at", "selected", "tags", "archived", "columns")
    }
    meant["settings"] = asdict(conversation.settings)
    hashed = hashlib.sha256(_canonical(meant))
    for found in conversation.messages:
        if found.time_source != "stated":
            found = replace(found, created_at=None)
        hashed.update(_canonical(found))
    digest = hashed.hexdigest()
    return replace(conversation, digest=digest, source_id=conversation.source_id or digest)


def _canonical(value: object) -> bytes:
    """Return a value in the one form in which it is hashed."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
    except TypeError as error:
        raise NoConversation("A value in it is nested too deeply, or too large a number.") from error
