"""The simulator refuses what LM Studio refuses, in its words, so that a client that passes here passes there."""

import json
from collections.abc import Generator
from typing import Any

import httpx
import pytest

from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve

USER = {"role": "user", "content": "hi"}


@pytest.fixture(scope="module")
def url() -> Generator[str, None, None]:
    """Where a simulator with one model listens."""
    with serve(Simulator()) as url:
        yield url


def asked(url: str, **body: Any) -> httpx.Response:
    """The response to a chat completion with that body."""
    return httpx.post(f"{url}/v1/chat/completions", json={"model": "sim-model", **body}, trust_env=False)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "'messages' field is required"),
        ({"messages": [USER], "tool_choice": {"type": "function"}}, "Invalid tool_choice type"),
        ({"messages": [USER], "response_format": {"type": "json_object"}}, "must be 'json_schema' or 'text'"),
        ({"messages": [{"role": "user", "content": [None]}]}, "Cannot read properties of null"),
        ({"messages": ["hi"]}, "Invalid 'messages'"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "", "function": {}}]}]}, "Invalid 'messages'"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]}
                ]
            },
            "must be a base64 encoded image",
        ),
    ],
)
def test_a_request_that_is_refused(url: str, body: dict[str, Any], words: str) -> None:
    """It answers with status 400 and a string error. Source: api notes 1.2.8."""
    answer = asked(url, **body)
    assert 400 == answer.status_code
    assert words in answer.json()["error"]


def test_a_body_that_is_no_json(url: str) -> None:
    """It says so with a status of 400 or above."""
    answer = httpx.post(f"{url}/v1/chat/completions", content=b"{", trust_env=False)
    assert answer.status_code >= 400
    assert "invalid JSON" in answer.json()["error"]


def test_a_path_that_it_does_not_have(url: str) -> None:
    """It answers 200 with an error body. Source: api notes 0.3."""
    answer = httpx.post(f"{url}/chat/completions", json={"messages": [USER]}, trust_env=False)
    assert (200, "application/json") == (answer.status_code, answer.headers["content-type"])
    assert "Unexpected endpoint or method. (POST /chat/completions)" == answer.json()["error"]


@pytest.mark.parametrize(
    ("loaded", "status", "answers"), [(1, 200, "m0"), (2, 400, None), (0, 404, None)], ids=["one", "two", "none"]
)
def test_an_unknown_model(loaded: int, status: int, answers: str | None) -> None:
    """The one loaded model answers in its place; with several or none it is refused. Source: api notes 1.2.7."""
    models = [SimModel(f"m{number}", load_s=0 if number < loaded else 9) for number in range(3)]
    with serve(Simulator(*models)) as url:
        answer = httpx.post(f"{url}/v1/chat/completions", json={"model": "x", "messages": [USER]}, trust_env=False)
    assert status == answer.status_code
    if answers:
        assert f'"model":"{answers}"' in answer.text
    else:
        assert "model_not_found" == answer.json()["error"]["code"]


def test_the_first_request_waits_for_the_model() -> None:
    """A model that is not loaded is loaded by the first request, and listed as loaded from then on."""
    with serve(Simulator(SimModel(load_s=0.05))) as url:
        before = httpx.get(f"{url}/api/v1/models", trust_env=False).json()["models"][0]["loaded_instances"]
        asked(url, messages=[USER])
        after = httpx.get(f"{url}/api/v1/models", trust_env=False).json()["models"][0]["loaded_instances"]
    assert ([], 1) == (before, len(after))


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/v0/chat/completions"])
@pytest.mark.parametrize("more", [{}, {"stream": False}], ids=["unsaid", "false"])
def test_an_answer_that_is_not_streamed(path: str, more: dict[str, Any]) -> None:
    """It is one object with text, reasoning and usage; only v0 has the server's measurements. Source: 1.2.2, 1.6."""
    model = SimModel(reasoning=("hm",), words=("Yes", "."), tokens_per_s=1000, first_token_s=0.01)
    body = {"model": "sim-model", "messages": [USER], **more}
    with serve(Simulator(model)) as url:
        answer = httpx.post(url + path, json=body, trust_env=False).json()
    choice = answer["choices"][0]
    assert "chat.completion" == answer["object"]
    assert ("Yes.", "hm", []) == tuple(
        choice["message"][name] for name in ("content", "reasoning_content", "tool_calls")
    )
    assert ("stop", 3) == (choice["finish_reason"], answer["usage"]["completion_tokens"])
    if path.startswith("/v1"):
        assert ({}, False) == (answer["stats"], "model_info" in answer)
    else:
        stats = {"tokens_per_second": 1000, "time_to_first_token": 0.01, "generation_time": 0.003}
        assert stats | {"stop_reason": "eosFound"} == answer["stats"]
        assert ("sim", 4096, "gguf") == (
            answer["model_info"]["arch"],
            answer["model_info"]["context_length"],
            answer["runtime"]["supported_formats"][0],
        )


def test_the_measurements_of_a_v0_stream() -> None:
    """The frame with the finish reason has them, with the usage. Source: api notes 1.6."""
    body = {"model": "sim-model", "messages": [USER], "stream": True, "max_tokens": 2}
    with serve(Simulator()) as url:
        lines = httpx.post(f"{url}/api/v0/chat/completions", json=body, trust_env=False).text.split("\n\n")
    last = json.loads(lines[-3].removeprefix("data: "))
    assert "data: [DONE]" == lines[-2]
    assert ("length", 2) == (last["choices"][0]["finish_reason"], last["usage"]["completion_tokens"])
    assert "maxPredictedTokensReached" == last["stats"]["stop_reason"]
    assert {"model_info", "runtime"} <= last.keys()


@pytest.mark.parametrize("wanted", [True, False])
def test_usage_comes_when_it_is_asked_for(url: str, wanted: bool) -> None:
    """A stream has a usage frame only with include_usage. Source: api notes 1.2.4."""
    options = {"stream_options": {"include_usage": True}} if wanted else {}
    assert wanted == ('"usage":' in asked(url, messages=[USER], stream=True, **options).text)


@pytest.mark.parametrize(
    ("setting", "status", "thinks"),
    [(None, 200, True), ("low", 200, True), ("none", 200, False), ("high", 400, None)],
)
def test_reasoning_settings(setting: str | None, status: int, thinks: bool | None) -> None:
    """A setting that the model does not have is refused with those that it has. Source: api notes 3."""
    model = SimModel(reasoning=("hm",), reasoning_options=("off", "low"))
    more = {} if setting is None else {"reasoning_effort": setting}
    with serve(Simulator(model)) as url:
        answer = asked(url, messages=[USER], **more)
    assert status == answer.status_code
    if thinks is None:
        error = answer.json()["error"]
        assert ("invalid_value", "reasoning") == (error["code"], error["param"])
        assert "Supported settings: 'off', 'low'." in error["message"]
    else:
        assert thinks == bool(answer.json()["choices"][0]["message"]["reasoning_content"])


def test_an_answer_that_is_hurried() -> None:
    """What is left of it comes at once, and nothing is missing."""
    simulator = Simulator(SimModel(words=("word ",) * 5_000, tokens_per_s=50))
    body = {"model": "sim-model", "messages": [USER], "stream": True}
    with serve(simulator) as url, httpx.stream("POST", f"{url}/v1/chat/completions", json=body, trust_env=False) as got:
        lines = got.iter_lines()
        first = next(line for line in lines if "word " in line)
        assert simulator.calls[0].sent < 5_000
        simulator.calls[0].hurried = True
        assert 5_000 == sum(line.count("word ") for line in (first, *lines))


def test_what_a_call_says() -> None:
    """Each call has its path, the model it went to and the instance that answered, for other processes too."""
    with serve(Simulator(SimModel("m"))) as url:
        httpx.post(f"{url}/api/v0/chat/completions", json={"model": "x", "messages": [USER]}, trust_env=False)
        (call,) = httpx.get(f"{url}/simulator/calls", trust_env=False).json()
    assert ("/api/v0/chat/completions", "m", "m") == (call["path"], call["model"], call["instance"])
    assert call["ended_ns"] > call["at_ns"]
