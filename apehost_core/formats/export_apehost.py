"""`apehost.jsonl`: everything that belongs to conversations, a line each, read back without a loss."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import orjson

from apehost_core.formats.apehost import NAME, VERSION
from apehost_core.formats.export import Exported, written_time


def lines(conversations: Iterable[Exported]) -> Iterator[bytes]:
    """Yield the header and a line for each conversation."""
    header = {"format": NAME, "version": VERSION, "exported_at": written_time(datetime.now(UTC))}
    yield orjson.dumps(header) + b"\n"
    for each in conversations:
        written = {
            "conversation": each.conversation,
            "messages": each.messages,
            "generations": each.generations,
            "tool_calls": each.tool_calls,
        }
        yield orjson.dumps(written) + b"\n"
