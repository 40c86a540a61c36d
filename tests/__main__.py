"""All tests in one command: `uv run --all-extras python -m tests`, with pytest's own arguments behind it.

Without arguments some processes share the tests, file by file, then two those of the browser; those that compare
times, or watch what happens while it happens, follow with the machine to themselves. With arguments it is pytest as it
is.

The browser tests drive the system's Chromium. Where there is none, it is installed if that needs no question
(Debian and its like, as root); otherwise those tests are skipped, and this says so.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

_SHARED = ("--dist=loadfile", "--no-loadscope-reorder")
PARTS = (
    ("-m", "not (alone or browser)", "--numprocesses=3", *_SHARED),
    ("-m", "browser and not alone", "--numprocesses=2", *_SHARED, "tests/e2e"),
    ("-m", "alone", "tests/e2e", "tests/integration"),
)
"""What may be shared is: by one process more than two cores, since many tests wait, but a browser has a core.

Where a part's tests are all in some folders, the others are not even read.
"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NO_BROWSER = f"no browser found (looked for {', '.join(BROWSERS)})"
_INSTALL = (
    ("apt-get", "update", "-qq"),
    ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"),
)


def find_browser() -> Path | None:
    """Return the executable of an installed Chromium or Chrome; None when there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return Path(found) if found else None


def can_install() -> bool:
    """Return whether Chromium can be installed here without a question."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return root and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def install_browser() -> str:
    """Install Chromium with apt-get; return what went wrong, empty when nothing did."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in _INSTALL:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-2000:]
            return f"`{' '.join(command)}` failed with exit code {done.returncode}:\n{said}"
    return ""


def prepare_browser() -> None:
    """See to a browser, and say so when there will be none."""
    if find_browser():
        return
    if not can_install():
        _say(f"{NO_BROWSER}: the browser tests will be skipped. Install Chromium to run them.")
        return
    _say(f"{NO_BROWSER}: installing Chromium with apt-get, which takes a minute ...")
    problem = install_browser()
    if problem:
        _say(f"Chromium was not installed, so the browser tests will be skipped. {problem}")


def main(arguments: list[str]) -> int:
    """Run the tests and return pytest's exit code: of all parts the first that is not 0."""
    prepare_browser()
    if arguments:
        return int(pytest.main(arguments))
    with compiled_once() as environment:
        codes = [_pytest(part, environment) for part in PARTS]
    return next(filter(None, codes), 0)


@contextmanager
def compiled_once() -> Generator[Mapping[str, str], None, None]:
    """The environment in which the tests' processes, a hundred or so, share what Python has compiled.

    Where Python may not keep that beside the sources (PYTHONDONTWRITEBYTECODE), each of them would compile all anew,
    which takes the app half of its start; there it is kept in a folder that is gone afterwards.
    """
    if not sys.dont_write_bytecode:
        yield os.environ
        return
    with TemporaryDirectory(prefix="apehost-tests-", ignore_cleanup_errors=True) as folder:
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        yield {**inherited, "PYTHONPYCACHEPREFIX": folder}


def _pytest(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run pytest in a process of its own: a second run in one process would see the modules of the first."""
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], env=environment, check=False).returncode


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 -- this is a command


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
