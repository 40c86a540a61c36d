"""Conversations as one page of HTML that needs nothing else: no script, no picture or style from elsewhere.

What was said is Markdown in which no HTML is alive and no image is loaded; pictures of the conversation itself are
inside the file.
"""

import html
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt

from apehost_core.formats.export import SAID_BY, Exported, Node
from apehost_core.messages import ImagePart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
_STYLE = """
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.55; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; background: light-dark(#fffbf2, #0d0d0d);
  color: light-dark(#231a0b, #f6e3c0); }
section { margin: 1rem 0; padding: .2rem 1rem; border-inline-start: 3px solid light-dark(#b45309, #ffbf00); }
section.user { background: light-dark(#f6ead8, #1a1a1a); border-color: transparent; border-radius: .4rem; }
header p, .who { color: light-dark(#6b4a1e, #cc9944); font-size: .9rem; }
pre { overflow-x: auto; padding: .7rem; background: light-dark(#f3e9d8, #1a1a1a); }
.typed { white-space: pre-wrap; } img { max-width: 100%; } table { border-collapse: collapse; }
td, th { border: 1px solid; padding: .2rem .5rem; } article { break-after: page; }
"""


def page(conversations: Iterable[Exported], title: str) -> Iterator[bytes]:
    """Yield the page piece by piece."""
    yield (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" '
        f'content="{_POLICY}"><title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>\n'
    ).encode()
    for each in conversations:
        yield _article(each).encode()
    yield b"</body></html>\n"


def _article(conversation: Exported) -> str:
    row = conversation.conversation
    about = " · ".join([str(row["created_at"])[:10], *conversation.tags])
    system = f'<p class="typed">{html.escape(conversation.system_prompt)}</p>' if conversation.system_prompt else ""
    said = "\n".join(map(_said, conversation.selected))
    head = f"<header><h1>{html.escape(conversation.title)}</h1><p>{html.escape(about)}</p>{system}</header>"
    return f"<article>{head}\n{said}</article>\n"


def _said(node: Node) -> str:
    role = node.message.role
    who = html.escape(SAID_BY[role] + (f" · {node.model}" if node.model else ""))
    parts = "\n".join(_part(part, role) for part in node.message.parts)
    return f'<section class="{role}"><p class="who">{who}</p>{parts}</section>'


def _part(part: Part, role: str) -> str:
    match part:
        case TextPart():
            if role == "user":
                return f'<p class="typed">{html.escape(part.text)}</p>'
            return _MARKDOWN.render(part.text)
        case ReasoningPart():
            return _folded("Thoughts", _MARKDOWN.render(part.text))
        case ToolCallPart():
            return _folded(f"Asked for {part.name}", f"<pre>{html.escape(part.arguments)}</pre>")
        case ToolResultPart():
            return _folded("Result", f"<pre>{html.escape(part.content)}</pre>")
        case ImagePart():
            source = f"data:{part.mime_type};base64,{part.data}"
            return f'<img alt="" src="{html.escape(source)}">'


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{html.escape(title)}</summary>{body}</details>"
