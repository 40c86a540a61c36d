"""An upstream that looks like an LM Studio and writes Markdown, as long and as fast as the prompt says.

python -m bench.chat_upstream PORT
"""

import asyncio
import random
import re
import sys

import orjson

from bench.fake_upstream import FRAME, Connection, chunk

FIRST_WORD = "Lighthouses"
LAST_WORD = "finis7f3a"
MODEL = "sim-model"
_TITLE = chunk(FRAME % b"Seafaring")
_TITLE_TASK = "Name this conversation"
_WISH = re.compile(r"Write (\d+) tokens at (\d+) a second, (\d+) at once, number (\d+)\.")
_LISTING = {
    "type": "llm",
    "publisher": "bench",
    "key": MODEL,
    "display_name": "Sim Model",
    "architecture": "sim",
    "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
    "size_bytes": 1_000_000_000,
    "loaded_instances": [{"id": MODEL, "config": {"context_length": 32_768}}],
    "max_context_length": 131_072,
    "format": "gguf",
    "capabilities": {"vision": False, "trained_for_tool_use": True},
}
_DOCUMENTS = {
    "/lmstudio-greeting": orjson.dumps({"lmstudio": True}),
    "/api/v1/models": orjson.dumps({"models": [_LISTING]}),
}
_WORDS = [
    "the", "a", "of", "and", "to", "in", "with", "for", "light", "tower", "coast", "keeper", "storm",
    "signal", "lamp", "lens", "ship", "rock", "harbour", "night", "fog", "sea", "wind", "stone", "glass",
    "oil", "wick", "flame", "mirror", "lantern", "sailor", "chart", "channel", "beacon", "island", "current",
    "tide", "captain", "watch", "logbook", "rotates", "warns", "guides", "burns", "keeps", "marks",
    "measures", "reflects", "became", "remained", "carried", "towards", "between", "without", "because",
]  # fmt: skip
_CODE = """```python
def flashes(period_s: float, minutes: int) -> int:
    \"\"\"Count the flashes that a keeper sees.\"\"\"
    seen = 0
    for second in range(minutes * 60):
        if second % period_s < 0.5:
            seen += 1
    return seen + NUMBER
```"""


def wish(tokens: int, tokens_per_s: int, number: int, *, at_once: int = 0) -> str:
    """Return the prompt that has the upstream write so many tokens at that pace.

    Args:
        tokens: Length of the answer.
        tokens_per_s: Pace.
        number: Names the call.
        at_once: How many of the tokens come at the beginning, without a pace.
    """
    return f"Write {tokens} tokens at {tokens_per_s} a second, {at_once} at once, number {number}."


def answer(tokens: int) -> list[str]:
    """Return Markdown in that many tokens: headings, paragraphs, lists and fences, and `LAST_WORD` as the last token.

    A longer answer begins with the shorter one's blocks. Every block ends unlike any other, so that the end of a piece
    tells where in the answer it stands.
    """
    draw = random.Random(7)
    written = [FIRST_WORD]
    number = 0
    while True:
        block = _tokens(_block(draw, number))
        if len(written) + len(block) > tokens - 40:
            break
        written += block
        number += 1
    written.append("\n\n")
    written += [f" {draw.choice(_WORDS)}" for _ in range(tokens - len(written) - 1)]
    return [*written, f" {LAST_WORD}"]


def _block(draw: random.Random, number: int) -> str:
    """Return a block with the blank line before it; the first one goes on after the first word."""
    before = "\n\n" if number else " "
    kind = number % 8
    if kind == 2:
        return f"{before}## {_sentence(draw, 3)}"
    if kind == 4:
        return before + "\n".join(f"- **{draw.choice(_WORDS)}**: {_sentence(draw, 9)}" for _ in range(5))
    if kind == 6:
        return before + "\n".join(f"{item}. {_sentence(draw, 8)}" for item in range(1, 5))
    if kind == 7:
        return before + _CODE.replace("NUMBER", str(number))
    return before + " ".join(_sentence(draw, draw.randint(9, 17)) for _ in range(4))


def _sentence(draw: random.Random, words: int) -> str:
    said = [draw.choice(_WORDS) for _ in range(words)]
    said[words // 2] = f"`{said[words // 2]}`" if draw.random() < 0.15 else said[words // 2]
    return " ".join(said).capitalize() + "."


def _tokens(text: str) -> list[str]:
    """Cut a text as tokenizers do: words with the space before them, long ones in two, marks by themselves."""
    pieces = re.findall(r"\n+|[ ]*[A-Za-z]{1,6}|[ ]*[0-9]|[ ]*[^\sA-Za-z0-9]{1,3}|[ ]+", text)
    assert "".join(pieces) == text
    return pieces


class ChatConnection(Connection):
    """One connection; answers a prompt made by `wish` with what it asks for, and names any conversation in a word."""

    def __init__(self) -> None:
        super().__init__(0, 0, 0)

    def respond(self, head: bytes, body: bytes) -> None:
        """Answer a request."""
        path = head.split(b" ", 2)[1].decode()
        if path in _DOCUMENTS:
            self.send_json(_DOCUMENTS[path])
            return
        if not body:
            super().respond(head, body)
            return
        asked = str(orjson.loads(body)["messages"][-1]["content"])
        found = _WISH.search(asked)
        if found is None or asked.startswith(_TITLE_TASK):
            self.frames, self.tokens, self.tokens_per_s, at_once, number = [_TITLE], 1, 0, 0, -1
        else:
            self.tokens, self.tokens_per_s, at_once, number = (int(part) for part in found.groups())
            self.frames = [chunk(FRAME % orjson.dumps(token)[1:-1]) for token in answer(self.tokens)]
        self.begin({"number": number})
        self.begun -= at_once / max(self.tokens_per_s, 1)


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(
        ChatConnection, "127.0.0.1", int(sys.argv[1]), backlog=1_000
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
