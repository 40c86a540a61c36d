"""What a search found, as values for the page: hits with their snippets, facets, and the state of the index."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from apehost_core.errors import Fault

Where = Literal["text", "reasoning", "tool", "title"]
Order = Literal["relevance", "newest"]
IndexState = Literal["ready", "catching up", "rebuilding", "broken"]
Snippet = tuple[tuple[str, bool], ...]


class Hit(NamedTuple):
    """One message, or one title, that has the words.

    Attributes:
        message_id: The message to open; "" for a title.
        conversation_id: Where it belongs.
        title: The conversation's title.
        role: Who wrote it; "" for a title.
        at: UTC; of a title, when the conversation was last written in.
        model: Key of the model that wrote it; "" when no model did.
        server: Name of the server that it ran on; "" when none did.
        where: Which part of the message the snippet is from.
        snippet: Pieces of text in order, each with whether it is a word that was looked for. Never Markdown.
        tags: Of the conversation, sorted.
        archived: Whether the conversation is in the archive.
        trashed: Whether the conversation is in the trash.
    """

    message_id: str
    conversation_id: str
    title: str
    role: str
    at: datetime
    model: str
    server: str
    where: Where
    snippet: Snippet
    tags: tuple[str, ...]
    archived: bool
    trashed: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """How the hits divide by one filter word.

    Attributes:
        name: The filter word without its colon: "model".
        values: Value and number of hits, most first; at most ten. A value in quotes after the filter word gives
            exactly these hits: model:"qwen3-4b".
    """

    name: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search.

    Attributes:
        hits: Those that were asked for, in order.
        total: How many there are in all.
        facets: Empty when they were not asked for.
        took_ms: From the call to the answer.
        notes: Sentences for the person: what was ignored, and that the index is not complete when it is not.
    """

    hits: tuple[Hit, ...]
    total: int
    facets: tuple[Facet, ...]
    took_ms: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """How far the index is.

    Attributes:
        state: "broken" means that nothing can be searched now; it is tried again by itself.
        done: Messages, or changes, that are in the index, while it catches up or is rebuilt; else equal to total.
        total: How many there are to be.
        fault: Why it is broken; None when it is not.
    """

    state: IndexState
    done: int
    total: int
    fault: Fault | None = None
