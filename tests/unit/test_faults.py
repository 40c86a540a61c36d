"""Every error of the wire as a fault in words, and nothing in it that must not be shown."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from apehost_core.errors import Fault, ModelNotFound, ServerError, ServerProtocolError, ServerRejected
from apehost_core.lmstudio.endpoint import Endpoint
from apehost_core.lmstudio.faults import error_text, fault_of, rejected, said, scrub

MINI = Endpoint("mini", "http://192.0.2.10:1234")
TOKEN = "sk-lm-AbCd1234:abcdefghij0123456789"
LOCKED = Endpoint("mini", "http://localhost:1234", SecretStr(TOKEN))
NO_TOKEN = {
    "error": {
        "type": "invalid_request",
        "code": "invalid_api_key",
        "message": "An LM Studio API token is required to make requests to this server, but none was provided",
    }
}
NONE_LOADED = "No models loaded. Please load a model in the developer page or use the 'lms load' command."
UNKNOWN = 'Invalid model identifier "x". Please specify a valid downloaded model (e.g., a, b, c).'
UNFIT = (
    "Input does not fit in context length. The input has 31430 tokens, "
    "but the context length only supports 30000 tokens."
)
N_KEEP = (
    "The number of tokens to keep from the initial prompt is greater than the context length. "
    "Try to load the model with a larger context length, or provide a shorter input"
)
LLAMA_CPP = {
    "code": 400,
    "message": "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
    "type": "exceed_context_size_error",
    "n_prompt_tokens": 5000,
    "n_ctx": 4096,
}


def refusal(status: int, body: Any, headers: Mapping[str, str] | None = None, endpoint: Endpoint = MINI) -> ServerError:
    """Return the error for a response; a body that is not bytes goes out as JSON."""
    return rejected(status, body if isinstance(body, bytes) else orjson.dumps(body), headers or {}, endpoint)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": "'messages' field is required"}, "'messages' field is required"),
        ({"error": {"message": "X", "type": "t", "param": "model", "code": "c"}}, "X [t, c]"),
        ({"error": {"message": "X", "param": None, "code": None}}, "X"),
        ({"error": {"message": "X"}, "message": "X"}, "X"),
        ({"error": {"error": {"message": "X"}}}, "X"),
        ({"error": {"error": "X"}}, "X"),
        ({"error": {"error": None, "message": "X"}}, "X"),
        ({"error": {}}, "error without a message"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"detail": {"msg": "X"}}, "X"),
        ({"detail": [{"loc": ["body"], "msg": "X"}]}, '[{"loc":["body"],"msg":"X"}]'),
        ({"error": ""}, None),
        ({"error": None, "choices": []}, None),
        ({"choices": []}, None),
        ([], None),
        ("X", None),
        (None, None),
    ],
)
def test_error_shapes(body: object, expected: str | None) -> None:
    """The message is found in every shape: string, object, doubled, nested, FastAPI's; elsewhere there is none."""
    assert expected == error_text(body)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "'messages' field is required"}, "bad_request"),
        (400, {"error": "Invalid tool_choice type: 'object'."}, "bad_request"),
        (422, {"detail": [{"msg": "X"}]}, "bad_request"),
        (403, {"error": "no"}, "forbidden"),
        (404, {"error": "no"}, "wrong_endpoint"),
        (404, b"404 page not found", "wrong_endpoint"),
        (404, {"error": {"message": NONE_LOADED, "code": "model_not_found"}}, "model_not_found"),
        (400, {"error": {"message": UNKNOWN, "type": "invalid_request_error", "code": None}}, "model_not_found"),
        (404, {"error": 'Model "x" not found. Your models: a, b'}, "model_not_found"),
        (400, {"error": {"message": "?", "code": "model_not_found"}}, "model_not_found"),
        (200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}, "wrong_endpoint"),
        (200, {"error": "something else"}, "bad_request"),
        (200, {"hello": "world"}, "not_a_stream"),
        (200, b"It works!", "not_a_stream"),
        (200, b"", "not_a_stream"),
        (302, b"", "not_a_stream"),
        (400, {"error": 'Failed to load model "x". Error: Operation canceled.'}, "load_failed"),
        (400, {"error": "Model loading was stopped due to insufficient system resources."}, "load_failed"),
        (500, {"error": {"type": "model_load_failed", "message": "Failed to load LLM 'x'"}}, "load_failed"),
        (400, {"error": "The model has crashed without additional information. (Exit code: null)"}, "model_crashed"),
        (400, {"error": "Engine protocol startup was aborted"}, "model_crashed"),
        (500, {"error": "Channel Error"}, "model_crashed"),
        (408, b"", "silent"),
        (413, b"Payload Too Large", "input_too_large"),
        (429, {"error": "slow down"}, "rate_limited"),
        (500, b"", "server_error"),
        (502, b"Bad Gateway", "server_error"),
        (503, b"", "busy"),
        (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, "busy"),
    ],
)
def test_kinds(status: int, body: Any, kind: str) -> None:
    """What the body says decides, then the status; server and status stand in the fault."""
    error = refusal(status, body)
    assert (kind, status, "mini") == (error.fault.kind, error.fault.status, error.fault.server)
    classes = {"model_not_found": ModelNotFound, "not_a_stream": ServerProtocolError}
    assert classes.get(kind, ServerRejected) is type(error)
    assert "mini" in error.fault.title
    assert error.fault.advice


def test_the_servers_own_words_are_the_cause() -> None:
    """What the server said stands in the fault, on one line, and is cut when it is endless."""
    assert (
        "No user query found in messages." == refusal(400, {"error": "No user query\nfound  in messages."}).fault.cause
    )
    assert "upstream died" == refusal(502, b"upstream died\r\n").fault.cause
    cause = refusal(400, {"error": "word " * 999}).fault.cause
    assert (600, "…") == (len(cause), cause[-1])


def test_token_wanted() -> None:
    """401 without a token of ours says that one is needed and where it is made; the server's words stand."""
    fault = refusal(401, NO_TOKEN).fault
    assert ("unauthorized", "mini needs a token", 401) == (fault.kind, fault.title, fault.status)
    assert "Developer" in fault.advice
    assert "API token is required" in fault.cause


def test_token_refused() -> None:
    """401 in spite of a token says that it was refused."""
    fault = refusal(401, NO_TOKEN, endpoint=LOCKED).fault
    assert ("unauthorized", "mini refused the token") == (fault.kind, fault.title)


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><html>nginx</html>", b"\r\n <html>\r\n<head>", b"<HEAD>", b"\xef\xbb\xbf<html>"]
)
@pytest.mark.parametrize("status", [200, 404, 502])
def test_web_page(page: bytes, status: int) -> None:
    """A web page is no answer of a server, whatever its status, and none of it is shown."""
    error = refusal(status, page)
    assert isinstance(error, ServerProtocolError)
    assert ("not_a_stream", "It sent a web page.") == (error.fault.kind, error.fault.cause)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_seconds(status: int) -> None:
    """The seconds that a server asks to wait stand in the fault and in the advice."""
    fault = refusal(status, {"error": "later"}, {"retry-after": "20"}).fault
    assert (20.0, True) == (fault.retry_after_s, fault.retryable)
    assert "20 seconds" in fault.advice


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
def test_retry_after_date(zone: str) -> None:
    """A date means the time until then, whatever way it spells the zone."""
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True).replace("GMT", zone)
    seconds = refusal(429, {"error": "later"}, {"retry-after": date}).fault.retry_after_s
    assert seconds == pytest.approx(3600, abs=60)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("-5", 0.0),
        ("soon", None),
        ("", None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_odd_retry_after(value: str, expected: float | None) -> None:
    """A time that has passed is no wait; what is no time is as if it were not there."""
    fault = refusal(429, {"error": "later"}, {"retry-after": value}).fault
    assert ("rate_limited", expected) == (fault.kind, fault.retry_after_s)


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        pytest.param({"error": {"message": UNFIT}, "message": UNFIT}, ("31,430", "30,000"), id="lm-studio-stream"),
        pytest.param({"error": N_KEEP}, None, id="lm-studio"),
        pytest.param({"error": f"{N_KEEP} (n_keep: 13055>= n_ctx: 4096)"}, ("13,055", "4,096"), id="n-keep"),
        pytest.param({"error": LLAMA_CPP}, ("5,000", "4,096"), id="llama.cpp"),
        pytest.param(
            {"error": {"message": "the request exceeds the available context size."}}, None, id="llama.cpp-old"
        ),
    ],
)
@pytest.mark.parametrize("status", [400, 500])
def test_overflow(body: Any, numbers: tuple[str, str] | None, status: int) -> None:
    """Every form of an overflow is one, whatever the status, and says how much there is and how much fits."""
    error = refusal(status, body)
    assert isinstance(error, ServerRejected)
    assert ("overflow", False) == (error.fault.kind, error.fault.retryable)
    assert [True, True] == [number in error.fault.title for number in numbers or ("does not fit", "context")]


def test_errors_in_a_stream_are_the_servers() -> None:
    """Words that nobody knows are the server's failure when there is no status that says more."""
    assert ("server_error", None) == (said("Something odd", MINI).fault.kind, said("x", MINI).fault.status)


LEAKS = [
    "http://localhost:1234/v1/chat/completions",
    "connect ECONNREFUSED 127.0.0.1:1234",
    "HTTP://LOCALHOST:1234",
    f"token {TOKEN} is not known",
    f"Authorization: Bearer {TOKEN}",
    f"[{TOKEN}]",
]


def leaks(fault: Fault) -> list[str]:
    """Return what a fault shows of the endpoint's address and token."""
    shown = f"{fault} {fault!r} {ServerRejected(fault)}".casefold()
    return [secret for secret in LOCKED.secrets if secret.casefold() in shown]


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500, 503])
def test_no_secret_in_a_refusal(status: int, leak: str) -> None:
    """However a body quotes the address or the token, no fault shows them."""
    shapes: list[Any] = [leak.encode(), [leak], {"error": leak}, {"message": leak}, {"detail": [{"url": leak}]}]
    shapes += [{"error": {"message": leak, "code": leak, "type": leak}}, {"error": f"{UNFIT} {leak}"}]
    shapes += [orjson.dumps({"error": leak}).replace(b"/", b"\\/"), f"<html>{leak}".encode(), b'{"' + leak.encode()]
    headers = {"retry-after": leak}
    assert [[] for _ in shapes] == [leaks(refusal(status, shape, headers, LOCKED).fault) for shape in shapes]


@given(st.text(max_size=20), st.sampled_from(LEAKS), st.integers(0, 700))
def test_no_secret_wherever_it_stands(around: str, leak: str, padding: int) -> None:
    """Neither what stands around a secret nor the cut of a long text lets it, or half of it, through."""
    text = f"{'x' * padding} {around} {leak} {around}"
    assert [] == leaks(said(text, LOCKED).fault)
    assert [] == leaks(fault_of("server_error", LOCKED, cause=text))
    assert "AbCd1234" not in scrub(text, LOCKED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no route to 192.0.2.10", "no route to [server]"),
        ("http://192.0.2.10/, port 1234", "http://[server]/, port 1234"),
        ("version 1.192.0.2.10 and 192.0.2.100", "version 1.192.0.2.10 and 192.0.2.100"),
    ],
)
def test_the_host_alone_is_not_shown(text: str, expected: str) -> None:
    """A host without its port is an address too; what only looks like it stays."""
    assert expected == scrub(text, MINI)


def test_other_tokens_are_not_shown_either() -> None:
    """What looks like a token goes, even when it is not the one we know."""
    assert "key [token] or [token]" == scrub("key sk-lm-ZZZZ9999:zzzzzzzzzzzzzzzzzzzz or Bearer abc", MINI)
