"""What is to be done to the database file at the next start, and what was done: two small files beside it.

Each is written whole under another name and moved, so that a kill leaves the old or the new one, never half of it.
"""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from apehost_core.errors import Fault, StoreLocked
from apehost_core.history.care import SwapOrder, SwapOutcome

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_ORDER = "swap.json"
_OUTCOME = "swapped.json"
_LOCK = "swap.lock"

Stage = Literal["ordered", "swapping"]


@dataclass(frozen=True, slots=True)
class Standing:
    """An order and how far it is.

    Attributes:
        order: What is to be done.
        stage: `swapping` once the new file is complete; when it is then not there, it has taken its place.
        kept: Name of the backup of what was there before; empty for none.
        before: Bytes of the database before.
    """

    order: SwapOrder
    stage: Stage = "ordered"
    kept: str = ""
    before: int = 0


def read_order(folder: Path) -> Standing | None:
    """Return what is ordered; None when nothing is. Raises ValueError when the file says nothing that is known."""
    try:
        said: dict[str, Any] = orjson.loads((folder / _ORDER).read_bytes())
    except FileNotFoundError:
        return None
    try:
        order = SwapOrder(said["work"], str(said["name"]), datetime.fromisoformat(said["ordered_at"]))
        if order.work not in ("restore", "compact") or said["stage"] not in ("ordered", "swapping"):
            raise ValueError(f"unknown order {order.work!r}")
        return Standing(order, said["stage"], str(said["kept"]), int(said["before"]))
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


def write_order(folder: Path, standing: Standing) -> None:
    """Have the next start do it."""
    said = {**asdict(standing.order), "stage": standing.stage, "kept": standing.kept, "before": standing.before}
    _write(folder / _ORDER, said)


def remove_order(folder: Path) -> None:
    """Have the next start do nothing."""
    (folder / _ORDER).unlink(missing_ok=True)


def read_outcome(folder: Path) -> SwapOutcome | None:
    """Return what was done last; None when nothing was, or it was put away."""
    try:
        said: dict[str, Any] = orjson.loads((folder / _OUTCOME).read_bytes())
        said["at"] = datetime.fromisoformat(said["at"])
        said["fault"] = Fault(**said["fault"]) if said["fault"] else None
        return SwapOutcome(**said)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write_outcome(folder: Path, outcome: SwapOutcome) -> None:
    """Keep what was done, for the page."""
    _write(folder / _OUTCOME, asdict(outcome))


def remove_outcome(folder: Path) -> None:
    """Put away what was done last."""
    (folder / _OUTCOME).unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Generator[None, None, None]:
    """Keep other processes from doing the same; the lock ends with the process, however it ends.

    Raises:
        StoreLocked: Another one is at it.
    """
    with (folder / _LOCK).open("ab") as file:
        try:
            if sys.platform == "win32":
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            title = f"Another ApeHost is putting a database in place in {folder}"
            raise StoreLocked(Fault(kind="store", title=title, advice="Wait until it has started.")) from error
        yield


def durable(path: Path) -> None:
    """Have the disk keep what was written to a file, and where folders can be told so, its name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    durable_names(path.parent)


def durable_names(folder: Path) -> None:
    """Have the disk keep which files a folder has."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _write(path: Path, said: dict[str, Any]) -> None:
    new = path.with_name(path.name + ".new")
    new.write_bytes(orjson.dumps(said))
    durable(new)
    os.replace(new, path)
    durable_names(path.parent)
