"""The events of one native chat, in the order that LM Studio sends them. Source: api notes 1.8."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

from apehost_core.testing.answers import Reply
from apehost_core.testing.completions import limit_of, paced
from apehost_core.testing.memory import Answering, Broken, LoadFailed, Loading, SimInstance
from apehost_core.testing.models import SimModel
from apehost_core.testing.native import load_failure
from apehost_core.testing.state import Call, native_error

_STEPS = 10  # progress events of a load
_HALVED = ("stall", "cut", "eof", "error_midway")
_UNSAID = ("silence", "empty", "error_event", "channel_error", "template_error", "overflow_event")

Section = Literal["reasoning", "message"]


@dataclass(slots=True)
class Turn:
    """One request on its way, and what has been written of its answer.

    Attributes:
        model: Who answers.
        call: The request.
        fault: What goes wrong; None when nothing does.
        response_id: Name of the stored answer; None when it is not stored.
        begins_load: Whether it began a load.
        load_s: What that took.
        reply: The answer, once an instance gives it.
        said: Tokens that were written, by section.
    """

    model: SimModel
    call: Call
    fault: str | None
    response_id: str | None
    begins_load: bool = False
    load_s: float | None = None
    reply: Reply | None = None
    said: dict[Section, list[str]] = field(default_factory=lambda: {"reasoning": [], "message": []})

    async def loaded(self, loading: Loading) -> SimInstance:
        """Return the instance that a load gives.

        Raises:
            LoadFailed: It came to nothing.
        """
        instance = await loading.wait()
        self.load_s = loading.record.seconds if self.begins_load else None
        return instance

    def answered_by(self, instance: SimInstance) -> Reply:
        """Return the answer that an instance gives."""
        body = self.call.body
        self.call.instance = instance.id
        self.reply = Reply(
            self.model,
            instance.id,
            context=instance.context,
            prompt_tokens=len(f"{body.get('system_prompt') or ''} {_text(body['input'])}".split()),
            limit=limit_of(body.get("max_output_tokens")),
            fault=self.fault,
            thinks=body.get("reasoning") != "off",
        )
        return self.reply

    def result(self) -> dict[str, Any]:
        """Return the answer as far as it has come."""
        reply = self.reply
        stats: dict[str, Any] = {
            "input_tokens": reply.prompt_tokens if reply else 0,
            "total_output_tokens": sum(map(len, self.said.values())),
            "reasoning_output_tokens": len(self.said["reasoning"]),
            "tokens_per_second": reply.tokens_per_s if reply else 0,
            "time_to_first_token_seconds": self.model.first_token_s,
        }
        loaded = {} if self.load_s is None else {"model_load_time_seconds": self.load_s}
        stored = {"response_id": self.response_id} if self.response_id else {}
        output = [{"type": section, "content": "".join(said)} for section, said in self.said.items() if said]
        name = self.call.instance or self.model.key
        return {"model_instance_id": name, "output": output, "stats": stats | loaded, **stored}


async def events(turn: Turn, source: SimInstance | Loading | LoadFailed) -> AsyncIterator[bytes]:
    """Yield the events of a turn; a fault may end them without "chat.end".

    Args:
        turn: What is answered.
        source: Who answers, or the load that comes first, or why there is none.

    Raises:
        Broken: The connection is to break.
    """
    yield _event("chat.start", model_instance_id=_instance_id(turn, source))
    if not isinstance(source, SimInstance):
        yield _event("model_load.start", model_instance_id=_instance_id(turn, source))
    try:
        if isinstance(source, LoadFailed):
            raise source
        if isinstance(source, Loading):
            async for event in _progress(turn.model, source):
                yield event
            instance = await turn.loaded(source)
            yield _event("model_load.end", model_instance_id=instance.id, load_time_seconds=source.record.seconds)
        else:
            instance = source
    except LoadFailed as error:
        yield _event("error", **load_failure(turn.model.key, error))
        yield _event("chat.end", result=turn.result())
        return
    reply = turn.answered_by(instance)
    answering = instance.answer()
    try:
        async for event in _answer(turn, reply, answering):
            yield event
    finally:
        answering.close()


async def written(turn: Turn, reply: Reply, answering: Answering) -> AsyncIterator[list[tuple[Section, str]]]:
    """Yield the tokens of an answer as they come due, and keep them on the turn.

    Raises:
        Broken: The instance is not in memory any more.
    """
    tokens: list[tuple[Section, str]] = []
    tokens.extend(("reasoning", word) for word in reply.reasoning)
    tokens.extend(("message", word) for word in reply.words)
    if turn.fault in _UNSAID:
        tokens = []
    if turn.fault in _HALVED:
        tokens = tokens[: max(1, len(tokens) // 2)]
    async for due in paced(tokens, turn.model.tokens_per_s, answering, turn.call):
        for section, word in due:
            turn.said[section].append(word)
        turn.call.sent += len(due)
        yield due


async def _progress(model: SimModel, loading: Loading) -> AsyncIterator[bytes]:
    for step in range(_STEPS):
        yield _event("model_load.progress", model_instance_id=loading.record.instance, progress=step / _STEPS)
        if (await asyncio.wait({loading.task}, timeout=model.load_s / _STEPS))[0]:
            return


async def _answer(turn: Turn, reply: Reply, answering: Answering) -> AsyncIterator[bytes]:
    yield _event("prompt_processing.start")
    yield _event("prompt_processing.progress", progress=0.5)
    await answering.pause(turn.model.first_token_s)
    yield _event("prompt_processing.progress", progress=1)
    yield _event("prompt_processing.end") * 2
    open_section: Section | None = None
    async for due in written(turn, reply, answering):
        for section, word in due:
            if section != open_section:
                yield (_event(f"{open_section}.end") if open_section else b"") + _event(f"{section}.start")
                open_section = section
            yield _event(f"{section}.delta", content=word)
    match turn.fault:
        case "silence" | "stall":
            await answering.for_ever()
        case "cut":
            raise Broken
        case "eof" | "empty":
            return
        case "garbage":
            yield b"event: message.delta\ndata: {not json\n\n"
        case _:
            pass
    if open_section:
        yield _event(f"{open_section}.end")
    if reply.failure is not None:
        yield _event("error", **native_error(reply.failure, "unknown", kind="internal_error"))
    yield _event("chat.end", result=turn.result())


def _instance_id(turn: Turn, source: SimInstance | Loading | LoadFailed) -> str:
    match source:
        case SimInstance():
            return source.id
        case Loading():
            return source.record.instance
        case LoadFailed():
            return turn.model.key


def _event(kind: str, **data: Any) -> bytes:
    body = json.dumps({"type": kind, **data}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {body}\n\n".encode()


def _text(given: Any) -> str:
    return given if isinstance(given, str) else " ".join(str(item.get("content") or "") for item in given)
