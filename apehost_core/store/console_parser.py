"""DuckDB's parser in a process of its own, which is killed where it does not come to an end.

For some texts of a hundred characters the parser needs hours (each `WITH a AS (` that is not closed takes seven times
as long as the one before), and nothing can interrupt it: in this process it would hold a thread and a processor for
good. What it has read here in time, it reads as fast again when the statement is run.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import orjson

from apehost_core.errors import Fault, StoreError

_SERVING = Path(__file__).with_name("console_parsing.py")
_START_S = 60.0
_PATIENCE_S = 3.0
_NEEDED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
"""What the process gets of our environment: no settings, no tokens."""


class ParserStuck(Exception):
    """The parser came to no end in time, or broke off."""


class Parser:
    """Reads statements, one at a time; from any thread. The process is started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def parse(self, sql: str) -> Any:
        """Return the tree of a text as `json_serialize_sql` gives it; None where it gives none.

        Raises:
            ParserStuck: It came to no end.
            StoreError: The process cannot be started.
            UnicodeEncodeError: The text has characters that are none.
        """
        line = orjson.dumps(sql.encode().decode()) + b"\n"
        with self._lock:
            process = self._running()
            answer = _asked(process, line, _PATIENCE_S)
            if not answer.endswith(b"\n"):
                self._drop()
                raise ParserStuck
        return orjson.loads(answer)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._drop()

    def _running(self) -> subprocess.Popen[bytes]:
        """Return the process, started anew where it is not there any more."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._drop()
        environment = {name: os.environ[name] for name in _NEEDED if name in os.environ}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_SERVING)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**environment, "PYTHONIOENCODING": "utf-8"},
            )
        except OSError as error:
            raise StoreError(_no_start(error.strerror or "")) from error
        if not _asked(self._process, b"", _START_S):
            self._drop()
            raise StoreError(_no_start(""))
        return self._process

    def _drop(self) -> None:
        if self._process is not None:
            self._process.kill()
            for pipe in (self._process.stdin, self._process.stdout):
                _closed(pipe)
            self._process.wait()
            self._process = None


def _asked(process: subprocess.Popen[bytes], line: bytes, patience_s: float) -> bytes:
    """Return the next line that the process says after it was given one; half a line or none where it was killed."""
    assert process.stdin is not None
    assert process.stdout is not None
    alarm = threading.Timer(patience_s, process.kill)
    alarm.daemon = True
    alarm.start()
    try:
        process.stdin.write(line)
        process.stdin.flush()
        return process.stdout.readline()
    except OSError:  # it has just been killed, or died: no answer
        return b""
    finally:
        alarm.cancel()


def _closed(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        try:
            pipe.close()
        except OSError:  # what was still to be written goes nowhere
            return


def _no_start(cause: str) -> Fault:
    title = "The process that reads statements could not be started"
    return Fault(kind="store", title=title, cause=cause, advice="Try again; if it goes on, restart ApeHost.")
