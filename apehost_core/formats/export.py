"""A conversation as it is written down for others: the rows of the database, and what writers need to know of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import cast

import orjson

from apehost_core.formats.lenient import mapping, sequence, text
from apehost_core.messages import Message, Role, parts_from_json

SAID_BY: dict[Role, str] = {"user": "You", "assistant": "Model", "tool": "Tool", "system": "System"}
"""What documents call who says a message."""
Row = Mapping[str, object]
"""Columns of a table by their names, as `docs/formats.md` says that they are written."""


def written_time(moment: datetime) -> str:
    """Return a time as it stands in rows: ISO 8601 in UTC with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class Node:
    """A message with its place in the tree.

    Attributes:
        id: UUID as text.
        parent: Id of the message before it; None for a first one.
        message: What it says.
        row: All columns.
        model: The model that wrote it; empty where none did.
    """

    id: str
    parent: str | None
    message: Message
    row: Row
    model: str = ""


@dataclass(frozen=True)
class Exported:
    """One conversation with all that belongs to it.

    Attributes:
        conversation: The row, and `tags`.
        messages: Parents before their children.
        generations: Also those that belong to no message.
        tool_calls: Likewise.
    """

    conversation: Row
    messages: Sequence[Row]
    generations: Sequence[Row] = field(default=())
    tool_calls: Sequence[Row] = field(default=())

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.conversation["title"])

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return [str(tag) for tag in sequence(self.conversation.get("tags"))]

    @property
    def system_prompt(self) -> str:
        """What is sent before the first message; empty where nothing is."""
        return text(mapping(self.conversation.get("settings")).get("system_prompt"))

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The messages by their ids, parents before their children."""
        models = {
            str(row["message_id"]): str(row.get("model_answered") or row.get("model_asked") or "")
            for row in self.generations
            if row.get("message_id")
        }
        return {str(row["id"]): _node(row, models.get(str(row["id"]), "")) for row in self.messages}

    @cached_property
    def children(self) -> dict[str | None, list[Node]]:
        """The messages by the one before them; those without one under None."""
        found: dict[str | None, list[Node]] = {}
        for node in self.nodes.values():
            found.setdefault(node.parent if node.parent in self.nodes else None, []).append(node)
        return found

    @cached_property
    def selected(self) -> list[Node]:
        """The selected branch, oldest first."""
        return self.path(str(self.conversation.get("leaf_id") or ""))

    @property
    def branches(self) -> list[list[Node]]:
        """All branches, each from its first message to its last."""
        return [self.path(node.id) for node in self.nodes.values() if node.id not in self.children]

    def path(self, leaf: str) -> list[Node]:
        """Return the messages from the first to one, which comes last."""
        found: list[Node] = []
        at = self.nodes.get(leaf)
        while at is not None:
            found.append(at)
            at = self.nodes.get(at.parent or "")
        return found[::-1]


def _node(row: Row, model: str) -> Node:
    message = Message(cast("Role", row["role"]), parts_from_json(orjson.dumps(row["parts"]).decode()))
    parent = row.get("parent_id")
    return Node(str(row["id"]), str(parent) if parent else None, message, row, model)
