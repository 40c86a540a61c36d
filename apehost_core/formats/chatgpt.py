"""ChatGPT's export: conversations in one file or in several, each a map of nodes that point at their parents.

Source: no published format; public readers of it, and a count of what stands in a real export. The whole tree is
taken. Thoughts are nodes of their own there; here they belong to the answer that follows them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import orjson

from apehost_core.formats.conversation import ImportedGeneration, ImportedMessage, ImportedToolCall
from apehost_core.formats.lenient import flag, json_text, left_out, mapping, mappings, moment, number, sequence, text
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import Head
from apehost_core.formats.tree import Draft
from apehost_core.messages import Message, Part, ReasoningPart, Role, TextPart, ToolCallPart, ToolResultPart

NAME = "chatgpt"
LABEL = "ChatGPT"
_THOUGHTS = ("thoughts", "reasoning_recap")
_CONTEXTS = ("user_editable_context", "model_editable_context")
_ENDINGS = {"stop": "stop", "max_tokens": "length"}
_FARTHEST = 1_000
_EVERYONE = ("", "all", "user")
_CITATION = re.compile("\ue200[^\ue200\ue201]{0,2000}\ue201")


@dataclass(slots=True)
class _Tree:
    """The nodes of a conversation, and what comes up while they are read."""

    nodes: dict[str, dict[str, object]]
    parents: dict[str, str]
    children: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    results: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    succeeded: dict[str, bool] = field(default_factory=dict[str, bool])
    images: int = 0
    contexts: int = 0
    citations: int = 0

    def message(self, key: str) -> dict[str, object]:
        """Return a node's message; empty where it has none."""
        return mapping(self.nodes[key].get("message"))

    def role(self, key: str) -> str:
        """Return who wrote a node's message."""
        return text(mapping(self.message(key).get("author")).get("role"))

    def kind(self, key: str) -> str:
        """Return the type of a node's content."""
        return text(mapping(self.message(key).get("content")).get("content_type"))

    def is_call(self, key: str) -> bool:
        """Whether a node's message is for a tool."""
        return self.role(key) == "assistant" and text(self.message(key).get("recipient")) not in _EVERYONE

    def above(self, key: str) -> Iterator[str]:
        """Yield the nodes above one, nearest first, each once, and not farther than a call is from its result."""
        seen = {key}
        while (key := self.parents.get(key, "")) in self.nodes and key not in seen and len(seen) < _FARTHEST:
            seen.add(key)
            yield key


def recognises(head: Head) -> bool:
    """Whether a file begins as ChatGPT's do."""
    return isinstance(mapping(head.items[0]).get("mapping"), dict)


def drafts(value: Mapping[str, object], document: Document) -> Iterator[Draft]:
    """Yield the one conversation."""
    del document
    tree = _tree_of(mapping(value.get("mapping")))
    messages = [_message(tree, key) for key in tree.nodes]
    messages = [_with_results(tree, found) for found in messages]
    yield Draft(
        format=NAME,
        source_id=text(value.get("conversation_id")) or text(value.get("id")),
        title=text(value.get("title")),
        messages=messages,
        selected=text(value.get("current_node")) or None,
        created_at=moment(value.get("create_time")),
        updated_at=moment(value.get("update_time")),
        tags=["starred"] if flag(value.get("is_starred")) else [],
        archived=flag(value.get("is_archived")) or False,
        notes=[
            *left_out(tree.images, "image or file was", "images and files were"),
            *left_out(tree.contexts, "block of custom instructions was", "blocks of custom instructions were"),
            *left_out(tree.citations, "mark of a web source was", "marks of web sources were"),
        ],
    )


def _tree_of(nodes: Mapping[str, object]) -> _Tree:
    """Return the nodes with their parents: as each says, else as the parents' lists of children say."""
    found = {key: mapping(node) for key, node in nodes.items()}
    listed = {
        child: key for key, node in found.items() for child in sequence(node.get("children")) if isinstance(child, str)
    }
    parents = {key: text(node.get("parent")) or listed.get(key, "") for key, node in found.items()}
    tree = _Tree(found, parents)
    for key, parent in parents.items():
        tree.children.setdefault(parent, []).append(key)
    return tree


def _message(tree: _Tree, key: str) -> ImportedMessage:
    """Return a node as a message; without parts where it is no turn of the conversation."""
    raw = tree.message(key)
    metadata = mapping(raw.get("metadata"))
    at = moment(raw.get("create_time"))
    role, parts = _content(tree, key)
    finish = text(mapping(metadata.get("finish_details")).get("type"))
    model = text(metadata.get("model_slug"))
    return ImportedMessage(
        source_id=key,
        parent_source_id=tree.parents[key] or None,
        message=Message(role, tuple(parts)),
        created_at=at,
        time_source="unknown" if at is None else "stated",
        hidden=flag(metadata.get("is_visually_hidden_from_conversation")) or False,
        generations=(ImportedGeneration(model=model, finish_reason=_ENDINGS.get(finish, finish) or None),)
        if model and parts and tree.role(key) == "assistant"
        else (),
    )


def _content(tree: _Tree, key: str) -> tuple[Role, list[Part]]:
    role, kind = tree.role(key), tree.kind(key)
    if kind in _CONTEXTS:
        tree.contexts += 1
        return "user", []
    if role == "tool":
        return _tool_output(tree, key)
    if role == "assistant":
        if kind in _THOUGHTS:
            followed = any(tree.role(child) == "assistant" for child in tree.children.get(key, ()))
            return "assistant", [] if followed else _thoughts(tree, [key])
        return "assistant", _answer(tree, key)
    words = _text(tree, key) if role == "user" else ""
    return "user", [TextPart(words)] if words else []


def _answer(tree: _Tree, key: str) -> list[Part]:
    """Return an answer's parts, led by the thoughts right above it."""
    words = _text(tree, key)
    parts: list[Part] = []
    if tree.is_call(key):
        parts.append(ToolCallPart(key, text(tree.message(key).get("recipient")), _arguments(words)))
    elif words:
        code = mapping(tree.message(key).get("content"))
        fenced = tree.kind(key) == "code" and not words.lstrip().startswith("```")
        parts.append(TextPart(f"```{_language(code)}\n{words}\n```" if fenced else words))
    if not parts:
        return []
    leading: list[str] = []
    for above in tree.above(key):
        if tree.role(above) != "assistant" or tree.kind(above) not in _THOUGHTS:
            break
        leading.append(above)
    return [*_thoughts(tree, leading[::-1]), *parts]


def _thoughts(tree: _Tree, keys: list[str]) -> list[Part]:
    """Return the thoughts of some nodes as one part; "Thought for 9 seconds" only gives the time."""
    pieces: list[str] = []
    recaps: list[str] = []
    seconds: float | None = None
    for key in keys:
        content = mapping(tree.message(key).get("content"))
        for thought in mappings(content.get("thoughts")):
            summary, words = text(thought.get("summary")), text(thought.get("content"))
            pieces.append("\n\n".join(piece for piece in (f"**{summary}**" if summary else "", words) if piece))
        recaps.append(text(content.get("content")))
        took = number(mapping(tree.message(key).get("metadata")).get("finished_duration_sec"))
        seconds = took if took is not None else seconds
    words = "\n\n".join(piece for piece in pieces if piece) or "\n\n".join(recap for recap in recaps if recap)
    return [ReasoningPart(words, seconds)] if words else []


def _tool_output(tree: _Tree, key: str) -> tuple[Role, list[Part]]:
    """Return a tool's output as the result of the nearest call above it, or as a thought where nobody called."""
    words = _text(tree, key)
    name = text(mapping(tree.message(key).get("author")).get("name")) or "tool"
    call: str | None = None
    for above in tree.above(key):
        if tree.is_call(above):
            call = above
        if call or tree.role(above) == "user":
            break
    if call is None:
        return "assistant", [ReasoningPart(f"{name}: {words}")] if words else []
    tree.results.setdefault(call, []).append(words)
    status = text(mapping(mapping(tree.message(key).get("metadata")).get("aggregate_result")).get("status"))
    if status:
        tree.succeeded[call] = status == "success"
    return "tool", [ToolResultPart(call, words)]


def _with_results(tree: _Tree, found: ImportedMessage) -> ImportedMessage:
    """Return a message with what became of its call, if it is one."""
    calls = [part for part in found.message.parts if isinstance(part, ToolCallPart)]
    if not calls:
        return found
    (call,) = calls
    results = tree.results.get(found.source_id)
    done = ImportedToolCall(
        call.call_id,
        call.name,
        call.arguments,
        result="\n\n".join(results) if results is not None else None,
        succeeded=tree.succeeded.get(found.source_id),
    )
    return replace(found, tool_calls=(done,))


def _text(tree: _Tree, key: str) -> str:
    """Return the text of a node's content, whatever its type; images and files leave a word in their place."""
    content = mapping(tree.message(key).get("content"))
    pieces: list[str] = []
    for part in sequence(content.get("parts")):
        if isinstance(part, str):
            pieces.append(part)
        elif (spoken := mapping(part).get("text")) and isinstance(spoken, str):
            pieces.append(spoken)
        elif part:
            tree.images += 1
            pieces.append("[image]" if "image" in text(mapping(part).get("content_type")) else "[file]")
    if not pieces:
        pieces = [text(content.get(name)) for name in ("text", "result", "summary")][:3]
        pieces = [piece for piece in pieces if piece][:1]
    words, marks = _CITATION.subn("", "\n\n".join(piece for piece in pieces if piece))
    tree.citations += marks
    return words


def _arguments(words: str) -> str:
    """Return a call's text as JSON: as it is where it is an object, else as its one input."""
    try:
        if isinstance(orjson.loads(words), dict):
            return words
    except orjson.JSONDecodeError:
        pass  # code, a search query
    return json_text({"input": words})


def _language(content: Mapping[str, object]) -> str:
    language = text(content.get("language"))
    return language if language.isalnum() and language != "unknown" else ""
