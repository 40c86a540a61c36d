"""Tool results that stand in messages of their own, brought to the calls that they answer."""

from collections.abc import Sequence
from dataclasses import replace

from apehost_core.formats.conversation import ImportedMessage
from apehost_core.messages import Message, ToolResultPart

_FARTHEST = 1_000
"""Messages between a call and its result."""


def with_results(messages: Sequence[ImportedMessage]) -> tuple[list[ImportedMessage], int]:
    """Return the messages with each result at its call too, and how many results were dropped as those of no call.

    A result belongs to the nearest message above it that asked under its id.
    """
    found = {message.source_id: message for message in messages}
    dropped = 0
    for message in messages:
        results = [part for part in message.message.parts if isinstance(part, ToolResultPart)]
        kept: list[ToolResultPart] = []
        for result in results:
            asked = _asked(found, message, result.call_id)
            if asked is None:
                dropped += 1
                continue
            calls = tuple(
                replace(call, result=result.content) if call.call_id == result.call_id else call
                for call in asked.tool_calls
            )
            found[asked.source_id] = replace(asked, tool_calls=calls)
            kept.append(result)
        if len(kept) < len(results):
            others = [part for part in message.message.parts if not isinstance(part, ToolResultPart)]
            found[message.source_id] = replace(message, message=Message(message.message.role, (*others, *kept)))
    return list(found.values()), dropped


def _asked(found: dict[str, ImportedMessage], message: ImportedMessage, call_id: str) -> ImportedMessage | None:
    seen: set[str] = set()
    key = message.parent_source_id
    while key is not None and key in found and key not in seen and len(seen) < _FARTHEST:
        seen.add(key)
        if any(call.call_id == call_id for call in found[key].tool_calls):
            return found[key]
        key = found[key].parent_source_id
    return None
