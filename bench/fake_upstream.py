"""A bare server of chat completions for benches: it costs next to nothing, so that what is measured is the reader.

python -m bench.fake_upstream PORT TOKENS TOKENS_PER_S FIRST_TOKEN_S
"""

import asyncio
import sys
import time

import orjson

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
FRAME = (
    b'data: {"id":"chatcmpl-x1y2z3a4b5c6d7e8f9g0h","object":"chat.completion.chunk","created":1790000000,'
    b'"model":"sim-model","system_fingerprint":"sim-model","choices":[{"index":0,"delta":{"content":"%s"},'
    b'"logprobs":null,"finish_reason":null}]}\n\n'
)
_LAST = (
    b'data: {"model":"sim-model","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"model":"sim-model","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":%d}}\n\n'
    b"data: [DONE]\n\n"
)
_AT_ONCE = 64

calls: list[dict[str, int | None]] = []


def chunk(data: bytes) -> bytes:
    """Return data as one chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class Connection(asyncio.Protocol):
    """One connection; answers every POST with the same stream."""

    def __init__(self, tokens: int, tokens_per_s: float, first_token_s: float) -> None:
        self.frames = [chunk(FRAME % f"word{n} ".encode()) for n in range(min(tokens, 12))]
        self.tokens, self.tokens_per_s, self.first_token_s = tokens, tokens_per_s, first_token_s
        self.buffer, self.sent, self.begun = b"", 0, 0.0
        self.call: dict[str, int | None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.loop = asyncio.get_running_loop()

    def pause_writing(self) -> None:
        """Wait: the reader is behind."""
        self.writable = False

    def resume_writing(self) -> None:
        """Go on."""
        self.writable = True
        self._write()

    def data_received(self, data: bytes) -> None:
        """Take a request; its body is not looked at."""
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0) if end else 0
        if not end or len(body) < length:
            return
        self.buffer = body[length:]
        self.respond(head, body[:length])

    def respond(self, head: bytes, _body: bytes) -> None:
        """Answer a request: a GET with the calls so far, all others with the stream."""
        if head.startswith(b"GET"):
            self.send_json(orjson.dumps(calls))
        else:
            self.begin({})

    def send_json(self, data: bytes) -> None:
        """Answer with a document."""
        self.transport.write(_JSON_HEAD % len(data) + data)

    def begin(self, call: dict[str, int | None]) -> None:
        """Begin to stream, and list the call with the times of its first and last token and of its reader's leaving."""
        self.call = call
        call |= {"first_ns": None, "last_ns": None, "left_ns": None}
        calls.append(call)
        self.transport.write(_HEAD)
        self.sent, self.begun = 0, self.loop.time() + self.first_token_s
        self.timer = self.loop.call_at(self.begun, self._write)

    def _write(self) -> None:
        while self.writable and self.call is not None:
            due = self.tokens
            if self.tokens_per_s:
                due = min(due, int((self.loop.time() - self.begun) * self.tokens_per_s) + 1)
            else:
                due = min(due, self.sent + _AT_ONCE)
            if not self.sent:
                self.call["first_ns"] = time.perf_counter_ns()
            for number in range(self.sent, due):
                self.transport.write(self.frames[number % len(self.frames)])
            self.sent = max(self.sent, due)
            if self.sent == self.tokens:
                self.call["last_ns"] = time.perf_counter_ns()
                self.transport.write(chunk(_LAST % self.tokens) + b"0\r\n\r\n")
                self.call = None
            elif self.tokens_per_s:
                self.timer = self.loop.call_at(self.begun + self.sent / self.tokens_per_s, self._write)
                return

    def connection_lost(self, _exc: Exception | None) -> None:
        """Note when a reader went away in the middle."""
        if self.timer is not None:
            self.timer.cancel()
        if self.call is not None:
            self.call["left_ns"] = time.perf_counter_ns()
            self.call = None


async def main() -> None:
    """Serve until killed."""
    port, tokens, rate, first = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(tokens, rate, first), "127.0.0.1", port, backlog=1_000)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
