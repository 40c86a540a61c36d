"""Forms of new comparisons, kept in memory under a name that stands in the URL: a refresh begins a new session.

Who has such a name sees the form, as with every link; names cannot be guessed.
"""

import secrets
from collections import OrderedDict
from threading import Lock

from apehost_ui.page_state import SetupDraft

MOST = 50
_kept: OrderedDict[str, SetupDraft] = OrderedDict()
_lock = Lock()


def new_name() -> str:
    """Return a name for the forms of one session."""
    return secrets.token_urlsafe(8)


def keep(name: str, draft: SetupDraft) -> None:
    """Keep what stands in a form, in place of what was kept under that name; of too many the oldest are forgotten."""
    with _lock:
        _kept[name] = draft.copy()
        _kept.move_to_end(name)
        while len(_kept) > MOST:
            _kept.popitem(last=False)


def kept(name: str | None) -> SetupDraft | None:
    """Return a copy of what was kept under a name; None when nothing is."""
    with _lock:
        found = _kept.get(name or "")
        return found.copy() if found is not None else None
