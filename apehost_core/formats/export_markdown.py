"""A conversation as a Markdown document: its selected branch, with thoughts and tools folded."""

import html
import json
import re

from apehost_core.formats.export import SAID_BY, Exported, Node
from apehost_core.messages import ImagePart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart

_TICKS = re.compile(r"`+")


def document(conversation: Exported) -> str:
    """Return the document, with what is known of the conversation as front matter."""
    row = conversation.conversation
    known = {
        "title": conversation.title,
        "created": row["created_at"],
        "updated": row["updated_at"],
        "models": sorted({node.model for node in conversation.selected if node.model}),
        "tags": conversation.tags,
        "id": row["id"],
    }
    head = "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in known.items() if value)
    title = " ".join(conversation.title.split())
    system = f"> {conversation.system_prompt.strip()}".replace("\n", "\n> ") if conversation.system_prompt else ""
    parts = [f"---\n{head}\n---", f"# {title}", system, *map(_said, conversation.selected)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _said(node: Node) -> str:
    who = SAID_BY[node.message.role] + (f" ({node.model})" if node.model else "")
    return "\n\n".join((f"## {who}", *(_part(part) for part in node.message.parts)))


def _part(part: Part) -> str:
    match part:
        case TextPart():
            return part.text.strip("\n")
        case ReasoningPart():
            return _folded("Thoughts", part.text.strip("\n"))
        case ToolCallPart():
            return _folded(f"Asked for {part.name}", _fenced(part.arguments, "json"))
        case ToolResultPart():
            return _folded("Result", _fenced(part.content))
        case ImagePart():
            return "[image]"


def _folded(title: str, body: str) -> str:
    """Return a piece that readers of Markdown fold; the title is no Markdown."""
    return f"<details><summary>{html.escape(title, quote=False)}</summary>\n\n{body}\n\n</details>"


def _fenced(text: str, language: str = "") -> str:
    """Return a text as a block of code, whatever marks stand in it."""
    marks = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return f"{marks}{language}\n{text}\n{marks}"
