"""Conversations of whatever a person named, one after the other: files, folders and archives of any known format."""

from collections.abc import Iterator

from apehost_core.formats.conversation import ImportedConversation, Unreadable
from apehost_core.formats.detection import ALL, FORMATS, OPEN_WEBUI, Format, format_of
from apehost_core.formats.items import items_of
from apehost_core.formats.openwebui_database import NotOpenWebUi, chats, holds_database
from apehost_core.formats.sources import Document, Source, documents
from apehost_core.formats.streaming import Damaged, Progress, head_of

_KNOWN = ", ".join(FORMATS.values())
_NOT_KNOWN = f"It is not in a format that ApeHost knows: {_KNOWN}."


def read(
    source: Source,
    format: str | None = None,  # noqa: A002 (what it is called everywhere)
    *,
    progress: Progress | None = None,
) -> Iterator[ImportedConversation | Unreadable]:
    """Yield the conversations, and what could not be read with the reason. Never more than one is in memory.

    In a folder or an archive, files of other things are passed over unless nothing else is there.

    Args:
        source: A file, a folder, an archive, or a name and its bytes.
        format: Name of the format that all of it is in; None finds out for each file.
        progress: Told the bytes that were read since it was told last; all of them are `size_of(source)`.
    """
    if format is not None and format not in FORMATS:
        yield Unreadable(_name(source), f"There is no format named {format!r}. Known are {', '.join(FORMATS)}.")
        return
    asked = next((known for known in ALL if known.name == format), None)
    anything = False
    for document in documents(source):
        if isinstance(document, Unreadable):
            anything = True
            yield document
            continue
        for found in _read_document(document, asked, progress):
            anything = True
            yield found
    if not anything:
        yield Unreadable(_name(source), f"There are no conversations in it that ApeHost knows how to read: {_KNOWN}.")


def _read_document(
    document: Document, asked: Format | None, progress: Progress | None
) -> Iterator[ImportedConversation | Unreadable]:
    try:
        if holds_database(document):
            yield from _read_database(document, asked, progress)
            return
        with document.opening() as stream:
            head = head_of(stream)
        known = asked or format_of(head)
        if known is None:
            if document.alone or _is_named_like_chats(document.file_name):
                yield Unreadable(document.name, head.damage or _NOT_KNOWN)
            return
        yield from known.conversations(items_of(document, head.shape or "object", progress), document)
    except Damaged as damage:
        yield Unreadable(document.name, str(damage))
    except OSError as error:
        yield Unreadable(document.name, f"It could not be read: {error.strerror or type(error).__name__}.")


def _read_database(
    document: Document, asked: Format | None, progress: Progress | None
) -> Iterator[ImportedConversation | Unreadable]:
    """Yield the chats of Open WebUI's database; any other one is passed over unless the person named it.

    Raises:
        Damaged: It cannot be read.
        OSError: Likewise.
    """
    if asked is not None and asked is not OPEN_WEBUI:
        raise Damaged(f"It is a database, not a file of {asked.label}.")
    try:
        yield from OPEN_WEBUI.conversations(chats(document, progress), document)
    except NotOpenWebUi:
        if document.alone:
            raise


def _is_named_like_chats(name: str) -> bool:
    """Whether a file's name says that there are conversations in it, so that it is not passed over in silence."""
    folded = name.casefold()
    return folded.startswith("conversations") or folded.endswith(".conversation.json")


def _name(source: Source) -> str:
    return source[0] if isinstance(source, tuple) else source.name or str(source)
