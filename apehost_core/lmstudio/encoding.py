"""A request as the JSON that /v1/chat/completions takes. Pure. Source: api notes 1.2.1, 2.1, 4."""

from typing import Any

import orjson

from apehost_core.messages import ImagePart, Message, TextPart, ToolCallPart, ToolResultPart
from apehost_core.model import ModelRequest, Sampling

_SAMPLING_NAMES = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "max_tokens",
    "reasoning_effort",
)


def encode_request(request: ModelRequest) -> bytes:
    """Return the request's body; it asks for a stream with usage."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [item for message in request.messages for item in _messages(message)],
        "stream": True,
        "stream_options": {"include_usage": True},
        **_sampling(request.sampling),
    }
    if request.ttl_s is not None:
        body["ttl"] = request.ttl_s
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        body["tool_choice"] = request.tool_choice or "auto"
    return orjson.dumps(body)


def _sampling(sampling: Sampling) -> dict[str, Any]:
    given = {name: getattr(sampling, name) for name in _SAMPLING_NAMES}
    given["stop"] = list(sampling.stop) or None
    return {name: value for name, value in given.items() if value is not None}


def _messages(message: Message) -> list[dict[str, Any]]:
    """Return a message in the wire's form: each tool result is a message of its own."""
    results = [part for part in message.parts if isinstance(part, ToolResultPart)]
    if results:
        return [{"role": "tool", "tool_call_id": part.call_id, "content": part.content} for part in results]
    encoded: dict[str, Any] = {"role": message.role, "content": _content(message)}
    calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
    if calls:
        encoded["tool_calls"] = [_call(call) for call in calls]
    return [encoded]


def _content(message: Message) -> str | list[dict[str, Any]]:
    """Return plain text, or parts where an image is among them (as a data URI: LM Studio takes no http URL)."""
    if not any(isinstance(part, ImagePart) for part in message.parts):
        return _joined(message)
    content: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, TextPart):
            content.append({"type": "text", "text": part.text})
        elif isinstance(part, ImagePart):
            uri = f"data:{part.mime_type};base64,{part.data}"
            content.append({"type": "image_url", "image_url": {"url": uri}})
    return content


def _joined(message: Message) -> str:
    return "\n\n".join(part.text for part in message.parts if isinstance(part, TextPart))


def _call(call: ToolCallPart) -> dict[str, Any]:
    return {
        "id": call.call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments or "{}"},
    }


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a tool whose parameters are a full object schema: a bare {} is refused (api notes 2.1)."""
    function = dict(tool.get("function", {}))
    parameters: dict[str, Any] = function.get("parameters") or {}
    function["parameters"] = {"type": "object", "properties": {}, **parameters}
    return {**tool, "function": function}
