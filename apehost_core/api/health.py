"""Owns `GET /api/health`: whether the process serves, and whether it can do its work.

`?probe=live` answers as soon as the process serves. Without it the answer says if the store takes writes and
how each server is; 503 while starting or when the store fails. A server that is away is no failure of ours.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from apehost_core.api.problems import problem
from apehost_core.servers import ANSWERING

if TYPE_CHECKING:
    from apehost_core.host import HealthReport, Host

_WELL = ANSWERING | {"unknown"}
_NO_STORE = {"Cache-Control": "no-store"}


def health_endpoint(current: Callable[[], "Host | None"], version: str) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint.

    Args:
        current: Returns the host; None while it is not open.
        version: Version of ApeHost.
    """

    async def health(request: Request) -> Response:
        query = request.query_params.multi_items()
        if query == [("probe", "live")]:
            return JSONResponse({"status": "live"}, headers=_NO_STORE)
        if query:
            return problem(400, "Unknown query", "The only query is probe=live.")
        host = current()
        content = _starting(version) if host is None else _report(host.health(), version)
        ready = host is not None and content["store"]["ok"]
        return JSONResponse(content, 200 if ready else 503, _NO_STORE)

    return health


def _starting(version: str) -> dict[str, Any]:
    store = {"ok": False, "problem": "The store is not open yet."}
    return {"status": "starting", "version": version, "store": store, "servers": []}


def _report(report: "HealthReport", version: str) -> dict[str, Any]:
    well = report.store_ok and all(server.state in _WELL for server in report.servers)
    return {
        "status": "ok" if well else "degraded",
        "version": version,
        "store": {
            "ok": report.store_ok,
            "problem": str(report.store_fault) if report.store_fault else None,
        },
        "servers": [
            {
                "name": server.name,
                "state": server.state,
                "since": server.since.isoformat() if server.since else None,
                "problem": str(server.fault) if server.fault else None,
            }
            for server in report.servers
        ],
    }
