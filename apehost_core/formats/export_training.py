"""Conversations as data sets have them: OpenAI's messages and ShareGPT."""

from collections.abc import Iterator

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
    """Return the selected branch in turns: a person's first, then one of each in turn; None without an answer."""
    turns: list[tuple[str, str]] = []
    for node in _answered(conversation.selected):
        turns += _sharegpt(node.message)
    while turns and turns[0][0] != "human":
        del turns[0]
    if not turns:
        return None
    entries: list[dict[str, str]] = []
    for who, value in turns:
        if entries and entries[-1]["from"] == who and who in ("human", "gpt"):
            entries[-1]["value"] += f"\n\n{value}"
        else:
            entries.append({"from": who, "value": value})
    if conversation.system_prompt:
        entries.insert(0, {"from": "system", "value": conversation.system_prompt})
    return {"id": conversation.conversation["id"], "conversations": entries}


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
