"""An answer's header fields as they may be shown and kept. Pure."""

from collections.abc import Iterable
from typing import Protocol

from apehost_core.lmstudio.endpoint import Endpoint
from apehost_core.lmstudio.faults import scrub

_MOST = 40
_SECRET = ("cookie", "auth", "token", "secret", "key")


class _Fields(Protocol):
    def multi_items(self) -> Iterable[tuple[str, str]]: ...


def shown(headers: _Fields, endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    """Return name and value of at most 40 fields, in their order: scrubbed, and without cookies and credentials."""
    open_fields = [
        (name, value) for name, value in headers.multi_items() if not any(word in name.casefold() for word in _SECRET)
    ]
    return tuple((scrub(name, endpoint), scrub(value, endpoint)) for name, value in open_fields[:_MOST])
