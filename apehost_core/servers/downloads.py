"""The downloads of one server: asked for here, done by the server, followed until they end."""

import asyncio
from dataclasses import replace

from apehost_core.errors import ServerError
from apehost_core.lmstudio import Download, LmStudioClient
from apehost_core.servers.loading import Listing
from apehost_core.servers.views import DownloadView

_POLL_S = 1.0
_LONGEST_PAUSE_S = 60.0
_GOES_ON = ("downloading", "paused")


class Downloads:
    """Starts and follows downloads. Lives on the event loop; views may be read from any thread.

    Attributes:
        client: The server's client; another one may take its place at any time.
    """

    def __init__(self, client: LmStudioClient, listing: Listing) -> None:
        self.client = client
        self._listing = listing
        self._views: dict[str, DownloadView] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def views(self) -> tuple[DownloadView, ...]:
        """All downloads of this process, oldest first."""
        return tuple(self._views.values())

    async def start(self, model: str, quantisation: str | None = None) -> None:
        """Ask the server to download a model; returns once it has begun, or turned out to be there.

        Raises:
            ServerError: The server refused.
        """
        download = await self.client.native.download(model, quantisation)
        self._show(model, download)
        before = self._tasks.pop(model, None)
        if before is not None:
            before.cancel()
        if download.job_id is not None and download.status in _GOES_ON:
            self._tasks[model] = asyncio.create_task(self._follow(model, download.job_id), name=f"download of {model}")

    def forget(self, model: str) -> None:
        """Stop showing a download, and following it; the server goes on with one that has not ended."""
        self._views.pop(model, None)
        task = self._tasks.pop(model, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Stop following; the server goes on."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow(self, model: str, job_id: str) -> None:
        pause_s = _POLL_S
        while self._views[model].status in _GOES_ON:
            await asyncio.sleep(pause_s)
            try:
                self._show(model, await self.client.native.download_state(job_id))
                pause_s = _POLL_S
            except ServerError as error:
                self._views[model] = replace(self._views[model], fault=error.fault)
                if not error.fault.retryable:
                    return
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        try:
            await self._listing()
        except ServerError as error:
            self._views[model] = replace(self._views[model], fault=error.fault)

    def _show(self, model: str, download: Download) -> None:
        self._views[model] = DownloadView(
            model, download.status, download.downloaded_bytes, download.total_bytes, download.bytes_per_second
        )
