"""What the simulator writes: an answer in its forms on the wire, and how they go wrong.

Pure: what an answer measures follows from the model's pace, not from a clock. Sources: api notes 1.2.2-1.2.8, 1.6, 6.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from apehost_core.testing.models import SimModel

_OVERFLOW = "Input does not fit in context length. The input has 31430 tokens, " + (
    "but the context length only supports {fits} tokens."
)
_CRASH = "The model has crashed without additional information. (Exit code: null)"
_ID = "chatcmpl-x1y2z3a4b5c6d7e8f9g0h"
_CREATED = 1790000000
_QUICKEST = 1000.0  # tokens per second of a model that has no pace

Refusal = Literal[
    "html",
    "not_found",
    "rate_limited",
    "server_error",
    "error_body",
    "echo",
    "no_models",
    "load_failed",
    "engine_aborted",
    "overflow_refused",
    "overflow_llamacpp",
]
"""The answer is no stream."""

Ending = Literal[
    "silence",  # headers, then nothing
    "stall",  # silent after half of the answer
    "cut",  # the connection breaks after half of the answer
    "eof",  # the body ends after half of the answer, without finish and [DONE]
    "no_done",  # finish, but no [DONE]: complete
    "no_finish",  # [DONE] without a finish reason
    "empty",  # 200 and no frame at all
    "error_event",  # `event: error` before any text
    "error_midway",  # `event: error` after half of the answer
    "channel_error",  # `event: error` of a full cache, before any text
    "template_error",  # `event: error` of a chat template
    "overflow_event",
    "garbage",  # an unreadable frame among good ones
    "merged",  # a frame written into another
    "no_usage",
    "length",
]
"""The stream goes another way than to a plain end."""

Fault = Refusal | Ending
REFUSALS: frozenset[str] = frozenset(get_args(Refusal))


def refusal(kind: str, model: SimModel, request: Request) -> Response:
    """Return the response of an answer that is no stream."""
    echo = f"Cannot forward {request.url} with {request.headers.get('authorization')}"
    make: dict[str, Callable[[], Response]] = {
        "html": lambda: HTMLResponse("<!DOCTYPE html><html><body>Welcome to nginx!</body></html>"),
        "not_found": lambda: JSONResponse({"error": {"message": "File Not Found", "code": 404}}, 404),
        "rate_limited": lambda: JSONResponse({"error": "Too many requests"}, 429, {"Retry-After": "2"}),
        "server_error": lambda: JSONResponse({"error": "Compute error."}, 500),
        "error_body": lambda: JSONResponse({"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
        "echo": lambda: JSONResponse({"error": {"message": echo}}, 502),  # as proxies do: it quotes address and token
        "no_models": lambda: JSONResponse(error_object("No models loaded. Please load one.", "model_not_found"), 404),
        "load_failed": lambda: JSONResponse(
            {"error": f'Failed to load model "{model.key}". Error: Model loading was stopped due to insufficient '
             "system resources."}, 400
        ),
        "engine_aborted": lambda: JSONResponse({"error": "Engine protocol startup was aborted"}, 400),
        "overflow_refused": lambda: JSONResponse(
            {"error": "The number of tokens to keep from the initial prompt is greater than the context length "
             f"(n_keep: 13055>= n_ctx: {model.context})"}, 400
        ),
        "overflow_llamacpp": lambda: JSONResponse(
            {"error": {"code": 400, "message": "request exceeds the available context size", "n_ctx": model.context,
                       "n_prompt_tokens": 31430, "type": "exceed_context_size_error"}}, 400
        ),
    }  # fmt: skip
    return make[kind]()


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer before it has a form on the wire.

    Attributes:
        model: Who answers.
        answers_as: The id that it answers under: its instance's.
        context: Tokens that fit.
        prompt_tokens: For the usage.
        limit: Most tokens to write; None writes all.
        fault: One of the endings; None ends well.
        thinks: Whether the reasoning comes too.
        usage: Whether a stream says what was used.
        measured: Whether the server's measurements come too, as under /api/v0.
    """

    model: SimModel
    answers_as: str
    context: int
    prompt_tokens: int
    limit: int | None = None
    fault: str | None = None
    thinks: bool = True
    usage: bool = True
    measured: bool = False

    @property
    def reasoning(self) -> tuple[str, ...]:
        """The tokens of reasoning, within the limit."""
        return self.model.reasoning[: self.limit] if self.thinks else ()

    @property
    def words(self) -> tuple[str, ...]:
        """The visible tokens, within the limit."""
        return self.model.words[: None if self.limit is None else self.limit - len(self.reasoning)]

    @property
    def tokens(self) -> int:
        """How many tokens of both there are."""
        return len(self.reasoning) + len(self.words)

    @property
    def finish(self) -> str:
        """Why it ends: "stop" or "length"."""
        whole = (len(self.model.reasoning) if self.thinks else 0) + len(self.model.words)
        return "length" if self.tokens < whole or self.fault == "length" else "stop"

    @property
    def tokens_per_s(self) -> float:
        """The pace, as a server would have measured it."""
        return self.model.tokens_per_s or _QUICKEST

    @property
    def failure(self) -> str | None:
        """What is said inside the answer when it fails there."""
        texts = {
            "error_event": _CRASH,
            "error_midway": _CRASH,
            "channel_error": "Channel Error",
            "template_error": "Error rendering prompt with jinja template: No user query found.",
            "overflow_event": _OVERFLOW.format(fits=self.context),
        }
        return texts.get(str(self.fault))


@dataclass(frozen=True, slots=True)
class Script:
    """What goes over the wire for one answer.

    Attributes:
        tokens: Frames of one token each.
        tail: What follows them; empty when the answer just stops.
        stops: How it goes on after `tokens`: to the tail, into silence, or by breaking the connection.
        lead: What comes before the first token.
    """

    tokens: list[bytes]
    tail: bytes = b""
    stops: Literal["tail", "silence", "break"] = "tail"
    lead: bytes = b""


def script(reply: Reply) -> Script:
    """Return the frames of a streamed chat completion."""
    said = [{"reasoning_content": word} for word in reply.reasoning] + [{"content": word} for word in reply.words]
    tokens = [_delta(reply, {"role": "assistant", **first} if not at else first) for at, first in enumerate(said)]
    measured = _measurements(reply) if reply.measured else {}
    finish = _delta(reply, {}, reply.finish, **measured)
    usage = _frame({**_chunk(reply), "choices": [], "usage": _usage(reply)}) if reply.usage else b""
    done = b"data: [DONE]\n\n"
    half = tokens[: max(1, len(tokens) // 2)]
    whole = Script(tokens, finish + usage + done)
    failure = error_event(reply.failure or "")
    plans: dict[str | None, Script] = {
        "silence": Script([], stops="silence"),
        "stall": Script(half, stops="silence"),
        "cut": Script(half, stops="break"),
        "eof": Script(half),
        "no_done": Script(tokens, finish + usage),
        "no_finish": Script(tokens, done),
        "no_usage": Script(tokens, finish + done),
        "empty": Script([]),
        "error_event": Script([], failure),
        "error_midway": Script(half, failure),
        "channel_error": Script([], failure),
        "template_error": Script([], failure),
        "overflow_event": Script([], failure),
        "garbage": replace(whole, lead=b"data: {not json\n\n"),
        "merged": Script(tokens[1:], whole.tail, lead=b'data: {"id":"chatcmpl-x","logpro' + b"".join(tokens[:1])),
    }
    return plans.get(reply.fault, whole)


def whole(reply: Reply) -> dict[str, Any]:
    """Return the body of a chat completion that is not streamed."""
    message = {
        "role": "assistant",
        "content": "".join(reply.words),
        "reasoning_content": "".join(reply.reasoning),
        "tool_calls": list[Any](),
    }
    return {
        **_chunk(reply),
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}],
        "usage": _usage(reply),
        **(_measurements(reply) if reply.measured else {"stats": {}}),
    }


def error_event(message: str) -> bytes:
    """Return an error inside a stream, in LM Studio's doubled form."""
    return b"event: error\n" + _frame({"error": {"message": message}, "message": message})


def error_object(message: str, code: str) -> dict[str, Any]:
    """Return an error body in LM Studio's object form."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": "model", "code": code}}


def _chunk(reply: Reply) -> dict[str, Any]:
    return {
        "id": _ID,
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": reply.answers_as,
        "system_fingerprint": reply.answers_as,
    }


def _delta(reply: Reply, delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _frame({**_chunk(reply), "choices": [choice], **more})


def _usage(reply: Reply) -> dict[str, Any]:
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.tokens,
        "total_tokens": reply.prompt_tokens + reply.tokens,
        "completion_tokens_details": {"reasoning_tokens": len(reply.reasoning)},
    }


def _measurements(reply: Reply) -> dict[str, Any]:
    model = reply.model
    return {
        "usage": _usage(reply),
        "stats": {
            "tokens_per_second": reply.tokens_per_s,
            "time_to_first_token": model.first_token_s,
            "generation_time": reply.tokens / reply.tokens_per_s,
            "stop_reason": "maxPredictedTokensReached" if reply.finish == "length" else "eosFound",
        },
        "model_info": {
            "arch": model.architecture,
            "quant": model.quantisation,
            "format": "gguf",
            "context_length": reply.context,
        },
        "runtime": {"name": "llama.cpp-simulated", "version": "1.0.0", "supported_formats": ["gguf"]},
    }


def _frame(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
