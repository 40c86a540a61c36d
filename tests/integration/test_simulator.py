"""The simulator refuses what LM Studio refuses, in its words, so that a client that passes here passes there."""

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
