"""What of a conversation is sent to a model."""

from collections.abc import Iterable

from apehost_core.messages import Message, ReasoningPart, TextPart

_JOINED = ("system", "user", "assistant")


def to_prompt(history: Iterable[Message], system_prompt: str | None = None) -> tuple[Message, ...]:
    """Return the history as a model may be given it, oldest first.

    Reasoning is left out, and so are messages that are empty without it. Neighbours of one role (a question
    whose answer failed, then another question; a system prompt before a history that has one of its own) are
    joined, because many chat templates insist that roles alternate.

    Args:
        history: The branch that is answered.
        system_prompt: The first message; None and an empty one are none.
    """
    prompt: list[Message] = [Message("system", (TextPart(system_prompt),))] if system_prompt else []
    for message in history:
        parts = tuple(part for part in message.parts if not isinstance(part, ReasoningPart))
        if not parts:
            continue
        if prompt and prompt[-1].role == message.role and message.role in _JOINED:
            prompt[-1] = Message(message.role, prompt[-1].parts + parts)
        else:
            prompt.append(Message(message.role, parts))
    return tuple(prompt)
