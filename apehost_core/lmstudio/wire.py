"""One server's address on the shared connections: what listing, administration and streams need of HTTP.

It knows which of the server's addresses answered last, sends nothing twice that must not be, turns every failure
into a ServerError and leaves a line in the request log for every call. It knows no endpoint of the API.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import orjson

from apehost_core.errors import ServerTimeout
from apehost_core.lmstudio.body import Body
from apehost_core.lmstudio.endpoint import Endpoint
from apehost_core.lmstudio.faults import error_text, fault_of, rejected
from apehost_core.lmstudio.request_log import RequestKind, RequestLog
from apehost_core.lmstudio.transport import Http, Watchdogs, closed_unasked, translated

STREAMING = {"Content-Type": "application/json", "Accept": "text/event-stream", "Accept-Encoding": "identity"}
_JSON = {"Content-Type": "application/json"}
_HANGS = "It takes connections and does not answer: it is busy, or has hung. Look at that machine, or start it anew."
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout)

_Send = Callable[[str], Awaitable[httpx.Response]]


class Wire:
    """Requests to one server.

    Attributes:
        endpoint: Which one.
        http: The connections to all servers.
        watchdogs: How long the server may be silent.
        log: What was asked.
        bases: Base URLs in the order in which they are tried; the one that answered last comes first.
    """

    def __init__(self, endpoint: Endpoint, http: Http, watchdogs: Watchdogs, log: RequestLog) -> None:
        self.endpoint = endpoint
        self.http = http
        self.watchdogs = watchdogs
        self.log = log
        self.bases = endpoint.candidates

    @property
    def headers(self) -> dict[str, str]:
        """The header fields that let us in; none when the server needs no token."""
        token = self.endpoint.token
        return {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}

    async def get(self, path: str, kind: RequestKind = "check") -> object | None:
        """Return a JSON body; None where the server does not know the path, or has something else there.

        Raises:
            ServerError: There is no answer, or an error.
        """
        with self.log.entry(kind, subject=path) as entry:
            response = await self.fetch(path)
            entry.status = response.status_code
            body = self._known(response)
            entry.end()
        return body

    async def fetch(self, path: str) -> httpx.Response:
        """Return the answer, of any status, to a question that changes nothing. The caller logs it.

        Raises:
            ServerError: There is no answer.
        """

        async def send(base: str) -> httpx.Response:
            url = base + path
            try:
                return await self.http.pooled.get(url, headers=self.headers)
            except httpx.HTTPError as error:
                if not closed_unasked(error):
                    raise
            return await self.http.fresh.get(url, headers=self.headers)

        return await self._answer(send, self.watchdogs.listing_s, (httpx.HTTPError,))

    async def post(self, path: str, body: dict[str, Any], *, harmless: bool = False) -> httpx.Response:
        """Return the answer, of any status, to a request that changes something. The caller logs it.

        It goes over a new connection, so that no connection that was closed meanwhile can swallow it.

        Args:
            path: Below the server's address.
            body: To be sent as JSON.
            harmless: Whether it may be sent once more when the connection was closed before a byte came back.

        Raises:
            ServerError: There is no answer.
        """
        content = orjson.dumps(body)

        async def send(base: str) -> httpx.Response:
            return await self.http.fresh.post(base + path, content=content, headers={**_JSON, **self.headers})

        async def send_again(base: str) -> httpx.Response:
            try:
                return await send(base)
            except httpx.HTTPError as error:
                if not closed_unasked(error):
                    raise
            return await send(base)

        return await self._answer(send_again if harmless else send, self.watchdogs.first_byte_s, _NOT_SENT)

    @asynccontextmanager
    async def stream(self, path: str, body: dict[str, Any]) -> AsyncGenerator[Body, None]:
        """Post a request, once, and open the answer of any status. Leaving the context closes the connection.

        Raises:
            ServerError: There is no answer.
        """
        client, content = self.http.fresh, orjson.dumps(body)

        async def send(base: str) -> httpx.Response:
            request = client.build_request("POST", base + path, content=content, headers={**STREAMING, **self.headers})
            return await client.send(request, stream=True)

        response = await self._answer(send, self.watchdogs.first_byte_s, _NOT_SENT)
        answer = Body(response, self.endpoint, self.watchdogs)
        try:
            yield answer
        finally:
            await answer.aclose()

    async def _answer(
        self, send: _Send, seconds: float, elsewhere: tuple[type[httpx.HTTPError], ...]
    ) -> httpx.Response:
        """Return what the first address answers where something does.

        Args:
            send: Asks one address.
            seconds: How long each may take.
            elsewhere: The failures after which the next address may be asked.
        """
        error: httpx.HTTPError | None = None
        with translated(self.endpoint):
            for base in self.bases:
                try:
                    async with asyncio.timeout(seconds):
                        response = await send(base)
                except TimeoutError:
                    raise ServerTimeout(replace(fault_of("silent", self.endpoint), advice=_HANGS)) from None
                except elsewhere as failure:
                    error = failure
                else:
                    self.bases = (base, *(other for other in self.bases if other != base))
                    return response
            raise error or httpx.InvalidURL("no address")

    def _known(self, response: httpx.Response) -> object | None:
        if response.status_code in (404, 405):
            return None
        try:
            body: Any = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            body = None
        unknown = "Unexpected endpoint" in (error_text(body) or "")
        if unknown or (body is None and response.status_code == 200):
            return None
        if response.status_code != 200 or error_text(body):
            raise rejected(response.status_code, response.content, response.headers, self.endpoint)
        return body
