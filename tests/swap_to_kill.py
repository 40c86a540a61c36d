"""A program that tests kill: puts databases in place, and kills itself at one step after the other.

python -m tests.swap_to_kill FOLDER

FOLDER holds a data folder with an order, as `ready`. For each call that changes or opens files a process of its own
begins with a copy of it and dies right before that call; another one then starts as if nothing had been. One line for
each: the number of the step, the titles that the database and what it took the place of have afterwards, and the files
that there are. The last line is of a process that lived to its end.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from apehost_core.store import care_swap
from apehost_core.store.care_swap import settle_swap

_CALLS: list[tuple[Any, str]] = [
    (os, "replace"),
    (os, "link"),
    (shutil, "copyfile"),
    (Path, "unlink"),
    (Path, "write_bytes"),
    (duckdb, "connect"),
    (care_swap, "migrate"),
    (care_swap, "fingerprint"),
]
"""The last two come while the new file is open and half written."""


def die_at(step: int) -> None:
    """Have this process be killed right before the call of that number, from 0."""
    numbers = count()

    def deadly(call: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*arguments: Any, **named: Any) -> Any:
            changes = "missing_ok" not in named or arguments[0].exists()
            if changes and next(numbers) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **named)

        return instead

    for owner, name in _CALLS:
        setattr(owner, name, deadly(getattr(owner, name)))


def in_a_child(work: Callable[[], None]) -> bool:
    """Do something in a process of its own; returns whether it lived to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 -- a child must not go on as its parent
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def titles(path: Path) -> list[str]:
    """Return the titles that a database has."""
    with duckdb.connect(path, read_only=True) as connection:
        return [row[0] for row in connection.execute("SELECT title FROM conversations ORDER BY title").fetchall()]


def look(folder: Path, step: int) -> None:
    """Start once more, and say what is there and in the backups."""
    settle_swap(folder / "apehost.duckdb")
    said = [titles(folder / "apehost.duckdb")]
    said += [titles(path) for path in sorted((folder / "backups").glob("*before-restore.duckdb"))]
    left = sorted(path.name for path in folder.iterdir())
    os.write(1, f"{step}\t{said!r}\t{left!r}\n".encode())


def main() -> None:
    """Die at every step once."""
    ground = Path(sys.argv[1])
    lived = False
    for step in count():
        folder = ground / f"step-{step}"
        shutil.copytree(ground / "ready", folder)

        def swap(step: int = step, folder: Path = folder) -> None:
            die_at(step)
            settle_swap(folder / "apehost.duckdb")

        lived = in_a_child(swap)
        in_a_child(lambda folder=folder, step=step: look(folder, step))
        shutil.rmtree(folder)
        if lived:
            return


if __name__ == "__main__":
    main()
