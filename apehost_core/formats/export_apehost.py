"""`apehost.jsonl`: everything that belongs to conversations, a line each, read back without a loss."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import orjson

from apehost_core.formats.apehost import NAME, VERSION
from apehost_core.formats.export import Exported


def lines(conversations: Iterable[Exported], now: datetime | None = None) -> Iterator[bytes]:
    """Yield the header and a line for each conversation."""
    moment = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    yield orjson.dumps({"format": NAME, "version": VERSION, "exported_at": moment}) + b"\n"
    for each in conversations:
        written = {
            "conversation": each.conversation,
            "messages": each.messages,
            "generations": each.generations,
            "tool_calls": each.tool_calls,
        }
        yield orjson.dumps(written) + b"\n"
