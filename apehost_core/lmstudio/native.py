"""What LM Studio's own API can do to models: load, unload, download. Nothing here is decided, only asked for.

A load is never asked for twice: each one that succeeds makes another instance. Who calls looks at the list first and
lets one load of a model run at a time. Source: api notes 1.7, 1.8.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args
from urllib.parse import quote

import httpx
import orjson

from apehost_core.errors import ServerProtocolError
from apehost_core.lmstudio.body import Body
from apehost_core.lmstudio.faults import error_text, fault_of, rejected
from apehost_core.lmstudio.native_events import LoadWatch, NativeDecoder, number
from apehost_core.lmstudio.refusals import retold
from apehost_core.lmstudio.wire import Wire

DownloadStatus = Literal["downloading", "paused", "completed", "failed", "already_downloaded"]
_STATUSES: dict[str, DownloadStatus] = {word: word for word in get_args(DownloadStatus)}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that was loaded.

    Attributes:
        instance_id: What to unload it by.
        seconds: How long the load took; None when not told.
    """

    instance_id: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """A download at one moment; numbers are None when not told.

    Attributes:
        job_id: What to ask for its state by; None when there is nothing to download.
        status: A word that nobody knows counts as downloading.
        downloaded_bytes: So far.
        total_bytes: In all.
        bytes_per_second: At the moment.
    """

    job_id: str | None
    status: DownloadStatus
    downloaded_bytes: int | None = None
    total_bytes: int | None = None
    bytes_per_second: int | None = None


class NativeApi:
    """The administration of one server."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def load(self, key: str, *, context_length: int | None = None) -> Loaded:
        """Load another instance of a model; returns once it is loaded.

        Args:
            key: The model.
            context_length: Tokens; None leaves it to the server.

        Raises:
            ServerError: It was not loaded, or it is not known whether it was.
        """
        body = _given(model=key, context_length=context_length)
        with self._wire.log.entry("load", model=key) as entry, retold("load", self._wire.endpoint):
            response = await self._wire.post("/api/v1/models/load", body)
            entry.status = response.status_code
            answer = self._object(response)
            entry.end()
        return Loaded(str(answer.get("instance_id") or key), number(answer.get("load_time_seconds")))

    async def preload(
        self, key: str, *, context_length: int | None = None, on_progress: Callable[[float], None]
    ) -> float | None:
        """Make the server load a model as it does for a first request; returns once it is loaded.

        The connection is closed before the model has written anything to speak of.

        Args:
            key: The model.
            context_length: Tokens; None leaves it to the server.
            on_progress: Told about the load, as a fraction 0-1, some ten times a second.

        Returns:
            How long the load took, in seconds; None when the model was loaded already.

        Raises:
            ServerError: It was not loaded.
        """
        body = _given(
            model=key, input="Hi", stream=True, store=False, max_output_tokens=1, context_length=context_length
        )
        with self._wire.log.entry("load", model=key) as entry, retold("load", self._wire.endpoint):
            async with self._wire.stream("/api/v1/chat", body) as answer:
                entry.status = answer.response.status_code
                seconds = await self._until_loaded(answer, LoadWatch(on_progress))
            entry.end()
        return seconds

    async def unload(self, instance_id: str) -> None:
        """Unload one instance of a model.

        Raises:
            ServerError: It was not unloaded; model_not_found when it is not loaded.
        """
        with self._wire.log.entry("unload", model=instance_id) as entry, retold("unload", self._wire.endpoint):
            response = await self._wire.post("/api/v1/models/unload", {"instance_id": instance_id}, harmless=True)
            entry.status = response.status_code
            self._object(response)
            entry.end()

    async def download(self, model: str, quantization: str | None = None) -> Download:
        """Begin to download a model.

        Args:
            model: An id of LM Studio's catalogue, or the address of a model on Hugging Face.
            quantization: Only for the latter; None leaves it to the server.

        Raises:
            ServerError: The download did not begin; model_not_found when there is no such model.
        """
        body = _given(model=model, quantization=quantization)
        with self._wire.log.entry("download", model=model) as entry, retold("download", self._wire.endpoint):
            response = await self._wire.post("/api/v1/models/download", body)
            entry.status = response.status_code
            answer = self._object(response)
            entry.end()
        return _download(answer, job_id=None)

    async def download_state(self, job_id: str) -> Download:
        """Return how far a download is. Counts as a check: asked every second, it fills no log.

        Raises:
            ServerError: It cannot be told.
        """
        path = f"/api/v1/models/download/status/{quote(job_id, safe='')}"
        with self._wire.log.entry("check", subject=path) as entry, retold("download", self._wire.endpoint):
            response = await self._wire.fetch(path)
            entry.status = response.status_code
            answer = self._object(response)
            entry.end()
        return _download(answer, job_id=job_id)

    async def _until_loaded(self, answer: Body, watch: LoadWatch) -> float | None:
        """Read until the model is there; return how long its load took, None when nothing was loaded."""
        response = answer.response
        if response.status_code != 200 or not answer.is_stream:
            raise rejected(response.status_code, await answer.whole(), response.headers, self._wire.endpoint)
        decoder = NativeDecoder(self._wire.endpoint)
        chunk: bytes | None = b""
        while chunk is not None:
            chunk = await answer.chunk()
            events = decoder.flush() if chunk is None else decoder.feed(chunk)
            if any(watch.take(event) for event in events):
                return watch.seconds
        raise ServerProtocolError(fault_of("cut", self._wire.endpoint))

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        """Return the JSON object of a 200; anything else is an error, also in a 200."""
        try:
            body: Any = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            body = None
        answer = cast("dict[str, Any]", body) if isinstance(body, dict) else None
        if response.status_code != 200 or answer is None or error_text(answer):
            raise rejected(response.status_code, response.content, response.headers, self._wire.endpoint)
        return answer


def _given(**fields: Any) -> dict[str, Any]:
    """Return the fields that have a value: LM Studio refuses keys that it does not know (api notes 1.7)."""
    return {name: value for name, value in fields.items() if value is not None}


def _download(answer: dict[str, Any], *, job_id: str | None) -> Download:
    return Download(
        job_id=str(answer["job_id"]) if answer.get("job_id") else job_id,
        status=_STATUSES.get(str(answer.get("status")), "downloading"),
        downloaded_bytes=_whole(answer.get("downloaded_bytes")),
        total_bytes=_whole(answer.get("total_size_bytes")),
        bytes_per_second=_whole(answer.get("bytes_per_second")),
    )


def _whole(value: object) -> int | None:
    found = number(value)
    return None if found is None else int(found)
