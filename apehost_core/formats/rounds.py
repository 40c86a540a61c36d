"""One answer in which tools were used, as the chain of messages that it is in the tree.

Other programs keep such an answer as one entry: text, a call, its result, more text. Here an assistant message ends
where it asks for tools, a tool message holds their results, and the next assistant message goes on.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from apehost_core.formats.conversation import ImportedGeneration, ImportedMessage, ImportedToolCall
from apehost_core.formats.lenient import left_out
from apehost_core.messages import ImagePart, Message, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart

_FARTHEST = 1_000
"""Rounds between a call and what became of it."""


@dataclass(slots=True)
class _Round:
    """One assistant message and what its tools gave back."""

    parts: list[Part] = field(default_factory=list[Part])
    calls: dict[str, ImportedToolCall] = field(default_factory=dict[str, ImportedToolCall])
    generations: list[ImportedGeneration] = field(default_factory=list[ImportedGeneration])


@dataclass(slots=True)
class Rounds:
    """Collects an answer's pieces in the order in which they stand in the file.

    Attributes:
        unmatched: Results that belong to no call, and were dropped.
    """

    unmatched: int = 0
    _rounds: list[_Round] = field(default_factory=lambda: [_Round()])

    def write(self, part: TextPart | ReasoningPart | ImagePart) -> None:
        """Add text, reasoning or an image; empty text is left out."""
        if isinstance(part, ImagePart) or part.text:
            self._writing().parts.append(part)

    def ask(self, call: ImportedToolCall) -> str:
        """Add a call, and return the id it has here: one that was used in this round already is made different."""
        current = self._rounds[-1]
        if any(asked.result is not None for asked in current.calls.values()):
            current = self._next()
        call = replace(call, call_id=unused(call.call_id, current.calls))
        current.calls[call.call_id] = call
        current.parts.append(ToolCallPart(call.call_id, call.tool, call.arguments))
        return call.call_id

    def settle(
        self,
        call_id: str,
        *,
        result: str | None = None,
        succeeded: bool | None = None,
        duration_ms: float | None = None,
        approval: str | None = None,
    ) -> None:
        """Add what became of the latest call of that id; None leaves it as it is. Its first result is the one."""
        for found in self._rounds[: -_FARTHEST - 1 : -1]:
            call = found.calls.get(call_id)
            if call is not None:
                self.unmatched += result is not None and call.result is not None
                found.calls[call_id] = replace(
                    call,
                    result=result if call.result is None else call.result,
                    succeeded=call.succeeded if succeeded is None else succeeded,
                    duration_ms=call.duration_ms if duration_ms is None else duration_ms,
                    approval=call.approval if approval is None else approval,
                )
                return
        if result is not None:
            self.unmatched += 1

    def measure(self, *generations: ImportedGeneration) -> None:
        """Add model calls to the round that was written last."""
        self._rounds[-1].generations.extend(generations)

    def latest_call(self) -> str:
        """Return the id of the last call; empty when there is none."""
        return next((list(found.calls)[-1] for found in self._rounds[:-3:-1] if found.calls), "")

    def open_call(self) -> str:
        """Return the id of the first call of the latest ones that has no result yet; empty when all have one."""
        for found in self._rounds[:-3:-1]:
            if found.calls:
                return next((call_id for call_id, call in found.calls.items() if call.result is None), "")
        return ""

    def messages(self, source_id: str, parent: str | None, created_at: datetime | None = None) -> list[ImportedMessage]:
        """Return the chain; its last message has the id of the whole, so that its children stay right.

        Args:
            source_id: Of the entry in the file.
            parent: Of its first message.
            created_at: The entry's time, as stated.
        """
        found: list[tuple[Message, _Round | None]] = []
        for index, piece in enumerate(self._rounds):
            if not piece.parts and not piece.generations:
                continue
            found.append((Message("assistant", tuple(piece.parts)), piece))
            last = index == len(self._rounds) - 1
            if piece.calls and (not last or any(call.result is not None for call in piece.calls.values())):
                results = (ToolResultPart(call.call_id, call.result or "") for call in piece.calls.values())
                found.append((Message("tool", tuple(results)), None))
        chain: list[ImportedMessage] = []
        for index, (message, piece) in enumerate(found):
            own = source_id if index == len(found) - 1 else f"{source_id}/{index + 1}"
            chain.append(
                ImportedMessage(
                    source_id=own,
                    parent_source_id=chain[-1].source_id if chain else parent,
                    message=message,
                    created_at=created_at,
                    time_source="unknown" if created_at is None else "stated",
                    generations=tuple(piece.generations) if piece else (),
                    tool_calls=tuple(piece.calls.values()) if piece else (),
                )
            )
        return chain

    def _writing(self) -> _Round:
        """Return the round that text goes to: after a call it is the next one's."""
        return self._next() if self._rounds[-1].calls else self._rounds[-1]

    def _next(self) -> _Round:
        self._rounds.append(_Round())
        return self._rounds[-1]


def unused(call_id: str, taken: Collection[str]) -> str:
    """Return an id that is not taken: the wished one, or that with a number."""
    number = len(taken)
    wished = call_id
    while call_id in taken:
        number += 1
        call_id = f"{wished}-{number}"
    return call_id


def unmatched_note(count: int) -> list[str]:
    """Return the note about results that belong to no call, if there were any."""
    return left_out(count, "tool result that belongs to no call was", "tool results that belong to no call were")
