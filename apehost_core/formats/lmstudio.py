"""LM Studio's conversation files, one conversation each.

Source: no published format; the shape on which independent readers and writers of these files agree.
An entry has versions, and its steps are the rounds of one answer: each model call in it has timings of its own.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson

from apehost_core.formats.conversation import ImportedGeneration, ImportedMessage, ImportedToolCall
from apehost_core.formats.lenient import (
    flag,
    identifier,
    json_text,
    left_out,
    mapping,
    mappings,
    milliseconds,
    moment,
    number,
    sequence,
    text,
    whole,
)
from apehost_core.formats.rounds import Rounds, unmatched_note
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import Head
from apehost_core.formats.tree import Draft
from apehost_core.messages import Message, Part, ReasoningPart, TextPart

NAME = "lmstudio"
LABEL = "LM Studio"
_OWN_FIELDS = ("perChatPredictionConfig", "usePerChatPredictionConfig", "lastUsedModel")
_ENDINGS = {
    "eosFound": "stop",
    "stopStringFound": "stop",
    "maxPredictedTokensReached": "length",
    "contextLengthReached": "length",
    "toolCalls": "tool_calls",
}
_SETTINGS = {
    "llm.prediction.systemPrompt": "system_prompt",
    "llm.prediction.temperature": "temperature",
    "llm.prediction.topKSampling": "top_k",
    "llm.prediction.topPSampling": "top_p",
    "llm.prediction.minPSampling": "min_p",
    "llm.prediction.repeatPenalty": "repeat_penalty",
    "llm.prediction.maxPredictedTokens": "max_tokens",
    "llm.prediction.stopStrings": "stop",
}
_QUANTISATION = re.compile(r"(?<![A-Za-z0-9])(I?Q\d[A-Z0-9_]*|B?F16|F32|MXFP4|\d-?bit)(?![A-Za-z0-9])", re.IGNORECASE)


@dataclass(slots=True)
class _Reading:
    """What comes up while one file is read."""

    files: int = 0
    unmatched: int = 0
    messages: list[ImportedMessage] = field(default_factory=list[ImportedMessage])


def recognises(head: Head) -> bool:
    """Whether a file begins as LM Studio's do."""
    if head.shape != "object":
        return False
    found = mapping(head.items[0])
    entries = mappings(found.get("messages"))
    if entries:
        return "versions" in entries[0]
    return "messages" in found and not set(found).isdisjoint(_OWN_FIELDS)


def drafts(value: Mapping[str, object], document: Document) -> Iterator[Draft]:
    """Yield the one conversation."""
    reading = _Reading()
    selected = _read_entries(value, reading)
    created_at = moment(value.get("createdAt"))
    answered_at = moment(value.get("assistantLastMessagedAt"))
    _spread(reading.messages, created_at, answered_at or document.modified_at)
    notes = unmatched_note(reading.unmatched)
    notes += left_out(reading.files, "attached file was", "attached files were")
    yield Draft(
        format=NAME,
        source_id=document.file_name.removesuffix(".json").removesuffix(".conversation"),
        title=text(value.get("name")),
        messages=reading.messages,
        selected=selected,
        positional=True,
        created_at=created_at,
        updated_at=max(filter(None, (answered_at, moment(value.get("userLastMessagedAt")))), default=created_at),
        tags=[document.folder, "pinned" if flag(value.get("pinned")) else ""],
        settings=_settings(value),
        notes=notes,
    )


def _read_entries(value: Mapping[str, object], reading: _Reading) -> str | None:
    """Read all entries; return the id of the last one's selected version.

    Only the selected version of an entry is followed by the next entry.
    """
    above: str | None = None
    for place, entry in enumerate(mappings(value.get("messages"))):
        versions = sequence(entry.get("versions"))
        chosen = whole(entry.get("currentlySelected"))
        chosen = chosen if chosen is not None and chosen < len(versions) else len(versions) - 1
        following = above
        for number_of, version in enumerate(versions):
            chain = _version(mapping(version), f"{place}.{number_of}", above, reading)
            reading.messages += chain
            if number_of == chosen and chain:
                following = chain[-1].source_id
        above = following
    return above


def _version(
    version: Mapping[str, object], source_id: str, above: str | None, reading: _Reading
) -> list[ImportedMessage]:
    if text(version.get("role")) == "assistant":
        rounds = Rounds()
        author = text(mapping(version.get("senderInfo")).get("senderName"))
        steps = mappings(version.get("steps")) or [{"type": "contentBlock", "content": version.get("content")}]
        ids: dict[str, str] = {}
        for step in steps:
            _read_step(step, author, rounds, ids, reading)
        reading.unmatched += rounds.unmatched
        return rounds.messages(source_id, above)
    parts: list[Part] = []
    for piece in mappings(version.get("content")):
        if text(piece.get("type")) == "file":
            reading.files += 1
        elif words := text(piece.get("text")):
            parts.append(TextPart(words))
    role = "system" if text(version.get("role")) == "system" else "user"
    return [ImportedMessage(source_id, above, Message(role, tuple(parts)))]


def _read_step(step: Mapping[str, object], author: str, rounds: Rounds, ids: dict[str, str], reading: _Reading) -> None:
    """Add one step of an answer.

    Args:
        step: A block of content, or what became of a call.
        author: The model, where the step does not say.
        rounds: What it is added to.
        ids: Ids under which calls stand in `rounds`, by the number that steps call them by; grows.
        reading: Counts what is left out.
    """
    kind = text(step.get("type"))
    if kind == "requestConfirmToolCall":
        answer = text(mapping(mapping(mapping(step.get("response")).get("result"))).get("type"))
        asked = identifier(mapping(step.get("request")).get("callId"))
        if answer:
            rounds.settle(ids.get(asked, asked), approval={"allow": "allowed", "deny": "denied"}.get(answer, answer))
    elif kind == "toolStatus":
        status = mapping(mapping(step.get("statusState")).get("status"))
        asked = identifier(step.get("callId"))
        call_id = ids.get(asked, asked) if asked else rounds.latest_call()
        succeeded = {"toolCallSucceeded": True, "toolCallFailed": False}.get(text(status.get("type")))
        rounds.settle(call_id, succeeded=succeeded, duration_ms=number(status.get("timeMs")))
    elif kind == "contentBlock":
        for piece in mappings(step.get("content")):
            _read_piece(piece, _is_thought(step), rounds, ids, reading)
        generation = _generation(mapping(step.get("genInfo")), author)
        if generation is not None:
            rounds.measure(generation)


def _read_piece(
    piece: Mapping[str, object], thought: bool, rounds: Rounds, ids: dict[str, str], reading: _Reading
) -> None:
    kind = text(piece.get("type"))
    number_of = identifier(piece.get("callId"))
    call_id = identifier(piece.get("toolCallRequestId")) or number_of
    if kind == "toolCallRequest":
        arguments = json_text(piece.get("parameters") or {})
        asked = rounds.ask(ImportedToolCall(call_id or "call", text(piece.get("name")), arguments))
        ids[number_of] = ids[call_id] = asked
    elif kind == "toolCallResult":
        rounds.settle(ids.get(call_id) or ids.get(number_of, call_id), result=_result(piece.get("content")))
    elif kind == "file":
        reading.files += 1
    elif words := text(piece.get("text")) if not flag(piece.get("isStructural")) else "":
        rounds.write(ReasoningPart(words) if thought else TextPart(words))


def _is_thought(block: Mapping[str, object]) -> bool:
    """Whether a block is reasoning, or was not to be sent to the model again, which comes to the same here."""
    return (
        "thinking" in text(mapping(block.get("style")).get("type"))
        or bool(text(block.get("prefix")))
        or flag(block.get("shouldIncludeInContext")) is False
    )


def _result(content: object) -> str:
    """Return a result's text: often it is JSON inside of a text, [{"type": "text", "text": ...}]."""
    if not isinstance(content, str):
        return json_text(content)
    if content.lstrip().startswith("["):
        with suppress(orjson.JSONDecodeError):
            pieces = sequence(orjson.loads(content))
            texts = [text(mapping(piece).get("text")) for piece in pieces]
            if texts and all(texts):
                return "\n".join(texts)
    return content


def _generation(info: Mapping[str, object], author: str) -> ImportedGeneration | None:
    """Return a block's model call; None when it has none."""
    if not info:
        return None
    stats = mapping(info.get("stats"))
    path = text(info.get("indexedModelIdentifier"))
    quantisation = _QUANTISATION.search(path) or _QUANTISATION.search(text(info.get("identifier")))
    reason = text(stats.get("stopReason"))
    return ImportedGeneration(
        model=text(info.get("identifier")) or path or author or None,
        quantisation=quantisation[1].upper() if quantisation else None,
        prompt_tokens=whole(stats.get("promptTokensCount")),
        completion_tokens=whole(stats.get("predictedTokensCount")),
        ttft_ms=milliseconds(stats.get("timeToFirstTokenSec")),
        total_ms=milliseconds(stats.get("totalTimeSec")),
        decode_tok_s=number(stats.get("tokensPerSecond")),
        finish_reason=_ENDINGS.get(reason, reason) or None,
    )


def _settings(value: Mapping[str, object]) -> dict[str, object]:
    """Return what was set for this chat alone. A field may be switched off inside: {"checked": false, "value": 1}."""
    found: dict[str, object] = {}
    for entry in mappings(mapping(value.get("perChatPredictionConfig")).get("fields")):
        name, given = _SETTINGS.get(text(entry.get("key"))), entry.get("value")
        switched = mapping(given)
        if switched:
            given = switched.get("value") if flag(switched.get("checked")) is not False else None
        if name and given not in (None, "", []):
            found[name] = given
    if text(value.get("systemPrompt")):
        found["system_prompt"] = text(value.get("systemPrompt"))
    return found


def _spread(messages: list[ImportedMessage], first: datetime | None, last: datetime | None) -> None:
    """Give the first and the last message the times that the file has, and those between them times between."""
    if first is None or not messages:
        return
    last = max(first, last or first)
    steps = max(1, len(messages) - 1)
    for place, message in enumerate(messages):
        at = first + (last - first) * (place / steps)
        messages[place] = replace(message, created_at=at, time_source="interpolated")
    messages[0] = replace(messages[0], time_source="stated")
