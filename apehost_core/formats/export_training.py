"""Conversations as data sets have them: OpenAI's messages and ShareGPT."""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from apehost_core.formats.export import Exported, Node
from apehost_core.messages import ImagePart, Message, ReasoningPart, TextPart, ToolCallPart, ToolResultPart


def openai_lines(conversation: Exported, *, all_branches: bool) -> Iterator[bytes]:
    """Yield a line a branch; ends without an answer are left out, and branches without any."""
    for path in conversation.branches if all_branches else [conversation.selected]:
        answered = _answered(path)
        if not answered:
            continue
        messages: list[dict[str, object]] = []
        if conversation.system_prompt:
            messages.append({"role": "system", "content": conversation.system_prompt})
        for node in answered:
            messages += _openai(node.message)
        row = conversation.conversation
        about = {"conversation_id": row["id"], "title": conversation.title, "leaf_id": answered[-1].id}
        yield orjson.dumps({"messages": messages, "metadata": about}) + b"\n"


def sharegpt_entry(conversation: Exported) -> dict[str, object] | None:
    """Return the selected branch in turns, a person's side first, then each in turn; None without an answer.

    A person and what tools returned are one side, answers and calls the other; trainers refuse what does not alternate.
    Calls that returned nothing are left out, and so is what a model said beside its calls.
    """
    turns = _Turns()
    for node in _answered(conversation.selected):
        for who, value in _sharegpt(node.message):
            turns.add(who, value)
    entries = turns.entries()
    if not entries:
        return None
    if conversation.system_prompt:
        entries.insert(0, {"from": "system", "value": conversation.system_prompt})
    return {"id": conversation.conversation["id"], "conversations": entries}


@dataclass(slots=True)
class _Turn:
    """What one side says at once; for calls also what was said beside them."""

    who: str
    values: list[str]
    beside: "_Turn | None" = None


class _Turns:
    """Turns that alternate."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []

    def add(self, who: str, value: str) -> None:
        """Take in what was said next."""
        last = self._turns[-1] if self._turns else None
        match last.who if last else "", who:
            case ("", "gpt" | "function_call" | "observation") | ("human" | "gpt", "observation"):
                return  # nobody asked for it
            case ("function_call", "human" | "gpt"):
                self._drop_call()
                self.add(who, value)
            case ("observation", "human"):
                del self._turns[-1]
                self._drop_call()
                self.add(who, value)
            case ("gpt", "function_call"):
                self._turns[-1] = _Turn(who, [value], last)
            case (before, _) if last is not None and before == who:
                last.values.append(value)
            case _:
                self._turns.append(_Turn(who, [value]))

    def entries(self) -> list[dict[str, str]]:
        """Return the turns up to the last answer."""
        if self._turns and self._turns[-1].who == "function_call":
            self._drop_call()
        while self._turns and self._turns[-1].who != "gpt":
            del self._turns[-1]
        return [{"from": turn.who, "value": _joined(turn)} for turn in self._turns]

    def _drop_call(self) -> None:
        """Take back calls that led to nothing; what was said beside them stays."""
        beside = self._turns.pop().beside
        if beside is not None:
            self._turns.append(beside)


def _joined(turn: _Turn) -> str:
    if turn.who == "function_call" and len(turn.values) > 1:
        return f"[{','.join(turn.values)}]"
    return "\n\n".join(turn.values)


def _answered(path: list[Node]) -> list[Node]:
    """Return a branch up to its last answer with words."""
    ends = [n for n, node in enumerate(path) if node.message.role == "assistant" and node.message.text.strip()]
    return path[: ends[-1] + 1] if ends else []


def _openai(message: Message) -> list[dict[str, object]]:
    if message.role == "tool":
        return [
            {"role": "tool", "tool_call_id": part.call_id, "content": part.content}
            for part in message.parts
            if isinstance(part, ToolResultPart)
        ]
    images = [part for part in message.parts if isinstance(part, ImagePart)]
    calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
    content: object = message.text
    if images:
        urls = [f"data:{image.mime_type};base64,{image.data}" for image in images]
        content = [
            *([{"type": "text", "text": message.text}] if message.text else []),
            *({"type": "image_url", "image_url": {"url": url}} for url in urls),
        ]
    written: dict[str, object] = {"role": message.role, "content": content if content or not calls else None}
    if message.reasoning:
        written["reasoning_content"] = message.reasoning
    if calls:
        written["tool_calls"] = [
            {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
    return [written]


def _sharegpt(message: Message) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    words = message.text.strip()
    if words and message.role in ("user", "assistant"):
        found.append(("human" if message.role == "user" else "gpt", words))
    for part in message.parts:
        match part:
            case ToolCallPart():
                call = {"name": part.name, "arguments": _json_or_text(part.arguments)}
                found.append(("function_call", orjson.dumps(call).decode()))
            case ToolResultPart():
                found.append(("observation", part.content))
            case TextPart() | ReasoningPart() | ImagePart():
                pass
    return found


def _json_or_text(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
