"""Where the prompts of a comparison come from: `templates`, files (`prompt_files`) and past questions."""

from dataclasses import dataclass
from datetime import datetime

from apehost_core.compare.prompt_files import from_file, from_text
from apehost_core.compare.templates import MOST_PROMPTS, fields_of, from_template

__all__ = ["MOST_PAST", "MOST_PROMPTS", "PastPrompts", "fields_of", "from_file", "from_template", "from_text"]

MOST_PAST = 200


@dataclass(frozen=True, slots=True)
class PastPrompts:
    """Which questions of past chats are wanted; newest first, each text once.

    Attributes:
        contains: Text that they hold, in any case; empty for all.
        model: Key of the model that answered them; empty for any.
        after: Asked then or later, UTC; None for no bound.
        before: Asked before then, UTC; None for no bound.
        first_only: Only questions that opened their chat, which can be understood without one.
        limit: How many at most.
    """

    contains: str = ""
    model: str = ""
    after: datetime | None = None
    before: datetime | None = None
    first_only: bool = True
    limit: int = MOST_PAST
