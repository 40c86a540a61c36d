"""Requests as the JSON that /v1/chat/completions takes."""

from typing import Any

import orjson
import pytest

from apehost_core.lmstudio.encoding import encode_request
from apehost_core.messages import (
    ImagePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    assistant_message,
    user_message,
)
from apehost_core.model import ModelRequest, Sampling

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "…",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALL = ToolCallPart("814890118", "get_weather", '{"city": "Rome"}')


def encoded(*messages: Message, **fields: Any) -> dict[str, Any]:
    """Return the body of a request of these messages."""
    return orjson.loads(encode_request(ModelRequest("m", messages, **fields)))


def wired(*parts: Any, role: Any = "assistant") -> list[dict[str, Any]]:
    """Return what a message of these parts becomes."""
    return encoded(Message(role, parts))["messages"]


def test_plain_request() -> None:
    """A request asks for a stream with usage and holds nothing that was not set."""
    expected = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Grüße 🌍"},
            {"role": "assistant", "content": "Hi"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    system = Message("system", (TextPart("Be brief."),))
    assert expected == encoded(system, user_message("Grüße 🌍"), assistant_message("Hi"))


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(), {}),
        (Sampling(temperature=0), {"temperature": 0}),
        (Sampling(top_k=0, seed=0, presence_penalty=0.0), {"top_k": 0, "seed": 0, "presence_penalty": 0.0}),
        (Sampling(stop=("###", "\n")), {"stop": ["###", "\n"]}),
        (Sampling(reasoning_effort="none"), {"reasoning_effort": "none"}),
        (
            Sampling(0.5, 0.9, 40, 0.05, 1.1, 0.1, 0.2, 7, 100, ("x",), "high"),
            {
                "temperature": 0.5,
                "top_p": 0.9,
                "top_k": 40,
                "min_p": 0.05,
                "repeat_penalty": 1.1,
                "presence_penalty": 0.1,
                "frequency_penalty": 0.2,
                "seed": 7,
                "max_tokens": 100,
                "stop": ["x"],
                "reasoning_effort": "high",
            },
        ),
    ],
)
def test_only_what_is_set_is_sent(sampling: Sampling, expected: dict[str, Any]) -> None:
    """Every sampling setting goes out under its wire name when it is set, zeros too, and only then."""
    plain = set(encoded())
    body = encoded(sampling=sampling)
    assert expected == {name: value for name, value in body.items() if name not in plain}


def test_several_texts_are_one_content() -> None:
    """Text parts without an image are one string, with a blank line between them."""
    assert [{"role": "user", "content": "a\n\nb"}] == wired(TextPart("a"), TextPart("b"), role="user")


def test_image() -> None:
    """An image goes out as a data URI among parts, in its place."""
    expected = [
        {"type": "text", "text": "What is"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "text", "text": "this?"},
    ]
    parts = (TextPart("What is"), ImagePart("image/png", "aGk="), TextPart("this?"))
    assert [{"role": "user", "content": expected}] == wired(*parts, role="user")


def test_reasoning_is_not_sent_back() -> None:
    """What the model thought stays here."""
    assert [{"role": "assistant", "content": "yes"}] == wired(ReasoningPart("hm"), TextPart("yes"))
    assert [{"role": "assistant", "content": ""}] == wired(ReasoningPart("hm"))


def test_tool_calls() -> None:
    """Calls go out with their arguments as they came; content is never null; no arguments are an empty object."""
    function = {"name": "get_weather", "arguments": '{"city": "Rome"}'}
    expected = {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "814890118", "type": "function", "function": function},
            {"id": "519801730", "type": "function", "function": {"name": "get_time", "arguments": "{}"}},
        ],
    }
    assert [expected] == wired(ReasoningPart("hm"), CALL, ToolCallPart("519801730", "get_time", ""))


def test_text_before_tool_calls() -> None:
    """Text that came with the calls stays with them."""
    (message,) = wired(TextPart("Let me look."), CALL)
    assert ("Let me look.", 1) == (message["content"], len(message["tool_calls"]))


def test_tool_results() -> None:
    """Each result is a message of its own, in order."""
    expected = [
        {"role": "tool", "tool_call_id": "814890118", "content": "21 °C"},
        {"role": "tool", "tool_call_id": "519801730", "content": ""},
    ]
    assert expected == wired(ToolResultPart("814890118", "21 °C"), ToolResultPart("519801730", ""), role="tool")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {"type": "object", "properties": {}}),
        (None, {"type": "object", "properties": {}}),
        ({"type": "object"}, {"type": "object", "properties": {}}),
        (WEATHER["function"]["parameters"], WEATHER["function"]["parameters"]),
    ],
)
def test_tool_parameters_are_full(parameters: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    """Bare parameters become a full object schema; full ones go out as they are."""
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    assert [{"type": "function", "function": {"name": "f", "parameters": expected}}] == encoded(tools=(tool,))["tools"]
    assert {"name": "f", "parameters": parameters} == tool["function"]


def test_absent_tool_parameters() -> None:
    """A tool that names no parameters gets an empty object schema."""
    (tool,) = encoded(tools=({"type": "function", "function": {"name": "f"}},))["tools"]
    assert {"name": "f", "parameters": {"type": "object", "properties": {}}} == tool["function"]


@pytest.mark.parametrize(("choice", "expected"), [(None, "auto"), ("none", "none"), ("required", "required")])
def test_tool_choice(choice: Any, expected: str) -> None:
    """With tools the choice is a string, auto unless set; without tools neither is sent."""
    body = encoded(tools=(WEATHER,), tool_choice=choice)
    assert ([WEATHER], expected) == (body["tools"], body["tool_choice"])
    assert set(encoded()) == set(encoded(tool_choice=choice))
