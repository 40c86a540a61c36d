"""Files of other programs, and of ours: readers that yield conversations, and writers that take them."""

from apehost_core.formats.conversation import (
    ImportedConversation,
    ImportedGeneration,
    ImportedMessage,
    ImportedToolCall,
    TimeSource,
    Unreadable,
)
from apehost_core.formats.detection import FORMATS, detect
from apehost_core.formats.reading import read
from apehost_core.formats.sources import Source, size_of

__all__ = [
    "FORMATS",
    "ImportedConversation",
    "ImportedGeneration",
    "ImportedMessage",
    "ImportedToolCall",
    "Source",
    "TimeSource",
    "Unreadable",
    "detect",
    "read",
    "size_of",
]
