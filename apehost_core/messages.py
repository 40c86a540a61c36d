"""Messages and the parts they are made of: pure values. Ids and parent links belong to the store."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text as written, Markdown by convention."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """What a model thought before it answered; never sent back to a server.

    Attributes:
        text: The reasoning without its tags.
        seconds: From the first to the last reasoning token; None when not measured.
    """

    text: str
    seconds: float | None = None
    type: Literal["reasoning"] = "reasoning"


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image inside a message.

    Attributes:
        mime_type: image/png or image/jpeg.
        data: The file's bytes in base64.
    """

    mime_type: str
    data: str
    type: Literal["image"] = "image"


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A call that the model asks for.

    Attributes:
        call_id: The server's id; unique only within its message.
        name: The tool's name as the model wrote it.
        arguments: JSON text exactly as it came, not validated.
    """

    call_id: str
    name: str
    arguments: str
    type: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True)
class ToolResultPart:
    """What a tool gave back for one call."""

    call_id: str
    content: str
    type: Literal["tool_result"] = "tool_result"


Part = TextPart | ReasoningPart | ImagePart | ToolCallPart | ToolResultPart


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation: a role and its parts, in the order they came."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The visible text: all text parts joined."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def reasoning(self) -> str:
        """All reasoning parts joined."""
        return "".join(part.text for part in self.parts if isinstance(part, ReasoningPart))


def user_message(text: str) -> Message:
    """Return a user message of one text part."""
    return Message("user", (TextPart(text),))


def assistant_message(text: str) -> Message:
    """Return an assistant message of one text part."""
    return Message("assistant", (TextPart(text),))


_PARTS = TypeAdapter[tuple[Part, ...]](tuple[Annotated[Part, Field(discriminator="type")], ...])


def parts_to_json(parts: tuple[Part, ...]) -> str:
    """Return the parts as the JSON array in which the store keeps them."""
    return _PARTS.dump_json(parts).decode()


def parts_from_json(text: str) -> tuple[Part, ...]:
    """Return the parts of a JSON array written by `parts_to_json`."""
    return _PARTS.validate_json(text)
