"""What the history page asks of the store: its parts, opened and closed with the database."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apehost_core.store.database import Database


@dataclass(frozen=True, slots=True)
class History:
    """The parts of the history page. All their methods block; call them off the loop.

    Attributes:
        data_dir: Folder of the database, the search index and the copies.
    """

    data_dir: Path


@contextmanager
def open_history(database: Database, data_dir: Path) -> Generator[History, None, None]:
    """Open the parts; what works in the background ends with the context."""
    yield History(data_dir)
