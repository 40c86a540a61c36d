"""The body of one response, chunk by chunk, never silent for longer than the watchdogs allow."""

import asyncio
from collections.abc import AsyncIterator

import httpx

from apehost_core.errors import FaultKind, ServerTimeout
from apehost_core.lmstudio.endpoint import Endpoint
from apehost_core.lmstudio.faults import fault_of
from apehost_core.lmstudio.patience import Patience
from apehost_core.lmstudio.transport import FOREIGN, Watchdogs, server_error

_LINGER_S = 0.25  # what a server may take to close the body after its end marker
_LARGEST_ERROR = 64 * 1024


class Body:
    """Reads one response. Close it to close the connection, at any time."""

    def __init__(self, response: httpx.Response, endpoint: Endpoint, watchdogs: Watchdogs) -> None:
        self.response = response
        self._endpoint = endpoint
        self._watchdogs = watchdogs
        self._patience = Patience()
        packed = "content-encoding" in response.headers
        self._chunks = response.aiter_bytes() if packed else response.aiter_raw()
        self._begun = False

    @property
    def is_stream(self) -> bool:
        """Whether the server says that it sends events."""
        return "text/event-stream" in self.response.headers.get("content-type", "")

    async def chunk(self) -> bytes | None:
        """Return the next chunk; None at the end.

        Raises:
            ServerTimeout: The server was silent for too long.
            ServerProtocolError: The connection broke.
        """
        seconds = self._watchdogs.between_chunks_s if self._begun else self._watchdogs.first_byte_s
        try:
            chunk = await self._patience.wait(_next(self._chunks), seconds)
        except TimeoutError:
            kind: FaultKind = "stalled" if self._begun else "silent"
            raise ServerTimeout(fault_of(kind, self._endpoint)) from None
        except FOREIGN as error:
            raise server_error(error, self._endpoint) from None
        self._begun = True
        return chunk

    async def whole(self) -> bytes:
        """Return what is left of the body; of an error no more than 64 KiB.

        Raises:
            ServerError: As for `chunk`.
        """
        content = b""
        while len(content) < _LARGEST_ERROR or self.response.status_code == 200:
            chunk = await self.chunk()
            if chunk is None:
                break
            content += chunk
        return content

    async def read_out(self) -> None:
        """Let the server end the body after its end marker, so that the connection can be used again."""
        try:
            async with asyncio.timeout(_LINGER_S):
                while await _next(self._chunks) is not None:
                    pass
        except (TimeoutError, httpx.HTTPError):
            return

    async def aclose(self) -> None:
        """Close the response; its connection too, when the body was not read to its end."""
        self._patience.close()
        await self.response.aclose()


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)
