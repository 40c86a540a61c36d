"""What an import finds on its way through a file, counted, listed and told."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from apehost_core.formats import ImportedConversation, Source, Unreadable, read, size_of
from apehost_core.history.imports import MOST_LISTED, Fate, Findings, ImportProgress, Progress, Remark, Taken
from apehost_core.store.import_growth import Key, key_of
from apehost_core.store.import_rows import title_of

SEVERAL = "several"
_PORTION_MESSAGES = 400
_PORTION_CHARS = 2_000_000
_TOLD_BYTES = 1_000_000


@dataclass(slots=True)
class Tally:
    """What has been found so far of a file or folder of so many bytes, and who is told."""

    name: str
    size: int
    progress: Progress
    bytes: int = 0
    formats: set[str] = field(default_factory=set[str])
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("new", "changed", "same", "trashed"), 0))
    messages: int = 0
    unreadable: int = 0
    sample: list[Taken] = field(default_factory=list[Taken])
    refusals: list[Remark] = field(default_factory=list[Remark])
    remarks: list[Remark] = field(default_factory=list[Remark])

    @classmethod
    def of(cls, source: Source, progress: Progress | None) -> Self:
        """Return the tally of a source of which nothing was read yet."""
        return cls(name_of(source), size_of(source), progress or _unheard)

    def take_bytes(self, count: int) -> None:
        """Count bytes that were read; says how far it is after each megabyte."""
        before, self.bytes = self.bytes, self.bytes + count
        if before // _TOLD_BYTES < self.bytes // _TOLD_BYTES:
            self.tell()

    def refuse(self, found: Unreadable) -> None:
        """Count something that could not be read."""
        self.unreadable += 1
        if len(self.refusals) < MOST_LISTED:
            self.refusals.append(Remark(found.where, found.why))

    def take(self, conversation: ImportedConversation, fate: Fate, messages: int) -> None:
        """Count a conversation, and how many of its messages are not here yet."""
        self.formats.add(conversation.format)
        self.counts[fate] += 1
        self.messages += messages
        title = title_of(conversation)
        if fate in ("new", "changed"):
            if len(self.sample) < MOST_LISTED:
                self.sample.append(Taken(title, fate, messages, conversation.created_at))
            room = MOST_LISTED - len(self.remarks)
            self.remarks += [Remark(title, note) for note in conversation.notes[:room]]

    def tell(self) -> None:
        """Say how far it is; raises what the progress raises."""
        read, read_so_far = sum(self.counts.values()), min(self.bytes, self.size)
        fraction = read_so_far / self.size if self.size else None
        self.progress(ImportProgress(fraction, read, self.messages, self.unreadable, read_so_far, self.size))

    def findings(self) -> Findings:
        """Return what was found so far."""
        format_name = next(iter(self.formats)) if len(self.formats) == 1 else SEVERAL if self.formats else ""
        return Findings(
            self.name,
            format_name,
            **self.counts,
            messages=self.messages,
            unreadable=self.unreadable,
            sample=tuple(self.sample),
            refusals=tuple(self.refusals),
            remarks=tuple(self.remarks),
        )


def portions(source: Source, tally: Tally) -> Iterator[list[ImportedConversation]]:
    """Yield the conversations in portions for one transaction each; ids are different within a portion."""
    batch, keys = list[ImportedConversation](), set[Key]()
    messages = characters = 0
    for found in read(source, progress=tally.take_bytes):
        if isinstance(found, Unreadable):
            tally.refuse(found)
            tally.tell()
            continue
        full = messages >= _PORTION_MESSAGES or characters >= _PORTION_CHARS
        if full or key_of(found) in keys:
            yield batch
            batch, keys = list[ImportedConversation](), set[Key]()
            messages = characters = 0
            tally.tell()
        batch.append(found)
        keys.add(key_of(found))
        messages += len(found.messages)
        characters += sum(len(message.message.text) for message in found.messages)
    if batch:
        yield batch
    tally.tell()


def name_of(source: Source) -> str:
    """Return what a file or folder is called, without the path to it."""
    return source[0] if isinstance(source, tuple) else source.name or "/"


def _unheard(_progress: ImportProgress) -> None:
    pass
