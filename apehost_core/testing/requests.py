"""What LM Studio refuses in a request before it looks for a model. Pure. Sources: api notes 1.2.7, 1.2.8."""

from typing import Any, cast

_TYPES = ("json_schema", "text")
_IMAGES = ("data:image/png;base64,", "data:image/jpeg;base64,")


def complaint(body: dict[str, Any]) -> str | None:
    """Return what a server says about a request that it refuses with status 400; None when it takes it."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return "'messages' field is required"
    choice = body.get("tool_choice")
    if choice is not None and not isinstance(choice, str):
        return "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
    wanted = _object(body.get("response_format"))
    if wanted and wanted.get("type") not in _TYPES:
        return "'response_format.type' must be 'json_schema' or 'text'"
    return next(filter(None, map(_about_message, cast("list[object]", messages))), None)


def _about_message(given: object) -> str | None:
    message = _object(given)
    if not message:
        return "Invalid 'messages' in payload"
    content, calls = message.get("content"), cast("list[object]", message.get("tool_calls") or [])
    if any(not _object(call).get("id") or not _object(_object(call).get("function")).get("name") for call in calls):
        return "Invalid 'messages' in payload: a tool call has no id or no name"
    parts = cast("list[object]", content) if isinstance(content, list) else []
    return next(filter(None, map(_about_part, parts)), None)


def _about_part(given: object) -> str | None:
    if given is None:
        return "Cannot read properties of null (reading 'type')"
    part = _object(given)
    url = str(_object(part.get("image_url")).get("url"))
    if part.get("type") == "image_url" and not url.startswith(_IMAGES):
        return "'url' field must be a base64 encoded image."
    return None


def _object(given: object) -> dict[str, Any]:
    return cast("dict[str, Any]", given) if isinstance(given, dict) else {}
