"""Streamed tool calls, disentangled: the wire's indices, ids and repeated names become clean deltas. Pure.

Source: api notes 2.2 (#649, #830, #1756, #1868).
"""

from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from apehost_core.events import ToolCallDelta
from apehost_core.messages import ToolCallPart


@dataclass(slots=True)
class _Call:
    """A call while it arrives; `index` is None until its name is known."""

    wire_id: str
    index: int | None = None
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])


class ToolCalls:
    """Takes the `tool_calls` of deltas in order."""

    def __init__(self) -> None:
        self._by_wire: dict[int, _Call] = {}
        self._all: list[_Call] = []
        self._opened = 0

    def take(self, deltas: list[Any]) -> list[ToolCallDelta]:
        """Return the clean deltas; a call shows only once its name is known."""
        events: list[ToolCallDelta] = []
        for delta in deltas:
            if isinstance(delta, dict):
                event = self._take_one(delta)  # pyright: ignore[reportUnknownArgumentType]
                if event is not None:
                    events.append(event)
        return events

    @property
    def parts(self) -> tuple[ToolCallPart, ...]:
        """The calls so far, without nameless ones."""
        return tuple(
            ToolCallPart(call.wire_id, call.name, "".join(call.arguments))
            for call in self._all
            if call.index is not None
        )

    @property
    def nameless(self) -> int:
        """How many calls never got a name."""
        return sum(call.index is None for call in self._all)

    def _take_one(self, delta: dict[str, Any]) -> ToolCallDelta | None:
        given = delta.get("function")
        function = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        wire_id, name = str(delta.get("id") or ""), str(function.get("name") or "")
        arguments = _as_text(function.get("arguments"))
        call = self._call_for(delta.get("index"), wire_id, name)
        call.arguments.append(arguments)
        if call.index is not None:
            return ToolCallDelta(call.index, arguments=arguments)
        if not name:
            return None
        call.index, call.name = self._opened, name
        call.wire_id = call.wire_id or f"call_{call.index}"
        self._opened += 1
        return ToolCallDelta(call.index, call.wire_id, name, "".join(call.arguments))

    def _call_for(self, wire_index: object, wire_id: str, name: str) -> _Call:
        """Return the call that a delta goes on with, or a new one: a new id with a name begins a new call."""
        if not isinstance(wire_index, int):
            wire_index = self._unnumbered(wire_id, name)
        known = self._by_wire.get(wire_index)
        is_new = known is None or (bool(wire_id and name) and bool(known.name) and known.wire_id != wire_id)
        if known is not None and not is_new:
            known.wire_id = known.wire_id or wire_id
            return known
        call = _Call(wire_id)
        self._by_wire[wire_index] = call
        self._all.append(call)
        return call

    def _unnumbered(self, wire_id: str, name: str) -> int:
        """Return the index for a delta without one: the last call's, unless a new id with a name begins another."""
        last = max(self._by_wire, default=-1)
        begins = bool(wire_id and name) and (last < 0 or self._by_wire[last].wire_id != wire_id)
        return last + 1 if begins else max(last, 0)


def _as_text(arguments: object) -> str:
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else orjson.dumps(arguments).decode()
