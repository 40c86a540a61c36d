"""Owns `POST /api/backup`: a copy of the database while the app runs, for the `apehost` command.

The caller must sit on this machine and hold the control key, which only the owner of the data folder can read.
"""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from apehost_core.api.problems import fault_problem, problem, starting_problem
from apehost_core.errors import StoreError

if TYPE_CHECKING:
    from apehost_core.host import Host


class BackupOrder(BaseModel):
    """What the caller asks for.

    Attributes:
        destination: File to write; absolute, because the caller's folder is not the app's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    destination: Path

    @field_validator("destination")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        if not path.is_absolute() or "\0" in str(path):
            raise ValueError("must be an absolute path")
        return path


def backup_endpoint(current: Callable[[], "Host | None"]) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint; `current` returns the host, None while it is not open."""

    async def backup(request: Request) -> Response:
        if not _from_this_machine(request):
            return problem(403, "Backups are ordered on the machine of ApeHost", "Use the apehost command there.")
        host = current()
        if host is None:
            return starting_problem()
        if not _holds_key(request, host.control_key):
            return problem(401, "The control key is missing or wrong", headers={"WWW-Authenticate": "Bearer"})
        try:
            order = BackupOrder.model_validate_json(await request.body())
        except ValidationError:
            return problem(
                422,
                "The order is not valid",
                "The body is a JSON object with one field, destination: an absolute path.",
            )
        try:
            await host.backup(order.destination)
        except StoreError as error:
            return fault_problem(409, error.fault)
        return JSONResponse({"destination": str(order.destination)}, 201, {"Cache-Control": "no-store"})

    return backup


def _from_this_machine(request: Request) -> bool:
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _holds_key(request: Request, key: SecretStr) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), key.get_secret_value().encode())
    return scheme.lower() == "bearer" and same
