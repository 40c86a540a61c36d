"""Which program a file is from, told by how it begins and never by its name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from apehost_core.formats import (
    apehost,
    chatbot_ui,
    chatgpt,
    claude,
    librechat,
    llamacpp_ui,
    lmstudio,
    openai_jsonl,
    openwebui,
    sharegpt,
)
from apehost_core.formats.conversation import ImportedConversation, Unreadable
from apehost_core.formats.items import Item, each
from apehost_core.formats.openwebui_database import has_chats, holds_database
from apehost_core.formats.sources import Document, Source, documents
from apehost_core.formats.streaming import Damaged, Head, head_of


@dataclass(frozen=True, slots=True)
class Format:
    """One format that can be read.

    Attributes:
        name: As in `ImportedConversation.format`.
        label: What people call it.
        recognises: Whether a file begins as this format's do; at most one format's answer is yes for a real file,
            and the first in the list counts.
        conversations: Makes conversations of a document's items.
    """

    name: str
    label: str
    recognises: Callable[[Head], bool]
    conversations: Callable[[Iterator[Item], Document], Iterator[ImportedConversation | Unreadable]]


OPEN_WEBUI = Format(openwebui.NAME, openwebui.LABEL, openwebui.recognises, each(openwebui.drafts))
ALL: tuple[Format, ...] = (
    Format(lmstudio.NAME, lmstudio.LABEL, lmstudio.recognises, each(lmstudio.drafts)),
    Format(chatgpt.NAME, chatgpt.LABEL, chatgpt.recognises, each(chatgpt.drafts)),
    OPEN_WEBUI,
    Format(claude.NAME, claude.LABEL, claude.recognises, each(claude.drafts)),
    Format(librechat.NAME, librechat.LABEL, librechat.recognises, each(librechat.drafts)),
    Format(llamacpp_ui.NAME, llamacpp_ui.LABEL, llamacpp_ui.recognises, llamacpp_ui.conversations),
    Format(chatbot_ui.NAME, chatbot_ui.LABEL, chatbot_ui.recognises, each(chatbot_ui.drafts)),
    Format(apehost.NAME, apehost.LABEL, apehost.recognises, apehost.conversations),
    Format(sharegpt.NAME, sharegpt.LABEL, sharegpt.recognises, each(sharegpt.drafts)),
    Format(openai_jsonl.NAME, openai_jsonl.LABEL, openai_jsonl.recognises, openai_jsonl.conversations),
)
FORMATS: dict[str, str] = {known.name: known.label for known in ALL}
"""Labels of the formats, by name."""


def format_of(head: Head) -> Format | None:
    """Return the format of a file that begins so; None when it is none that is known."""
    if head.shape is None or not head.items:
        return None
    return next((known for known in ALL if known.recognises(head)), None)


def detect(source: Source) -> str | None:
    """Return the name of the first known format among what was named; None when there is none, or it cannot be read."""
    for document in documents(source):
        if isinstance(document, Unreadable):
            continue
        try:
            if holds_database(document):
                if has_chats(document):
                    return OPEN_WEBUI.name
                continue
            with document.opening() as stream:
                head = head_of(stream)
        except (Damaged, OSError):
            continue
        found = format_of(head)
        if found:
            return found.name
    return None
