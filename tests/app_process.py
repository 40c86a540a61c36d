"""The real app as a process of its own, for end-to-end tests and benchmarks."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_OURS = ("APEHOST_", "LMSTUDIO_", "LM_API_TOKEN", "STREAMLIT_")


@dataclass(frozen=True)
class App:
    """A running app.

    Attributes:
        url: Where it listens.
        process: The process; its output goes to the log.
        log: File of everything it prints.
        data_dir: Folder of its database.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    data_dir: Path

    def kill(self) -> None:
        """End the process as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self, timeout_s: float = 15) -> int:
        """Ask the process to end (SIGTERM) and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def app_command(port: int) -> list[str]:
    """The command that starts the app."""
    return [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]


def app_environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of an app that keeps its data in a folder; no setting of this process is inherited."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    ours = {"APEHOST_DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
    return {**environment, **ours, **settings}


@contextmanager
def running_app(folder: Path, settings: Mapping[str, str], *, port: int | None = None) -> Generator[App, None, None]:
    """Run the app on loopback while the context lasts; entered when it answers that it is live.

    Args:
        folder: Where data and log go; a second run on the same folder sees the same data.
        settings: APEHOST_* and LMSTUDIO_* variables; nothing is inherited from this process.
        port: Where to listen; None takes a free one.
    """
    port = port or free_port()
    log = folder / "app.log"
    environment = app_environment(folder, settings)
    with log.open("ab") as output:
        process = subprocess.Popen(
            app_command(port), cwd=folder, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    app = App(f"http://127.0.0.1:{port}", process, log, folder / "data")
    try:
        _wait_until_live(app)
        yield app
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_live(app: App, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if app.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{app.url}/api/health?probe=live", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise AssertionError(f"the app did not come up:\n{app.log.read_text()[-4000:]}")
