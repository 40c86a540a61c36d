"""The bare upstream as a process of its own."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager

import orjson


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def upstream(*, tokens: int, tokens_per_s: float, first_token_s: float = 0) -> Generator[str, None, None]:
    """Run the bare upstream while the context lasts and give its base URL.

    Args:
        tokens: Length of every answer.
        tokens_per_s: Pace; 0 is as fast as it goes.
        first_token_s: Silence before the first token.
    """
    with _process("bench.fake_upstream", str(tokens), str(tokens_per_s), str(first_token_s)) as url:
        yield url


@contextmanager
def chat_upstream() -> Generator[str, None, None]:
    """Run the upstream that looks like an LM Studio and writes Markdown while the context lasts; gives its base URL."""
    with _process("bench.chat_upstream") as url:
        yield url


@contextmanager
def _process(module: str, *arguments: str) -> Generator[str, None, None]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", module, str(port), *arguments])
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(url, process)
        yield url
    finally:
        process.kill()
        process.wait()


def calls(url: str) -> list[dict[str, int | None]]:
    """Return one entry for each answer that was asked for.

    `first_ns` and `last_ns` are when its first and last token went out, `left_ns` is when its reader went away in the
    middle; all on the clock of `time.perf_counter_ns`, which processes share.
    """
    with urllib.request.urlopen(f"{url}/calls", timeout=30) as answer:
        return orjson.loads(answer.read())


def _wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/calls", timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the upstream did not come up")
