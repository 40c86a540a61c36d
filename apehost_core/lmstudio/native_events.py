"""The events of LM Studio's own chat as far as they tell of a load, and their fold. Pure: no I/O.

What else the stream brings is left out, and so is what nobody knows. Source: api notes 1.8.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, assert_never, cast

import orjson

from apehost_core.errors import ServerError
from apehost_core.lmstudio.endpoint import Endpoint
from apehost_core.lmstudio.faults import error_text, said
from apehost_core.lmstudio.sse import Frame, SseDecoder

_BETWEEN_REPORTS_S = 0.1  # LM Studio reports a load sixteen times a second
_ANSWERING = ("prompt_processing.", "reasoning.", "message.", "tool_call.", "chat.end")


@dataclass(frozen=True, slots=True)
class LoadBegan:
    """The server has begun to load the model."""


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """So much of the model is loaded, as a fraction 0-1."""

    fraction: float


@dataclass(frozen=True, slots=True)
class LoadEnded:
    """The model is loaded; how long that took, in seconds, None when not told."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Answering:
    """The model is there: it reads the prompt, writes or has ended."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The server says that something went wrong."""

    error: ServerError


NativeEvent = LoadBegan | LoadProgress | LoadEnded | Answering | Failed


class NativeDecoder:
    """Decodes one response. Feed it the body's chunks, then call `flush`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._sse = SseDecoder()

    def feed(self, chunk: bytes) -> list[NativeEvent]:
        """Return the events of one chunk."""
        return self._taken(self._sse.feed(chunk))

    def flush(self) -> list[NativeEvent]:
        """Return what is left at the end of the stream."""
        return self._taken(self._sse.flush())

    def _taken(self, frames: list[Frame]) -> list[NativeEvent]:
        return [event for frame in frames if (event := self._take(frame)) is not None]

    def _take(self, frame: Frame) -> NativeEvent | None:
        """Return the event of a frame; its type stands in the data, on the event line, or in both."""
        body = _object(frame.data)
        match frame.event or str(body.get("type") or ""):
            case "error":
                return Failed(said(error_text(body) or frame.data.decode("utf-8", "replace"), self._endpoint))
            case "model_load.start":
                return LoadBegan()
            case "model_load.progress":
                fraction = number(body.get("progress"))
                return None if fraction is None else LoadProgress(min(1.0, fraction))
            case "model_load.end":
                return LoadEnded(number(body.get("load_time_seconds")))
            case kind if kind.startswith(_ANSWERING):
                return Answering()
            case _:
                return None


class LoadWatch:
    """Waits, event by event, until a model is there.

    Attributes:
        seconds: How long its load took, as told or else as seen here; None when it was loaded already.
    """

    def __init__(self, on_progress: Callable[[float], None], clock: Callable[[], float] = time.perf_counter) -> None:
        """Begin to wait.

        Args:
            on_progress: Told how much is loaded, 0-1: the beginning, the end, and ten times a second between them.
            clock: Seconds.
        """
        self.seconds: float | None = None
        self._on_progress = on_progress
        self._clock = clock
        self._begun: float | None = None
        self._last_report = 0.0

    def take(self, event: NativeEvent) -> bool:
        """Return whether the model is there.

        Raises:
            ServerError: It will not be.
        """
        match event:
            case LoadBegan():
                self._begin()
            case LoadProgress(fraction):
                self._begin()
                if self._clock() - self._last_report >= _BETWEEN_REPORTS_S:
                    self._report(fraction)
            case LoadEnded(seconds):
                self._end(seconds)
            case Answering():
                if self._begun is not None:
                    self._end(None)
            case Failed(error):
                raise error
            case _:
                assert_never(event)
        return isinstance(event, LoadEnded | Answering)

    def _begin(self) -> None:
        if self._begun is None:
            self._begun = self._clock()
            self._report(0.0)

    def _end(self, seconds: float | None) -> None:
        now = self._clock()
        self.seconds = now - (now if self._begun is None else self._begun) if seconds is None else seconds
        self._report(1.0)

    def _report(self, fraction: float) -> None:
        self._last_report = self._clock()
        self._on_progress(fraction)


def _object(data: bytes) -> dict[str, Any]:
    try:
        parsed: Any = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}


def number(value: object) -> float | None:
    """Return a number of the wire; None for anything that is none, or is below zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
