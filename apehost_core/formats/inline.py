"""Reasoning and tool calls that stand inside an answer's text, as some programs write them there.

`<think>` at the beginning, as models write it, and Open WebUI's `<details type="reasoning">` and
`<details type="tool_calls">` whose attributes are HTML-escaped. Other HTML is text and stays.
"""

import html
import re
from collections.abc import Iterator

import orjson

from apehost_core.formats.conversation import ImportedToolCall
from apehost_core.formats.lenient import text
from apehost_core.formats.rounds import Rounds
from apehost_core.messages import ReasoningPart, TextPart

_THINK = re.compile(r"\s*<(think|thinking|reasoning)>")
_ATTRIBUTE = re.compile(r'([a-z_]+)="([^"]*)"')
_SUMMARY = re.compile(r"\A\s*<summary>[^<]{0,500}</summary>\n?")
_QUOTED = re.compile(r"^> ?", re.MULTILINE)
_OPEN, _CLOSE = "<details", "</details>"
_KINDS = ("reasoning", "tool_calls", "code_interpreter")


def write_answer(words: str, rounds: Rounds) -> None:
    """Add an answer's text to the rounds, and what stands inside of it as what it is."""
    thought = _THINK.match(words)
    if thought:
        inner, closed, rest = words[thought.end() :].partition(f"</{thought[1]}>")
        if closed:
            rounds.write(ReasoningPart(inner.strip("\n")))
            words = rest.lstrip("\n")
    position = 0
    for start, end, kind, tag, inner in _blocks(words):
        _write_text(words[position:start], rounds)
        _write_block(kind, tag, inner, rounds)
        position = end
    _write_text(words[position:], rounds)


def _blocks(words: str) -> Iterator[tuple[int, int, str, str, str]]:
    """Yield start, end, kind, opening tag and content of each block that is ours to understand."""
    start, close = words.find(_OPEN), -1
    while start >= 0:
        if close < start:
            close = words.find(_CLOSE, start)
        if close < 0:
            return
        tag_end = words.find(">", start, close)
        tag = words[start : tag_end + 1] if tag_end >= 0 else ""
        kind = dict(_ATTRIBUTE.findall(tag)).get("type", "")
        after = start + len(_OPEN)
        if kind in _KINDS:
            after = close + len(_CLOSE)
            yield start, after, kind, tag, words[tag_end + 1 : close]
        start = words.find(_OPEN, after)


def _write_block(kind: str, tag: str, inner: str, rounds: Rounds) -> None:
    attributes = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(tag)}
    body = _SUMMARY.sub("", inner).strip("\n")
    if kind == "reasoning":
        seconds = attributes.get("duration", "")
        took = float(seconds) if seconds.isdecimal() and len(seconds) < 10 else None
        rounds.write(ReasoningPart(_QUOTED.sub("", html.unescape(body)), took))
        return
    tool = attributes.get("name", "") or kind
    arguments = attributes.get("arguments", "") or attributes.get("code", "")
    call_id = rounds.ask(ImportedToolCall(attributes.get("id", "") or "call", tool, _plain(arguments)))
    if attributes.get("done") == "true":
        given = attributes.get("result") or attributes.get("output") or html.unescape(body)
        rounds.settle(call_id, result=_plain(given))


def _plain(value: str) -> str:
    """Return a text that was written as JSON once more without that."""
    if not value.startswith('"'):
        return value
    try:
        return text(orjson.loads(value)) or value
    except orjson.JSONDecodeError:
        return value


def _write_text(words: str, rounds: Rounds) -> None:
    if words.strip():
        rounds.write(TextPart(words.strip("\n")))
