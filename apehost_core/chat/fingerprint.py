"""What was sent, in a form that can be compared: hashes of messages, settings and tools. Pure functions."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson

from apehost_core.messages import ImagePart, Message
from apehost_core.model import Sampling

_BYTES_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 5
_TOKENS_PER_IMAGE = 700


def prompt_parts(messages: Sequence[Message]) -> str:
    """Return a JSON array, one object a message: role, visible characters, SHA-256 of its canonical JSON."""
    parts = [
        {"role": message.role, "chars": len(message.text), "sha256": _digest(_canonical_message(message))}
        for message in messages
    ]
    return orjson.dumps(parts).decode()


def prompt_hash(messages: Sequence[Message]) -> str:
    """Return the SHA-256, hex, of the canonical JSON of all messages."""
    return _digest([_canonical_message(message) for message in messages])


def tool_schema_hash(tools: Sequence[dict[str, Any]]) -> str | None:
    """Return the SHA-256, hex, of the canonical JSON of the tools; None without tools."""
    return _digest(list(tools)) if tools else None


def sampling_json(sampling: Sampling) -> str:
    """Return the settings that were set, as a JSON object."""
    given = {name: value for name, value in asdict(sampling).items() if value is not None and value != ()}
    return orjson.dumps(given, option=orjson.OPT_SORT_KEYS).decode()


def estimate_tokens(messages: Sequence[Message]) -> int:
    """Return a rough count of prompt tokens: a quarter of the UTF-8 bytes, plus a few for each message.

    Within a third for English prose and most code, too high for scripts of many bytes a character. It is only
    used where a server sends no count, and always marked as an estimate.
    """
    total = 0
    for message in messages:
        images = sum(isinstance(part, ImagePart) for part in message.parts)
        total += len(message.text.encode()) // _BYTES_PER_TOKEN + _TOKENS_PER_MESSAGE
        total += images * _TOKENS_PER_IMAGE
    return total


def _canonical_message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "parts": [asdict(part) for part in message.parts]}


def _digest(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
