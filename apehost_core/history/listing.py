"""The list of conversations: what it can be narrowed to, and what a line of it says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Place = Literal["kept", "archive", "trash"]
"""Where conversations are: kept are all that are neither archived nor in the trash."""


def as_tag(text: str) -> str:
    """Return a tag as it is kept and looked for: without blanks around it, a hyphen for those in it."""
    return "-".join(text.split())


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which conversations are listed; None leaves a thing open.

    Attributes:
        place: Where they are; None for all but those in the trash.
        contains: Part of the title, in any case.
        tag: One that they have.
        model: Key of a model that answered in them.
        server: Name of a server that answered in them.
        after: UTC; of the last message, included.
        before: UTC; of the last message, not included.
        imported: Whether they came from another program.
    """

    place: Place | None = "kept"
    contains: str = ""
    tag: str | None = None
    model: str | None = None
    server: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    imported: bool | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in the list.

    Attributes:
        id: UUIDv7.
        title: Never empty.
        created_at: UTC.
        updated_at: UTC, of the last message.
        messages: How many it has, over all branches.
        tokens: Completion tokens of its calls, estimated ones included.
        models: Keys of the models that answered, sorted.
        tags: Sorted.
        archived: Whether it is in the archive.
        trashed_at: UTC; None where it is not in the trash.
        origin: The program that it was imported from; None where it began here.
    """

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    messages: int
    tokens: int
    models: tuple[str, ...]
    tags: tuple[str, ...]
    archived: bool
    trashed_at: datetime | None
    origin: str | None


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to narrow a list to, each sorted.

    Attributes:
        tags: Of conversations that are not in the trash.
        models: Keys of models that were ever asked.
        servers: Names of servers that were ever asked.
    """

    tags: tuple[str, ...]
    models: tuple[str, ...]
    servers: tuple[str, ...]
