"""What went wrong with a server, in words: every error shape and status of the wire becomes one `ServerError`.

All text from outside passes `scrub`, so that no address and no token stands in a fault. Sources: api notes 0.3,
0.4, 0.7, 1.2.6-1.2.8, 6; engines notes (llama.cpp).
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, cast

import orjson

from apehost_core.errors import (
    Fault,
    FaultKind,
    ModelNotFound,
    ServerError,
    ServerProtocolError,
    ServerRejected,
)
from apehost_core.lmstudio.endpoint import Endpoint

_LONGEST = 600
_LONGEST_WAIT_S = 3600.0  # what asks for more has mistaken the unit, or a moment for a time
_OVERFLOW = re.compile(
    r"does not fit in context length|tokens to keep from the initial prompt|greater than the context length"
    r"|n_keep\D+\d+\D+n_ctx|context length only supports|exceed_context_size|exceeds the (available )?context size",
    re.IGNORECASE,
)
_OVERFLOW_NUMBERS = (
    re.compile(r"input has (?P<has>\d+) tokens.*only supports (?P<fits>\d+)", re.IGNORECASE | re.DOTALL),
    re.compile(r"n_keep:?\s*(?P<has>\d+)\D+n_ctx:?\s*(?P<fits>\d+)", re.IGNORECASE),
    re.compile(r"request \((?P<has>\d+) tokens\).*context size \((?P<fits>\d+)", re.IGNORECASE | re.DOTALL),
)
_TOKEN = re.compile(r"\bsk-lm-[\w:]+|\bBearer\s+\S+")
_ENGINE_START = re.compile(r"Engine protocol startup|Channel Error", re.IGNORECASE)
_WORDS: dict[str, FaultKind] = {
    r"Unexpected endpoint or method": "wrong_endpoint",
    r"insufficient system resources|Failed to load model|model_load_failed|Failed to load LLM": "load_failed",
    r"jinja template|No user query found": "template",
    r"has crashed|Compute error|Channel Error|Engine protocol startup": "model_crashed",
    r"No models loaded|Invalid model identifier|model_not_found|Model \".*\" not found": "model_not_found",
    r"Loading model|unavailable_error": "busy",
}
_STATUSES: dict[int, FaultKind] = {
    401: "unauthorized",
    403: "forbidden",
    404: "wrong_endpoint",
    408: "silent",
    413: "input_too_large",
    429: "rate_limited",
    503: "busy",
}
_HTML = re.compile(r"^\s*<(!doctype|html|head|body)", re.IGNORECASE)

_TITLES: dict[FaultKind, str] = {
    "refused": "{name} refused the connection",
    "dns": "The name of {name} cannot be resolved",
    "connect_timeout": "{name} cannot be reached",
    "silent": "{name} accepted the request and then said nothing",
    "stalled": "{name} stopped in the middle of the answer",
    "forbidden": "{name} does not allow this with its token",
    "model_not_found": "{name} does not have this model",
    "rate_limited": "{name} asks to slow down",
    "overflow": "The conversation does not fit into the model's context",
    "model_crashed": "The model crashed on {name}",
    "load_failed": "{name} could not load the model",
    "template": "The model's chat template failed on {name}",
    "bad_request": "{name} refused the request",
    "server_error": "{name} failed",
    "cut": "The answer was cut off by {name}",
    "empty": "{name} ended the answer without a word",
    "not_a_stream": "{name} sent something that is not an answer",
    "wrong_endpoint": "{name} does not know this address",
    "not_lm_studio": "What answers as {name} is no LM Studio",
    "busy": "{name} is not ready yet",
    "input_too_large": "The request is too large for {name}",
}
_ADVICE: dict[FaultKind, str] = {
    "refused": "Start the server there (in LM Studio: Developer, or: lms server start), or check its port.",
    "dns": "Check the host name on the Servers page or in the settings, and that the machine is on.",
    "connect_timeout": "Check that the machine is on and that its firewall lets you in.",
    "silent": "It may be loading a large model. Try again, or raise APEHOST_FIRST_BYTE_TIMEOUT_S.",
    "stalled": "What came before is kept. Look at the server's log; APEHOST_STALL_TIMEOUT_S sets the patience.",
    "forbidden": "Give the token more permissions in LM Studio, or give another one on the Servers page.",
    "model_not_found": "Load or download it on the Servers page or in LM Studio, or pick another model.",
    "rate_limited": "Wait a moment, then try again.",
    "overflow": "Load the model with a larger context, or start a new chat with less text.",
    "model_crashed": "Try again; if it happens again, reload the model in LM Studio.",
    "load_failed": "Memory is the usual reason: try a smaller quantisation or context, or unload other models.",
    "template": "Repair or replace the template (LM Studio: My Models, Prompt Template), or pick another model.",
    "bad_request": "The server's own words are above.",
    "server_error": "Look at the server's log, then try again.",
    "cut": "What came before is kept. Try again; the server's log may say why.",
    "empty": "Often the prompt is larger than the model's context. Load it with a larger one, or ask for less.",
    "not_a_stream": "Check that the address in the settings is that of LM Studio, not of another program. "
    "The Servers page tests it.",
    "wrong_endpoint": "Check the address on the Servers page or in the settings: the server's root, without a path.",
    "not_lm_studio": "Check the address on the Servers page or in the settings: another program seems to be there.",
    "busy": "It is loading a model. Try again in a moment.",
    "input_too_large": "Shorten the message or leave out images.",
}
_RETRYABLE: frozenset[FaultKind] = frozenset(
    (
        "refused",
        "connect_timeout",
        "silent",
        "stalled",
        "rate_limited",
        "model_crashed",
        "server_error",
        "cut",
        "busy",
    )
)


def scrub(text: str, endpoint: Endpoint) -> str:
    """Return a text from outside without the server's address and token, on one line, cut to 600 characters."""
    text = _secrets_of(endpoint).sub("[server]", text)
    text = _TOKEN.sub("[token]", text)
    if not text.isprintable():
        text = "".join(ch if ch.isprintable() else " " for ch in text)
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


@lru_cache(maxsize=1_024)
def _secrets_of(endpoint: Endpoint) -> re.Pattern[str]:
    """Return what finds the server's address in every form, and its token; the longest form first."""
    known = [re.escape(secret) for secret in endpoint.secrets]
    hosts = [rf"(?<![\w.-]){re.escape(host)}(?![\w-])" for host in endpoint.hosts]
    return re.compile("|".join([*known, *hosts]), re.IGNORECASE)


def fault_of(kind: FaultKind, endpoint: Endpoint, *, cause: str = "", status: int | None = None) -> Fault:
    """Return the fault of a kind in its standard words. `cause` is scrubbed here."""
    title = _TITLES.get(kind, "{name} failed").format(name=endpoint.name)
    return Fault(
        kind=kind,
        title=title,
        cause=scrub(cause, endpoint),
        advice=_ADVICE.get(kind, ""),
        server=endpoint.name,
        status=status,
        retryable=kind in _RETRYABLE,
    )


def error_text(body: object) -> str | None:
    """Return the message in an error body of any known shape; None when it holds none.

    Shapes: `{"error": "text"}`, `{"error": {"message": ...}}`, nested, doubled (`error` and `message`), and
    FastAPI's `{"detail": ...}`.
    """
    if not isinstance(body, dict):
        return None
    fields = cast("dict[str, Any]", body)
    for name in ("error", "detail"):
        inner: Any = fields.get(name)
        if isinstance(inner, str) and inner:
            return inner
        if isinstance(inner, dict):
            error = cast("dict[str, Any]", inner)
            return error_text(error) if error.get("error") else _object_text(error)
        if isinstance(inner, list) and inner:
            return orjson.dumps(inner).decode()
    return None


def _object_text(error: Mapping[str, Any]) -> str:
    """Return message, type and code of an error object as one text, so that the detectors see all three."""
    message = str(error.get("message") or error.get("msg") or "error without a message")
    if "n_prompt_tokens" in error and "n_ctx" in error:
        message += f" (request ({error['n_prompt_tokens']} tokens) context size ({error['n_ctx']}))"
    tags = [str(error[name]) for name in ("type", "code") if error.get(name)]
    return message + (f" [{', '.join(tags)}]" if tags else "")


def rejected(status: int, body: bytes, headers: Mapping[str, str], endpoint: Endpoint) -> ServerError:
    """Return the error for a response that is not a stream: any status, any body."""
    words = error_text(_parsed(body))
    text = words or body.decode("utf-8-sig", "replace")
    is_page = words is None and _HTML.match(text) is not None
    if is_page or (words is None and status < 400):
        cause = "It sent a web page." if is_page else text
        return ServerProtocolError(fault_of("not_a_stream", endpoint, cause=cause, status=status))
    if status == 401:
        return ServerRejected(_unauthorized(text, endpoint))
    error = said(text, endpoint, status=status)
    wait = headers.get("retry-after")
    if error.fault.kind in ("rate_limited", "busy") and wait is not None:
        seconds = _retry_after_s(wait)
        advice = f"Wait {seconds:.0f} seconds, then try again." if seconds is not None else error.fault.advice
        return ServerRejected(replace(error.fault, retry_after_s=seconds, advice=advice))
    return error


def said(text: str, endpoint: Endpoint, *, status: int | None = None) -> ServerError:
    """Return the error for what a server said, in a body or in an error event of a stream."""
    if _OVERFLOW.search(text):
        return ServerRejected(_overflow(text, endpoint, status))
    kind = _told(text) or _STATUSES.get(status or 0) or _class_of(status)
    fault = fault_of(kind, endpoint, cause=text, status=status)
    make: Callable[[Fault], ServerError] = ModelNotFound if kind == "model_not_found" else ServerRejected
    return make(fault)


def engine_was_starting(error: ServerError) -> bool:
    """Return whether the engine behind the server failed to start or ran out of room, so that a second try may work.

    Source: api notes 6 (#1628, zeroclaw #9177) and 6.1.
    """
    return error.fault.kind == "model_crashed" and _ENGINE_START.search(error.fault.cause) is not None


def _told(text: str) -> FaultKind | None:
    for pattern, kind in _WORDS.items():
        if re.search(pattern, text, re.IGNORECASE):
            return kind
    return None


def _class_of(status: int | None) -> FaultKind:
    """Return whose fault a status without a meaning of its own is; an error in a 200 stream is the server's."""
    return "server_error" if status is None or status >= 500 else "bad_request"


def _overflow(text: str, endpoint: Endpoint, status: int | None) -> Fault:
    fault = fault_of("overflow", endpoint, cause=text, status=status)
    found = next((match for pattern in _OVERFLOW_NUMBERS if (match := pattern.search(text))), None)
    if found is None:
        return fault
    title = (
        f"The conversation has {int(found['has']):,} tokens; "
        f"the model's context on {endpoint.name} holds {int(found['fits']):,}"
    )
    return replace(fault, title=title)


def _unauthorized(text: str, endpoint: Endpoint) -> Fault:
    fault = fault_of("unauthorized", endpoint, cause=text, status=401)
    if endpoint.token is None:
        return replace(
            fault,
            title=f"{endpoint.name} needs a token",
            advice="Make one in LM Studio (Developer, Server Settings) and give it on the Servers page, "
            "in APEHOST_SERVERS or in LM_API_TOKEN.",
        )
    return replace(
        fault,
        title=f"{endpoint.name} refused the token",
        advice="Check that the token in the settings is whole and has not been revoked in LM Studio; "
        "the Servers page takes a new one.",
    )


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _retry_after_s(value: str) -> float | None:
    """Return the seconds of a Retry-After header: a number or an HTTP date (RFC 9110, 10.2.3), an hour at most."""
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return min(max(0.0, seconds), _LONGEST_WAIT_S) if math.isfinite(seconds) else None
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:  # the zone was -0000 or left out; the standard's dates are in UTC
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), _LONGEST_WAIT_S)
