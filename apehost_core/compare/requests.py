"""What is sent for a cell of a plan. Pure."""

import hashlib
from dataclasses import replace

from apehost_core.chat.window import to_prompt
from apehost_core.compare.comparison import Comparison
from apehost_core.compare.plan import Cell
from apehost_core.messages import Message, TextPart, user_message
from apehost_core.model import ModelRequest


def nonce(comparison_id: str, cell: int, attempt: int) -> str:
    """Return twelve hexadecimal digits that no other attempt has.

    Args:
        comparison_id: The comparison.
        cell: Number of the cell.
        attempt: Which attempt at it, from 0.
    """
    return hashlib.sha256(f"{comparison_id} {cell} {attempt}".encode()).hexdigest()[:12]


def request_of(comparison: Comparison, cell: Cell, first_line: str | None) -> ModelRequest:
    """Return the request of a cell that is no judge's.

    Args:
        comparison: Where it belongs.
        cell: The cell.
        first_line: What stands before everything, so that no server has the prompt cached; None for nothing.
    """
    contender, prompt = comparison.setup.contenders[cell.contender], comparison.setup.prompts[cell.prompt]
    messages = to_prompt((user_message(prompt.text),), contender.preferences.system_prompt)
    if first_line is not None:
        messages = (_with_first_line(messages[0], first_line), *messages[1:])
    wanted = contender.preferences
    return ModelRequest(
        model=contender.model,
        messages=messages,
        sampling=wanted.sampling,
        ttl_s=wanted.ttl_s,
        context_length=wanted.context_length,
    )


def _with_first_line(message: Message, line: str) -> Message:
    """Put the line before a message, in words that keep small models from taking it for the question."""
    return replace(
        message, parts=(TextPart(f"({line} is the number of this request and means nothing.)\n\n{message.text}"),)
    )
