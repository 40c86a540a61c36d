"""Names for conversations: at once from the prompt, later from the model when it offers a better one."""

import re

from apehost_core.messages import Message, assistant_message, user_message
from apehost_core.model import ModelRequest, Sampling

LONGEST = 60
_BEGINNINGS = re.compile(r"^\s*(?:(?:>+|#+|[-*+|])\s+|\[[ xX]\]\s+)+")  # of quotes, headings, lists, tasks and tables
_EMPHASIS = re.compile(r"(?<![\w*~])(\*{1,3}|~~)(?=\S)(.+?)(?<=\S)\1(?![\w*~])")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_INSTRUCTION = (
    "Name this conversation in at most six words, in its own language. Reply with the name only: "
    "no quotes, no full stop, no explanation."
)
_EXCERPT = 1_500


def title_from_prompt(text: str) -> str:
    """Return a title of at most 60 characters from the first line that says something."""
    first = next((line for line in map(_plain, text.splitlines()) if line), "")
    if len(first) <= LONGEST:
        return first or "New chat"
    cut = first[:LONGEST]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > LONGEST // 2 else cut[: LONGEST - 1]).rstrip(" ,;:.-") + "…"


def title_request(model: str, question: Message, answer: Message) -> ModelRequest:
    """Return the call that asks a model for a title of one exchange."""
    return ModelRequest(
        model=model,
        messages=(
            user_message(question.text[:_EXCERPT]),
            assistant_message(answer.text[:_EXCERPT]),
            user_message(_INSTRUCTION),
        ),
        sampling=Sampling(temperature=0.2, max_tokens=200),
        may_load=False,  # nobody shall wait for a name, and no model be thrown out for one
    )


def title_from_answer(text: str) -> str | None:
    """Return the title in a model's reply; None when the reply is no title (empty, a list, an essay)."""
    lines = [line for line in map(_plain, text.splitlines()) if line]
    if len(lines) != 1:
        return None
    title = re.sub(r"^(title|name)\s*:\s*", "", lines[0], flags=re.IGNORECASE).strip(" \"'“”„.")
    return title if 0 < len(title) <= LONGEST and len(title.split()) <= 10 else None


def _plain(line: str) -> str:
    """Return a line without what Markdown would draw; signs that are part of the words stay."""
    words = _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", _BEGINNINGS.sub("", line))).replace("`", "")
    without = "".join(ch for ch in words if ch.isprintable() or ch.isspace())
    said = " ".join(without.split())
    return said if said.strip("*|~=_-> ") else ""  # a line that was drawn says nothing
