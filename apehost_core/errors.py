"""What can go wrong, split by who can act on it.

    ApeHostError
    ├── ConfigError              a setting is wrong: whoever starts ApeHost acts
    ├── InputRefused             the person's input is outside a limit; nothing was lost
    ├── ServerError              a server did not do what was asked
    │   ├── ServerUnreachable    no connection: refused, name not found, connect timeout
    │   ├── ServerTimeout        connected, then silent longer than the watchdog allows
    │   ├── ServerRejected       the server said no (status and its own words)
    │   ├── ServerProtocolError  the answer is not what the protocol allows, or was cut
    │   └── ModelNotFound        the server has no such model, or none loaded
    ├── EngineError              the embedded demo engine could not start or died
    └── StoreError               the database file could not be opened, read or written
        ├── StoreLocked          another process holds the file
        ├── StoreTooNew          written by a newer ApeHost
        └── StoreDamaged         the file or its write-ahead log does not check out

Every error carries one `Fault`: a plain value that is shown, stored and sent in its place. A fault never
holds a server's URL or token; the adapter that makes it takes them out.
"""

from dataclasses import dataclass
from typing import Literal

FaultKind = Literal[
    "config",
    "input_too_large",
    "refused",
    "dns",
    "connect_timeout",
    "silent",
    "stalled",
    "unauthorized",
    "forbidden",
    "model_not_found",
    "rate_limited",
    "overflow",
    "model_crashed",
    "load_failed",
    "template",
    "bad_request",
    "server_error",
    "cut",
    "empty",
    "not_a_stream",
    "wrong_endpoint",
    "not_lm_studio",
    "no_server",
    "engine",
    "store",
    "busy",
    "internal",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that went wrong, in words for the person who reads it.

    Attributes:
        kind: Closed set, for buttons and statistics.
        title: What happened, to what: 'Server "mini" refused the connection'.
        cause: The other side's own words where there are any; without URLs and tokens.
        advice: Who must act, and how.
        server: Name of the server concerned; None when no server is.
        status: HTTP status; None when there was no response.
        retry_after_s: Seconds the server asked to wait; None when it did not say.
        retryable: Whether the same request may succeed later without a change.
    """

    kind: FaultKind
    title: str
    cause: str = ""
    advice: str = ""
    server: str | None = None
    status: int | None = None
    retry_after_s: float | None = None
    retryable: bool = False

    def __str__(self) -> str:
        return " ".join(part for part in (self.title + ".", self.cause, self.advice) if part)


class ApeHostError(Exception):
    """Base of every error that ApeHost raises on purpose."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class ConfigError(ApeHostError):
    """A setting is unknown or has a wrong value; the start stops."""


class InputRefused(ApeHostError):
    """What the person sent is outside a limit that the fault names."""


class ServerError(ApeHostError):
    """A server did not do what was asked."""


class ServerUnreachable(ServerError):
    """No connection could be made."""


class ServerTimeout(ServerError):
    """The connection stands, and nothing came for longer than the watchdog allows."""


class ServerRejected(ServerError):
    """The server answered with an error of its own."""


class ServerProtocolError(ServerError):
    """The server's answer broke the protocol, or ended before it was complete."""


class ModelNotFound(ServerError):
    """The server does not have the model, or has none loaded."""


class EngineError(ApeHostError):
    """The embedded engine could not be started or ended unexpectedly."""


class StoreError(ApeHostError):
    """The database could not be opened, read or written."""


class StoreLocked(StoreError):
    """Another process holds the database file."""


class StoreTooNew(StoreError):
    """The database was written by a newer ApeHost; nothing was changed."""


class StoreDamaged(StoreError):
    """The database or its write-ahead log is damaged; both files are left as they are."""
