"""The items of a document on their way to a reader: elements of an array, lines, or the one object it is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from apehost_core.formats.conversation import ImportedConversation, Unreadable
from apehost_core.formats.lenient import NoConversation, mapping, one_line
from apehost_core.formats.sources import Document
from apehost_core.formats.streaming import Damaged, LargeNumber, Metered, Progress, Shape, lines_of, values_of
from apehost_core.formats.tree import Draft, assembled

_LONGEST_TITLE = 60


@dataclass(frozen=True, slots=True)
class Item:
    """One value of a document.

    Attributes:
        where: For people: "number 12", "line 3"; empty where the document is one object.
        value: Damaged where it could not be read.
    """

    where: str
    value: object


def items_of(document: Document, shape: Shape, progress: Progress | None) -> Iterator[Item]:
    """Yield the items. Damage in a line costs that line; damage in an array or object ends it, as its last item.

    Raises:
        Damaged: The document cannot be opened.
        OSError: Likewise.
    """
    if shape == "lines":
        with document.opening() as stream:
            for number, value in lines_of(stream, progress):
                yield Item(f"line {number:,}", value)
        return
    number = 0
    try:
        for value in _values(document, progress):
            number += 1
            yield Item(f"number {number:,}" if shape == "array" else "", value)
    except Damaged as damage:
        yield Item(f"after number {number:,}" if shape == "array" and number else "", damage)


def _values(document: Document, progress: Progress | None) -> Iterator[object]:
    """Yield the values; where the fast parser meets a number that it cannot read, the slow one goes on from there."""
    given = 0
    with document.opening() as stream:
        metered = Metered(stream, progress)
        try:
            for value in values_of(metered):
                given += 1
                yield value
            return
        except LargeNumber:
            taken = metered.taken

    def beyond(read: int) -> None:
        nonlocal taken
        if progress and read > taken:
            progress(read - taken)
        taken = max(0, taken - read)

    with document.opening() as stream:
        yield from islice(values_of(Metered(stream, beyond), "slow"), given, None)


def each(
    drafts: Callable[[Mapping[str, object], Document], Iterable[Draft]],
) -> Callable[[Iterator[Item], Document], Iterator[ImportedConversation | Unreadable]]:
    """Return a reader of files in which each item stands for itself."""

    def conversations(items: Iterator[Item], document: Document) -> Iterator[ImportedConversation | Unreadable]:
        for item in items:
            where = f"{document.name}, {item.where}" if item.where else document.name
            if isinstance(item.value, Damaged):
                yield Unreadable(where, str(item.value))
                continue
            found = mapping(item.value)
            if found:
                yield from finished(drafts(found, document), where)
            else:
                yield Unreadable(where, "There is no conversation in it.")

    return conversations


def finished(drafts: Iterable[Draft], where: str) -> Iterator[ImportedConversation | Unreadable]:
    """Yield each draft as a conversation, or why it is none.

    Args:
        drafts: May raise NoConversation, which ends it.
        where: For people.
    """
    following = iter(drafts)
    title = ""
    while True:
        try:
            draft = next(following, None)
            if draft is None:
                return
            title = one_line(draft.title, _LONGEST_TITLE)
            yield assembled(draft)
        except NoConversation as reason:
            yield Unreadable(f'{where}, "{title}"' if title else where, str(reason))
