"""A chat completion's bytes as events. Pure: chunks in, events out; whatever the chunk borders, the fold is the same.

Deltas of one kind that arrive in one chunk become one event: a reader that lags behind catches up, and a fast
stream costs little. Sources: api notes 1.2.3-1.2.6, 2.2, 3; engines notes (llama.cpp).
"""

from typing import Any, cast

import orjson

from apehost_core.errors import FaultKind, ServerError, ServerProtocolError
from apehost_core.events import ModelEvent, ModelResponse, Progress, ReasoningDelta, ServerTiming, TextDelta, Usage
from apehost_core.lmstudio.endpoint import Endpoint
from apehost_core.lmstudio.faults import error_text, fault_of, said
from apehost_core.lmstudio.server_timing import timing_in
from apehost_core.lmstudio.sse import Frame, SseDecoder
from apehost_core.lmstudio.thinking import ThinkSplitter
from apehost_core.lmstudio.tool_calls import ToolCalls
from apehost_core.messages import Part, ReasoningPart, TextPart

_EXTRAS = frozenset(("timings", "stats", "prompt_progress", "runtime"))


class StreamDecoder:
    """Decodes one response. Feed it the body's chunks, then call `finish`.

    Attributes:
        failure: What the server said went wrong in mid-stream; the events before it stand.
        done: The end marker has come; nothing more is expected.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.failure: ServerError | None = None
        self.done = False
        self._endpoint = endpoint
        self._sse = SseDecoder()
        self._splitter = ThinkSplitter()
        self._calls = ToolCalls()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._out: list[ModelEvent] = []
        self._run: list[str] = []
        self._run_is_text = True
        self._finish_reason: str | None = None
        self._model: str | None = None
        self._runtime: str | None = None
        self._usage: dict[str, int] = {}
        self._timing: dict[str, float] = {}
        self._frames = 0
        self._garbage = 0

    def feed(self, chunk: bytes) -> list[ModelEvent]:
        """Return the events of one chunk; look at `failure` and `done` afterwards."""
        for frame in self._sse.feed(chunk):
            if self.failure is None and not self.done:
                self._take(frame)
        return self._emitted()

    def finish(self) -> list[ModelEvent]:
        """Return the last events, ending with the ModelResponse.

        Where the stream was cut, empty, no stream at all, or said itself that it failed, `failure` is set instead.
        """
        for frame in self._sse.flush():
            if self.failure is None and not self.done:
                self._take(frame)
        for piece in self._splitter.flush():
            self._add(piece.text, is_text=piece.kind == "text")
        events = self._emitted()
        if self.failure is None and self._finish_reason is None:
            self._judge_the_end()
        if self.failure is None:
            events.append(self._response())
        return events

    def _judge_the_end(self) -> None:
        """Decide what an end without a finish reason is: fine after [DONE] and some answer, else a fault."""
        answered = bool(self._text or self._reasoning or self._calls.parts)
        if self.done and answered:
            return
        kind: FaultKind
        if answered:
            kind = "cut"
        elif self._garbage and not self._frames:
            kind = "not_a_stream"
        else:
            kind = "empty"
        self.failure = ServerProtocolError(fault_of(kind, self._endpoint))

    def _take(self, frame: Frame) -> None:
        if frame.data == b"[DONE]":
            self.done = True
            return
        body = _object(_parsed(frame.data))
        if frame.event == "error" or body.get("error"):
            text = error_text(body) or str(body.get("message") or frame.data.decode("utf-8", "replace"))
            self.failure = said(text, self._endpoint)
            return
        if not body:
            self._garbage += 1
            return
        self._frames += 1
        self._take_body(body)

    def _take_body(self, body: dict[str, Any]) -> None:
        choices = body.get("choices")
        if choices and isinstance(choices, list):
            choice = _object(cast("list[object]", choices)[0])
            delta = _object(choice.get("delta") or choice.get("message"))
            if delta:
                self._take_delta(delta)
            reason = choice.get("finish_reason")
            if reason:
                self._finish_reason = str(reason)
        if self._model is None and body.get("model"):
            self._model = str(body["model"])
        usage = _object(body.get("usage"))
        if usage:
            self._take_usage(usage)
        if not _EXTRAS.isdisjoint(body):
            self._take_extras(body)

    def _take_delta(self, delta: dict[str, Any]) -> None:
        content = delta.get("content")
        if content and isinstance(content, str):
            for piece in self._splitter.feed(content):
                self._add(piece.text, is_text=piece.kind == "text")
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if reasoning:
            self._add(str(reasoning), is_text=False)
        calls = delta.get("tool_calls")
        if calls and isinstance(calls, list):
            events = self._calls.take(cast("list[Any]", calls))
            if events:
                self._close_run()
                self._out.extend(events)

    def _add(self, text: str, *, is_text: bool) -> None:
        if is_text != self._run_is_text:
            self._close_run()
            self._run_is_text = is_text
        self._run.append(text)

    def _close_run(self) -> None:
        """Turn the deltas of one kind that came together into one event."""
        if not self._run:
            return
        text, count = "".join(self._run), len(self._run)
        self._run.clear()
        (self._text if self._run_is_text else self._reasoning).append(text)
        self._out.append(TextDelta(text, count) if self._run_is_text else ReasoningDelta(text, count))

    def _emitted(self) -> list[ModelEvent]:
        self._close_run()
        out, self._out = self._out, []
        return out

    def _take_usage(self, usage: dict[str, Any]) -> None:
        prompt = _object(usage.get("prompt_tokens_details"))
        completion = _object(usage.get("completion_tokens_details"))
        found = {
            "prompt_tokens": usage.get("prompt_tokens"),
            "completion_tokens": usage.get("completion_tokens"),
            "reasoning_tokens": completion.get("reasoning_tokens"),
            "cached_tokens": prompt.get("cached_tokens"),
        }
        self._usage |= {name: count for name, count in found.items() if isinstance(count, int) and count > 0}

    def _take_extras(self, body: dict[str, Any]) -> None:
        """Take what llama.cpp and /api/v0 add: cached tokens, speeds, prompt progress, the runtime's name."""
        self._timing |= timing_in(body)
        cached = _object(body.get("timings")).get("cache_n")
        if isinstance(cached, int) and cached > 0:
            self._usage["cached_tokens"] = cached
        progress = _object(body.get("prompt_progress"))
        total, processed = progress.get("total"), progress.get("processed")
        if isinstance(total, int) and isinstance(processed, int) and total > 0:
            self._close_run()
            self._out.append(Progress("prompt", fraction=min(1.0, processed / total)))
        runtime = _object(body.get("runtime"))
        name = " ".join(str(runtime[key]) for key in ("name", "version") if runtime.get(key))
        self._runtime = name or self._runtime

    def _response(self) -> ModelResponse:
        return ModelResponse(
            parts=self._parts(),
            finish_reason=self._finish_reason,
            model=self._model,
            usage=Usage(**self._usage),
            warnings=self._warnings(),
            runtime=self._runtime,
            timing=ServerTiming(**self._timing),
        )

    def _parts(self) -> tuple[Part, ...]:
        reasoning, text = "".join(self._reasoning), "".join(self._text)
        if self._splitter.reclassified:
            reasoning, text = self._reclassified(reasoning, text)
        parts: list[Part] = [ReasoningPart(reasoning)] if reasoning else []
        if text:
            parts.append(TextPart(text))
        return (*parts, *self._calls.parts)

    def _reclassified(self, reasoning: str, text: str) -> tuple[str, str]:
        cut = self._splitter.reclassified_chars
        return reasoning + text[:cut].rstrip(), text[cut:]

    def _warnings(self) -> tuple[str, ...]:
        found: list[str] = []
        if self._garbage:
            found.append(f"{self._garbage} unreadable frames were skipped")
        if self._calls.nameless:
            found.append(f"{self._calls.nameless} tool calls without a name were dropped")
        if self._splitter.reclassified:
            found.append("the reasoning had no opening tag and was shown as text while it was written")
        if self._splitter.unclosed:
            found.append("the reasoning was never closed")
        if not self._text and not self._reasoning and not self._calls.parts:
            found.append("the model ended without writing anything")
        return tuple(found)


def _parsed(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
