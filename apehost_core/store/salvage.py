"""What can still be read of a damaged database, brought to a new file. The damaged files are only read."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from apehost_core.errors import Fault, StoreDamaged, StoreError
from apehost_core.store.faults import open_error, wal_damage

_MOST_CUTS = 100


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What a salvage brought back.

    Attributes:
        rows: Rows by table.
        cut_at: Byte position from which the write-ahead log was left out; None when it was whole.
    """

    rows: dict[str, int]
    cut_at: int | None


def salvage(damaged: Path, destination: Path) -> Salvaged:
    """Copy a database and its write-ahead log, leave out the log from its first damage on, and open the copy.

    Args:
        damaged: The database; no process has it open.
        destination: A file that does not exist yet.

    Raises:
        StoreDamaged: The database file itself is damaged; what the log held is not reached.
        StoreError: There is no such file, or the destination exists.
    """
    if not damaged.exists():
        raise StoreError(Fault(kind="store", title=f"There is no database at {damaged}"))
    if destination.exists():
        raise StoreError(Fault(kind="store", title=f"There is already a file at {destination}"))
    shutil.copy2(damaged, destination)
    log, copied_log = _log_of(damaged), _log_of(destination)
    if log.exists():
        shutil.copy2(log, copied_log)
    cut_at: int | None = None
    for _ in range(_MOST_CUTS):
        try:
            return Salvaged(_rows(destination), cut_at)
        except duckdb.Error as error:
            position = wal_damage(error)
            if position is None or (cut_at is not None and position >= cut_at):
                raise open_error(error, damaged) from error
            cut_at = position
            with copied_log.open("r+b") as copy:
                copy.truncate(position)
    raise StoreDamaged(Fault(kind="store", title=f"The write-ahead log of {damaged} cannot be read"))


def _rows(path: Path) -> dict[str, int]:
    """Open the copy, fold its log into it, and count."""
    with duckdb.connect(path) as connection:
        connection.execute("CHECKPOINT")
        tables = [str(row[0]) for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        counts = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0] for name in tables}
    return {name: int(count) for name, count in sorted(counts.items())}


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + ".wal")
