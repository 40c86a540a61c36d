"""A conversation as Open WebUI imports it, so that people may leave: the whole tree.

Open WebUI has no messages of tools: what was asked of a tool and what came back stand inside the answer, as its own
`<details>`. So an answer with tools, which is several messages here, is one there.
"""

import html
import json
from collections.abc import Mapping
from datetime import datetime

from apehost_core.formats.export import Exported, Node
from apehost_core.messages import ImagePart, ReasoningPart, TextPart, ToolCallPart, ToolResultPart


def chat(conversation: Exported) -> dict[str, object]:
    """Return the object that stands in Open WebUI's array of chats."""
    turns = _Turns(conversation)
    messages = {node.id: turns.written(node) for node in conversation.nodes.values() if turns.ends(node)}
    children: dict[object, list[str]] = {}
    for key, written in messages.items():
        children.setdefault(written["parentId"], []).append(key)
    for key, written in messages.items():
        written["childrenIds"] = children.get(key, [])
    shown = [node.id for node in conversation.selected if node.id in messages]
    row = conversation.conversation
    models = sorted({node.model for node in conversation.nodes.values() if node.model})
    params = {"system": conversation.system_prompt} if conversation.system_prompt else {}
    return {
        "id": row["id"],
        "user_id": "",
        "title": conversation.title,
        "chat": {
            "title": conversation.title,
            "models": models,
            "params": params,
            "tags": conversation.tags,
            "history": {"currentId": shown[-1] if shown else None, "messages": messages},
            "messages": [messages[key] for key in shown],
        },
        "meta": {"tags": conversation.tags},
        "pinned": False,
        "archived": row.get("archived_at") is not None,
        "created_at": _seconds(row["created_at"]),
        "updated_at": _seconds(row["updated_at"]),
    }


class _Turns:
    """Which messages are one answer: each tool's result, and what follows it, belongs to what asked for it."""

    def __init__(self, conversation: Exported) -> None:
        self._conversation = conversation

    def ends(self, node: Node) -> bool:
        """Whether an answer, or a question, ends with this message."""
        after = self._conversation.children.get(node.id, [])
        if node.message.role == "tool":
            return not any(child.message.role in ("assistant", "tool") for child in after)
        return not any(child.message.role == "tool" for child in after)

    def written(self, last: Node) -> dict[str, object]:
        """Return the message that ends here, with all that belongs to it."""
        chain = self._chain(last)
        parent = chain[0].parent
        role = "user" if last.message.role == "user" else "assistant"
        results = {
            part.call_id: part.content
            for node in chain
            for part in node.message.parts
            if isinstance(part, ToolResultPart)
        }
        written: dict[str, object] = {
            "id": last.id,
            "parentId": parent if parent in self._conversation.nodes else None,
            "role": role,
            "content": "\n\n".join(filter(None, (_content(node, results) for node in chain))),
            "timestamp": _seconds(last.row["created_at"]),
        }
        images = [part for node in chain for part in node.message.parts if isinstance(part, ImagePart)]
        if images:
            urls = [f"data:{image.mime_type};base64,{image.data}" for image in images]
            written["files"] = [{"type": "image", "url": url} for url in urls]
        if role == "assistant":
            model = next((node.model for node in reversed(chain) if node.model), "")
            written |= {"model": model, "modelName": model, "modelIdx": 0, "done": True}
        return written

    def _chain(self, last: Node) -> list[Node]:
        nodes, chain = self._conversation.nodes, [last]
        while True:
            before = nodes.get(chain[0].parent or "")
            joined = before is not None and (
                chain[0].message.role == "tool" or (before.message.role == "tool" and chain[0].message.role != "user")
            )
            if before is None or not joined:
                return chain
            chain.insert(0, before)


def _content(node: Node, results: Mapping[str, str]) -> str:
    pieces: list[str] = []
    for part in node.message.parts:
        match part:
            case TextPart():
                pieces.append(part.text.strip("\n"))
            case ReasoningPart():
                pieces.append(_reasoning(part))
            case ToolCallPart():
                pieces.append(_tool(part, results.get(part.call_id)))
            case ToolResultPart() | ImagePart():
                pass
    return "\n\n".join(filter(None, pieces))


def _reasoning(part: ReasoningPart) -> str:
    took = f' duration="{part.seconds:.0f}"' if part.seconds is not None else ""
    quoted = "\n".join(f"> {html.escape(line, quote=False)}" for line in part.text.strip("\n").split("\n"))
    return f'<details type="reasoning" done="true"{took}>\n<summary>Thought</summary>\n{quoted}\n</details>'


def _tool(part: ToolCallPart, result: str | None) -> str:
    attributes = {"id": part.call_id, "name": part.name, "arguments": json.dumps(part.arguments)}
    if result is not None:
        attributes["result"] = json.dumps(result)
    given = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    done = "true" if result is not None else "false"
    return f'<details type="tool_calls" done="{done}" {given}>\n<summary>Tool executed</summary>\n</details>'


def _seconds(moment: object) -> int:
    return int(datetime.fromisoformat(str(moment)).timestamp())
