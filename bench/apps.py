"""The two chats that the UI bench compares, each as a process of its own: ours and `st.write_stream`'s."""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.upstream import free_port
from tests.app_process import running_app

_BASELINE = Path(__file__).parent / "write_stream_app.py"
_INHERITED_NO_MORE = ("APEHOST_", "LMSTUDIO_", "STREAMLIT_")


@dataclass(frozen=True)
class Chat:
    """A running chat.

    Attributes:
        name: As the tables say it.
        url: Where it listens.
        process: The process that serves it.
    """

    name: str
    url: str
    process: psutil.Process

    def cpu_s(self) -> float:
        """Return the processor time that the process has used so far, all threads together."""
        times = self.process.cpu_times()
        return times.user + times.system


Opener = Callable[[Path, str], AbstractContextManager[Chat]]


@contextmanager
def ours(folder: Path, upstream: str) -> Generator[Chat, None, None]:
    """Run the real app on the upstream while the context lasts."""
    settings = {
        "LMSTUDIO_SERVERS": f"sim|{upstream}",
        "APEHOST_DEMO": "off",
        "APEHOST_PARALLEL_PER_SERVER": "64",
        "APEHOST_LOG_LEVEL": "WARNING",
    }
    home = folder / "ours"
    home.mkdir(exist_ok=True)
    with running_app(home, settings) as app:
        yield Chat("ours", app.url, psutil.Process(app.process.pid))


@contextmanager
def write_stream(folder: Path, upstream: str) -> Generator[Chat, None, None]:
    """Run the `st.write_stream` chat on the upstream, with Streamlit's own settings, while the context lasts."""
    home = folder / "write_stream"
    home.mkdir()
    script = shutil.copy(_BASELINE, home)  # beside no configuration
    port = free_port()
    given = {"server.port": port, "server.address": "127.0.0.1", "server.headless": "true",
             "server.fileWatcherType": "none", "browser.gatherUsageStats": "false"}  # fmt: skip
    options = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_INHERITED_NO_MORE)}
    environment["BENCH_UPSTREAM"] = upstream
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", script, *options],
            cwd=home, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_up(f"{url}/_stcore/health", process, home / "log")
        yield Chat("write_stream", url, psutil.Process(process.pid))
    finally:
        process.kill()
        process.wait()


def _wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the st.write_stream chat did not come up:\n{log.read_text()[-2000:]}")
