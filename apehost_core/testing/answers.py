"""What the simulator writes: an answer's frames, and how they go wrong. Sources: api notes 1.2.3-1.2.8, 6."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

_OVERFLOW = "Input does not fit in context length. The input has 31430 tokens, " + (
    "but the context length only supports {fits} tokens."
)
_CRASH = "The model has crashed without additional information. (Exit code: null)"

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


@dataclass(frozen=True, slots=True)
class SimModel:
    """A model that the simulator has.

    Attributes:
        key: The id to ask for.
        words: The tokens it answers with, in order.
        reasoning: Tokens of `reasoning_content` before them.
        tokens_per_s: Pace; 0 is as fast as it goes.
        first_token_s: Silence before the first token.
        load_s: Silence of the first request while the model loads; 0 for one that is loaded.
        quantisation: As listed.
        context: Tokens that fit.
        embedding: It is no chat model.
    """

    key: str = "sim-model"
    words: tuple[str, ...] = ("Hello", " from", " the", " simulator", ".")
    reasoning: tuple[str, ...] = ()
    tokens_per_s: float = 0
    first_token_s: float = 0
    load_s: float = 0
    quantisation: str = "Q4_K_M"
    context: int = 4096
    embedding: bool = False


def refusal(kind: str, model: SimModel, request: Request) -> Response:
    """Return the response of an answer that is no stream."""
    echo = f"Cannot forward {request.url} with {request.headers.get('authorization')}"
    make: dict[str, Callable[[], Response]] = {
        "html": lambda: HTMLResponse("<!DOCTYPE html><html><body>Welcome to nginx!</body></html>"),
        "not_found": lambda: JSONResponse({"error": {"message": "File Not Found", "code": 404}}, 404),
        "rate_limited": lambda: JSONResponse({"error": "Too many requests"}, 429, {"Retry-After": "7"}),
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


@dataclass(slots=True)
class _Frames:
    """Makes the frames of one answer."""

    answers_as: str
    base: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.base = {
            "id": "chatcmpl-x1y2z3a4b5c6d7e8f9g0h",
            "object": "chat.completion.chunk",
            "created": 1790000000,
            "model": self.answers_as,
            "system_fingerprint": self.answers_as,
        }

    def delta(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _frame({**self.base, "choices": [choice]})

    def usage(self, prompt: int, completion: int, reasoning: int) -> bytes:
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }
        return _frame({**self.base, "choices": [], "usage": usage})


def script(model: SimModel, answers_as: str, *, prompt_tokens: int, limit: int | None, fault: str | None) -> Script:
    """Return what goes over the wire.

    Args:
        model: The model that answers.
        answers_as: The id that the frames carry.
        prompt_tokens: For the usage frame.
        limit: Most tokens to write; None writes all.
        fault: One of the endings; None ends well.
    """
    frames = _Frames(answers_as)
    said = [{"reasoning_content": word} for word in model.reasoning] + [{"content": word} for word in model.words]
    cut = limit is not None and limit < len(said)
    said = said[:limit]
    tokens = [frames.delta({"role": "assistant", **first} if not at else first) for at, first in enumerate(said)]
    finish = frames.delta({}, "length" if cut or fault == "length" else "stop")
    usage = frames.usage(prompt_tokens, len(said), min(len(model.reasoning), len(said)))
    done = b"data: [DONE]\n\n"
    half = tokens[: max(1, len(tokens) // 2)]
    whole = Script(tokens, finish + usage + done)
    plans: dict[str | None, Script] = {
        "silence": Script([], stops="silence"),
        "stall": Script(half, stops="silence"),
        "cut": Script(half, stops="break"),
        "eof": Script(half),
        "no_done": Script(tokens, finish + usage),
        "no_finish": Script(tokens, done),
        "no_usage": Script(tokens, finish + done),
        "empty": Script([]),
        "error_event": Script([], error_event(_CRASH)),
        "error_midway": Script(half, error_event(_CRASH)),
        "channel_error": Script([], error_event("Channel Error")),
        "template_error": Script([], error_event("Error rendering prompt with jinja template: No user query found.")),
        "overflow_event": Script([], error_event(_OVERFLOW.format(fits=model.context))),
        "garbage": replace(whole, lead=b"data: {not json\n\n"),
        "merged": Script(tokens[1:], whole.tail, lead=b'data: {"id":"chatcmpl-x","logpro' + tokens[0]),
    }
    return plans.get(fault, whole)


def error_event(message: str) -> bytes:
    """Return an error inside a stream, in LM Studio's doubled form."""
    return b"event: error\n" + _frame({"error": {"message": message}, "message": message})


def _frame(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def error_object(message: str, code: str) -> dict[str, Any]:
    """Return an error body in LM Studio's object form."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": "model", "code": code}}
