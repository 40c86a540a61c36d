"""The process's Host, and the portal by which a script thread calls it.

A module global set by the lifespan, not a cached resource: any client can clear Streamlit's caches.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

from anyio.from_thread import BlockingPortal

from apehost_core.host import Host

_P = ParamSpec("_P")
_T = TypeVar("_T")


class _Installed:
    """What the lifespan has put here; both None while the process starts or stops."""

    host: Host | None = None
    portal: BlockingPortal | None = None


@asynccontextmanager
async def installed(host: Host) -> AsyncGenerator[None, None]:
    """Make a host the process's host while the context lasts; entered on the host's event loop."""
    async with BlockingPortal() as portal:
        _Installed.host, _Installed.portal = host, portal
        try:
            yield
        finally:
            _Installed.host = _Installed.portal = None


def current() -> Host | None:
    """Return the process's host; None while the process starts or stops."""
    return _Installed.host


def host() -> Host:
    """Return the process's host.

    Raises:
        RuntimeError: The process is starting or stopping.
    """
    if _Installed.host is None:
        raise RuntimeError("ApeHost is not open")
    return _Installed.host


def call(verb: Callable[_P, Awaitable[_T]], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Run one of the host's coroutines on its loop and wait for the result, from a script thread."""
    if _Installed.portal is None:
        raise RuntimeError("ApeHost is not open")
    return _Installed.portal.call(lambda: verb(*args, **kwargs))
