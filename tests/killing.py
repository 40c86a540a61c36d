"""Processes that are killed: forked from one that has loaded what they need, and ended without warning."""

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def killed(target: Callable[..., None], args: tuple[Any, ...], said: Path, pause_s: float) -> int:
    """Run something in a process of its own and kill it; return when, in ns of the epoch.

    Args:
        target: Runs until it is killed; its module is loaded once for all such processes.
        args: For it.
        said: The file into which it says what it has done.
        pause_s: How long it lives after it has said something.
    """
    before = said.stat().st_size if said.exists() else 0
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([target.__module__])
    process = context.Process(target=target, args=args)
    process.start()
    while not said.exists() or said.stat().st_size == before:
        assert process.is_alive()
        time.sleep(0.005)
    time.sleep(pause_s)  # the pause is the subject: the kill comes at a random point
    killed_ns = time.time_ns()
    process.kill()
    process.join()
    process.close()
    return killed_ns
